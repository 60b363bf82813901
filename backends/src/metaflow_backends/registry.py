"""Find backends by name: every installed distribution can bring some."""

from __future__ import annotations

from importlib import metadata

from metaflow_backends.errors import BackendError
from metaflow_backends.options import nearest
from metaflow_backends.protocol import Backend

GROUP = "metaflow_backends"


class UnknownBackendError(BackendError, LookupError):
    """No installed distribution brings a backend of this kind."""


def kinds() -> tuple[str, ...]:
    """Name the kinds of backends that are installed; none of them is imported."""
    return tuple(sorted({point.name for point in metadata.entry_points(group=GROUP)}))


def load(kind: str) -> Backend:
    """Import one backend.

    Raises UnknownBackendError with the nearest name if there is none of this kind, BackendError
    that names the distribution if the one there is cannot be loaded.
    """
    found = tuple(metadata.entry_points(group=GROUP, name=kind))
    if not found:
        raise UnknownBackendError(f"unknown backend kind {kind!r}; {nearest(kind, kinds())}")
    _refuse_rivals(kind, found)
    return _import(found[0])


def _refuse_rivals(kind: str, found: tuple[metadata.EntryPoint, ...]) -> None:
    """Two distributions with one name would make it a matter of luck which one is tested."""
    if len({point.value for point in found}) > 1:
        names = " and ".join(sorted(_origin(point) for point in found))
        raise BackendError(f"backend kind {kind!r} is brought by {names}; uninstall all but one")


def _import(point: metadata.EntryPoint) -> Backend:
    try:
        made = point.load()()
    except Exception as error:  # whatever a third party's module raises when it is imported
        raise BackendError(
            f"backend kind {point.name!r} of the distribution {_origin(point)} cannot be loaded: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(made, Backend):
        missing = ", ".join(name for name in _contract() if not hasattr(made, name))
        raise BackendError(
            f"backend kind {point.name!r} of the distribution {_origin(point)} is no Backend: "
            f"{point.value} lacks {missing}"
        )
    return made


def _contract() -> tuple[str, ...]:
    members = {name for name in vars(Backend) if not name.startswith("_")}
    return tuple(sorted(members | set(Backend.__annotations__)))


def _origin(point: metadata.EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value
