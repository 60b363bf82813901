"""Launchers forked from one process: what runs there is what the command would have done."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

import psutil
import pytest
from metaflow_extensions.nomad.forkserver import starting

# Stands for a flow: says where and as what it runs, and ends as it is told to.
FLOW = """
import json, os, signal, sys, time
print(json.dumps({
    "argv": sys.argv, "folder": os.getcwd(), "name": __name__, "file": __file__,
    "path": sys.path[0], "environment": {n: t for n, t in os.environ.items() if n != "_"},
    "said": sys.stdin.read() if sys.argv[1] == "read" else None,
}))
print("to stderr", file=sys.stderr)
def told(number, frame):
    print("told", number)
    sys.exit(9)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, told)
exec(sys.argv[2])
"""
LOADED = "print('metaflow.plugins' in sys.modules)"
OPTIONS = """
import sys
print("metaflow.plugins" in sys.modules, file=open("loaded", "a"))
from metaflow import Config, FlowSpec, Parameter, project, step
@project(name="launched")
class LaunchedFlow(FlowSpec):
    limits = Config("limits", default_value={"seconds": 2})
    who = Parameter("who", default="nobody")
    @step
    def start(self):
        self.next(self.end)
    @step
    def end(self):
        print(self.limits.seconds)
if __name__ == "__main__":
    LaunchedFlow()
"""
WAITING = "print('waiting', os.getpid(), flush=True)\nwhile True: time.sleep(0.05)"


@pytest.fixture
def flow(tmp_path):
    (tmp_path / "flow.py").write_text(FLOW)
    return str(tmp_path / "flow.py")


@pytest.fixture
def server(monkeypatch, tmp_path):
    """Start one as the scheduler of a flow does, whose first place of modules is the flow's."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path[1:]])
    monkeypatch.setenv("METAFLOW_USER", "tester")  # flows of root have to say one
    started = starting.start("local")
    yield started
    started.stop()


def run(argv, tmp_path, said="", **more):
    return subprocess.run(
        argv, cwd=tmp_path, env={**os.environ, **more}, input=said, text=True, capture_output=True,
        timeout=50, check=False,
    )  # fmt: skip


def shown(done):
    first, *rest = done.stdout.splitlines()
    return json.loads(first), rest, done.stderr.replace("<frozen runpy>", ""), done.returncode


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("pass", 0), ("sys.exit(7)", 7), ("sys.exit(202)", 202), ("sys.exit('why')", 1),
        ("sys.exit()", 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["read", "-x"])
def test_a_launcher_is_what_the_command_would_have_been(server, flow, tmp_path, how, code, kind):
    command = [sys.executable, "-u", flow, kind, how]

    ours = run(starting.entrypoint(server, command), tmp_path, said="words", SOME="thing")
    other = run(command, tmp_path, said="words", SOME="thing")

    assert shown(ours) == shown(other)
    assert ours.returncode == code


def test_a_launcher_without_a_last_word_has_failed(server, flow, tmp_path):
    done = run(
        starting.entrypoint(server, [sys.executable, "-u", flow, "x", "os._exit(0)"]), tmp_path
    )

    assert done.returncode == 1


def test_a_launcher_has_loaded_metaflow_before_its_first_line(server, flow, tmp_path):
    command = [sys.executable, "-u", flow, "x", LOADED]

    assert shown(run(starting.entrypoint(server, command), tmp_path))[1] == ["True"]
    assert shown(run(command, tmp_path))[1] == ["False"]


@pytest.mark.parametrize(
    "words",
    [
        ["--config-value", "limits", '{"seconds": 5}', "--branch", "mine", "show"],
        ["--config", "limits", "limits.json", "--production", "check"],
        ["--branch", "mine", "run", "--help"],
        ["--no-such-option", "run"],
    ],
)
def test_a_flow_has_all_its_options_in_a_launcher(server, tmp_path, words):
    (tmp_path / "flow.py").write_text(OPTIONS)
    (tmp_path / "limits.json").write_text('{"seconds": 7}')
    command = [sys.executable, "-u", str(tmp_path / "flow.py"), "--quiet", *words]

    ours = run(starting.entrypoint(server, command), tmp_path)
    other = run(command, tmp_path)

    assert (ours.stdout, ours.stderr) == (other.stdout, other.stderr)
    assert ours.returncode == other.returncode == (2 if "--no-such-option" in words else 0)
    assert (tmp_path / "loaded").read_text() == "True\nFalse\n"


