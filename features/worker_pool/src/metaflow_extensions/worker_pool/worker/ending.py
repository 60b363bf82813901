"""How an attempt ends: the exit code and the words that a process of its own would have ended with.

Source: metaflow.cli.main, click's Command.main and the interpreter's handling of SystemExit.
"""

from __future__ import annotations

import ctypes
import sys
import traceback
from contextlib import suppress
from types import TracebackType
from typing import Any

PACKAGE = "metaflow_extensions.worker_pool"
FAILED = 1
_flush_c: Any = None


def of_exit(end: SystemExit) -> int:
    """Give the code that the interpreter would end with."""
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code & 0xFF
    with suppress(Exception):
        sys.stderr.write(f"{end.code}\n")
    return FAILED


def of_error(error: BaseException) -> int:
    """Print an error as Metaflow's command line does, and give its exit code."""
    from metaflow._vendor import click
    from metaflow.cli import print_metaflow_exception
    from metaflow.exception import MetaflowException

    if isinstance(error, click.exceptions.Exit):
        return int(error.exit_code)
    if isinstance(error, click.ClickException):
        error.show()
        return int(error.exit_code)
    if isinstance(error, (EOFError, KeyboardInterrupt, click.Abort)):
        if not isinstance(error, click.Abort):
            click.echo(file=sys.stderr)
        click.echo("Aborted!", file=sys.stderr)
    elif isinstance(error, MetaflowException):
        print_metaflow_exception(error)
    elif isinstance(error, Exception):
        _print_unknown(error)
    else:
        sys.excepthook(type(error), error, _as_stock(error))
    return FAILED


def _print_unknown(error: BaseException) -> None:
    """Do as metaflow.cli.print_unknown_exception, with the frames that a task's process has."""
    from metaflow.cli import echo_always

    text = "".join(traceback.format_exception(type(error), error, _as_stock(error)))
    echo_always("Internal error", indent=True, bold=True)
    echo_always(text, highlight=None, highlight_bold=False)


def _as_stock(error: BaseException) -> TracebackType | None:
    """Give the traceback from Metaflow's `main` on, without what is ours.

    A worker waits within the very frames that a task's process would have: they are added in front.
    """
    inner = error.__traceback__
    while inner is not None and _is_ours(inner.tb_frame):
        inner = inner.tb_next
    frame: Any = sys._getframe()  # noqa: SLF001 - the documented way to the current frame
    while frame is not None and _is_ours(frame):
        frame = frame.f_back
    outer = inner
    while frame is not None:
        outer = TracebackType(outer, frame, frame.f_lasti, frame.f_lineno)
        if frame.f_code.co_name == "main" and frame.f_globals["__name__"] == "metaflow.cli":
            return outer
        frame = frame.f_back
    return inner


def _is_ours(frame: Any) -> bool:
    return str(frame.f_globals.get("__name__", "")).startswith(PACKAGE)


def flush(stream: Any) -> None:
    """Let out what is still held back, in Python and in C libraries."""
    global _flush_c  # noqa: PLW0603 - found once
    with suppress(Exception):  # closed, or replaced by something else
        stream.flush()
    if _flush_c is None:
        _flush_c = ctypes.CDLL(None).fflush
    _flush_c(None)
