"""How many connections all launchers of this machine have to one server at a time.

A server takes 100 from one address, idle ones included, and answers 429 to the next. Launchers are
processes of their own, so they share slots: files that are locked as long as a connection is there.
The kernel takes a lock back from whoever dies.
"""

from __future__ import annotations

import fcntl
import os
import random
import stat
import tempfile
import time
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_extensions.nomad.api.backoff import delays
from metaflow_extensions.nomad.errors import NomadError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SLOTS = 80  # the others of the 100 are for people and their tools
FOR_TURNS = 10  # slots that nobody holds for long
LIVE = 3  # connections of a launcher that follows: what happens, and both streams
ELSEWHERE = 3  # of the others, which a request tries too: they may not be held
AGAIN = (0.05, 1.0)  # seconds until a slot is asked for again, at first and in the end
HOLD_AGAIN = 5.0  # seconds until a launcher that could hold none tries again


class Budget:
    """The slots of one server; holds `LIVE` of them, or takes one for each request."""

    def __init__(self, folder: Path, slots: int = SLOTS, patience: float = 600.0) -> None:
        self._slots = [folder / f"slot-{number:03}" for number in range(slots)]
        self.patience = patience
        self._held: list[int] = []
        self._tried = float("-inf")  # when none could be held

    @classmethod
    def of(cls, address: str, slots: int = SLOTS, patience: float = 600.0) -> Budget:
        """Give the slots of a server, shared by all processes of this user on this machine."""
        digest = sha256(address.encode()).hexdigest()[:12]
        return cls(_private(_private(_above()) / digest), slots, patience)

    @property
    def live(self) -> bool:
        """Say whether connections may be kept."""
        return bool(self._held)

    def hold(self) -> bool:
        """Hold slots for connections that stay, if there are enough; asked again, they are kept."""
        if not self._held and time.monotonic() - self._tried >= HOLD_AGAIN:
            self._held = _locked(self._shuffled()[1], LIVE)
            self._tried = float("-inf") if self._held else time.monotonic()
        return self.live

    def release(self) -> None:
        for file in self._held:
            os.close(file)
        self._held = []

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have a slot for one short request; waits for it.

        Raises UnreachableError if none becomes free in time.
        """
        if self.live:
            yield
            return
        until, pause = time.monotonic() + self.patience, delays(*AGAIN)
        while not (taken := self._free()):
            if time.monotonic() > until:
                raise UnreachableError(
                    "all connections that are allowed are in use; run fewer tasks"
                )
            time.sleep(next(pause))
        try:
            yield
        finally:
            os.close(taken[0])

    def _free(self) -> list[int]:
        """Lock one slot if there is one; not all are tried, since hundreds may be trying."""
        turns, others = self._shuffled()
        return _locked([*turns, *others[:ELSEWHERE]], 1)

    def _shuffled(self) -> tuple[list[Path], list[Path]]:
        """Give the slots for turns and the others, each in an order of its own."""
        turns, others = self._slots[:FOR_TURNS], self._slots[FOR_TURNS:]
        return random.sample(turns, len(turns)), random.sample(others, len(others))


def _above() -> Path:
    """Name the folder of this user; XDG_RUNTIME_DIR may still be that of another one."""
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    ours = bool(given) and os.access(given, os.W_OK) and Path(given).stat().st_uid == os.getuid()
    return Path(given if ours else tempfile.gettempdir()) / f"metaflow-nomad-{os.getuid()}"


def _private(folder: Path) -> Path:
    """Make a folder that nobody else can write to, also where everybody can make one."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NomadError(f"{folder} cannot be made ({error}); set XDG_RUNTIME_DIR") from error
    there = folder.lstat()
    if there.st_uid != os.getuid() or not stat.S_ISDIR(there.st_mode) or there.st_mode & 0o022:
        raise NomadError(f"{folder} is not ours alone; remove it, or set XDG_RUNTIME_DIR")
    return folder


def _locked(slots: Sequence[Path], count: int) -> list[int]:
    """Lock so many of the slots, the first ones first; none if there are fewer."""
    taken: list[int] = []
    slots[0].parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # a logout may have removed it
    for slot in slots:
        file = os.open(slot, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            continue
        taken.append(file)
        if len(taken) == count:
            return taken
    for file in taken:
        os.close(file)
    return []
