"""Find, in what a task printed, the one line that says of what it died."""

from __future__ import annotations

import re

LONGEST = 300  # characters
# The last line of a traceback: a class, perhaps with its module, and what it says.
_EXCEPTION = re.compile(r"^(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?::\s.*)?$")
_FRAME = re.compile(r'^\s+File "([^"]+)", line (\d+)')
_TRACEBACK = "Traceback (most recent call last)"
# Metaflow lies beside the flow where its code was shipped: /metaflow/flow.py, /metaflow/metaflow/.
_NOT_THE_USERS = re.compile(r"/(?:site|dist)-packages/|/metaflow/metaflow/|/\.mf_code/|^<frozen ")


def reason_of(output: str) -> str:
    """Give exception and place, e.g. `ZeroDivisionError: division by zero (crash.py:11)`.

    Of several tracebacks the last one counts, and of its frames the last in the user's own files.
    Without a traceback it is the last line that is not empty, "" if there is none.
    """
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    starts = [n for n, line in enumerate(lines) if _TRACEBACK in line]
    if not starts:
        return lines[-1].strip()[:LONGEST] if lines else ""
    place = ""
    for line in lines[starts[-1] + 1 :]:
        if frame := _FRAME.match(line):
            if not _NOT_THE_USERS.search(frame[1]):
                place = f" ({frame[1].rpartition('/')[2]}:{frame[2]})"
        elif _EXCEPTION.match(line):
            return line[:LONGEST] + place
    return lines[-1].strip()[:LONGEST]
