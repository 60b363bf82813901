"""The environment of a daemon: nothing of the caller's own clouds, clusters and proxies."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# A CA bundle for AWS is fatal to Nomad, a proxy catches requests to loopback, and settings of the
# caller's own daemons and clusters would lead ours to them.
PREFIXES = ("AWS_", "CNI_", "CONSUL_", "CONTAINERD_", "DOCKER_", "ETCD", "KIND_", "KUBE",
            "METAFLOW_", "NOMAD_", "PYTHON", "VAULT_", "WEED_")  # fmt: skip
NAMES = frozenset({"http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"})


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str | None]:
    """Give what `spawn` lays over this process's environment for a daemon: None takes out."""
    out: dict[str, str | None] = {name: None for name in os.environ if _misleads(name)}
    return {**out, **(extra or {})}


def whole(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the complete environment of a program that is run to its end."""
    kept = {name: value for name, value in os.environ.items() if not _misleads(name)}
    return {**kept, **(extra or {})}


def _misleads(name: str) -> bool:
    return name.startswith(PREFIXES) or name.lower() in NAMES
