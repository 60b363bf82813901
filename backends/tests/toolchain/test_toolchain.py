"""Programs are built once, believed only if whole, and never half."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from metaflow_backends import cache, toolchain
from metaflow_backends.errors import BackendError
from metaflow_backends.toolchain import ToolchainError, building, catalog, obtaining

pytestmark = pytest.mark.timeout(180)
ENSURE = "from metaflow_backends import toolchain; toolchain.ensure('pause', print)"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Build into a folder of the test's own; Go keeps what it has compiled."""
    go_cache = subprocess.check_output(["go", "env", "GOCACHE"], text=True).strip()
    monkeypatch.setenv("GOCACHE", go_cache)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    building.go_version.cache_clear()
    yield
    building.go_version.cache_clear()


def test_a_program_is_built_once_and_found_again():
    said = []

    built = toolchain.ensure("pause", said.append)
    again = toolchain.ensure("pause", said.append)

    assert said == ["building pause 1: about 0.1 min on 2 cores", "built pause 1"]
    assert built == again == toolchain.find("pause")
    assert built.origin == "built"
    assert os.access(built.path, os.X_OK)


def test_nothing_is_built_by_looking():
    assert toolchain.find("pause") is None
    assert not cache.root().exists()


def test_a_damaged_program_is_built_again():
    first = toolchain.ensure("pause").path
    whole = first.read_bytes()
    first.write_bytes(whole[:-1])

    assert toolchain.find("pause") is None
    assert toolchain.ensure("pause").path.read_bytes() == whole


def test_what_a_killed_build_left_is_never_used():
    builder = subprocess.Popen([sys.executable, "-c", ENSURE], start_new_session=True)
    folder = cache.root() / "tools"
    deadline = time.monotonic() + 30
    while not list(folder.glob(".*.unfinished/module")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(builder.pid, signal.SIGKILL)
    builder.wait()
    found = toolchain.find("pause")

    built = toolchain.ensure("pause")

    assert found is None
    assert cache.intact(built.path)
    assert not list(folder.glob(".*.unfinished"))


def test_two_at_once_build_once():
    said = []
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: toolchain.ensure("pause", said.append), range(2))

    assert one == two
    assert [path.name for path in (cache.root() / "tools").glob("[!.]*")] == [one.path.parent.name]


def a_program(folder, name, says):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("says", "taken"),
    [
        (f"etcd Version: {catalog.ETCD}", True),
        (f"v{catalog.ETCD}\nmore", True),
        ("etcd Version: 3.4.23", False),
        (f"{catalog.ETCD}9", False),
        ("no version at all", False),
    ],
    ids=["pinned", "with a v", "other", "longer", "none"],
)
def test_a_program_on_path_is_taken_if_it_is_of_the_pinned_version(
    tmp_path, monkeypatch, says, taken
):
    path = a_program(tmp_path / "bin", "etcd", says)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")

    found = toolchain.find("etcd")

    assert (found is not None) is taken
    if found:
        assert (found.path, found.origin, found.version) == (path, "PATH", catalog.ETCD)


def test_an_unknown_program_is_named_with_the_nearest():
    with pytest.raises(ToolchainError, match="unknown tool 'kubelt'; did you mean 'kubelet'"):
        toolchain.ensure("kubelt")


def test_without_go_one_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ToolchainError, match=r"there is no Go to build with: install Go 1\.26"):
        toolchain.ensure("pause")


def test_an_old_go_is_refused_before_anything_is_built(tmp_path, monkeypatch):
    a_program(tmp_path / "bin", "go", "go version go1.21.3 linux/amd64")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")

    with pytest.raises(ToolchainError, match=r"go1\.21\.3 linux/amd64 is too old to build"):
        toolchain.ensure("pause")


