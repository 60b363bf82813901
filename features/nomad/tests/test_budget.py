"""Slots that processes share, and that the kernel takes back from the dead."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import ExitStack

import pytest
from metaflow_extensions.nomad.api import budget as budgets
from metaflow_extensions.nomad.api.budget import FOR_TURNS, LIVE, Budget
from metaflow_extensions.nomad.errors import NomadError, UnreachableError


@pytest.fixture
def slots(tmp_path):
    made = []

    def make(count=FOR_TURNS + LIVE, patience=5.0):
        made.append(Budget(tmp_path, count, patience))
        return made[-1]

    yield make
    for one in made:
        one.release()


def test_what_is_held_is_held_once_and_given_back(slots, monkeypatch):
    monkeypatch.setattr(budgets, "HOLD_AGAIN", 0.0)
    first, second = slots(), slots()

    assert first.hold()
    assert first.hold()
    assert not second.hold()
    assert not second.live
    first.release()
    assert second.hold()


def test_who_could_hold_none_tries_again_only_after_a_while(slots, monkeypatch):
    first, second = slots(), slots()
    assert first.hold()
    assert not second.hold()
    first.release()

    assert not second.hold()
    monkeypatch.setattr(budgets, "HOLD_AGAIN", 0.0)
    assert second.hold()


def test_what_stays_leaves_room_for_short_requests(slots):
    first, second = slots(), slots()
    first.hold()

    with second.turn(), slots().turn():
        assert not second.live


def test_who_holds_slots_needs_no_turn(slots):
    first = slots()
    first.hold()

    with ExitStack() as others:
        for _ in range(FOR_TURNS):
            others.enter_context(slots().turn())
        with pytest.raises(UnreachableError), slots(patience=0.1).turn():
            pass
        with first.turn():
            assert first.live


def test_a_turn_is_waited_for(slots):
    first, second, order = slots(count=1), slots(count=1), []

    def wait():
        with second.turn():
            order.append("second")

    with first.turn():
        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.2)
        order.append("first")
    thread.join(5)

    assert order == ["first", "second"]


def test_a_turn_that_never_comes_is_said(slots):
    first, second = slots(count=1), slots(count=1, patience=0.2)

    with first.turn(), pytest.raises(UnreachableError, match="run fewer tasks"), second.turn():
        pass


def test_a_request_that_failed_gives_its_slot_back(slots):
    first = slots(count=1)
    with pytest.raises(ValueError, match="x"), first.turn():
        raise ValueError("x")

    with first.turn():
        pass


def test_the_kernel_takes_slots_back_from_a_launcher_that_was_killed(tmp_path, slots):
    code = f"""
        import pathlib, time
        import metaflow
        from metaflow_extensions.nomad.api.budget import Budget
        budget = Budget(pathlib.Path({str(tmp_path)!r}), {FOR_TURNS + LIVE})
        print(budget.hold(), flush=True)
        time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "True\n"
        assert not slots().hold()
        other.kill()

    assert slots().hold()


def test_never_more_than_there_are_slots_at_once(slots, monkeypatch):
    monkeypatch.setattr(budgets, "AGAIN", (0.001, 0.01))
    now, most, lock = [0], [0], threading.Lock()

    def count(change):
        with lock:
            now[0] += change
            most[0] = max(most[0], now[0])

    def work():
        one = slots(count=4)
        for _ in range(5):
            with one.turn():
                count(1)
                time.sleep(0.002)
                count(-1)

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert 2 <= most[0] <= 4


def test_one_server_has_one_folder_that_only_its_user_sees(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    for address in ("http://a:4646", "http://a:4646", "http://b:4646"):
        Budget.of(address)

    (above,) = tmp_path.iterdir()
    assert len(list(above.iterdir())) == 2
    assert above.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_somebody_else_laid_out_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "elsewhere").mkdir(mode=0o777)
    (tmp_path / f"metaflow-nomad-{os.getuid()}").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(NomadError, match="not ours alone"):
        Budget.of("http://a:4646")
