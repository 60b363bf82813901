"""The process beside a step: claims the attempt, runs the step, shows and keeps what it says.

Run in the task: `python -m ...task.keeper COMMAND`, where COMMAND is a line of bash. Metaflow's own
bootstrap starts a Python for each of these things, and one for every upload of logs while the step
talks; each of them loads Metaflow and a client of the datastore anew.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

SILENT = 1.0  # seconds that a step says nothing until Metaflow is loaded here, too
LINGER = 1.0  # seconds that output is waited for whose writer outlives the step
KILLED = 128  # as a shell says it: this and the number of the signal
IN_MEMORY = 1 << 20  # bytes of a log; a larger one is uploaded from its file


def main(argv: Sequence[str]) -> int:
    """Give the exit code: that of the step, or of a claim that came second."""
    from metaflow_extensions.nomad.task import claim

    if (taken := claim.main()) != 0:
        return taken
    began = time.monotonic()
    step = subprocess.Popen(["bash", "-c", argv[0]], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    sources = [stream for stream in (step.stdout, step.stderr) if stream]  # both are there
    # Not yet: what the step loads in the meantime is compiled then, and there is nothing to keep.
    select.select(sources, [], [], SILENT)
    from metaflow.mflog import update_delay

    logs = Logs.here()
    tees = [tee(*ends) for ends in zip(sources, logs.files.values(), (1, 2), strict=True)]
    ended = when_over(step)
    keep(logs.files.values(), logs.save, lambda: ended.wait(update_delay(time.monotonic() - began)))
    for thread in tees:
        thread.join(LINGER)
    logs.save()
    return code if (code := step.wait()) >= 0 else KILLED - code


def tee(source: IO[bytes], kept: Path, shown: int) -> threading.Thread:
    """Pass lines on to the descriptor `shown`, and keep them as Metaflow marks them.

    A disk that is full costs lines, not the step, which would wait for ever for its output to go.
    """
    from metaflow.mflog import TASK_LOG_SOURCE
    from metaflow.mflog.mflog import decorate

    def run() -> None:
        lost = 0
        with kept.open("ab", buffering=0) as file, open(shown, "wb", closefd=False) as out:
            for line in source:
                try:
                    file.write(decorate(TASK_LOG_SOURCE, line))
                except OSError:
                    lost += 1
                with suppress(OSError):
                    out.write(line)
                    out.flush()
        if lost:
            sys.stderr.write(f"[nomad] {lost} lines of output could not be written to {kept}\n")

    thread = threading.Thread(target=run, daemon=True, name=f"tee-{shown}")
    thread.start()
    return thread


def when_over(step: subprocess.Popen[bytes]) -> threading.Event:
    """Give what is set as soon as the step has ended."""
    ended = threading.Event()

    def wait() -> None:
        step.wait()
        ended.set()

    threading.Thread(target=wait, daemon=True, name="step").start()
    return ended


def keep(files: Iterable[Path], save: Callable[[], None], over: Callable[[], bool]) -> None:
    """Save again and again what has grown, until it is over; `over` also waits a while."""
    sizes: list[int] = []
    while True:
        now = [path.stat().st_size if path.exists() else 0 for path in files]
        if now != sizes:
            sizes = now
            save()
        if over():
            return


class Logs:
    """Both logs of an attempt: files here, and where Metaflow looks for them in the datastore."""

    def __init__(self, files: Mapping[str, Path], opened: Callable[[], Any]) -> None:
        self.files, self._opened = files, opened

    @classmethod
    def here(cls) -> Logs:
        """Take those of this task, as its environment names them."""
        files = {name: Path(os.environ[f"MFLOG_{name.upper()}"]) for name in ("stdout", "stderr")}
        return cls(files, _datastore)

    @cached_property
    def _datastore(self) -> Any:
        return self._opened()

    def save(self) -> None:
        """Upload both whole, over what was there; what fails is told, and tried again later."""
        from metaflow.mflog import TASK_LOG_SOURCE

        try:
            there = {name: path for name, path in self.files.items() if path.exists()}
            small = all(path.stat().st_size < IN_MEMORY for path in there.values())
            data = {name: path.read_bytes() if small else path for name, path in there.items()}
            self._datastore.save_logs(TASK_LOG_SOURCE, data)
        except Exception as error:  # noqa: BLE001 - a step does not fail for its logs
            sys.stderr.write(f"[nomad] the output could not be stored: {error}\n")


def _datastore() -> Any:
    """Open the task's part of the datastore, as Metaflow's own upload of logs does."""
    from metaflow.datastore import FlowDataStore
    from metaflow.plugins import DATASTORES

    flow, run, step, task = os.environ["MF_PATHSPEC"].split("/")
    datastore, root = os.environ["MF_DATASTORE"], os.environ["MF_DATASTORE_ROOT"]
    kind = next(one for one in DATASTORES if datastore == one.TYPE)
    whole = FlowDataStore(flow, None, storage_impl=kind, ds_root=root)
    return whole.get_task_datastore(run, step, task, int(os.environ["MF_ATTEMPT"]), mode="w")


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # to take down all that was loaded would take longer than the last upload
