"""A column that is up, as a test holds it in its hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from metaflow_backends.errors import BackendError
from metaflow_backends.protocol import Explains
from metaflow_backends.sandbox import USER

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from metaflow_backends.protocol import Backend, LogFile, Running

    from pytest_metaflow_backends.matrix.model import Column

# Where Metaflow looks for a user's name, in this order. Source: metaflow.util.get_username.
WHO = ("METAFLOW_USER", "SUDO_USER", "USERNAME", "USER")


@runtime_checkable
class Acting(Protocol):
    """A backend with scripted faults, which strike when they are told that a test begins."""

    def act(self, running: Running, needs: Collection[str] = ()) -> None: ...


@dataclass(frozen=True, repr=False)
class Active:
    """One column of the matrix, up and ready for flows."""

    column: Column
    running: Running
    backend: Backend

    def __repr__(self) -> str:
        """Be short, and hold no settings: pytest shows it in every traceback."""
        return f"<backend {self.column.name}>"

    @property
    def name(self) -> str:
        """Name the backend without its variant; `column.name` has both."""
        return self.column.backend

    @property
    def variant(self) -> str | None:
        return self.column.variant

    @property
    def capabilities(self) -> frozenset[str]:
        """What the matrix says this column can do, else what the backend itself declares."""
        provides = self.column.provides
        return self.backend.capabilities if provides is None else provides

    @property
    def environment(self) -> Mapping[str, str | None]:
        """What flows need in their environment; None removes a variable. The matrix wins."""
        return {**self.running.environment, **self.column.environment}

    def has(self, capability: str) -> bool:
        return capability in self.capabilities

    def environ(self, base: Mapping[str, str]) -> dict[str, str]:
        """Give the complete environment of a flow: `base` with ours laid over it.

        Variables that begin with one of `running.details["clears"]` are taken out of `base`, so
        that no setting of the caller changes what is tested.
        """
        clears = tuple(self.running.details.get("clears", ()))
        kept = {name: value for name, value in base.items() if not name.startswith(clears)}
        # Metaflow runs no flow without a user's name, and refuses root's.
        merged = {"METAFLOW_USER": USER, **kept, **self.environment}
        return {name: value for name, value in merged.items() if value is not None}

    def check(self, needs: Collection[str] = ()) -> None:
        """Ask the backend whether it still answers, before a test that needs `needs`.

        Raises BackendError if it does not, and whatever a scripted backend is told to raise.
        """
        health = self.backend.health(self.running)
        if not health.alive:
            raise BackendError(f"{self.column.name} no longer answers: {health.reason}")
        if isinstance(self.backend, Acting):
            self.backend.act(self.running, needs)

    def logs(self, native: Mapping[str, str]) -> Sequence[LogFile]:
        """Name the backend's logs that help with the task of this native identity."""
        return self.backend.logs(self.running, native)

    def native(self, metadata: Mapping[str, str]) -> Mapping[str, str]:
        """Pick the native identity of a task out of its metadata."""
        return self.backend.native(metadata)

    def explain(self, run_id: str | None) -> str:
        """Say why a run failed of which no task could tell; "" if the backend does not know."""
        if run_id is None or not isinstance(self.backend, Explains):
            return ""
        try:
            return self.backend.explain(self.running, run_id)
        except BackendError as error:
            return f"{self.column.name} cannot say why: {error}"


def identity(base: Mapping[str, str]) -> dict[str, str]:
    """Name a user where nobody in `base` is one for Metaflow, which runs nothing without."""
    found = next((base[name] for name in WHO if base.get(name)), "root")
    return {"METAFLOW_USER": USER} if found == "root" else {}
