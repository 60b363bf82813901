"""Run one program to its end, under a time limit, and say what it said if it fails."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from metaflow_backends.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SAID = 5  # lines of a failed program that are quoted


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
    text: str | None = None,
    folder: Path | None = None,
) -> str:
    """Run a program with `text` on its standard input; returns its standard output.

    Raises BackendError with the last lines it said if it fails, is not there, or takes longer
    than `timeout` seconds.
    """
    shown = " ".join(argv[:6])
    try:
        done = subprocess.run(
            argv,
            env=None if env is None else dict(env),
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=timeout,
            cwd=folder,
        )
    except FileNotFoundError:
        raise BackendError(f"there is no program {argv[0]} on PATH") from None
    except subprocess.TimeoutExpired:
        raise BackendError(f"{shown}: did not end within {timeout:g} s") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-SAID:]
        raise BackendError(f"{shown}: exit code {done.returncode}: {' | '.join(said)}")
    return done.stdout
