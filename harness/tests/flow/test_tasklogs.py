"""What a launcher writes around the user's output is not the user's output."""

from __future__ import annotations

import pytest
from pytest_metaflow_backends.flow.tasklogs import launchers, measured

OF_LAUNCHERS = [
    b"Setting up task environment.",
    b"Task is starting.",
    b"[pod t-c160f4de-tqqbp-lh6mg] Task is starting (Pod is running, Container is running)...",
    b"[job t-1] Task is starting (Job status is unknown)...",
    b"[pod t-c160f4de-tqqbp-lh6mg] Task finished with exit code 0.",
    b"Task finished with exit code -9.",
    b"[1121b5a2] Task is starting on client-1",
    b"[1121b5a2] Task is starting on client-1: Downloading image",
    b"[1121b5a2] Task is running on host.example",
    b"2026-11-30 05:15:59.462 Step start timed out after 0 hours, 0 minutes, 2 seconds",
]
OF_USERS = [
    b"attempt 2",
    b"[pod x] hello",
    b"[1121b5a2] hello",
    b"[1121b5a] Task is running on mine",
    b"Task is starting: mine",
    b"task finished",
    b"",
    b"Step timed out after",
]


@pytest.mark.parametrize("line", OF_LAUNCHERS)
def test_a_line_of_a_launcher_is_known(line):
    assert launchers(line)


@pytest.mark.parametrize("line", OF_USERS)
def test_a_line_of_a_user_is_left_alone(line):
    assert not launchers(line)


def test_the_same_output_measures_the_same_on_every_backend():
    assert measured([*OF_LAUNCHERS, *OF_USERS]) == measured(OF_USERS)


@pytest.mark.parametrize("quoted", [b"", b">", b"> "])
def test_of_a_stack_only_the_names_of_files_count(quoted):
    here = quoted + b'   File "/tmp/one/flow.py", line 14, in start'
    there = quoted + b'   File "/metaflow/flow.py", line 14, in start'
    elsewhere = quoted + b'   File "/metaflow/other.py", line 14, in start'

    assert measured([here]) == measured([there])
    assert measured([here]) != measured([elsewhere])
