"""Hand an image to a container engine that has none of it yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaflow_backends.errors import BackendError
from metaflow_backends.host import clean
from metaflow_backends.host.commands import run

if TYPE_CHECKING:
    from pathlib import Path

    from metaflow_backends.images.making import Image

ASK, LOAD = 30.0, 300.0  # seconds
KUBERNETES = "k8s.io"  # the namespace of containerd that kubelet looks into


def load_into_docker(image: Image, docker_host: str) -> None:
    """Load an image into the Docker daemon at `docker_host`, e.g. unix:///run/docker.sock."""
    docker = ["docker", "--host", docker_host]
    try:
        run([*docker, "image", "inspect", image.name], timeout=ASK, env=clean.whole())
    except BackendError:
        run([*docker, "load", "-i", str(image.archive)], timeout=LOAD, env=clean.whole())


def load_into_containerd(image: Image, socket: Path, namespace: str = KUBERNETES) -> None:
    """Load an image into the containerd that listens on `socket`."""
    ctr = ["ctr", "--address", str(socket.absolute()), "--namespace", namespace, "images"]
    listed = run([*ctr, "ls", "-q", f"name=={image.name}"], timeout=ASK, env=clean.whole())
    if image.name not in listed.split():
        run([*ctr, "import", str(image.archive)], timeout=LOAD, env=clean.whole())
