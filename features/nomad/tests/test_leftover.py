"""What a failed run leaves is stopped, and what cannot be stopped is named."""

from __future__ import annotations

from metaflow_extensions.nomad.errors import DeniedError, MissingError
from metaflow_extensions.nomad.leftover import stop


class Cluster:
    def __init__(self):
        self.jobs = {"a": "running", "b": "dead"}
        self.stopped = []

    def job(self, name):
        if name not in self.jobs:
            raise MissingError("job not found")
        return {"Status": self.jobs[name]}

    def deregister(self, name):
        self.stopped.append(name)


def test_only_what_has_not_ended_is_stopped():
    there = Cluster()

    assert stop(dict.fromkeys(["a", "b", "gone"], (None, None)), lambda _: there) == []

    assert there.stopped == ["a"]


def test_each_namespace_is_asked_for_its_own():
    opened = {}

    def open_one(where):
        return opened.setdefault(where, Cluster())

    stop({"a": ("ml", None), "b": (None, None)}, open_one)

    assert set(opened) == {("ml", None), (None, None)}
    assert opened[("ml", None)].stopped == ["a"]


def test_what_cannot_be_stopped_is_named():
    def denied(_):
        raise DeniedError("no right")

    assert stop({"a": (None, None)}, denied) == ["jobs of this run may run on (a): no right"]
