"""The environment with which Metaflow's `@nomad` finds a cluster and what its tasks need."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# Many small tasks have to fit on one machine; a test that needs more asks for it.
CPU, MEMORY, DISK = "100", "300", "150"  # MHz, MB, MB
IN_PLACE = {"METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1"}
IN_CHROOT = {**IN_PLACE, "LANG": "C.UTF-8"}


def environment(details: Mapping[str, Any], driver: str) -> dict[str, str]:
    """Give what `@nomad` reads; tasks get the keys of the datastore from a Nomad Variable.

    Images have everything that a task needs, and so has the chroot of exec, which is made of the
    same. A task of raw_exec has what this process has.
    """
    found = {
        "METAFLOW_NOMAD_DRIVER": driver,
        "METAFLOW_NOMAD_CPU": CPU,
        "METAFLOW_NOMAD_MEMORY": MEMORY,
        "METAFLOW_NOMAD_DISK": DISK,
    }
    if details["variable"]:
        found["METAFLOW_NOMAD_SECRETS"] = json.dumps([details["variable"]])
    if driver == "docker":
        found["METAFLOW_NOMAD_IMAGE"] = details["image"]
        found["METAFLOW_NOMAD_NETWORK_MODE"] = details["network_mode"]
    elif driver == "exec":
        found["METAFLOW_NOMAD_ENV"] = json.dumps(IN_CHROOT)
    else:
        found["METAFLOW_NOMAD_EXECUTABLE"] = sys.executable
        found["METAFLOW_NOMAD_ENV"] = json.dumps(IN_PLACE)
    return found
