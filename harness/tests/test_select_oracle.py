"""Mistakes sown over this tree: the change that makes one selects a test that fails by it.

Whether a test really fails by a mistake is run, not believed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_metaflow_backends.changes import select
from pytest_metaflow_backends.matrix.load import load
from seeded_breaks import BREAKS

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("harness/src", "backends/src")
FAILED = 1  # of pytest: tests ran, and some failed


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of all files of the tree, whose modules are found before the installed ones."""
    copy = tmp_path_factory.mktemp("sown") / "tree"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=60,
    )
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    for command in (["git", "init", "-q"], ["git", "add", "-A"]):
        subprocess.run(command, cwd=copy, check=True, timeout=60)
    return copy


def run(tree, *tests):
    """Run tests in the copy as they run in the tree; give what pytest says."""
    path = os.pathsep.join(str(tree / name) for name in SOURCES)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "METAFLOW_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=tree,
        env={**kept, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def covers(selection, test):
    """Tell whether a selection runs a test, on the column that stands in its brackets."""
    path, _, name = test.partition("::")
    column = name.partition("[")[2].removesuffix("]")
    asked = selection.tests
    named = asked is None or any(path == one or path.startswith(f"{one}/") for one in asked)
    return named and (not column or column in selection.columns)


@pytest.mark.parametrize("name", BREAKS)
def test_a_mistake_selects_a_test_that_fails_by_it(name):
    selection = select(load(ROOT / "matrix.yaml"), [BREAKS[name].path], context="ci")

    assert (ROOT / BREAKS[name].path).read_text("utf-8").count(BREAKS[name].old) == 1
    assert covers(selection, BREAKS[name].test)


def test_a_selection_that_is_too_small_would_be_seen():
    matrix = load(ROOT / "matrix.yaml")
    documents = select(matrix, ["docs/index.md"], context="ci")

    assert not covers(documents, "backends/tests/nomad/test_jobs.py::test_x")
    assert not covers(documents, "harness/tests/test_repository.py::test_x[local]")
    assert covers(documents, "harness/tests/test_repository.py::test_x")


@pytest.mark.slow
def test_without_a_mistake_none_of_these_tests_fails(tree):
    done = run(tree, *dict.fromkeys(broken.test for broken in BREAKS.values()))

    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.slow
@pytest.mark.parametrize("name", BREAKS)
def test_the_test_fails_by_the_mistake(tree, name):
    broken = BREAKS[name]
    file = tree / broken.path
    sound = file.read_text(encoding="utf-8")
    assert sound.count(broken.old) == 1
    file.write_text(sound.replace(broken.old, broken.new), encoding="utf-8")
    try:
        done = run(tree, broken.test)
    finally:
        file.write_text(sound, encoding="utf-8")

    assert done.returncode == FAILED, done.stdout[-4000:]


def test_there_are_at_least_thirty_mistakes_in_twenty_files():
    assert len(BREAKS) >= 30
    assert len({broken.path for broken in BREAKS.values()}) >= 20
