"""Artifacts are made by anybody: what is not a record file of this run is refused, in a line."""

from __future__ import annotations

import json
import os
import stat
import struct
import time
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_metaflow_backends.github import artifacts
from pytest_metaflow_backends.github.artifacts import RefusedError, Room, collect, unpack
from pytest_metaflow_backends.github.event import WorkflowRun
from strict_github.archives import zipped

RUN = WorkflowRun(7, 2, "https://github.com/o/r/actions/runs/7")


def link(name, to):
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry, to


def device(name):
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (stat.S_IFIFO | 0o666) << 16
    return entry, b""


def encrypted(content):
    raw = bytearray(zipped(("a.jsonl", content), method=zipfile.ZIP_STORED))
    raw[6] |= 1
    directory = raw.index(b"PK\x01\x02")
    raw[directory + 8] |= 1
    return bytes(raw)


def lying(content):
    """An archive whose file has more in it than both its headers say."""
    raw = bytearray(zipped(("a.jsonl", content)))
    directory = raw.index(b"PK\x01\x02")
    raw[22:26] = raw[directory + 24 : directory + 28] = struct.pack("<I", 10)
    return bytes(raw)


def flipped(content):
    """An archive with one wrong byte in its only file."""
    raw = bytearray(zipped(("a.jsonl", content), method=zipfile.ZIP_STORED))
    raw[100] ^= 1
    return bytes(raw)


