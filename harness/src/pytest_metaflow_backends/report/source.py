"""Find the record files of a folder and say which belong together, oldest session first."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.records import SCHEMA_VERSION, Session
from pytest_metaflow_backends.report import text

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

CHUNK = 1 << 20
COLUMN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(?:/[A-Za-z0-9][A-Za-z0-9_.-]{0,63})?")
TWINS = 20  # files of one beginning with which a further one is compared
LONGEST = 9  # digits of an attempt's number


@dataclass(frozen=True)
class Source:
    """One session and its files: parts first, since the controller's file ends the story."""

    session: Session
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Sources:
    """All sessions found, oldest first, and what could not be attributed to any of them."""

    sessions: tuple[Source, ...] = ()
    damage: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Head:
    """What the first line of a file says; `session` is None in a part."""

    path: Path
    id: str
    session: Session | None
    line: bytes
    size: int


class MalformedError(ValueError):
    """A line is JSON but not a record this version understands."""


def discover(where: Path | Iterable[Path]) -> Sources:
    """Read the first line of every record file below a folder, or of the files given.

    The same file delivered twice (also in two stages of its growth) counts once. Files that cannot
    be attributed are named in `damage`: no record at all, a format from the future, a part whose
    session is not there, or two different files that claim to be one session.
    """
    heads: list[_Head] = []
    damage: list[str] = []
    for path in _paths(where):
        head = _head_or_damage(path)
        if isinstance(head, str):
            damage.append(head)
        else:
            heads.append(head)
    heads, doubtful = _distinct(heads)
    sessions, orphans = _joined(heads)
    return Sources(tuple(sessions), tuple(damage + doubtful + orphans))


def session_of(path: Path) -> Session | None:
    """Give the session whose file this is; None if it is a part, or no record file at all."""
    head = _head_or_damage(path)
    return None if isinstance(head, str) else head.session


def _paths(where: Path | Iterable[Path]) -> list[Path]:
    if not isinstance(where, Path):
        return sorted(where)
    return [where] if where.is_file() else sorted(p for p in where.rglob("*.jsonl") if p.is_file())


def _head_or_damage(path: Path) -> _Head | str:
    try:
        return _head(path)
    except (OSError, ValueError, RecursionError) as error:
        return f"{path.name}: {text.one_line(str(error))}"


def _head(path: Path) -> _Head:
    with path.open("rb") as stream:
        line = stream.readline()
    if not line.endswith(b"\n"):
        raise MalformedError("holds no complete record; its process died before it wrote one")
    data = json.loads(line)
    kind = data.get("kind") if isinstance(data, dict) else None
    size = path.stat().st_size
    if kind == "session":
        session = session_from(data)
        return _Head(path, session.id, session, line, size)
    if kind == "part" and isinstance(data.get("session"), str):
        return _Head(path, data["session"], None, line, size)
    raise MalformedError("begins with neither a session nor a part; not a record file of ours")


def session_from(data: Mapping[str, Any]) -> Session:
    """Check a session line; raises MalformedError if it is not one this version can judge."""
    version = data.get("v", SCHEMA_VERSION)
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise MalformedError(
            f"written in version {version!r} of the record format, this reads {SCHEMA_VERSION}; "
            "use the same pytest-metaflow-backends for both"
        )
    started = data.get("started")
    if not isinstance(data.get("id"), str) or not _is_time(started):
        raise MalformedError("its session line lacks an id or a start time")
    return Session(
        id=text.identifier(data["id"]),
        started=float(started),  # type: ignore[arg-type]
        columns=tuple(c for c in _strings(data.get("columns")) if COLUMN.fullmatch(c)),
        args=tuple(_strings(data.get("args"))),
        **{
            name: _string(data.get(name))
            for name in ("context", "python", "metaflow", "platform", "machine")
        },  # type: ignore[arg-type]
        **{name: texts(data.get(name)) for name in ("extensions", "plugins", "ci")},  # type: ignore[arg-type]
    )


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _string(value: object) -> str:
    return text.one_line(value) if isinstance(value, str) else ""


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield from (text.identifier(v) for v in value if isinstance(v, str))


