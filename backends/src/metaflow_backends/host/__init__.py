"""What this machine is and allows: packages, namespaces, control groups, and its traps."""
