"""`metaflow worker-pool`."""

CMDS_DESC = [("worker-pool", "metaflow_extensions.worker_pool.command_line.cli")]
