"""Probe and start one column, or find out why not. The caller holds the column's lock."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from metaflow_backends.errors import BackendError, BackendUnavailableError
from metaflow_backends.launch import bring_up, digest
from metaflow_backends.options import OptionError
from metaflow_backends.protocol import Settings
from metaflow_backends.registry import UnknownBackendError

from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.lifecycle.decision import Answer, Decision
from pytest_metaflow_backends.records import BackendEvent

if TYPE_CHECKING:
    from metaflow_backends.protocol import Backend, Process, Running
    from metaflow_backends.state import Folder, State

    from pytest_metaflow_backends.matrix.model import Column

Listener = Callable[[BackendEvent], None]


class Registry(Protocol):
    """Where backends come from; the module `metaflow_backends.registry` is one."""

    def load(self, kind: str) -> Backend: ...

    def kinds(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Starter:
    """Starts a column on behalf of a session, or detached if it has no owner."""

    registry: Registry
    listen: Listener
    session: str = ""
    owner: Process | None = None

    def load(self, column: Column) -> Backend:
        """Load a column's backend and hold the matrix against it.

        Raises UsageError if the matrix asks for what does not exist.
        """
        try:
            backend = self.registry.load(column.kind)
        except UnknownBackendError as error:
            raise UsageError(f"backend {column.name!r}: {error}") from error
        if undeclared := sorted((column.provides or frozenset()) - backend.capabilities):
            raise UsageError(
                f"backend {column.name!r}: `provides` names {', '.join(undeclared)}, which the "
                f"kind {column.kind!r} does not declare; take it out of the matrix"
            )
        return backend

    def start(self, column: Column, folder: Folder) -> Decision:
        """Probe and start; the decision says how that went. Raises UsageError as `load` does."""
        began = time.monotonic()
        self.tell(column, "probing")
        decision, state = self._attempt(column, folder)
        seconds = time.monotonic() - began
        if state is None:
            known = {Answer.UNAVAILABLE: "unavailable", Answer.BROKEN: "failed"}
            self.tell(
                column,
                known[decision.answer],
                reason=decision.reason,
                cure=decision.cure,
                seconds=seconds,
            )
        else:
            self.tell_up(column, state.running, seconds=seconds)
        return decision

    def _attempt(self, column: Column, folder: Folder) -> tuple[Decision, State | None]:
        settings = settings_of(column)
        try:
            backend = self.load(column)
            probe = backend.probe(settings)
            if not probe.available:
                return Decision(Answer.UNAVAILABLE, probe.reason, probe.cure), None
            state = bring_up(backend, settings, folder, session=self.session, owner=self.owner)
        except OptionError as error:
            raise UsageError(str(error)) from error
        except BackendUnavailableError as error:
            return Decision(Answer.UNAVAILABLE, str(error)), None
        except BackendError as error:
            return Decision(Answer.BROKEN, str(error)), None
        except UsageError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug in anybody's backend breaks one column
            bug = f"bug in the backend kind {column.kind!r}: {type(error).__name__}: {error}"
            bug += _place(error)
            return Decision(Answer.BROKEN, bug), None
        return Decision(Answer.UP), state

    def tell_up(
        self, column: Column, running: Running, *, seconds: float = 0.0, reason: str = ""
    ) -> None:
        """Report that the column can be used."""
        self.listen(
            BackendEvent(
                backend=column.backend,
                variant=column.variant,
                state="up",
                reason=reason,
                seconds=seconds,
                provider=running.provider,
                versions=dict(running.versions),
                logs=running.logs,
            )
        )

    def tell(
        self, column: Column, state: str, *, reason: str = "", cure: str = "", seconds: float = 0.0
    ) -> None:
        """Report a step in the column's life."""
        self.listen(
            BackendEvent(
                backend=column.backend,
                variant=column.variant,
                state=state,
                reason=reason,
                cure=cure,
                seconds=seconds,
            )
        )


def settings_of(column: Column) -> Settings:
    """Pick out of a column what its backend needs."""
    return Settings(
        name=column.backend,
        variant=column.variant,
        provider=column.provider,
        start_timeout=column.start_timeout,
        options=dict(column.options),
    )


def shareable(column: Column, state: State, backend: Backend) -> Decision:
    """Decide whether a run may use a detached backend: alive, and started with its settings."""
    again = f"mf-backends down {column.name}, then mf-backends up {column.name}"
    if state.kind != column.kind or state.settings != digest(settings_of(column)):
        return Decision(Answer.BROKEN, "it was started by hand with other settings", again)
    health = backend.health(state.running)
    if not health.alive:
        return Decision(Answer.BROKEN, f"it was started by hand and died: {health.reason}", again)
    return Decision(Answer.UP)


def _place(error: BaseException) -> str:
    """Say where an exception was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