def texts(value: object) -> dict[str, str]:
    """Keep the pairs of a JSON object as short harmless text; anything else gives an empty one."""
    if not isinstance(value, dict):
        return {}
    return {text.one_line(str(k)): text.one_line(str(v)) for k, v in value.items()}


def _distinct(heads: Sequence[_Head]) -> tuple[list[_Head], list[str]]:
    """Drop copies: files with the same first line of which one is the beginning of the other."""
    kept: dict[bytes, list[_Head]] = {}
    damage: list[str] = []
    for head in sorted(heads, key=lambda h: (-h.size, str(h.path))):
        twins = kept.setdefault(head.line, [])
        if any(_begins_with(twin.path, head.path) for twin in twins[:TWINS]):
            continue
        rival = next((t for t in twins if head.session or t.path.name == head.path.name), None)
        if rival is not None:
            damage.append(f"{head.path.name}: another file also claims to be session {head.id}")
        twins.append(head)
    return [head for twins in kept.values() for head in twins], damage


def _begins_with(longer: Path, shorter: Path) -> bool:
    with longer.open("rb") as one, shorter.open("rb") as other:
        while chunk := other.read(CHUNK):
            if one.read(len(chunk)) != chunk:
                return False
    return True


def _joined(heads: Sequence[_Head]) -> tuple[list[Source], list[str]]:
    files: dict[str, list[_Head]] = {}
    for head in heads:
        files.setdefault(head.id, []).append(head)
    sources: list[Source] = []
    damage: list[str] = []
    for name, group in files.items():
        group.sort(key=lambda h: (h.session is not None, str(h.path)))
        session = group[-1].session
        if session is None:
            damage += [
                f"{h.path.name}: belongs to session {text.identifier(name)}, which is not here"
                for h in group
            ]
        else:
            sources.append(Source(session, tuple(h.path for h in group)))
    return sorted(sources, key=lambda s: (s.session.started, s.session.id)), damage


def takes_over(newer: Session, older: Session) -> bool:
    """Tell whether what `newer` says about a cell makes void what `older` said about it.

    In CI only a later go at the same job does that. Elsewhere any newer session does, since the
    code has changed in between, unless it ran in other surroundings.
    """
    if newer.ci or older.ci:
        return supersedes(newer, older)
    return _surroundings(newer) == _surroundings(older)


def kin(session: Session) -> Hashable:
    """Give what two sessions have in common of which one may take over from the other."""
    return identity(session) if session.ci else _surroundings(session)


def supersedes(newer: Session, older: Session) -> bool:
    """Tell whether `newer` is a later go at the very job of `older`.

    In CI: the same job of the same run with a higher attempt. Elsewhere: started later with the
    same columns and arguments. Both only in the same surroundings: GitHub gives all legs of a
    job's matrix the same job and attempt. A CI that does not say which job this is has none.
    """
    if identity(newer) != identity(older) or (newer.ci and not newer.ci.get("job")):
        return False
    if newer.ci.get("attempt") or older.ci.get("attempt"):
        return _attempt(newer) > _attempt(older)
    return newer.started > older.started


def identity(session: Session) -> Hashable:
    """Name the job that a session is a go at."""
    job = (session.ci.get(name) for name in ("provider", "run", "job"))
    return session.columns, session.args, _surroundings(session), *job


def _surroundings(session: Session) -> tuple[str, ...]:
    """Name what legs of a CI matrix differ in: Python (3.12), system (Linux), Metaflow.

    Outside CI the machine too: what one found, another has not mended.
    """
    python = ".".join(session.python.split(".")[:2])
    return python, session.platform.partition("-")[0], session.metaflow, session.machine


def _attempt(session: Session) -> int:
    value = session.ci.get("attempt", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= LONGEST else 0
