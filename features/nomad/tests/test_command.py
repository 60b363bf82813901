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
# Stands where `python` is: says what it was asked to do, and runs what the keeper would.
PYTHON = r"""#!/bin/bash
case "$*" in
  *-m\ pip*) echo "pip" >> "$TOLD" ;;
  *task.keeper*) echo "keeper" >> "$TOLD"; exec bash -c "$3" ;;
  *boto3*) echo "download" >> "$TOLD"; printf '%s' "$*" > "$TOLD.download"; touch job.tar ;;
  *) echo "python $*" >> "$TOLD" ;;
esac
"""
ECHO = "import sys; sys.stdout.buffer.write(sys.argv[1].encode())"
TAR = '#!/bin/bash\necho "unpack" >> "$TOLD"\n'


@pytest.fixture
def task(tmp_path):
    """Run a command where `python` and `tar` only say that they were called."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("python", PYTHON), ("tar", TAR)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)

    def run(step, limit=None, executable=None, **env):
        bootstrap = Bootstrap.of(MetaflowEnvironment(None), "s3", "start", PACKAGE)
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


def test_code_is_had_and_the_step_run_by_its_keeper(task):
    done, told = task("echo step >> $TOLD; echo out; echo err >&2")

    assert done.returncode == 0
    assert told == ["pip", "download", "unpack", "keeper", "step"]
    assert "out" in done.stdout
    assert "err" in done.stderr


def test_what_an_environment_prepares_is_there_for_the_step(task, monkeypatch):
    prepared = ["echo 'Preparing...'", "flush_mflogs", "export SET='by it'"]
    monkeypatch.setattr(MetaflowEnvironment, "bootstrap_commands", lambda *_: prepared)

    done, told = task('echo "step $SET" >> $TOLD')

    assert (done.returncode, told[-1]) == (0, "step by it")
    assert "Preparing...\n" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("code", [1, 3, 202])
def test_the_exit_code_is_the_steps(task, code):
    done, _ = task(f"exit {code}")

    assert done.returncode == code


def test_a_step_that_does_not_begin_is_ended(task, monkeypatch):
    monkeypatch.setattr(commands, "SLOW", 0.0)

    done, _ = task("sleep 60", limit=0.5)

    assert done.returncode == 124


def test_a_step_that_does_not_listen_is_killed(task, monkeypatch):
    monkeypatch.setattr(commands, "SLOW", 0.0)
    monkeypatch.setattr(limit, "LAST", 0.3)

    done, _ = task("bash -c 'trap \"\" TERM; sleep 60 & wait; wait'", limit=0.3)

    assert done.returncode == 137


def test_a_step_that_ran_past_its_limit_says_so(task):
    done, _ = task('touch "$METAFLOW_NOMAD_LATE"; exit 143')

    assert done.returncode == 124


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
    script = argv[2].replace(commands.KEEPER, "bash -c")

    done = subprocess.run(["bash", "-c", script], capture_output=True, timeout=60, check=False)

    assert done.stdout == text.encode()


def test_a_bootstrap_that_is_not_what_it_was_is_said():
    changed = Bootstrap("s3", ("true",), ())

    with pytest.raises(NomadError, match="ends with 'true', not with flush_mflogs"):
        command(ATTEMPT, changed, "true")
