"""The command of a task, made of Metaflow's real bootstrap, run by a real bash."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from metaflow.metaflow_environment import MetaflowEnvironment
from metaflow_extensions.nomad.errors import NomadError
from metaflow_extensions.nomad.job import command as commands
from metaflow_extensions.nomad.job.command import Bootstrap, Package, command
from metaflow_extensions.nomad.job.identity import Attempt
from metaflow_extensions.nomad.task import limit

ATTEMPT = Attempt("F", "1", "start", "1", 0, "s3://b/r")
META = '{"version": 0, "archive_format": "tgz", "mfcontent_version": 1}'
PACKAGE = Package(META, "sha", "s3://bucket/code")
# Stands where `python` is: says what it was asked to do, claims as it is told to.
PYTHON = r"""#!/bin/bash
case "$*" in
  *-m\ pip*) echo "pip" >> "$TOLD" ;;
  *task.claim*) echo "claim" >> "$TOLD"; exit ${CLAIMED:-0} ;;
  *save_logs*) echo "save" >> "$TOLD"; echo "[save_logs] noise" ;;
  *mflog.tee*) exec cat ;;
  *boto3*) echo "download" >> "$TOLD"; printf '%s' "$*" > "$TOLD.download"; touch job.tar ;;
  *) echo "python $*" >> "$TOLD" ;;
esac
"""
ECHO = "import sys; sys.stdout.buffer.write(sys.argv[1].encode())"
TAR = '#!/bin/bash\necho "unpack" >> "$TOLD"\n'


@pytest.fixture
def bootstrap():
    environment = MetaflowEnvironment(None)
    return Bootstrap.of(environment, "s3", "start", PACKAGE)


@pytest.fixture
def task(tmp_path, bootstrap):
    """Run a command where `python` and `tar` only say that they were called."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("python", PYTHON), ("tar", TAR)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)

    def run(step, limit=None, executable=None, **env):
        told = tmp_path / "told"
        told.write_text("")
        (tmp_path / "work").mkdir(exist_ok=True)
        subprocess.run(["rm", "-rf", tmp_path / "work/metaflow"], check=True)
        argv = command(ATTEMPT, bootstrap, step, seconds=limit, executable=executable)
        done = subprocess.run(
            argv,
            cwd=tmp_path / "work",
            env={"PATH": f"{programs}:{os.environ['PATH']}", "TOLD": str(told), **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done, told.read_text().splitlines()

    return run


def test_code_is_had_the_attempt_claimed_the_step_run_and_its_logs_saved(task):
    done, told = task("echo step >> $TOLD; echo out; echo err >&2")

    assert done.returncode == 0
    assert told == ["pip", "download", "unpack", "claim", "save", "step", "save"]
    assert "out" in done.stdout
    assert "err" in done.stderr
    assert "noise" not in done.stdout


def test_what_came_second_does_nothing_at_all(task):
    done, told = task("echo step >> $TOLD", CLAIMED="203")

    assert done.returncode == 203
    assert not {"step", "save"} & set(told)


@pytest.mark.parametrize("code", [1, 3, 202])
def test_the_exit_code_is_the_steps(task, code):
    done, told = task(f"exit {code}")

    assert done.returncode == code
    assert told[-1] == "save"


def test_a_step_that_does_not_begin_is_ended(task, monkeypatch):
    monkeypatch.setattr(commands, "SLOW", 0.0)

    done, told = task("sleep 60", limit=0.5)

    assert done.returncode == 124
    assert told[-1] == "save"


def test_a_step_that_does_not_listen_is_killed(task, monkeypatch):
    monkeypatch.setattr(commands, "SLOW", 0.0)
    monkeypatch.setattr(limit, "LAST", 0.3)

    done, _ = task("bash -c 'trap \"\" TERM; sleep 60 & wait; wait'", limit=0.3)

    assert done.returncode == 137


def test_a_step_that_ran_past_its_limit_says_so(task):
    done, told = task('touch "$METAFLOW_NOMAD_LATE"; exit 143')

    assert done.returncode == 124
    assert told[-1] == "save"


@pytest.mark.parametrize("there", [True, False], ids=["there", "not there"])
def test_a_home_that_is_not_there_is_the_working_folder(task, tmp_path, there):
    home = tmp_path if there else tmp_path / "nonexistent"

    done, _ = task("echo home is $HOME", HOME=str(home))

    assert f"home is {home if there else tmp_path / 'work'}\n" in done.stdout


def test_the_interpreter_is_the_one_that_was_asked_for(task, tmp_path):
    mine = tmp_path / "bin/mine"
    mine.write_text(PYTHON.replace('"python $*"', '"mine $*"'))
    mine.chmod(0o755)

    _, told = task("python flow.py", executable="mine")

    assert "mine flow.py" in told
    assert "download" in told


def test_the_download_is_what_metaflow_means(task, tmp_path):
    task("true")

    asked = (tmp_path / "told.download").read_text()
    assert 'download_file("bucket", "code", "job.tar")' in asked


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
@example("say \"no\" and 'yes' \\ $HOME ${X:-y} `id` %{x} !! \n end")
@settings(max_examples=15, deadline=None)
def test_any_word_reaches_the_step_as_it_is(text):
    import shlex

    bare = Bootstrap("s3", ("true", commands.FIRST_UPLOAD), ())
    argv = command(
        ATTEMPT,
        bare,
        f"{sys.executable} -c '{ECHO}' {shlex.quote(text)}",
    )
    script = argv[2].replace(commands.CLAIM, "true").replace(commands.BASH_SAVE_LOGS, "true")
    script = script.replace("python -m metaflow.mflog.tee task", "bash -c cat")

    done = subprocess.run(["bash", "-c", script], capture_output=True, timeout=60, check=False)

    assert done.stdout == text.encode()


def test_a_bootstrap_that_is_not_what_it_was_is_said():
    changed = Bootstrap("s3", ("true",), ())

    with pytest.raises(NomadError, match="ends with 'true', not with flush_mflogs"):
        command(ATTEMPT, changed, "true")
