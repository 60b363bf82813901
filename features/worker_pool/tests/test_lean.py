"""Metaflow's small files, written with fewer calls: the same names, bytes and rights."""

from __future__ import annotations

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metaflow.plugins.datastores.local_storage import LocalStorage
from metaflow.plugins.metadata_providers.local import LocalMetadataProvider
from metaflow_extensions.worker_pool import lean

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_json_is_the_same_to_the_byte(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("json")

    LocalMetadataProvider._dump_json_to_file(str(folder / "stock"), value)
    lean._dump_json_to_file(None, str(folder / "lean"), value)

    assert (folder / "lean").read_bytes() == (folder / "stock").read_bytes()
    assert (folder / "lean").stat().st_mode == (folder / "stock").stat().st_mode
    assert sorted(p.name for p in folder.iterdir()) == ["lean", "stock"]


@given(st.binary(max_size=1 << 12))
def test_bytes_are_the_same(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("bytes")

    LocalStorage._atomic_write(str(folder / "stock"), value)
    lean._atomic_write(str(folder / "lean"), value)

    assert (folder / "lean").read_bytes() == (folder / "stock").read_bytes() == value
    assert (folder / "lean").stat().st_mode == (folder / "stock").stat().st_mode


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_that_is_there_is_replaced_only_if_that_is_asked_for(tmp_path, overwrite):
    file = tmp_path / "a.json"
    file.write_text('"old"')

    lean._dump_json_to_file(None, str(file), "new", allow_overwrite=overwrite)

    assert json.loads(file.read_text()) == ("new" if overwrite else "old")


def test_nothing_is_left_of_a_file_that_could_not_be_written(tmp_path):
    (tmp_path / "taken").mkdir()

    with pytest.raises(OSError, match="taken"):
        lean.write(str(tmp_path / "taken"), b"x")

    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_a_reader_never_sees_a_part_of_a_file_that_many_write(tmp_path):
    file, texts = tmp_path / "shared", [bytes([65 + n]) * 5000 for n in range(4)]
    lean.write(str(file), texts[0])
    writers = [
        threading.Thread(target=lambda t=t: [lean.write(str(file), t) for _ in range(100)])
        for t in texts
    ]

    for writer in writers:
        writer.start()
    seen = {file.read_bytes() for _ in range(300)}
    for writer in writers:
        writer.join()

    assert seen <= set(texts)
    assert [p.name for p in tmp_path.iterdir()] == ["shared"]
