"""`metaflow function`."""

CMDS_DESC = [("function", "metaflow_extensions.functions.cli.cli")]
