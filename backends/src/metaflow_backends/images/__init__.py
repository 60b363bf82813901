"""Container images without a registry: made from packages and built programs, once."""

from __future__ import annotations

from metaflow_backends.images.loading import load_into_containerd, load_into_docker
from metaflow_backends.images.making import (
    NAMES,
    Image,
    ensure,
    find,
    packages,
    programs,
    unpacked,
    unused,
)

__all__ = [
    "NAMES",
    "Image",
    "ensure",
    "find",
    "load_into_containerd",
    "load_into_docker",
    "packages",
    "programs",
    "unpacked",
    "unused",
]
