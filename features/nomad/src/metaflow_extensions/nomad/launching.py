"""One attempt from its job to its end: registered once, followed live, judged, taken down."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from metaflow_extensions.nomad.job.document import TASK
from metaflow_extensions.nomad.logs.follow import Follower
from metaflow_extensions.nomad.logs.spool import STREAMS
from metaflow_extensions.nomad.watch.allocation import Allocation
from metaflow_extensions.nomad.watch.ending import Cause, Ending, ending, judge
from metaflow_extensions.nomad.watch.placement import Placement
from metaflow_extensions.nomad.watch.queue import Queue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metaflow_extensions.nomad.api.client import Client
    from metaflow_extensions.nomad.spec import Spec

OVERDUE = 3.0  # seconds past its time to end that a task is waited for
EXPLAIN = 2.0  # seconds between two looks at why a job waits
AFTER_LIMIT = 60.0  # seconds past @timeout, bootstrap included, until the launcher ends a task
WAIT = 20.0  # seconds that the server holds a question until there is news
LOOK, SELDOM = 2.0, 20.0  # seconds between two looks where nothing may be held
SHARE = 10  # times as long as a look takes until the next one: hundreds may be looking


class Screen(Protocol):
    """Where a launcher tells what happens."""

    def say(self, text: str, allocation: str = "") -> None:
        """Tell what the launcher knows."""
        ...

    def line(self, stream: str, line: bytes, allocation: str) -> None:
        """Show a line of the task."""
        ...


@dataclass
class Launch:
    """Runs one job to its end; `run` gives how it ended."""

    client: Client
    job: Mapping[str, Any]
    spec: Spec
    screen: Screen
    limit: float | None = None  # seconds of @timeout
    queue: float = float("inf")  # seconds in a queue, where the spec says nothing
    _followers: list[Follower] = field(default_factory=list)
    _said: str = ""
    _current: str = ""  # allocation that is followed
    _started: float = 0.0
    _look: float = 0.0  # seconds that the last one took

    @property
    def name(self) -> str:
        return str(self.job["ID"])

    def run(self) -> Ending:
        """Register the job, or take over the one that is there, and see it through."""
        registered = self.client.register(self.job)
        if not registered.evaluation:
            self.screen.say(f"Job {self.name} is there already; its attempt is taken over")
        queue, index = Queue(self.client, self.spec, self.queue), 0
        while True:
            index, stubs = self._news(index)
            found = [Allocation.of(stub) for stub in stubs]
            ended = self._with(found) if found else self._without(queue)
            if ended is not None:
                return ended

    def _news(self, index: int) -> tuple[int, Sequence[Mapping[str, Any]]]:
        """Wait for news of the allocations, and follow the streams if that is allowed now.

        Without connections that may be kept, there is a look now and then instead.
        """
        if self.client.live():
            for follower in self._followers:
                follower.start()
            return self.client.allocations(self.name, index, WAIT if self._started else EXPLAIN)
        if index:
            pause = min(max(LOOK, SHARE * self._look), SELDOM)
            time.sleep(random.uniform(0.5, 1.5) * pause)  # noqa: S311 - no secret
        began = time.monotonic()
        for follower in self._followers:
            follower.read()
        _, stubs = self.client.allocations(self.name)
        self._look = time.monotonic() - began
        return 1, stubs

    def stop(self) -> None:
        """Let Nomad end whatever runs of this job."""
        self.client.deregister(self.name)

    def _without(self, queue: Queue) -> Ending | None:
        evaluations = self.client.evaluations(self.name)
        if self._current or not evaluations:  # a job that is there has been evaluated
            return ending(Cause.COLLECTED, "Nomad no longer knows the job; it was collected")
        placements = [
            place for one in evaluations if (place := Placement.from_evaluation(one, TASK))
        ]
        if not placements:
            return None
        said, ended = queue.look(placements[-1])
        self._say(said)
        if ended is not None:
            self.stop()
        return ended

    def _with(self, found: Sequence[Allocation]) -> Ending | None:
        ours = next((one for one in found if one.started), found[-1])
        self._tell(ours)
        if ours.started and not self._followers:
            self._follow(ours)
        if not ours.started and ours.taken_away and ours is not found[-1]:
            return None
        if ours.over or ours.taken_away:
            return self._end(ours, judge(ours, self.spec))
        if (secret := ours.event("Template")) and not ours.started and "Missing" in secret.text:
            return self._end(ours, judge(ours, self.spec))
        if (
            self.limit
            and self._started
            and time.monotonic() - self._started > self.limit + AFTER_LIMIT
        ):
            return self._end(ours, ending(Cause.TIMEOUT, "the step ran longer than its @timeout"))
        return None

    def _end(self, ours: Allocation, end: Ending) -> Ending:
        if not ours.over or ours.taken_away:
            self.stop()
            self._until_over(ours)
        for follower in self._followers:
            # A node that is away answers nobody, and the server waits for it all the same.
            (follower.close if ours.away else follower.finish)()
        return end

    def _until_over(self, ours: Allocation) -> None:
        """Wait for the end of a task that was told to end: it may have something to say yet."""
        if ours.over or ours.away:
            return
        until = time.monotonic() + self.spec.kill_timeout + OVERDUE
        index = 0
        while time.monotonic() < until:
            index, stubs = self.client.allocations(self.name, index, 1.0)
            now = [Allocation.of(stub) for stub in stubs if stub["ID"] == ours.id]
            if not now or now[0].over:
                return

    def _follow(self, ours: Allocation) -> None:
        self._current, self._started = ours.id, time.monotonic()
        for stream in STREAMS:
            follower = Follower(
                self.client, ours.id, TASK, stream, self._shower(stream, ours.short)
            )
            self._followers.append(follower)

    def _shower(self, stream: str, allocation: str) -> Any:
        return lambda line: self.screen.line(stream, line, allocation)

    def _tell(self, ours: Allocation) -> None:
        newest = ours.events[-1] if ours.events else None
        if ours.started:
            self._say(f"Task is running on {ours.node}", ours.short)
        elif newest is not None and newest.type not in {"Received", "Task Setup"}:
            self._say(f"Task is starting on {ours.node}: {newest.text or newest.type}", ours.short)
        else:
            self._say(f"Task is starting on {ours.node}", ours.short)

    def _say(self, text: str, allocation: str = "") -> None:
        if text != self._said:
            self._said = text
            self.screen.say(text, allocation)