def test_a_build_that_fails_quotes_what_go_said(tmp_path, monkeypatch):
    pins = tmp_path / "pins"
    shutil.copytree(building.PINS / "pause", pins / "pause")
    (pins / "pause/main.go").write_text("package main\n\nfunc main() { nonsense() }\n")
    monkeypatch.setattr(building, "PINS", pins)

    with pytest.raises(ToolchainError, match="undefined: nonsense"):
        toolchain.ensure("pause")

    assert toolchain.find("pause") is None


def test_settings_of_the_callers_own_go_projects_do_not_get_in(monkeypatch):
    monkeypatch.setenv("GOFLAGS", "-mod=vendor -no-such-flag")
    monkeypatch.setenv("GOOS", "plan9")

    assert cache.intact(toolchain.ensure("pause").path)


def test_a_nearly_full_disk_is_told_before_anything_is_built(monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=7 << 20))

    with pytest.raises(
        BackendError, match=r"building pause needs 64 MiB of free disk, and .* 7 MiB"
    ):
        toolchain.ensure("pause")


def test_pins_name_the_versions_of_the_catalog():
    found = {
        recipe.name: building.pinned(building.PINS / recipe.module / "go.mod", path)
        for recipe, path in [
            (catalog.CATALOG["nomad"], "github.com/hashicorp/nomad"),
            (catalog.CATALOG["etcd"], "go.etcd.io/etcd/server/v3"),
            (catalog.CATALOG["kubelet"], "k8s.io/kubernetes"),
            (catalog.CATALOG["argoexec"], catalog.ARGO_MODULE),
        ]
    }

    assert found == {name: f"v{catalog.CATALOG[name].version}" for name in found}


def test_the_page_of_the_devstack_lists_what_is_built():
    page = (Path(__file__).resolve().parents[3] / "docs/devstack.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w-]+) \| ([\d.]+) \|.*\| ([\d.]+) \|$", page, re.MULTILINE)

    assert [(name, version, float(minutes)) for name, version, minutes in rows] == [
        (recipe.name, recipe.version, recipe.minutes) for recipe in catalog.RECIPES
    ]


def test_builds_that_no_recipe_leads_to_are_unused():
    kept = toolchain.ensure("pause").path
    old = cache.root() / "tools/pause-0-0123456789ab"
    old.mkdir()

    assert obtaining.unused() == (old,)
    assert kept.exists()


LOWCAP = {
    "create": (("create", "--bundle", "B", "id"), "config.json", True),
    "run with =": (("--debug", "run", "--bundle=B", "id"), "config.json", True),
    "exec": (("exec", "--process", "B/config.json", "id"), "config.json", False),
    "state": (("state", "id"), "config.json", None),
}


@pytest.mark.parametrize(("arguments", "file", "nested"), LOWCAP.values(), ids=LOWCAP)
def test_runc_lowcap_takes_out_what_this_process_may_not_have(
    tmp_path, monkeypatch, arguments, file, nested
):
    import json

    runc = a_program(tmp_path / "bin", "runc", "called")
    monkeypatch.setenv("RUNC", str(runc))
    mine = "CAP_CHOWN"
    process = {
        "capabilities": {"bounding": [mine, "CAP_NO_SUCH"], "effective": []},
        "oomScoreAdj": -998,
        "args": ["sh", "ß"],
    }
    path = tmp_path / file
    before = {"process": process, "hooks": {"n": 9007199254740993}} if nested else process
    path.write_text(json.dumps(before))
    argv = [part.replace("B", str(tmp_path)) for part in arguments]

    done = subprocess.run(
        [toolchain.ensure("runc-lowcap").path, *argv], capture_output=True, text=True, check=True
    )

    after = json.loads(path.read_text())
    changed = after["process"] if nested else after
    assert done.stdout == "called\n"
    if nested is None:
        assert after == before
    else:
        assert changed["capabilities"] == {"bounding": [mine], "effective": []}
        assert changed["oomScoreAdj"] == 0
        assert changed["args"] == ["sh", "ß"]
        assert after.get("hooks", {}).get("n", 9007199254740993) == 9007199254740993
