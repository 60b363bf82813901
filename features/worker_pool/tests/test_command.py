"""The command line of a task, in the part of its worker and the part of the item."""

from __future__ import annotations

import pytest
from metaflow_extensions.worker_pool.local.command import Command
from metaflow_extensions.worker_pool.worker.item import Item

TOP = ["/usr/bin/python3", "-u", "flow.py", "--quiet", "--datastore", "local", "--with", "step"]
STEP = ["step", "work", "--run-id", "7"]
OWN = ["--task-id", "3", "--input-paths", "7/start/1", "--split-index", "0", "--retry-count", "1"]
SHARED = ["--max-user-code-retries", "2", "--tag", "step", "--tag", "work", "--namespace", ""]
ENV = {"PATH": "/bin", "METAFLOW_RUN_ID": "7"}


def command(argv=(*TOP, *STEP, *OWN, *SHARED), env=ENV):
    return Command.of(argv, env, "work")


def test_a_worker_is_started_with_what_all_tasks_of_the_step_share():
    assert command().worker == (*TOP, *STEP, *SHARED, "--task-id", "worker-pool")


def test_an_item_reads_its_own_options_again():
    message = {"argv": list(command().argv[2:]), "env": {}, "at": 0}

    options = Item.of(message).options

    assert options["task-id"] == "3"
    assert options["input-paths"] == "7/start/1"
    assert options["retry-count"] == "1"


NO_PYTHON = {
    "another command": [*TOP, "kubernetes", *STEP],
    "a container": ["docker", "run", "image", *TOP, *STEP, *OWN],
    "a prefix": ["env", *TOP, *STEP, *OWN],
    "another step": [*TOP, "step", "other", "--run-id", "7"],
    "a flag without a value": [*TOP, *STEP, *OWN, "--flag"],
    "no flow": ["/usr/bin/python3", "-m", "x", *STEP],
    "nothing": [],
}


@pytest.mark.parametrize("argv", NO_PYTHON.values(), ids=NO_PYTHON)
def test_a_command_that_starts_no_python_here_is_none_for_a_pool(argv):
    assert command(argv) is None


def test_an_interpreter_or_a_variable_of_its_own_asks_for_another_worker():
    other = ["/env/bin/python", *TOP[1:], *STEP, *OWN, *SHARED]

    assert command().key() == command().key()
    assert command(other).key() != command().key()
    assert command(env={**ENV, "LD_PRELOAD": "x"}).key() != command().key()


def test_metaflows_own_variables_come_with_the_item():
    later = command(env={**ENV, "METAFLOW_CODE_SHA": "abc"})

    assert later.key() == command().key()
    assert later.late(ENV) == {"METAFLOW_CODE_SHA": "abc"}
