from __future__ import annotations

from dataclasses import replace

import pytest
from metaflow_backends import registry
from metaflow_backends.errors import BackendError, InfrastructureError
from metaflow_backends.fake import Fake
from metaflow_backends.identity import is_running
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.lifecycle import Broken, Unavailable


class Catalogue:
    """A registry that counts what it is asked for and hands out one backend."""

    def __init__(self, backend) -> None:
        self.backend = backend

    def load(self, _kind: str):
        return self.backend

    def kinds(self) -> tuple[str, ...]:
        return ("fake",)


class Counting(Fake):
    """A fake that counts its probes and starts."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def probe(self, settings):
        self.calls.append("probe")
        return super().probe(settings)

    def start(self, settings, home):
        self.calls.append("start")
        return super().start(settings, home)


def _states(events) -> list[str]:
    return [event.state for event in events]


def test_a_column_is_started_once_and_stopped_once(lifecycle, column, events, strays):
    run = lifecycle()
    run.reap()

    first, second = run.acquire(column()), run.acquire(column())
    alive = is_running(first.running.processes[0])
    run.release_all()

    assert first == second
    assert alive
    assert strays() == []
    assert _states(events) == ["probing", "up", "down"]


def test_the_up_event_tells_what_a_report_shows(lifecycle, column, events):
    run = lifecycle()
    active = run.acquire(column("fake/late", options={"late": 0.2}))
    run.release_all()

    up = events[1]
    assert (up.backend, up.variant, up.state, up.provider) == ("fake", "late", "up", "embedded")
    assert active.running.versions == up.versions
    assert active.running.logs == up.logs
    assert up.seconds >= 0.2
    assert (events[2].backend, events[2].variant, events[2].state) == ("fake", "late", "down")


@pytest.mark.parametrize(
    ("options", "error", "reason", "calls", "told"),
    [
        ({"unavailable": "no licence"}, Unavailable, "no licence", ["probe"], "unavailable"),
        ({"start_error": "on fire"}, Broken, "on fire", ["probe", "start"], "failed"),
        ({"never": True}, Broken, "no answer within 0.2 s", ["probe", "start"], "failed"),
    ],
    ids=["unavailable", "start error", "never up"],
)
def test_a_bad_answer_is_decided_once_for_all(
    lifecycle, column, events, options, error, reason, calls, told
):
    """Two lifecycles of one session stand for two workers."""
    fake = Counting()
    bad = column(options=options, start_timeout=0.2)
    messages = []

    for worker in (lifecycle(registry=Catalogue(fake)), lifecycle(registry=Catalogue(fake))):
        for _ in range(2):
            with pytest.raises(error) as caught:
                worker.acquire(bad)
            messages.append(str(caught.value))
    worker.release_all()

    assert calls == fake.calls
    assert len(set(messages)) == 1
    assert reason in messages[0]
    assert ["probing", told] == _states(events)


def test_another_run_asks_again(lifecycle, column):
    fake = Counting()
    bad = column(options={"unavailable": "no licence"})

    for session in ("s1", "s2"):
        run = lifecycle(session, Catalogue(fake))
        with pytest.raises(Unavailable, match=r"fake is unavailable: no licence \(to change that"):
            run.acquire(bad)
        run.release_all()

    assert fake.calls == ["probe", "probe"]


def test_a_bug_in_a_backend_breaks_its_column_in_one_line(lifecycle, column, events):
    class Buggy(Fake):
        def probe(self, settings):
            return settings.no_such_attribute

    run = lifecycle(registry=Catalogue(Buggy()))

    with pytest.raises(Broken, match=r"bug in the backend kind 'fake': AttributeError: ") as caught:
        run.acquire(column())

    run.release_all()
    assert "\n" not in str(caught.value)
    assert "test_acquire.py:" in str(caught.value)
    assert _states(events) == ["probing", "failed"]


def test_the_second_failure_breaks_the_column_for_every_worker(lifecycle, column, events):
    one, other = lifecycle(), lifecycle()
    fake = column()
    active = one.acquire(fake)
    other.acquire(fake)

    assert not one.report_failure(fake, "it hurts")
    assert active.running == one.acquire(fake).running
    assert other.report_failure(fake, "it hurts more")
    for worker in (one, other):
        with pytest.raises(
            Broken, match=r"failed 2 times in this run, the last time: it hurts more"
        ):
            worker.acquire(fake)

    assert not one.report_failure(fake, "again")
    one.release_all()
    assert _states(events) == ["probing", "up", "broken", "down"]


def test_a_failure_of_a_column_nobody_acquired_counts_nothing(lifecycle, column):
    run = lifecycle()

    assert not run.report_failure(column())
    assert not run.report_failure(column())
    run.acquire(column())
    run.release_all()


def test_a_variant_is_a_column_of_its_own(lifecycle, column):
    run = lifecycle()
    one, other = run.acquire(column("fake/a")), run.acquire(column("fake/b"))
    run.release_all()

    assert one.running.processes != other.running.processes
    assert ((one.name, one.variant), (other.name, other.variant)) == (("fake", "a"), ("fake", "b"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "fkae"}, "backend 'fake': unknown backend kind 'fkae'; did you mean 'fake'?"),
        ({"options": {"latee": 1}}, "fake: unknown option 'latee'; did you mean 'late'?"),
        (
            {"provides": frozenset({"linear", "flying", "gpu"})},
            (
                "backend 'fake': `provides` names flying, gpu, which the kind 'fake' does not "
                "declare; take it out of the matrix"
            ),
        ),
    ],
    ids=["kind", "option", "provides"],
)
def test_a_mistake_in_the_matrix_is_a_usage_error(lifecycle, column, changes, reason):
    with pytest.raises(UsageError) as caught:
        lifecycle().acquire(column(**changes))

    assert reason == str(caught.value)


def test_the_matrix_may_narrow_the_capabilities(lifecycle, column):
    run = lifecycle()
    narrow = run.acquire(column("fake/narrow", provides=frozenset({"linear"})))
    wide = run.acquire(column("fake/wide"))
    run.release_all()

    assert narrow.has("linear")
    assert not narrow.has("foreach")
    assert Fake.capabilities == wide.capabilities


def test_the_environment_is_the_backends_with_the_matrix_on_top(lifecycle, column):
    run = lifecycle()
    active = run.acquire(column(environment={"METAFLOW_USER": "matrix", "EXTRA": "1"}))
    run.release_all()
    caller = {"PATH": "/bin", "METAFLOW_PROFILE": "mine", "METAFLOW_HOME": "mine"}

    actual = active.environ(caller)

    home = active.running.details["home"]
    expected = {
        "PATH": "/bin",
        "EXTRA": "1",
        "METAFLOW_USER": "matrix",
        "METAFLOW_HOME": f"{home}/metaflow-home",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": home,
        "METAFLOW_DEFAULT_DATASTORE": "local",
        "METAFLOW_DEFAULT_METADATA": "local",
    }
    assert expected == actual


def test_a_none_in_the_environment_removes_a_variable(lifecycle, column):
    run = lifecycle()
    active = run.acquire(column())
    run.release_all()
    without = replace(active, running=replace(active.running, environment={"A": None, "B": "2"}))

    assert without.environ({"A": "1", "C": "3"}) == {
        "B": "2",
        "C": "3",
        "METAFLOW_USER": "metaflow-backends",
    }


def test_flows_get_a_users_name_if_nobody_gives_one(lifecycle, column):
    """Without one, Metaflow refuses to run as root."""
    run = lifecycle()
    active = run.acquire(column())
    run.release_all()
    nameless = replace(active, running=replace(active.running, environment={}))

    assert nameless.environ({}) == {"METAFLOW_USER": "metaflow-backends"}


def test_check_lets_the_scripted_faults_strike(lifecycle, column):
    run = lifecycle()
    active = run.acquire(column(options={"flaky": 1, "dies_after": 2}))

    with pytest.raises(InfrastructureError, match="fake flakes"):
        active.check()
    active.check(needs=("linear",))
    with pytest.raises(BackendError, match="fake died"):
        active.check()
    with pytest.raises(BackendError, match=r"fake no longer answers: .*does not answer"):
        active.check()

    run.release_all()


def test_local_is_acquired_without_a_process(lifecycle, column, events):
    run = lifecycle()
    active = run.acquire(column("local/serial", "local", options={"max_workers": 1}))
    active.check()
    run.release_all()

    assert active.running.processes == ()
    assert active.running.details["max_workers"] == 1
    assert _states(events) == ["probing", "up", "down"]


def test_a_leak_is_told_with_the_down_event(lifecycle, column, events, strays):
    run = lifecycle()
    run.acquire(column(options={"leaks": True}))
    run.release_all()

    assert events[-1].reason == "left 1 processes behind, which were ended"
    assert strays() == []


def test_one_column_that_cannot_be_stopped_does_not_keep_the_others_up(
    lifecycle, column, events, strays
):
    class Stubborn(Fake):
        def stop(self, running, home):
            del running, home
            raise RuntimeError("the daemon is gone")

    run = lifecycle()
    run.acquire(column("fake/a"))
    stubborn = lifecycle(registry=Catalogue(Stubborn()))
    stubborn.acquire(column("fake/b"))

    stubborn.release_all()

    assert strays() == []
    reasons = [event.reason for event in events if event.state == "down"]
    assert len(reasons) == 2
    assert all("could not be stopped: " in r and "daemon is gone" in r for r in reasons)
    assert [item.column for item in _reap(lifecycle)] == ["fake/a", "fake/b"]


def _reap(lifecycle):
    later = lifecycle("s2", registry)
    reaped = later.reap()
    later.release_all()
    return reaped
