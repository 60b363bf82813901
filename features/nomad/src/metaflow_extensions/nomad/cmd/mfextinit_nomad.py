"""`metaflow nomad`."""

CMDS_DESC = [("nomad", "metaflow_extensions.nomad.command_line.cli")]
