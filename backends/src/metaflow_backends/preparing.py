"""Get what a backend needs before it can start, or say what of it is missing."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from metaflow_backends import images, toolchain
from metaflow_backends.errors import BackendError
from metaflow_backends.host import packages

if TYPE_CHECKING:
    from collections.abc import Callable

    from metaflow_backends.protocol import Needs


def prepare(needs: Needs, *, install: bool, say: Callable[[str], None]) -> None:
    """Install packages if `install`, build tools and images; what is there already is kept.

    Raises BackendError for the first thing that cannot be had, with its cure.
    """
    wanted = _packages(needs)
    if install:
        packages.install(wanted, say)
    elif lacking := packages.missing(wanted):
        raise BackendError(f"{' '.join(lacking)} missing: {packages.cure(lacking)}")
    for name in needs.tools:
        toolchain.ensure(name, say)
    for which in needs.images:
        images.ensure(which, say)


def _packages(needs: Needs) -> tuple[str, ...]:
    """Add to the packages that a backend runs with those that make what is not there yet."""
    tools = [toolchain.packages(name) for name in needs.tools]
    made = [images.packages(which) for which in needs.images]
    return tuple(dict.fromkeys(chain(needs.packages, *tools, *made)))


def tools(needs: Needs) -> tuple[str, ...]:
    """Name all programs: those that run, and those that go into images."""
    inside = chain.from_iterable(images.programs(which) for which in needs.images)
    return tuple(dict.fromkeys((*needs.tools, *inside)))


def missing(needs: Needs) -> tuple[str, ...]:
    """Say what of it is not there, a line each; nothing is started or built."""
    lacking = packages.missing(_packages(needs))
    lines = [f"packages: {packages.cure(lacking)}"] if lacking else []
    lines += [f"tool {name}: not built yet" for name in tools(needs) if not toolchain.find(name)]
    lines += [f"image {which}: not made yet" for which in needs.images if not images.find(which)]
    return tuple(lines)
