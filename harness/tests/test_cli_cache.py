"""`mf-backends cache`: what was built once, and what nobody needs any more."""

from __future__ import annotations

import json
import subprocess

import pytest
from filelock import FileLock
from metaflow_backends import images, toolchain
from metaflow_backends.toolchain import ToolchainError
from pytest_metaflow_backends.cli import main


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """Give a cache with one build that is used and two things that are not."""
    go_cache = subprocess.check_output(["go", "env", "GOCACHE"], text=True).strip()
    monkeypatch.setenv("GOCACHE", go_cache)  # it would move, too, and all be compiled anew
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    toolchain.ensure("pause")
    for name in ("tools/nomad-0.0.1-0123456789ab", "images/task-0123456789ab"):
        folder = tmp_path / "metaflow-extras" / name
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x" * (1 << 20))
    (tmp_path / "metaflow-extras/images/.node-0123456789ab.unfinished").mkdir()
    return tmp_path / "metaflow-extras"


def test_all_is_listed_with_its_size_and_whether_it_is_used(cached, capsys):
    assert main(["cache", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert told["folder"] == str(cached)
    assert [(row["name"].split("-")[0], row["used"]) for row in told["entries"]] == [
        ("tools/nomad", False),
        ("tools/pause", True),
        ("images/task", False),
        ("images/.node", False),
    ]
    assert told["entries"][0]["mebibytes"] == 1.0


def test_prune_removes_what_is_not_used_and_nothing_else(cached, capsys):
    assert main(["cache", "--prune"]) == 0

    assert "3 removed (2 MiB)" in capsys.readouterr().out
    assert toolchain.find("pause") is not None
    assert (toolchain.unused(), images.unused()) == ((), ())
    assert not [*cached.glob("*/task-*"), *cached.glob("*/*.unfinished")]


def test_what_is_just_being_made_stays(cached, capsys):
    draft = cached / "images/.node-0123456789ab.unfinished"
    with FileLock(cached / "images/.node-0123456789ab.lock"):
        assert main(["cache", "--prune"]) == 0

    assert draft.is_dir()
    assert "1 unused (0 MiB)" in capsys.readouterr().out


@pytest.mark.usefixtures("cached")
def test_without_go_nobody_can_tell_and_nothing_is_unused(monkeypatch):
    monkeypatch.setattr("metaflow_backends.toolchain.building.go_version", _no_go)

    assert (toolchain.unused(), images.unused()) == ((), ())


def _no_go():
    raise ToolchainError("there is no Go to build with")
