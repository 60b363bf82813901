"""What METAFLOW_NOMAD_* and Metaflow's configuration files can set; a decorator's value wins."""

from metaflow.metaflow_config import SPIN_DISALLOWED_DECORATORS as OF_METAFLOW
from metaflow.metaflow_config_funcs import from_conf

# Spin would leave @nomad out and run the step here.
SPIN_DISALLOWED_DECORATORS = [*OF_METAFLOW, "nomad"]
del OF_METAFLOW

# Where the server is. NOMAD_ADDR, NOMAD_NAMESPACE and NOMAD_REGION are heeded if these are unset.
NOMAD_ADDRESS = from_conf("NOMAD_ADDRESS")
NOMAD_NAMESPACE = from_conf("NOMAD_NAMESPACE")
NOMAD_REGION = from_conf("NOMAD_REGION")

# Where steps run, and what they get: one for each attribute of @nomad. Lists are JSON, or names
# separated by commas; objects are JSON.
NOMAD_DATACENTERS = from_conf("NOMAD_DATACENTERS")
NOMAD_NODE_POOL = from_conf("NOMAD_NODE_POOL")
NOMAD_DRIVER = from_conf("NOMAD_DRIVER")
NOMAD_IMAGE = from_conf("NOMAD_IMAGE")
NOMAD_EXECUTABLE = from_conf("NOMAD_EXECUTABLE")
NOMAD_USER = from_conf("NOMAD_USER")
NOMAD_CPU = from_conf("NOMAD_CPU")  # MHz
NOMAD_CORES = from_conf("NOMAD_CORES")
NOMAD_MEMORY = from_conf("NOMAD_MEMORY")  # MB, as all sizes
NOMAD_MEMORY_MAX = from_conf("NOMAD_MEMORY_MAX")
NOMAD_SHARED_MEMORY = from_conf("NOMAD_SHARED_MEMORY")
NOMAD_DISK = from_conf("NOMAD_DISK")
NOMAD_GPU = from_conf("NOMAD_GPU")
NOMAD_DEVICE = from_conf("NOMAD_DEVICE")
NOMAD_DEVICE_CONSTRAINTS = from_conf("NOMAD_DEVICE_CONSTRAINTS")
NOMAD_CONSTRAINTS = from_conf("NOMAD_CONSTRAINTS")
NOMAD_AFFINITIES = from_conf("NOMAD_AFFINITIES")
NOMAD_SPREADS = from_conf("NOMAD_SPREADS")
NOMAD_PRIORITY = from_conf("NOMAD_PRIORITY")
NOMAD_VOLUMES = from_conf("NOMAD_VOLUMES")
NOMAD_NETWORK_MODE = from_conf("NOMAD_NETWORK_MODE")
NOMAD_PORTS = from_conf("NOMAD_PORTS")
NOMAD_SECRETS = from_conf("NOMAD_SECRETS")
NOMAD_ENV = from_conf("NOMAD_ENV")  # whoever may read jobs sees it
NOMAD_META = from_conf("NOMAD_META")  # so too
NOMAD_MHZ_PER_CPU = from_conf("NOMAD_MHZ_PER_CPU", 1000)  # for @resources(cpu=...)

# Whether launchers are forked from one process of the run, which has loaded what they need.
NOMAD_FORKSERVER = from_conf("NOMAD_FORKSERVER", True)  # noqa: FBT003 - as Metaflow has it

# How long is waited, in seconds.
NOMAD_QUEUE_TIMEOUT = from_conf("NOMAD_QUEUE_TIMEOUT")
NOMAD_KILL_TIMEOUT = from_conf("NOMAD_KILL_TIMEOUT")
NOMAD_ORPHAN_LIMIT = from_conf("NOMAD_ORPHAN_LIMIT", 600)  # for a task whose launcher is gone
NOMAD_PATIENCE = from_conf("NOMAD_PATIENCE", 1800)  # for a server that answers no more
