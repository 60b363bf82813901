"""What METAFLOW_WORKER_POOL_* and configuration files can set; a decorator's value wins."""

from metaflow.metaflow_config_funcs import from_conf

# One for each attribute of @worker_pool.
WORKER_POOL_SIZE = from_conf("WORKER_POOL_SIZE")
WORKER_POOL_ISOLATION = from_conf("WORKER_POOL_ISOLATION")
WORKER_POOL_MAX_ITEMS_PER_WORKER = from_conf("WORKER_POOL_MAX_ITEMS_PER_WORKER")
WORKER_POOL_MAX_WORKER_AGE = from_conf("WORKER_POOL_MAX_WORKER_AGE")
WORKER_POOL_MAX_RSS_GROWTH = from_conf("WORKER_POOL_MAX_RSS_GROWTH")
WORKER_POOL_POISON_AFTER = from_conf("WORKER_POOL_POISON_AFTER")

WORKER_POOL_EVENTS = from_conf("WORKER_POOL_EVENTS")  # a folder for the event files; 0: none
WORKER_POOL_PROGRESS = from_conf("WORKER_POOL_PROGRESS")  # seconds between two lines; 0: none
# Whether Metaflow's own small files are written with fewer calls.
WORKER_POOL_LEAN_FILES = from_conf("WORKER_POOL_LEAN_FILES", True)  # noqa: FBT003 - Metaflow's
# How items are started: "never" in pools, or through a small "client" each, which leaves Metaflow's
# scheduler alone.
WORKER_POOL_LAUNCH = from_conf("WORKER_POOL_LAUNCH")
