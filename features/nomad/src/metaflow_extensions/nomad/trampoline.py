"""The process between Metaflow's scheduler and Nomad: one for each attempt."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow.exception import METAFLOW_EXIT_DISALLOW_RETRY
from metaflow_extensions.nomad.api.client import Client
from metaflow_extensions.nomad.api.session import Session
from metaflow_extensions.nomad.connection import Connection
from metaflow_extensions.nomad.errors import NomadError
from metaflow_extensions.nomad.job import environment
from metaflow_extensions.nomad.job.command import Bootstrap, Package, command
from metaflow_extensions.nomad.job.document import document
from metaflow_extensions.nomad.job.identity import Attempt
from metaflow_extensions.nomad.launching import Launch
from metaflow_extensions.nomad.logs.spool import Spool
from metaflow_extensions.nomad.task import objects, orphan
from metaflow_extensions.nomad.terminal import Terminal
from metaflow_extensions.nomad.watch.ending import Cause, Ending

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metaflow_extensions.nomad.spec import Spec

TAKEN_AWAY = frozenset(
    {Cause.COLLECTED, Cause.REPLACED, Cause.LOST, Cause.PREEMPTED, Cause.DRAINED, Cause.STOPPED}
)
PIECE = 30 * 1024  # bytes of one variable: Linux takes 128 KiB for one text
LAST_TRY = 3.0  # seconds
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Trampoline:
    """Builds one attempt's job, sees it through, and leaves what Metaflow looks for."""

    def __init__(
        self,
        ctx: Any,
        step: str,
        package: Package,
        spec: Spec,
        limit: float | None,
        passed: Mapping[str, Any],
    ) -> None:
        self._ctx, self._step, self._package = ctx, step, package
        self._spec, self._limit = spec, limit
        self._passed = {name: value for name, value in passed.items() if name != "ubf_context"}
        self._flow = ctx.obj
        self._store = ctx.obj.flow_datastore
        self._attempt = self._identity()

    def run(self) -> int:
        """Give the exit code: the task's own, or 202 where a retry would not help."""
        from metaflow import metaflow_config as config

        self._wait_between_retries()
        spool = Spool()
        screen = Terminal(spool)
        try:
            session = Session(Connection.here(), float(config.NOMAD_PATIENCE), screen.waiting)
            client = Client(session, self._spec.namespace, self._spec.region)
            launch = Launch(client, self._job(), self._spec, screen, self._limit)
            with self._stopped_with_us(launch), self._heard_of(float(config.NOMAD_ORPHAN_LIMIT)):
                end = self._settled(launch.run())
            screen.say(end.sentence)
        except NomadError as error:
            screen.say(f"{error.headline}: {error}")
            return METAFLOW_EXIT_DISALLOW_RETRY
        finally:
            self._sync_metadata()
        self._leave(end, spool)
        return _exit_code(end)

    def _identity(self) -> Attempt:
        from metaflow import util

        return Attempt(
            flow=self._flow.flow.name,
            run=str(self._passed["run_id"]),
            step=self._step,
            task=str(self._passed["task_id"]),
            number=int(self._passed["retry_count"]),
            datastore=str(self._store.datastore_root),
            user=util.get_username(),
        )

    def _job(self) -> dict[str, Any]:
        from metaflow import metaflow_config as config

        boot = Bootstrap.of(self._flow.environment, self._store.TYPE, self._step, self._package)
        inputs, step = self._step_command()
        argv = command(
            self._attempt, boot, step, limit=self._limit, executable=self._spec.executable
        )
        env = {
            **dict(self._spec.env),
            **environment.of_metaflow(self._store.TYPE),
            **environment.of_attempt(self._attempt, self._package, self._store.TYPE),
            **environment.of_node(self._spec, float(config.NOMAD_ORPHAN_LIMIT)),
            **self._variables(),
            **inputs,
        }
        return document(self._attempt, self._spec, argv, env)

    def _step_command(self) -> tuple[dict[str, str], str]:
        """Give Metaflow's own command line, and the variables that hold its long part."""
        from metaflow import util

        executable = self._flow.environment.executable(self._step, None)
        passed = dict(self._passed)
        paths = passed.get("input_paths") or ""
        pieces = {
            f"METAFLOW_INPUT_PATHS_{i // PIECE}": paths[i : i + PIECE]
            for i in range(0, len(paths), PIECE)
        }
        if pieces:
            passed["input_paths"] = "".join(f"${{{name}}}" for name in pieces)
        top = " ".join(util.dict_to_cli_options(self._ctx.parent.parent.params))
        own = " ".join(util.dict_to_cli_options(passed))
        script = os.path.basename(sys.argv[0])  # noqa: PTH119
        return pieces, f"{executable} -u {script} {top} step {self._step} {own}"

    def _variables(self) -> dict[str, str]:
        """Give what @environment sets."""
        found = self._decorator("environment")
        return {} if found is None else dict(found.attributes["vars"])

    def _decorator(self, name: str) -> Any:
        decorators = self._flow.graph[self._step].decorators
        return next((deco for deco in decorators if deco.name == name), None)

    def _wait_between_retries(self) -> None:
        """Wait as @retry asks: Metaflow's scheduler leaves that to the backend."""
        found = self._decorator("retry")
        if self._attempt.number and found is not None:
            minutes = float(found.attributes.get("minutes_between_retries", 2))
            if minutes:
                self._flow.echo_always(f"Sleeping {minutes:g} minutes before the next retry")
            time.sleep(60 * minutes)

    @contextmanager
    def _stopped_with_us(self, launch: Launch) -> Iterator[None]:
        """Take the job down if this process is told to end, or something of ours breaks."""

        def told(number: int, _frame: object) -> None:
            raise _ToldError(number)

        before = {number: signal.signal(number, told) for number in SIGNALS}
        try:
            yield
        except BaseException as error:
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            _let_go(launch)
            if isinstance(error, _ToldError):
                raise NomadError(f"stopped by {signal.Signals(error.number).name}") from None
            raise
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def _heard_of(self, limit: float) -> Iterator[None]:
        """Let the task know, as long as this lasts, that somebody waits for it."""
        if not limit:
            yield
            return
        place = orphan.path(self._attempt.pathspec, self._attempt.number)
        store = cache(partial(objects.of, self._store.TYPE, self._store.datastore_root))
        thread = orphan.Launcher(store, place, limit)
        thread.start()
        try:
            yield
        finally:
            thread.stop()

    def _settled(self, end: Ending) -> Ending:
        """Believe the datastore where Nomad took the task away, or knows it no more.

        An attempt that has stored all it had to has succeeded, whatever became of its allocation.
        """
        from metaflow.datastore.task_datastore import TaskDataStore

        if end.cause not in TAKEN_AWAY:
            return end
        kept = self._kept()
        if kept.has_metadata(TaskDataStore.METADATA_DONE_SUFFIX) and kept.get("_task_ok"):
            return Ending(Cause.DONE, f"Task finished; {end.sentence} afterwards.", 0)
        return end

    def _kept(self) -> Any:
        """Open what the datastore has of this attempt, to read."""
        attempt = self._attempt
        return self._store.get_task_datastore(
            attempt.run,
            attempt.step,
            attempt.task,
            attempt=attempt.number,
            allow_not_done=True,
        )

    def _leave(self, end: Ending, spool: Spool) -> None:
        """Store what a task that failed could not: its last output, and why."""
        from metaflow.metadata_provider import MetaDatum

        if end.succeeded:
            return
        attempt = self._attempt
        kept = self._store.get_task_datastore(
            attempt.run, attempt.step, attempt.task, attempt=attempt.number, mode="w"
        )
        with tempfile.TemporaryDirectory() as folder:
            spool.save(kept, Path(folder))
        tags = [f"attempt_id:{attempt.number}"]
        told = {"nomad-cause": end.cause.value, "nomad-ending": end.sentence}
        entries = [MetaDatum(name, value, name, tags) for name, value in told.items()]
        self._flow.metadata.register_metadata(attempt.run, attempt.step, attempt.task, entries)

    def _sync_metadata(self) -> None:
        from metaflow.metadata_provider.util import sync_local_metadata_from_datastore
        from metaflow.metaflow_config import DATASTORE_LOCAL_DIR

        if self._flow.metadata.TYPE != "local":
            return
        kept = self._kept()
        if kept.has_metadata("local_metadata"):
            sync_local_metadata_from_datastore(DATASTORE_LOCAL_DIR, kept)


def _let_go(launch: Launch) -> None:
    """Stop the job, for whose end nobody waits; a server that is away is not waited for either."""
    launch.client.session.patience = LAST_TRY
    try:
        launch.stop()
    except NomadError as error:
        launch.screen.say(f"Job {launch.name} may run on: {error}")


class _ToldError(BaseException):
    """This process was told to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _exit_code(end: Ending) -> int:
    if end.succeeded:
        return 0
    if not end.retry:
        return METAFLOW_EXIT_DISALLOW_RETRY
    return end.exit_code or 1
