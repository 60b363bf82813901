"""The process between Metaflow's scheduler and Nomad: one for each attempt."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow.exception import METAFLOW_EXIT_DISALLOW_RETRY
from metaflow_extensions.nomad.api.client import Client
from metaflow_extensions.nomad.errors import NomadError
from metaflow_extensions.nomad.job import environment
from metaflow_extensions.nomad.job.command import Bootstrap, Package, command
from metaflow_extensions.nomad.job.document import document
from metaflow_extensions.nomad.job.identity import Attempt
from metaflow_extensions.nomad.launching import Launch
from metaflow_extensions.nomad.logs.spool import Spool
from metaflow_extensions.nomad.task import objects, orphan
from metaflow_extensions.nomad.terminal import Terminal
from metaflow_extensions.nomad.watch.ending import Cause, Ending, ending

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from metaflow_extensions.nomad.spec import Spec

TAKEN_AWAY = frozenset(
    {Cause.COLLECTED, Cause.REPLACED, Cause.LOST, Cause.PREEMPTED, Cause.DRAINED, Cause.STOPPED}
)
PIECE = 30 * 1024  # bytes of one variable: Linux takes 128 KiB for one text
LAST_TRY = 3.0  # seconds
PR_SET_PDEATHSIG = 1
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
        end_with_parent()
        self._wait_between_retries()
        with closing(Spool()) as spool:
            return self._run(spool, Terminal(spool))

    def _run(self, spool: Spool, screen: Terminal) -> int:
        try:
            end = self._seen_through(screen)
        except NomadError as error:
            end = ending(Cause.REFUSED, f"{error.headline}: {error}")
        screen.say(end.sentence)
        self._sync_metadata()
        if not end.succeeded:
            self._leave(end, spool, screen)
        return _exit_code(end)

    def _seen_through(self, screen: Terminal) -> Ending:
        from metaflow import metaflow_config as config

        spec, patience = self._spec, float(config.NOMAD_PATIENCE)
        client = Client.here(patience, spec.namespace, spec.region, screen.waiting)
        launch = Launch(client, self._job(), self._spec, screen, self._limit)
        with self._stopped_with_us(launch), self._heard_of(float(config.NOMAD_ORPHAN_LIMIT)):
            return self._settled(launch.run())

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
            self._attempt, boot, step, seconds=self._limit, executable=self._spec.executable
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
            _ignore(ours)  # a second one must not come between
            raise _ToldError(number)

        # What is ignored on purpose, as nohup does, stays ignored.
        ours = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, told) for number in ours}
        try:
            yield
        except BaseException as error:
            _ignore(ours)
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
        thread = orphan.Launcher(cache(self._objects), place, limit)
        thread.start()
        try:
            yield
        finally:
            thread.stop()

    def _objects(self) -> objects.Objects:
        """Open the datastore in good time: Metaflow's client of it, too, is slow to make."""
        self._kept()
        return objects.of(self._store.TYPE, self._store.datastore_root)

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

    def _leave(self, end: Ending, spool: Spool, screen: Terminal) -> None:
        """Store what a task that failed could not: its last output, and why.

        What cannot be stored is said, and changes nothing about how the attempt ended.
        """
        attempt = self._attempt
        try:
            written = self._store.get_task_datastore(
                attempt.run, attempt.step, attempt.task, attempt=attempt.number, mode="w"
            )
            with tempfile.TemporaryDirectory() as folder:
                spool.save(self._kept(), written, Path(folder))
            self._tell(end)
        except Exception as error:  # noqa: BLE001 - of a store or a service that may be away
            screen.say(f"what is known of this end could not be stored: {error}")

    def _tell(self, end: Ending) -> None:
        from metaflow.metadata_provider import MetaDatum

        attempt = self._attempt
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


def end_with_parent() -> None:
    """Let the kernel tell this process to end when Metaflow's scheduler does, however it does.

    Source: prctl(2), PR_SET_PDEATHSIG; elsewhere than on Linux nothing happens.
    """
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _ignore(numbers: Iterable[signal.Signals]) -> None:
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def _let_go(launch: Launch) -> None:
    """Stop the job, for whose end nobody waits; a server that is away is not waited for either."""
    launch.client.session.hurry(LAST_TRY)
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
