"""Run, resume or spin a flow through Metaflow's Runner."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.flow.ending import Ending, Progress

if TYPE_CHECKING:
    from pytest_metaflow_backends.flow.request import FlowRequest
    from pytest_metaflow_backends.flow.workspace import Workspace


def launch(request: FlowRequest, work: Workspace, progress: Progress) -> Ending:
    """Run the flow to its end; whatever goes wrong in it is told by the ending, never raised."""
    try:
        runner = _load(request, work, progress)
        executing = _execute(runner, request, work)
    except SystemExit as stop:
        return Ending(exit_code=_code(stop), progress=progress, error=_text(stop))
    except Exception as error:  # noqa: BLE001 - a user's flow may raise anything
        return failed(error, work, progress)
    _note(executing, progress)
    return Ending(exit_code=executing.returncode, progress=progress)


def _load(request: FlowRequest, work: Workspace, progress: Progress) -> Any:  # noqa: ANN401
    """Import the flow file as Metaflow does; the file marks that this is going on."""
    from metaflow.runner.metaflow_runner import Runner

    from pytest_metaflow_backends.flow.filelogged import log_into_files
    from pytest_metaflow_backends.flow.flowfile import loaded

    log_into_files(work, progress)
    work.loading.touch()
    runner = Runner(
        str(request.path),
        show_output=False,
        cwd=str(request.cwd),
        file_read_timeout=int(request.timeout) + 1,
        **top_level(request),
    )
    work.loading.unlink()
    progress.module, progress.flow = loaded(request.path)
    return runner


def top_level(request: FlowRequest) -> dict[str, Any]:
    """Give the options before the command; decorators of both sources are kept."""
    top = dict(request.top)
    decospecs = [*request.decospecs, *top.pop("decospecs", ())]
    return {**top, "decospecs": decospecs} if decospecs else top


def _execute(runner: Any, request: FlowRequest, work: Workspace) -> Any:  # noqa: ANN401
    options = {"run_id_file": str(work.run_id), **request.options}
    if request.command == "spin":
        return runner.spin(options.pop("pathspec"), **request.parameters, **options)
    if request.tags:
        options["tags"] = [*request.tags, *options.pop("tags", ())]
    return getattr(runner, request.command)(**request.parameters, **options)


def _note(executing: Any, progress: Progress) -> None:  # noqa: ANN401
    found = executing.task if hasattr(executing, "task") else executing.run
    progress.pathspec = found.pathspec
    progress.metadata = found._metaflow.metadata.metadata_str()  # noqa: SLF001 - no public name


def failed(error: Exception, work: Workspace, progress: Progress) -> Ending:
    """Judge by the program that was started, if one was.

    Otherwise there was no launch; or the Runner lost sight of a run that is there.
    """
    run_id = work.known_run_id()
    if run_id and progress.flow:
        progress.pathspec = f"{progress.flow}/{run_id}"
    code = progress.programs[-1].wait() if progress.programs else 1
    if code and progress.programs:
        return Ending(exit_code=code, progress=progress)
    return Ending(exit_code=0 if run_id else 1, progress=progress, error=_text(error))


def _text(error: BaseException) -> str:
    """Show where in the flow it happened, without the frames of Metaflow and of ours."""
    shown = traceback.TracebackException.from_exception(error)
    part: traceback.TracebackException | None = shown
    while part is not None:
        frames = [frame for frame in part.stack if not frame.filename.startswith(_machinery())]
        part.stack = traceback.StackSummary.from_list(frames)
        part = part.__cause__ or part.__context__
    return "".join(shown.format()).rstrip()


def _machinery() -> tuple[str, ...]:
    import metaflow

    return (str(Path(metaflow.__file__).parent), str(Path(__file__).parent), "<frozen ")


def _code(stop: SystemExit) -> int:
    if isinstance(stop.code, int):
        return stop.code
    if stop.code is None:
        return 0
    sys.stderr.write(f"{stop.code}\n")
    return 1
