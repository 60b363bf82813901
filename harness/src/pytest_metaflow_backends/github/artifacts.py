"""Records out of the artifacts of a workflow run, which anybody may have made.

A pull request runs its own code before it uploads them. So an archive is looked at before anything
of it is written, its files get no say in where they go, and what does not look as ours do is
refused with a line. Commit and run come from GitHub's event, never from in here.
"""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
import zlib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.github.client import GitHubError
from pytest_metaflow_backends.report.source import session_of
from pytest_metaflow_backends.report.text import identifier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_metaflow_backends.github.client import GitHub
    from pytest_metaflow_backends.github.event import WorkflowRun

PREFIX = "records-"
ARCHIVE = 64 << 20  # bytes of one archive
UNPACKED = 1 << 30  # bytes of all files of a run
ENTRIES = 2_000  # of one archive; a session has one file for each of its processes
MOST = 500  # archives of a run, which is what GitHub keeps of one job
FILES = 5_000  # of all archives of a run
LINE = 16 << 20  # bytes of one record; its snapshot or its tails are far less
CHUNK = 1 << 20
NAME = re.compile(
    r"(?:[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,127}/){0,8}[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,191}"
)
ENDING = ".jsonl"
ENTRY = b"PK\x01\x02"  # begins every entry of an archive's directory
ENCRYPTED = 0x1
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


class RefusedError(Exception):
    """Why an archive is not believed, in a line."""


@dataclass(frozen=True)
class Room:
    """What may still be unpacked."""

    bytes: int
    files: int


WHOLE = Room(UNPACKED, FILES)


@dataclass(frozen=True)
class Collected:
    """Where the records are, and what was refused."""

    folder: Path
    refused: tuple[str, ...] = ()


def collect(github: GitHub, run: WorkflowRun, folder: Path) -> Collected:
    """Fetch and unpack the records of all attempts of a run into `folder`.

    What is refused leaves nothing behind but its line. Raises GitHubError if GitHub does not
    answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    refused: list[str] = []
    left = WHOLE
    listed = list(islice(_listed(github, run), MOST + 1))
    if len(listed) > MOST:
        refused.append(f"the run has more than {MOST} artifacts of records; only those are read")
    for entry in listed[:MOST]:
        name = identifier(str(entry.get("name")), 100)
        try:
            left = _one(github, entry, folder / str(int(entry["id"])), left)
        except (RefusedError, GitHubError) as error:
            refused.append(f"artifact {name}: refused: {error}")
    refused += _foreign(folder, run)
    return Collected(folder, tuple(refused))


def _listed(github: GitHub, run: WorkflowRun) -> Iterator[dict[str, Any]]:
    for entry in github.pages(f"/actions/runs/{run.id}/artifacts", "artifacts"):
        if str(entry.get("name", "")).startswith(PREFIX) and not entry.get("expired"):
            yield entry


def _one(github: GitHub, entry: dict[str, Any], folder: Path, room: Room) -> Room:
    if room.bytes <= 0:
        raise RefusedError(f"the others have the {UNPACKED} bytes that are read of a run")
    size = entry.get("size_in_bytes")
    if not isinstance(size, int) or size > ARCHIVE:
        raise RefusedError(f"{size} bytes, and at most {ARCHIVE} are read")
    archive = folder.with_suffix(".zip")
    try:
        github.download(f"/actions/artifacts/{entry['id']}/zip", archive, ARCHIVE)
        return unpack(archive, folder, room)
    finally:
        archive.unlink(missing_ok=True)


def unpack(archive: Path, folder: Path, room: Room = WHOLE) -> Room:
    """Write the record files of an archive below `folder`; give the room that is left then.

    Names and sizes are checked before the first byte is written. Raises RefusedError, and then
    nothing of it is left.
    """
    # Before its directory is read: a million entries would take gigabytes of memory.
    if archive.read_bytes().count(ENTRY) > ENTRIES:
        raise RefusedError(f"more than {ENTRIES} entries")
    try:
        return _unpack(archive, folder, room)
    except RefusedError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _unpack(archive: Path, folder: Path, room: Room) -> Room:
    try:
        with zipfile.ZipFile(archive) as zipped:
            files = [entry for entry in zipped.infolist() if not entry.is_dir()]
            _check(files, room)
            written = sum(_write(zipped, entry, folder, room.bytes) for entry in files)
            return Room(room.bytes - written, room.files - len(files))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError) as error:
        raise RefusedError(f"no sound archive: {error}") from error
    except (OSError, ValueError, RuntimeError, RecursionError) as error:
        raise RefusedError(f"cannot be unpacked: {error}") from error


def _check(files: list[zipfile.ZipInfo], room: Room) -> None:
    seen: set[str] = set()
    for entry in files:
        shown = identifier(entry.filename, 100)
        if not NAME.fullmatch(entry.filename) or not entry.filename.endswith(ENDING):
            raise RefusedError(f"{shown!r} is no name of a record file")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in {0, stat.S_IFREG}:
            raise RefusedError(f"{shown!r} is a link or another thing than a file")
        if entry.flag_bits & ENCRYPTED or entry.compress_type not in METHODS:
            raise RefusedError(f"{shown!r} is packed in a way that we do not use")
        if entry.filename.casefold() in seen:
            raise RefusedError(f"{shown!r} is there twice")
        seen.add(entry.filename.casefold())
    if len(files) > room.files:
        raise RefusedError(f"it has more than the {room.files} files that are left")
    if sum(entry.file_size for entry in files) > room.bytes:
        raise RefusedError(f"it unpacks to more than the {room.bytes} bytes that are left")


def _write(zipped: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, room: int) -> int:
    """Write one file, as far as its directory said; what is more in it is a lie."""
    target = folder / entry.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with zipped.open(entry) as source, target.open("xb") as stream:
        while chunk := source.read(CHUNK):
            written += len(chunk)
            if written > min(entry.file_size, room):
                raise RefusedError(f"{identifier(entry.filename, 100)!r} is larger than it says")
            stream.write(chunk)
    _check_lines(target, entry.filename)
    return written


def _check_lines(path: Path, name: str) -> None:
    """Refuse a record that would take the memory of a machine to decode."""
    with path.open("rb") as stream:
        while line := stream.readline(LINE + 1):
            if len(line) > LINE:
                shown = identifier(name, 100)
                raise RefusedError(f"{shown!r} has a record of more than {LINE} bytes")


def _foreign(folder: Path, run: WorkflowRun) -> Iterator[str]:
    """Take away sessions that say they are of another run, and yield a line for each file.

    Their parts then belong to a session that is not there, which is damage.
    """
    for path in sorted(folder.rglob(f"*{ENDING}")):
        session = session_of(path)
        if session is not None and (claimed := session.ci.get("run", "")) != str(run.id):
            path.unlink()
            said = f"run {claimed}" if claimed else "no run of GitHub"
            yield f"session {session.id}: refused: it is of {said}, and this is {run.id}"
