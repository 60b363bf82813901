"""The one line that says of what a task died."""

from __future__ import annotations

import pytest
from pytest_metaflow_backends.flow.reasons import LONGEST, reason_of

IN_A_STEP = """\
before it
Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/metaflow/cli.py", line 673, in main
    start(auto_envvar_prefix="METAFLOW", obj=state)
  File "/flows/crash.py", line 11, in work
    1 / 0
    ~~^~~
ZeroDivisionError: division by zero

"""
IN_A_POD = """\
Traceback (most recent call last):
  File "/metaflow/crash.py", line 7, in start
    help()
  File "/metaflow/metaflow/task.py", line 99, in _exec_step_function
    step_function()
metaflow.exception.MetaflowException: no such thing
"""
CHAINED = (
    IN_A_STEP
    + "\nDuring handling of the above exception, another exception occurred:\n\n"
    + "Traceback (most recent call last):\n"
    + '  File "/flows/crash.py", line 20, in work\n    cure()\nRuntimeError: worse\n'
)


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (IN_A_STEP, "ZeroDivisionError: division by zero (crash.py:11)"),
        (IN_A_POD, "metaflow.exception.MetaflowException: no such thing (crash.py:7)"),
        (CHAINED, "RuntimeError: worse (crash.py:20)"),
        (
            IN_A_STEP + "    Step failure:\n    Step work failed.\n",
            "ZeroDivisionError: division by zero (crash.py:11)",
        ),
        ("Traceback (most recent call last):\nKeyboardInterrupt\n", "KeyboardInterrupt"),
        ("one\n  two  \n\n", "two"),
        ("Traceback (most recent call last):\n  File torn", "File torn"),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
        ("", ""),
        ("x" * 1000, "x" * LONGEST),
    ],
)
def test_exception_and_place_are_found(output, reason):
    assert reason_of(output) == reason
