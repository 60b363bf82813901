"""Streams of log frames: nothing twice, nothing lost, and what Nomad dropped is said."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metaflow.mflog.mflog import parse
from metaflow_extensions.nomad.errors import DeniedError, MissingError
from metaflow_extensions.nomad.logs.cursor import FULL, Cursor, Reader
from metaflow_extensions.nomad.logs.follow import MISSING, Follower
from metaflow_extensions.nomad.logs.frames import Frame, frames
from metaflow_extensions.nomad.logs.lines import LONGEST, Lines
from metaflow_extensions.nomad.logs.spool import Spool


def encoded(*sent):
    bodies = [
        {"Data": base64.b64encode(frame.data).decode(), "File": f"alloc/logs/{frame.file}"}
        if frame.data
        else {}
        for frame in sent
    ]
    return b"".join(json.dumps(body).encode() for body in bodies)


def file(number, data):
    return Frame(f"step.stdout.{number}", data)


@given(st.lists(st.binary(max_size=50), max_size=6), st.data())
def test_frames_cut_anywhere_are_read(parts, data):
    sent = [file(number, part) if part else Frame() for number, part in enumerate(parts)]
    whole = encoded(*sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    edges = [0, *cuts, len(whole)]

    assert list(frames(whole[a:b] for a, b in pairwise(edges))) == sent


def test_a_frame_without_end_is_refused():
    with pytest.raises(ValueError, match="more than"):
        list(frames([b"x" * (2 << 20)]))


FILES = [b"one\ntwo\n", b"three\n", b"four\nfive\nsix\n"]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_connections_that_break_anywhere_give_every_byte_once(lengths):
    """Each connection begins at the first byte again and breaks after some bytes."""
    cursor, got = Cursor(), b""
    for length in [*lengths, 10_000]:
        reader, left = Reader.starting(cursor, 0), length
        for number, data in enumerate(FILES):
            for start in range(0, min(left, len(data)), 5):
                # What is gone from the first files is not looked at: a rotation of tiny files.
                got += reader.take(file(number, data[start : min(start + 5, left)]))
            left = max(left - len(data), 0)

    assert got == b"".join(FILES)


def test_reading_on_from_an_offset_gives_the_rest():
    cursor = Cursor()
    Reader.starting(cursor, 0).take(file(0, b"0123456789"))

    assert cursor.offset == 10
    assert Reader.starting(cursor, 10).take(file(0, b"abc")) == b"abc"


def test_after_a_rotation_reading_begins_anew_and_gives_only_what_is_new():
    cursor = Cursor()
    first = Reader.starting(cursor, 0)
    first.take(file(0, b"x" * FULL))
    first.take(file(1, b"abc"))

    assert cursor.offset == 0
    again = Reader.starting(cursor, 0)
    assert again.take(file(0, b"x" * FULL)) == b""
    assert again.take(file(1, b"abcdef")) == b"def"
    assert not again.missed


@pytest.mark.parametrize(
    ("taken", "number"),
    [({0: 10}, 1), ({0: FULL}, 2), ({}, 3)],
    ids=["left too early", "a file between", "begun too late"],
)
def test_files_that_were_passed_over_are_noticed(taken, number):
    reader = Reader.starting(Cursor(dict(taken)), 0)

    reader.take(file(number, b"abc"))

    assert reader.missed


def test_whole_lines_are_given_and_the_last_one_in_the_end():
    lines = Lines()

    assert lines.add(b"a\nb") == [b"a"]
    assert lines.add(b"c\n\nd") == [b"bc", b""]
    assert lines.end() == [b"d"]
    assert lines.end() == []


def test_a_line_that_never_ends_is_given_in_pieces():
    lines = Lines()

    assert sum(map(len, lines.add(b"x" * (LONGEST + 1)))) == LONGEST + 1


class Scripted:
    """Connections that are given one after the other; `rest` is what there is in the end."""

    def __init__(self, rest, *connections):
        self.left, self.last = list(connections), rest

    def follow(self, *_):
        yield from self.left.pop(0)() if self.left else ()

    def rest(self, *_, offset):
        data = b"".join(self.last)
        yield file(0, data[offset:])


def followed(rest, *connections):
    shown = []
    follower = Follower(Scripted(rest, *connections), "a", "step", "stdout", shown.append)
    for _ in connections:
        try:
            follower._take_all(follower._client.follow(*follower._where), 0)
        except (OSError, MissingError):
            continue
    follower.finish()
    return shown


def test_a_task_that_ends_at_once_is_read_in_the_end():
    assert followed([b"one\n", b"two"]) == [b"one", b"two"]


def test_a_broken_connection_loses_and_doubles_nothing():
    def broken():
        yield file(0, b"one\ntw")
        raise OSError

    assert followed([b"one\ntwo\nthree\n"], broken) == [b"one", b"two", b"three"]


def test_logs_that_were_collected_end_quietly():
    def collected():
        raise MissingError("Unknown allocation")
        yield

    assert followed([b""], collected) == []


def test_lines_that_nomad_dropped_are_said_where_they_would_be():
    def jumped():
        yield file(0, b"one\ntw")
        yield file(2, b"nine\n")

    assert followed([b""], jumped) == [b"one", b"tw", MISSING, b"nine"]


def test_nothing_is_shown_after_the_end():
    shown = []
    follower = Follower(Scripted([b"one\n"]), "a", "step", "stdout", shown.append)
    follower.finish()

    follower._take_all(iter([file(0, b"one\ntwo\n")]), 0)

    assert shown == [b"one"]


def test_a_stream_that_may_not_be_read_is_said_once_and_asked_for_again_changes_nothing():
    class Denied(Scripted):
        def follow(self, *_):
            raise DeniedError("no right")

    shown = []
    follower = Follower(Denied([b"one\n"]), "a", "step", "stdout", shown.append)
    follower.start()
    follower._thread.join(5)

    follower.start()
    follower.finish()

    assert shown == [b"[nomad] logs cannot be followed: no right", b"one"]


class Stored:
    """The part of a task's datastore that holds its logs."""

    def __init__(self, **logs):
        self.logs = logs
        self.saved = {}

    def load_logs(self, sources, stream):
        assert sources == ["task"]
        return [("path", self.logs.get(stream, b""))]

    def save_logs(self, source, streams):
        self.saved |= {name: path.read_bytes() for name, path in streams.items()}


@pytest.fixture
def spooled():
    with closing(Spool()) as spool:

        def add(**lines):
            for stream, texts in lines.items():
                for text in texts:
                    spool.add(stream, text)
            return spool

        yield add


def test_output_that_was_not_stored_is_stored_as_metaflow_marks_it(spooled, tmp_path):
    stored = Stored()

    spooled(stdout=[b"one", b"two"]).save(stored, stored, tmp_path)

    lines = stored.saved["stdout"].splitlines()
    assert [parse(line).msg for line in lines] == [b"one", b"two"]
    assert "stderr" not in stored.saved


def test_output_that_was_stored_whole_is_left_alone(spooled, tmp_path):
    stored = Stored(stdout=b"a\nb\n", stderr=b"progress\rprogress\n")

    spooled(stdout=[b"a", b"b"], stderr=[b"x", b"y"]).save(stored, stored, tmp_path)

    assert set(stored.saved) == {"stderr"}
