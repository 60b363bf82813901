"""A column that is another way to use what a second one has started."""

from __future__ import annotations

from dataclasses import replace

import pytest
from metaflow_backends import registry
from metaflow_backends.fake import Fake
from metaflow_backends.protocol import Shares
from metaflow_backends.state import Folder
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.lifecycle import Broken, Unavailable, down, status, up


class Guest(Fake):
    """The fake, used in another way: its own start must never be called."""

    kind = "guest"
    capabilities = frozenset({"deployer"})

    def start(self, settings, home):
        raise AssertionError("a guest was started")

    def attach(self, settings, host):
        return replace(host, environment={**host.environment, "WAY": settings.name})


class WithGuest:
    """The installed backends and the guest."""

    def load(self, kind):
        return Guest() if kind == "guest" else registry.load(kind)

    def kinds(self):
        return (*registry.kinds(), "guest")


@pytest.fixture
def guest(column):
    def make(kind="guest", **options):
        return column("guest", kind, shares=column("fake", options=options))

    return make


def test_a_guest_starts_its_host_once_and_adds_its_own(lifecycle, guest, column, events):
    run = lifecycle(registry=WithGuest())

    mine = run.acquire(guest())
    host = run.acquire(column("fake"))
    told = [(event.backend, event.state) for event in events]
    run.release_all()

    assert isinstance(mine.backend, Shares)
    assert mine.running.processes == host.running.processes
    assert mine.environment == {**host.environment, "WAY": "guest"}
    assert mine.capabilities == {"deployer"}
    assert told == [("fake", "probing"), ("fake", "up"), ("guest", "up")]
    assert [event.backend for event in events if event.state == "down"] == ["fake"]


@pytest.mark.parametrize(
    ("options", "error"),
    [({"unavailable": "no such thing"}, Unavailable), ({"start_error": "it burnt"}, Broken)],
    ids=["unavailable", "broken"],
)
def test_a_guest_of_what_does_not_come_up_is_out_for_the_same_reason(
    lifecycle, guest, events, options, error
):
    run = lifecycle(registry=WithGuest())

    with pytest.raises(error) as first:
        run.acquire(guest(**options))
    with pytest.raises(error) as again:
        run.acquire(guest(**options))
    run.release_all()

    assert next(iter(options.values())) in str(first.value)
    assert str(first.value) == str(again.value)
    assert events[-1].backend == "guest"
    assert sum(event.state == "probing" for event in events) == 1


def test_a_backend_that_cannot_share_is_a_mistake_of_the_matrix(lifecycle, guest):
    run = lifecycle(registry=WithGuest())

    with pytest.raises(UsageError, match="the kind 'local' cannot share another's column"):
        run.acquire(guest(kind="local"))
    run.release_all()


def test_a_guest_is_brought_up_and_down_by_hand_as_its_host(state, guest):
    mine = up(state, guest(), WithGuest())
    standing = [found.column for found in status(state)]
    stopped = down(state, mine.column.started.name)

    assert mine.environment["WAY"] == "guest"
    assert standing == ["fake"]
    assert stopped
    assert Folder.of(state, "fake").read() is None
