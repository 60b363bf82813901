"""Names for `from metaflow import ...`."""

toplevel = "names"
