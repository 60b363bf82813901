"""The end of a step that does not heed its @timeout, whether or not anybody watches it.

Metaflow's own timer comes first, so that @catch learns of it. The clock begins with the step's
code, as Metaflow's does: what a slow node needs until then is no part of the step.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

GRACE = 2.5  # seconds after its limit that a step has to end by itself
LAST = 1.0  # seconds from SIGTERM to SIGKILL after that
MARK = "METAFLOW_NOMAD_LATE"  # names the file that says why the step was killed
# A shell, and not this process: a thread here would wait for code that never returns to Python.
_END = 'sleep "$1"; : > "$3"; kill -TERM "$2"; sleep "$4"; kill -KILL "$2"'


class Limit:
    """Kills this process some time after its limit, unless it is lifted before."""

    def __init__(self, seconds: float) -> None:
        words = (f"{seconds + GRACE:g}", str(os.getpid()), os.environ.get(MARK, os.devnull))
        # Whoever reads the step's output waits for all who hold it, so this holds none.
        self._process = subprocess.Popen(
            ["sh", "-c", _END, "limit", *words, f"{LAST:g}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def lift(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
