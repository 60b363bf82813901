"""`mf-backends cache`: what was built once, and what nobody needs any more."""

from __future__ import annotations

import json
import subprocess

import pytest
from metaflow_backends import images, toolchain
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
    return tmp_path / "metaflow-extras"


def test_all_is_listed_with_its_size_and_whether_it_is_used(cached, capsys):
    assert main(["cache", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert told["folder"] == str(cached)
    assert [(row["name"].split("-")[0], row["used"]) for row in told["entries"]] == [
        ("nomad", False),
        ("pause", True),
        ("task", False),
    ]
    assert told["entries"][0]["mebibytes"] == 1.0


def test_prune_removes_what_is_not_used_and_nothing_else(cached, capsys):
    assert main(["cache", "--prune"]) == 0

    assert "2 removed (2 MiB)" in capsys.readouterr().out
    assert toolchain.find("pause") is not None
    assert (toolchain.unused(), images.unused()) == ((), ())
    assert not list(cached.glob("*/task-*"))
