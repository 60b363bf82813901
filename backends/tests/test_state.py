from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metaflow_backends.errors import BackendError
from metaflow_backends.protocol import Process, Running
from metaflow_backends.state import (
    Folder,
    Phase,
    State,
    StateError,
    VersionError,
    decode,
    encode,
    folders,
)

PROCESSES = st.builds(
    Process,
    pid=st.integers(1, 2**22),
    created=st.floats(0, 1e10),
    ticks=st.none() | st.integers(0, 2**62),
)
TEXT = st.text(max_size=20)
STATES = st.builds(
    State,
    id=TEXT,
    column=TEXT,
    kind=TEXT,
    phase=st.sampled_from(Phase),
    home=TEXT,
    boot=TEXT,
    started=st.floats(0, 1e10),
    session=TEXT,
    owner=st.none() | PROCESSES,
    settings=TEXT,
    running=st.builds(
        Running,
        environment=st.dictionaries(TEXT, st.none() | TEXT, max_size=3),
        processes=st.lists(PROCESSES, max_size=3).map(tuple),
        endpoints=st.dictionaries(TEXT, TEXT, max_size=2),
        versions=st.dictionaries(TEXT, TEXT, max_size=2),
        provider=TEXT,
        logs=TEXT,
        details=st.dictionaries(TEXT, st.integers() | st.lists(TEXT, max_size=2), max_size=2),
    ),
)


@pytest.fixture
def folder(tmp_path) -> Folder:
    folder = Folder.of(tmp_path, "k8s/kind")
    folder.root.mkdir()
    return folder


@pytest.fixture
def state() -> State:
    return State(
        id="t", column="k8s/kind", kind="fake", phase=Phase.UP, home="h", boot="b", started=1.0
    )


@given(STATES)
def test_a_state_is_read_as_it_was_written(state):
    assert state == decode(encode(state), None)


def test_a_column_without_a_start_has_no_state(folder):
    assert folder.read() is None


def test_the_state_file_is_for_our_eyes_only(folder, state):
    folder.write(state)

    assert folder.file.stat().st_mode & 0o777 == 0o600
    assert state == folder.read()


def test_writing_leaves_no_other_file(folder, state):
    folder.write(state)
    folder.write(state)

    assert [folder.file] == list(folder.root.iterdir())


def test_the_folders_name_gives_the_column_back(tmp_path):
    for column in ("k8s/kind", "local"):
        with Folder.of(tmp_path, column).lock(1):
            pass
    (tmp_path / ".runs").mkdir()
    (tmp_path / ".runs" / "lock").touch()

    actual = [folder.column for folder in folders(tmp_path)]

    assert actual == ["k8s/kind", "local"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "17", "{}", '{"v": 1}', '{"v": 1, "phase": "up"}', "\x00" * 512],
    ids=["empty", "torn", "null", "list", "number", "no version", "bare", "few fields", "zeros"],
)
def test_a_damaged_state_file_is_one_line_that_names_it(folder, text):
    folder.file.write_text(text)

    with pytest.raises(StateError, match=r"state\.json: is no state file") as caught:
        folder.read()

    assert "\n" not in str(caught.value)


@given(STATES, st.data())
def test_no_torn_state_file_is_taken_for_a_whole_one(state, data):
    whole = encode(state).rstrip()
    torn = whole[: data.draw(st.integers(0, len(whole) - 1))]

    with pytest.raises(StateError):
        decode(torn, None)


def test_bytes_that_are_no_text_are_one_clear_line(folder):
    folder.file.write_bytes(b"\xff\xfe\xfd")

    with pytest.raises(StateError, match=r"state\.json: cannot be read"):
        folder.read()


def test_a_state_of_another_release_says_so(folder, state):
    data = json.loads(encode(state)) | {"v": 99}
    folder.file.write_text(json.dumps(data))

    with pytest.raises(VersionError, match="has version 99, this release reads 1; stop"):
        folder.read()


def test_a_write_that_fails_keeps_the_old_state_whole(folder, state):
    """The file size limit makes write(2) fail as a full disk does."""
    folder.write(state)
    script = """
        import resource, signal, sys
        from dataclasses import replace
        from pathlib import Path
        from metaflow_backends.state import Folder, StateError
        folder = Folder(Path(sys.argv[1]), "k8s/kind")
        state = replace(folder.read(), session="x" * 10_000)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        try:
            folder.write(state)
        except StateError as error:
            print(error)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(folder.root)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert f"{folder.file}: cannot be written: File too large\n" == run.stdout
    assert state == folder.read()
    assert [folder.file] == list(folder.root.iterdir())


HOLDER = """
import sys, time
from pathlib import Path
from metaflow_backends.state import Folder
with Folder.of(Path(sys.argv[1]), "c").lock(5):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_dies_with_its_holder(tmp_path):
    folder = Folder.of(tmp_path, "c")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BackendError, match=r"^c: another process has been .*0\.05 s"):
            folder.lock(0.05).__enter__()
        holder.kill()

    with folder.lock(5):
        assert holder.wait() == -9