def test_an_exception_is_shown_and_ends_with_1(server, flow, tmp_path):
    done = run(starting.entrypoint(server, [sys.executable, "-u", flow, "x", "1 / 0"]), tmp_path)

    assert done.returncode == 1
    assert "ZeroDivisionError: division by zero" in done.stderr


def test_what_metaflow_reads_early_is_as_the_command_has_it(server, flow, tmp_path):
    command = starting.entrypoint(server, [sys.executable, "-u", flow, "x", LOADED])

    other = run(command, tmp_path, METAFLOW_NOMAD_CPU="1")
    same = run(command, tmp_path, METAFLOW_RUN_ID="1")

    assert shown(other)[1] == ["False"]  # so the command ran itself
    assert shown(same)[1] == ["True"]


def test_without_a_server_the_command_runs_itself(flow, tmp_path):
    started = starting.start("local")
    started.process.kill()
    started.process.wait()

    done = run(
        starting.entrypoint(started, [sys.executable, "-u", flow, "x", "sys.exit(4)"]), tmp_path
    )
    started.stop()

    assert done.returncode == 4
    assert not started.folder.exists()


@pytest.mark.parametrize("there", [True, False], ids=["forked", "alone"])
def test_the_interpreter_is_ours_whoever_runs_the_client(server, flow, tmp_path, there):
    command = [sys.executable, "-u", flow, "x", "print(sys.executable)"]
    _, *words = starting.entrypoint(server if there else None, command)

    done = run([shutil.which("python3", path="/usr/bin:/bin"), *words], tmp_path)

    assert shown(done)[1] == [sys.executable]


def test_only_the_user_may_ask_and_nothing_is_left(flow, tmp_path):
    started = starting.start("local")
    mode = stat.S_IMODE(started.folder.stat().st_mode)
    run(starting.entrypoint(started, [sys.executable, "-u", flow, "x", "pass"]), tmp_path)

    started.stop()

    assert mode == 0o700
    assert not started.folder.exists()
    assert started.process.returncode == 0


@pytest.mark.parametrize("sent", [None, b"", b".", b".{}\n", b'.{"environment": 1}\n', b"\n" * 99])
def test_whoever_asks_nonsense_harms_nobody(server, flow, tmp_path, sent):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(server.place))
        if sent is not None:
            client.sendall(sent)

    done = run(starting.entrypoint(server, [sys.executable, "-u", flow, "x", LOADED]), tmp_path)

    assert shown(done)[1] == ["True"]


def test_many_launchers_at_once_do_not_mix(server, flow, tmp_path):
    command = [sys.executable, "-u", flow]
    running = [
        subprocess.Popen(
            starting.entrypoint(server, [*command, str(number), f"sys.exit({number})"]),
            cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        )
        for number in range(20)
    ]  # fmt: skip

    ended = [(process.communicate(timeout=50)[0], process.returncode) for process in running]

    assert [code for _, code in ended] == list(range(20))
    assert [json.loads(out)["argv"][1] for out, _ in ended] == [str(n) for n in range(20)]


@pytest.fixture
def waiting(server, flow, tmp_path):
    """A launcher that waits, and its pid."""
    process = subprocess.Popen(
        starting.entrypoint(server, [sys.executable, "-u", flow, "x", WAITING]),
        cwd=tmp_path, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in process.stdout:
        if line.startswith("waiting"):
            break
    launcher = psutil.Process(int(line.split()[1]))
    assert launcher.ppid() == server.process.pid
    yield process, launcher
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_the_launcher(waiting, number):
    process, launcher = waiting

    process.send_signal(number)
    out, _ = process.communicate(timeout=20)

    assert (out, process.returncode) == (f"told {number:d}\n", 9)
    assert gone(launcher)


def test_a_client_that_is_killed_ends_its_launcher(waiting):
    process, launcher = waiting

    process.kill()

    assert gone(launcher)


def test_a_launcher_that_is_killed_ends_its_client(waiting):
    process, launcher = waiting

    launcher.kill()
    process.communicate(timeout=20)

    assert process.returncode == 1


def test_the_end_of_the_run_ends_its_launchers(waiting, server):
    process, launcher = waiting

    server.stop()
    out, _ = process.communicate(timeout=20)

    assert f"told {signal.SIGTERM:d}\n" in out
    assert gone(launcher)


def gone(process):
    until = time.monotonic() + 20
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
