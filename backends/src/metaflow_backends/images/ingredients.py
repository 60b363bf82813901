"""What images are made of: other images, and programs that were built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from metaflow_backends.images.archive import Layer


class Ingredients(Protocol):
    """Whence a recipe takes what is there already."""

    def key(self, which: str) -> str | None:
        """Name what another image is made of; None if that cannot be known yet."""
        ...

    def layer(self, which: str) -> Layer:
        """Give the lowest layer of another image."""
        ...

    def root(self, which: str) -> Path:
        """Give another image unpacked; nobody must write to it."""
        ...

    def fingerprint(self, program: str) -> str | None:
        """Hash a built program; None if it is not built yet."""
        ...

    def program(self, name: str) -> Path:
        """Give a built program."""
        ...
