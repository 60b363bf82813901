"""The rules of this repository's own matrix select enough, and no more than they must."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest
from pytest_metaflow_backends.changes import matches, select
from pytest_metaflow_backends.matrix.load import load

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "backends/src/metaflow_backends"
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
# Which columns stand on a room of their own; argo is another way to use what k8s brings up.
COLUMNS = {"nomad": {"nomad"}, "k8s": {"k8s", "argo"}, "docker": {"docker"}, "s3": {"s3"}}
EVERYTHING = ("local", "s3", "docker", "nomad", "k8s", "argo")


@pytest.fixture(scope="module")
def matrix():
    return load(ROOT / "matrix.yaml")


def importers():
    """Map each room of backends/ to the rooms that import it, directly or through others."""
    direct = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0]
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE.name):
                inside = node.module.split(".")[1:2]
                for name in inside or (alias.name for alias in node.names):
                    direct[name] |= {room} & set(ROOMS)
    found = {room: set(direct[room]) for room in ROOMS}
    for _ in ROOMS:
        found = {
            r: users | {u for user in users for u in found[user]} for r, users in found.items()
        }
    return {room: sorted(users - {room}) for room, users in found.items()}


def test_the_imports_are_found():
    assert "k8s" in importers()["metadata_service"]
    assert "nomad" in importers()["s3"]
    assert "docker" in importers()["host"]
    assert "k8s" in importers()["toolchain"]  # as one of several names


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_needs_the_columns_and_tests_of_all_that_stand_on_it(matrix, room):
    """A change of s3 may break nomad, which keeps its artifacts there."""
    selection = select(matrix, [f"backends/src/metaflow_backends/{room}/x.py"], context="ci")

    for user in (room, *importers()[room]):
        assert COLUMNS.get(user, set()) <= set(selection.columns), user
        if selection.tests is not None and (ROOT / "backends/tests" / user).is_dir():
            assert f"backends/tests/{user}" in selection.tests
            assert "harness/conformance" in selection.tests


@pytest.mark.parametrize(
    ("changed", "columns", "tests"),
    [
        (["docs/tour.md"], (), "harness/tests/test_repository.py"),
        (["backends/README.md"], (), "harness/tests/test_readme.py"),
        (["changelog.d/x.bugfix.md"], (), "harness/tests/test_repository.py"),
        (["harness/tests/test_cli.py"], (), "harness/tests"),
        (["harness/conformance/flows/linear.py"], EVERYTHING, "harness/conformance"),
        (["backends/src/metaflow_backends/nomad/hub.py"], ("nomad",), "backends/tests/nomad"),
        (["backends/src/metaflow_backends/k8s/kind.py"], ("k8s", "argo"), "backends/tests/k8s"),
        (["backends/src/metaflow_backends/spawning.py"], EVERYTHING, None),
        (["backends/src/metaflow_backends/host/netns.py"], EVERYTHING, None),
        (["backends/toolchain/argo/go.mod"], EVERYTHING, None),
        (["harness/src/pytest_metaflow_backends/plugin.py"], EVERYTHING, None),
        (["pyproject.toml"], EVERYTHING, None),
        (["features/nomad/src/x.py"], ("nomad",), "features/nomad/tests"),
        (["features/functions/src/x.py"], ("local", "s3"), "features/functions/tests"),
        (["features/new/src/x.py"], EVERYTHING, None),
        ([".github/workflows/ci.yml"], EVERYTHING, None),
        (["docs/tour.md", "Makefile"], EVERYTHING, None),
    ],
)
def test_what_a_change_of_this_repository_needs(matrix, changed, columns, tests):
    selection = select(matrix, changed, context="ci")

    assert selection.columns == columns
    assert selection.tests is None if tests is None else tests in selection.tests


def test_every_rule_is_about_files_that_are_there(matrix):
    files = [path.relative_to(ROOT).as_posix() for path in tracked()]

    patterns = [p for rule in matrix.select_rules for p in rule.paths] + [*matrix.select_always]
    idle = [p for p in patterns if not any(matches(file, p) for file in files)]

    assert idle == []
    for rule in matrix.select_rules:
        assert all((ROOT / test).exists() for test in rule.tests or ())


def tracked():
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file() and not {".venv", ".git", "node_modules"} & set(path.parts)
    ]
