"""References and bundles: moved, altered, newer, gone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from metaflow_extensions.functions.errors import BadReferenceError

RECORD, RESULT = {"a": 1, "b": 2}, {"prediction": 6}


@pytest.fixture
def load(monkeypatch, tmp_path):
    """Load as on another machine: nothing is in the cache."""
    from metaflow import function_from_json

    monkeypatch.setenv("METAFLOW_FUNCTIONS_CACHE", str(tmp_path / "cache"))
    return lambda location: function_from_json(location, backend="local")


@pytest.fixture
def exported(bound, load, tmp_path):
    def export(target="bundle", name="predict", **options):
        return load(bound(name)).export(tmp_path / target, **options)

    return export


@pytest.mark.parametrize("target", ["bundle", "bundle.zip"])
def test_a_moved_bundle_runs_where_its_origin_is_gone(exported, load, tmp_path, target, home):
    location = exported(target, include_artifacts=True)
    elsewhere = tmp_path / "elsewhere" / target
    elsewhere.parent.mkdir()
    shutil.move(tmp_path / target, elsewhere)
    shutil.rmtree(tmp_path / "cache")
    hidden = home.with_name("hidden")
    home.rename(hidden)

    try:
        assert load(elsewhere)(RECORD) == RESULT
        assert str(tmp_path / target) in location
    finally:
        hidden.rename(home)


def test_a_bundle_of_nothing_but_files_runs_in_another_process(exported, tmp_path, variables):
    exported(include_artifacts=True)
    code = (
        "from metaflow import function_from_json; "
        "print(function_from_json('bundle')({'a': 1, 'b': 2}))"
    )
    cache = {"METAFLOW_FUNCTIONS_CACHE": str(tmp_path / "new")}

    said = subprocess.check_output(
        [sys.executable, "-c", code], cwd=tmp_path, env={**variables, **cache}, text=True
    )

    assert said == f"{RESULT}\n"


def test_a_bundle_without_artifacts_reads_them_where_they_are(exported, load, tmp_path):
    location = exported()
    shutil.rmtree(tmp_path / "cache")

    assert load(location)(RECORD) == RESULT
    assert not (tmp_path / "bundle/artifacts").exists()


def test_a_bundle_may_be_exported_over_itself(exported, load, tmp_path):
    exported("bundle.zip", include_artifacts=True)

    load(tmp_path / "bundle.zip").export(tmp_path / "bundle.zip", include_artifacts=True)

    assert load(tmp_path / "bundle.zip")(RECORD) == RESULT


def test_an_export_that_fails_keeps_the_bundle_that_was_there(exported, load, tmp_path):
    exported("bundle.zip", include_artifacts=True)
    before = (tmp_path / "bundle.zip").read_bytes()
    exported("altered", include_artifacts=True)
    next((tmp_path / "altered").glob("artifacts/*")).write_bytes(b"x")

    with pytest.raises(BadReferenceError):
        load(tmp_path / "altered").export(tmp_path / "bundle.zip", include_artifacts=True)

    assert (tmp_path / "bundle.zip").read_bytes() == before
    assert not list(tmp_path.glob(".*part*"))


def test_the_id_is_the_same_wherever_it_lies(bound, exported, load):
    assert load(bound("predict")).about.uuid == load(exported(include_artifacts=True)).about.uuid


def flip(path):
    """Alter one byte in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("part", ["code", "artifacts"])
def test_a_tampered_byte_is_refused(exported, load, tmp_path, part):
    location = exported(include_artifacts=True)
    shutil.rmtree(tmp_path / "cache")
    flip(next((tmp_path / "bundle" / part).iterdir()))

    with pytest.raises(BadReferenceError, match="was altered"):
        load(location)


def test_a_tampered_cache_is_mended(exported, load, tmp_path):
    location = exported(include_artifacts=True)
    load(location)
    flip(next((tmp_path / "cache/artifacts").iterdir()))
    flip(next((tmp_path / "cache/code").rglob("scoring.py")))

    assert load(location)(RECORD) == RESULT


@pytest.fixture
def altered(exported):
    """Alter a reference; gives its location."""

    def alter(change):
        path = Path(exported(include_artifacts=True))
        said = json.loads(path.read_text(encoding="utf-8"))
        change(said)
        path.write_text(json.dumps(said), encoding="utf-8")
        return path

    return alter


ALTERED = {
    "another module": (lambda r: r["function"].update(module="os"), "its id is not that of its"),
    "another hash": (lambda r: r["code"].update(sha256="0" * 64), "its id is not that of its"),
    "a newer major": (lambda r: r.update(version="2.0"), "is of version 2.0, and this package"),
    "no version": (lambda r: r.pop("version"), "is of version None"),
    "no format": (lambda r: r.pop("format"), "is no reference of a function"),
    "no code": (lambda r: r.pop("code"), "is damaged: KeyError"),
}


@pytest.mark.parametrize(("change", "message"), ALTERED.values(), ids=ALTERED)
def test_what_is_not_understood_is_refused(altered, load, change, message):
    with pytest.raises(BadReferenceError, match=message):
        load(altered(change))


def test_unknown_keys_of_a_newer_minor_are_left(altered, load):
    def change(said):
        said.update(version="1.7", more={"x": 1})
        said["function"].update(more=1)
        said["artifacts"]["model"].update(more=1)

    assert load(altered(change))(RECORD) == RESULT


MISSING = {
    "no file": ("nowhere/reference.json", "nowhere/reference.json is not there"),
    "no bundle": ("nowhere.zip", "holds no reference.json"),
    "no datastore": ("ftp://x/reference.json", "ftp is no datastore of Metaflow"),
}


@pytest.mark.parametrize(("location", "message"), MISSING.values(), ids=MISSING)
def test_what_is_not_there_is_said(load, location, message):
    with pytest.raises(BadReferenceError, match=message):
        load(location)


def test_a_file_that_is_no_json_is_refused(load, tmp_path):
    (tmp_path / "reference.json").write_text("{")

    with pytest.raises(BadReferenceError, match="is no JSON"):
        load(tmp_path)


@pytest.mark.usefixtures("load")
def test_a_package_that_names_places_outside_is_refused(tmp_path):
    from metaflow_extensions.functions.capture.archive import pack, unpack

    with pytest.raises(BadReferenceError, match="lies outside of it"):
        unpack(pack({"../outside.py": b""}), tmp_path)


def test_artifacts_that_are_gone_are_said(exported, load, tmp_path, home):
    location = exported()
    shutil.rmtree(tmp_path / "cache")
    hidden = home.with_name("hidden")
    home.rename(hidden)

    try:
        with pytest.raises(BadReferenceError, match="is not there: export the bundle"):
            load(location)
    finally:
        hidden.rename(home)


def test_a_handle_travels_as_its_reference(bound):
    import pickle

    from metaflow import function_from_json

    function = function_from_json(bound("predict"), backend="local")

    assert pickle.loads(pickle.dumps(function))(RECORD) == RESULT  # noqa: S301 - our own
    assert repr(function) == f"JsonFunction({bound('predict')!r}, backend='local')"
