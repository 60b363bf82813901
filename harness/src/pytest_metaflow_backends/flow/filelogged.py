"""The one seam to Metaflow's Runner that is not public: how it starts `python flow.py`.

`metaflow.runner.subprocess_manager.CommandManager` reads the program's output through strict UTF-8
pipes: one invalid byte ends the reader, and a full pipe then blocks the flow for ever (seen in
2.19.39). Here output goes straight into files, which also can be read while the flow runs. If
Metaflow renames the class, `tests/flow/test_seams.py` says so.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow.runner import subprocess_manager

from pytest_metaflow_backends.flow.guard import dying_with_us

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_metaflow_backends.flow.ending import Progress
    from pytest_metaflow_backends.flow.workspace import Workspace

NO_RUN = 1  # exit code given to a program that ended well and made no run


class Program(subprocess.Popen[bytes]):
    """A launched program; ending well without having made a run is not success.

    Without this, Metaflow's Runner would wait an hour for a flow file that lacks the call of its
    flow: it only gives up early if the exit code is not 0 (runner/utils.py, 2.19.39).
    """

    makes: Path | None = None  # the file that exists once there is a run

    def poll(self) -> int | None:
        code = super().poll()
        if code == 0 and self.makes is not None and not self.makes.exists():
            self.returncode = NO_RUN
        return self.returncode


def log_into_files(work: Workspace, progress: Progress) -> None:
    """Let all programs that Runner and Deployer start from now on write into the workspace."""
    prepare = dying_with_us()

    seam: Any = subprocess_manager
    base: Any = seam.CommandManager

    class FileLogged(base):  # type: ignore[misc]
        def run(self, *, show_output: bool = False) -> int:  # noqa: ARG002 - as Metaflow calls it
            self.process, self.log_files = _start(self, work, len(progress.programs), prepare)
            self.run_called = True
            progress.programs.append(self.process)
            return int(self.process.pid)

        def sync_wait(self) -> None:
            self.process.wait()

        def cleanup(self) -> None:
            """Keep the files: they are read after the Runner is gone."""

    seam.CommandManager = FileLogged


def _start(
    manager: Any,  # noqa: ANN401
    work: Workspace,
    number: int,
    prepare: Callable[[], None],
) -> tuple[Program, dict[str, str]]:
    files = {stream: work.launcher(number, stream) for stream in ("stdout", "stderr")}
    with files["stdout"].open("wb") as stdout, files["stderr"].open("wb") as stderr:
        program = Program(
            manager.command,
            cwd=manager.cwd,
            env=manager.env,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            preexec_fn=prepare,  # this process has one thread
        )
    if "--run-id-file" in manager.command:
        program.makes = Path(manager.command[manager.command.index("--run-id-file") + 1])
    return program, {stream: str(path) for stream, path in files.items()}
