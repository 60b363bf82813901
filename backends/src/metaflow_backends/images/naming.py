"""The name under which our images are known, in whatever engine they are loaded."""

from __future__ import annotations

REPOSITORY = "docker.io/metaflow-extras"


def name(which: str, tag: str) -> str:
    """Give the name of an image.

    >>> name("task", "0a1b2c3d4e5f")
    'docker.io/metaflow-extras/task:0a1b2c3d4e5f'
    """
    return f"{REPOSITORY}/{which}:{tag}"