HOSTILE = {
    "up and out": (zipped(("../a.jsonl", b"x")), "no name of a record file"),
    "deep up and out": (zipped(("a/../../../a.jsonl", b"x")), "no name of a record file"),
    "absolute": (zipped(("/tmp/a.jsonl", b"x")), "no name of a record file"),
    "of Windows": (zipped(("..\\a.jsonl", b"x")), "no name of a record file"),
    "a drive": (zipped(("C:/a.jsonl", b"x")), "no name of a record file"),
    "hidden": (zipped((".git/a.jsonl", b"x")), "no name of a record file"),
    "another kind of file": (zipped(("a.py", b"x")), "no name of a record file"),
    "escape sequences": (zipped(("\x1b[31ma.jsonl", b"x")), "no name of a record file"),
    "a huge name": (zipped((f"{'a' * 5000}.jsonl", b"x")), "no name of a record file"),
    "a link": (zipped(link("a.jsonl", "/etc/passwd")), "is a link"),
    "a pipe": (zipped(device("a.jsonl")), "is a link"),
    "twice": (zipped(("a.jsonl", b"x"), ("A.jsonl", b"y")), "is there twice"),
    "encrypted": (encrypted(b"x"), "packed in a way"),
    "another way to pack": (zipped(("a.jsonl", b"x"), method=zipfile.ZIP_LZMA), "packed in a way"),
    "a bomb": (zipped(("a.jsonl", bytes(3 << 20))), "unpacks to more than the 1048576 bytes"),
    "a bomb in parts": (
        zipped(*((f"{n}.jsonl", bytes(1 << 19)) for n in range(3))),
        "unpacks to more than",
    ),
    "a lie about its size": (lying(b"y" * 1000), "no sound archive|larger than it says"),
    "a record as long as memory": (zipped(("a.jsonl", b"[" * 70_000)), "a record of more than"),
    "many entries": (zipped(*((f"{n}.jsonl", b"") for n in range(2001))), "more than 2000 entries"),
    "no archive": (b"hello", "no sound archive"),
    "nothing": (b"", "no sound archive"),
    "cut off": (zipped(("a.jsonl", b"x" * 1000))[:-30], "no sound archive"),
    "damaged": (flipped(os.urandom(1000)), "no sound archive"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("content", "said"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused_in_a_line_and_leaves_nothing(
    tmp_path, monkeypatch, content, said
):
    monkeypatch.setattr(artifacts, "LINE", 1 << 16)
    archive = tmp_path / "a.zip"
    archive.write_bytes(content)

    with pytest.raises(RefusedError, match=said) as raised:
        unpack(archive, tmp_path / "deep" / "er" / "into", Room(1 << 20, 2_000))

    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 400
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.zip"]


def test_a_million_entries_are_refused_before_they_are_read(tmp_path):
    """Python would take a gigabyte of memory to read their names."""
    archive = tmp_path / "a.zip"
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<HHH", 1, 0, 0) + bytes(12) + b"a"
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, 47_000_000, 0, 0)
    archive.write_bytes(entry * 1_000_000 + end)

    with pytest.raises(RefusedError, match="more than 2000 entries"):
        unpack(archive, tmp_path / "into")


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.text(max_size=20) | st.from_regex(r"[./\\a-z~$ ]{1,12}\.jsonl", fullmatch=True),
    content=st.binary(max_size=50),
)
def test_no_name_puts_a_file_elsewhere(tmp_path_factory, name, content):
    folder = tmp_path_factory.mktemp("any")
    archive, into = folder / "a.zip", folder / "into"
    try:
        archive.write_bytes(zipped((name or "x", content)))
    except UnicodeEncodeError:
        return

    try:
        unpack(archive, into)
    except RefusedError:
        assert not into.exists()

    written = [path for path in folder.rglob("*") if path.is_file() and path != archive]
    assert all(path.is_relative_to(into) and not path.is_symlink() for path in written)


def session_file(lines, run="7", **more):
    session = lines.session("s1", ci={"provider": "github", "job": "k8s", "run": run, **more})
    records = [session, lines.plan("a"), lines.result("a"), lines.finish(0, passed=1)]
    return "".join(json.dumps(line) + "\n" for line in records).encode()


def test_the_records_of_all_attempts_are_collected(tmp_path, lines, server, github):
    server.artifacts = {
        1: ("records-k8s-1", zipped(("a.jsonl", session_file(lines, attempt="1")))),
        2: ("records-k8s-2", zipped(("records/a.jsonl", session_file(lines, attempt="2")))),
        3: ("report", zipped(("index.html", b"<html>"))),
    }

    found = collect(github, RUN, tmp_path / "into")

    assert found.refused == ()
    written = sorted(str(p.relative_to(found.folder)) for p in found.folder.rglob("*.jsonl"))
    assert written == ["1/a.jsonl", "2/records/a.jsonl"]


@pytest.mark.parametrize(
    ("run", "said"),
    [("41", "session s1: refused: it is of run 41, and this is 7"),
     ("", "session s1: refused: it is of no run of GitHub, and this is 7")],
)  # fmt: skip
def test_records_of_another_run_are_refused(tmp_path, lines, server, github, run, said):
    """Old green records must not stand for a commit that nobody tested."""
    server.artifacts = {1: ("records-k8s-1", zipped(("a.jsonl", session_file(lines, run=run))))}

    found = collect(github, RUN, tmp_path / "into")

    assert found.refused == (said,)
    assert [*found.folder.rglob("*.jsonl")] == []


def test_copies_of_foreign_records_are_refused_too(tmp_path, lines, server, github):
    """A reader of records drops copies, so one of them is not seen while the other is there."""
    old = session_file(lines, run="41")
    many = zipped(*((f"{n}.jsonl", old) for n in range(1_000)))
    server.artifacts = {n: (f"records-{n}", many) for n in (1, 2, 3)}
    began = time.process_time()

    found = collect(github, RUN, tmp_path / "into")

    assert len(found.refused) == 3_000
    assert [*found.folder.rglob("*.jsonl")] == []
    assert time.process_time() - began < 20


def test_more_artifacts_than_are_read_are_said(tmp_path, lines, server, github, monkeypatch):
    monkeypatch.setattr(artifacts, "MOST", 2)
    good = zipped(("a.jsonl", session_file(lines)))
    server.artifacts = {n: (f"records-{n}", good) for n in (1, 2, 3)}

    found = collect(github, RUN, tmp_path / "into")

    assert found.refused == ("the run has more than 2 artifacts of records; only those are read",)


def test_more_files_than_are_read_are_refused(tmp_path, lines, server, github, monkeypatch):
    """Every session that is read takes memory, however small its archive is."""
    monkeypatch.setattr(artifacts, "WHOLE", Room(1 << 20, 3))
    two = zipped(*((f"{n}.jsonl", session_file(lines)) for n in "ab"))
    server.artifacts = {1: ("records-1", two), 2: ("records-2", two)}

    found = collect(github, RUN, tmp_path / "into")

    assert found.refused == (
        "artifact records-2: refused: it has more than the 1 files that are left",
    )


def test_one_bad_artifact_does_not_hide_the_others(tmp_path, lines, server, github):
    server.artifacts = {
        1: ("records-\x1b[31mbad", zipped(("../a.jsonl", b""))),
        2: ("records-good-1", zipped(("a.jsonl", session_file(lines)))),
    }

    found = collect(github, RUN, tmp_path / "into")

    assert len(found.refused) == 1
    assert found.refused[0].startswith("artifact records-\\x1b[31mbad: refused: ")
    assert len([*found.folder.rglob("*.jsonl")]) == 1


def test_all_artifacts_together_have_one_limit(tmp_path, server, github, monkeypatch):
    monkeypatch.setattr(artifacts, "WHOLE", Room(1500, 10))
    server.artifacts = {n: (f"records-{n}", zipped(("a.jsonl", bytes(1000)))) for n in range(1, 4)}

    found = collect(github, RUN, tmp_path / "into")

    assert [line.partition(":")[0] for line in found.refused if "artifact" in line] == [
        "artifact records-2",
        "artifact records-3",
    ]


def test_an_artifact_that_is_too_large_is_not_even_fetched(tmp_path, server, github, monkeypatch):
    monkeypatch.setattr(artifacts, "ARCHIVE", 10)
    server.artifacts = {1: ("records-1", zipped(("a.jsonl", b"x")))}

    found = collect(github, RUN, tmp_path / "into")

    assert "at most 10 are read" in found.refused[0]
    assert not any("/zip" in path for _, path in server.requests)
