from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from metaflow_backends.errors import BackendError, InfrastructureError
from metaflow_backends.fake import LOST, BrokenPromiseError, Fake, act
from metaflow_backends.identity import is_running
from metaflow_backends.launch import bring_up, take_down
from metaflow_backends.options import OptionError
from metaflow_backends.protocol import Settings
from metaflow_backends.state import Folder


def _settings(timeout: float = 20.0, **options) -> Settings:
    return Settings(name="fake", start_timeout=timeout, options=options)


@pytest.fixture
def up(tmp_path, strays):
    """Bring a fake up for the length of a block."""

    @contextmanager
    def start(**options):
        folder = Folder.of(tmp_path, "fake")
        with folder.lock(1):
            state = bring_up(Fake(), _settings(**options), folder)
            try:
                yield state.running
            finally:
                take_down(state, folder, Fake())
        assert strays() == []

    return start


def test_it_is_one_real_process_that_answers_on_a_port_of_its_own(up):
    with up() as running:
        (process,) = running.processes
        assert is_running(process)
        assert Fake().health(running).alive
        (log,) = Fake().logs(running, {})
        assert f"fake {process.pid} listens on 127.0.0.1:" in log.path.read_text()

    assert not is_running(process)
    assert "does not answer" in Fake().health(running).reason


def test_another_program_on_its_port_is_not_taken_for_it(up):
    with up() as running:
        other = replace(running, details={**running.details, "token": "another"})

        assert "is answered by another program" in Fake().health(other).reason


def test_late(up):
    began = time.monotonic()
    with up(late=0.5) as running:
        assert time.monotonic() - began >= 0.5
        assert Fake().health(running).alive


def test_never(up):
    with pytest.raises(
        BackendError, match=r"no answer within 0\.3 s: .*503.*last lines of.*\n.*fake"
    ):
        up(timeout=0.3, never=True).__enter__()


def test_unavailable():
    probe = Fake().probe(_settings(unavailable="no licence"))

    assert (probe.available, probe.reason) == (False, "no licence")
    assert probe.cure == "remove the option 'unavailable'"


def test_start_error(up, strays):
    """The process it had started by then is ended."""
    with pytest.raises(BackendError, match=r"^disk on fire$"):
        up(start_error="disk on fire").__enter__()

    assert strays() == []


def test_dies_after(up):
    with up(dies_after=2) as running:
        act(running)
        act(running)
        assert Fake().health(running).alive

        with pytest.raises(BackendError, match="fake died, as scripted, after 2 tests"):
            act(running)

        assert not is_running(running.processes[0])
        assert not Fake().health(running).alive


def test_flaky(up):
    with up(flaky=2) as running:
        for n in (1, 2):
            with pytest.raises(InfrastructureError, match=f"as scripted: {n} of 2"):
                act(running)

        act(running)


def test_lies_strike_only_tests_that_need_them(up):
    with up(lies=["retry", "foreach"]) as running:
        act(running, {"linear"})

        with pytest.raises(BrokenPromiseError, match="declares foreach, and it does not work"):
            act(running, {"foreach", "linear"})


def test_loses_report_once(up, tmp_path):
    """The process that runs the test ends without a word; the next one goes on."""
    script = """
        import sys
        from pathlib import Path
        from metaflow_backends.fake import act
        from metaflow_backends.state import Folder
        act(Folder.of(Path(sys.argv[1]), "fake").read().running)
        print("reported")
    """
    lines = "\n".join(line.strip() for line in script.splitlines())
    with up(loses_report=True):
        runs = [
            subprocess.run(
                [sys.executable, "-c", lines, str(tmp_path)],
                capture_output=True,
                timeout=60,
                check=False,
            )
            for _ in range(2)
        ]

    actual = [(run.returncode, run.stdout) for run in runs]

    assert actual == [(LOST, b""), (0, b"reported\n")]


def test_slow_stop(up):
    with up(slow_stop=0.5) as running:
        began = time.monotonic()
        Fake().stop(running, None)

        assert 0.5 <= time.monotonic() - began < 2.0


def test_slower_than_the_grace_is_killed(up):
    with up(slow_stop=60) as running:
        Fake().stop(running, None)

        assert not is_running(running.processes[0])


def test_leaks(up, strays):
    with up(leaks=True) as running:
        Fake().stop(running, None)

        assert len(strays()) == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"latee": 1}, "fake: unknown option 'latee'; did you mean 'late'?"),
        ({"late": "1"}, "fake: option 'late' is '1', and must be of type int or float"),
        ({"never": 1}, "fake: option 'never' is 1, and must be of type bool"),
        ({"flaky": True}, "fake: option 'flaky' is True, and must be of type int"),
        ({"lies": "retry"}, "fake: option 'lies' is 'retry', and must be of type list"),
    ],
    ids=["unknown", "text", "number", "bool", "no list"],
)
def test_a_wrong_option_is_named(options, reason):
    with pytest.raises(OptionError) as caught:
        Fake().probe(_settings(**options))

    assert reason == str(caught.value)


def test_tests_are_counted_across_processes(up):
    """Eight processes act at once, four of them meet the flake."""
    script = (
        "import sys; from pathlib import Path; from metaflow_backends.fake import act; "
        "from metaflow_backends.state import Folder; "
        "act(Folder.of(Path(sys.argv[1]), 'fake').read().running)"
    )
    with up(flaky=4) as running:
        root = str(Path(running.details["home"]).parents[1])
        children = [
            subprocess.Popen([sys.executable, "-c", script, root], stderr=subprocess.DEVNULL)
            for _ in range(8)
        ]
        codes = sorted(child.wait(60) for child in children)

    assert codes == [0] * 4 + [1] * 4
