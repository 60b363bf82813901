from __future__ import annotations

import pytest
from pytest_metaflow_backends.capabilities import Probe, Run, Skip, resolve
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.matrix.load import load
from pytest_metaflow_backends.selection import (
    columns_asked,
    marker_names,
    matches,
    select,
    unknown_markers,
)

TEXT = """
version: 1
backends:
  local: {kind: local}
  k8s: {kind: fake, variants: {kind: {}, embedded: {default: true}}}
  nomad: {kind: fake, base: false, variants: {docker: {default: true}, exec: {}}}
select:
  always: ["matrix.yaml", "harness/src/**", ".github/**"]
  rules:
    - {paths: ["features/nomad/**"], backends: [local, nomad]}
    - {paths: ["features/k8s/**", "charts/*.yaml"], backends: [k8s/kind]}
    - {paths: ["docs/**", "*.md"], backends: []}
"""
ALL = ("local", "k8s", "k8s/embedded", "nomad/docker")


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    path = tmp_path_factory.mktemp("matrix") / "matrix.yaml"
    path.write_text(TEXT)
    return load(path, ("local", "fake"))


EXPRESSIONS = {
    "local": {"local"},
    "local or nomad": {"local", "nomad"},
    "not (slow and k8s)": {"slow", "k8s"},
    "needs(gpu=1) and k8s": {"needs", "k8s"},
    'needs(kind="a b", n=2)': {"needs"},
    "True and not False": {"True", "False"},
    "": set(),
    "a.b-c": {"a.b-c"},
}


@pytest.mark.parametrize(("expression", "names"), EXPRESSIONS.items(), ids=EXPRESSIONS)
def test_marker_names_are_read_from_an_expression(expression, names):
    assert marker_names(expression) == names


def test_unknown_markers_are_found_beside_known_ones():
    assert unknown_markers("nomda or local", {"local", "nomad"}) == ["nomda"]


@pytest.mark.parametrize(
    ("names", "every", "columns"),
    [
        (["local"], False, ["local"]),
        (["k8s"], False, ["k8s"]),
        (["k8s"], True, ["k8s", "k8s/kind", "k8s/embedded"]),
        (["k8s/kind", "local"], False, ["k8s/kind", "local"]),
        (["nomad"], False, ["nomad/docker"]),
        (["nomad"], True, ["nomad/docker", "nomad/exec"]),
        (["local", "local"], False, ["local"]),
    ],
)
def test_columns_are_asked_for_by_backend_or_variant(matrix, names, every, columns):
    assert [c.name for c in columns_asked(matrix, names, all_variants=every)] == columns


@pytest.mark.parametrize(("name", "near"), [("lcoal", "local"), ("k8s/kidn", "k8s/kind")])
def test_an_unknown_column_is_an_error_with_the_nearest_name(matrix, name, near):
    with pytest.raises(UsageError, match=f"did you mean '{near}'"):
        columns_asked(matrix, [name], all_variants=False)


CHANGES = {
    "nothing known": ([], [], ALL),
    "docs": (["docs/a.md"], [], ()),
    "docs, deep": (["docs/a/b/c.png"], [], ()),
    "readme": (["README.md"], [], ()),
    "a readme elsewhere": (["features/x/README.md"], [], ALL),
    "the matrix": (["matrix.yaml"], [], ALL),
    "the harness": (["harness/src/a/b.py"], [], ALL),
    "workflows": ([".github/workflows/ci.yml"], [], ALL),
    "one feature": (["features/nomad/src/x.py"], [], ("local", "nomad/docker")),
    "a chart": (["charts/a.yaml"], [], ("k8s/kind",)),
    "a variant by label": (["docs/a.md"], ["backend:nomad/exec"], ("nomad/exec",)),
    "a chart, deep": (["charts/sub/a.yaml"], [], ALL),
    "docs and a feature": (["docs/a.md", "features/nomad/x"], [], ("local", "nomad/docker")),
    "docs and the unknown": (["docs/a.md", "Dockerfile"], [], ALL),
    "unknown": (["setup.cfg"], [], ALL),
    "docs with a label": (["docs/a.md"], ["backend:local"], ("local",)),
    "docs with the label for all": (["docs/a.md"], ["backends:all"], ALL),
    "docs with another label": (["docs/a.md"], ["bug"], ()),
}


@pytest.mark.parametrize(("changed", "labels", "columns"), CHANGES.values(), ids=CHANGES)
def test_a_change_needs_the_columns_of_its_paths_and_all_when_in_doubt(
    matrix, changed, labels, columns
):
    selection = select(matrix, changed, labels)

    assert selection.columns == columns
    assert len(selection.reasons) == len(columns)


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("a.py", "a.py", True),
        ("a/b.py", "a/*", True),
        ("a/b/c.py", "a/*", False),
        ("a/b/c.py", "a/**", True),
        ("a", "a/**", True),
        ("x/a.py", "**/a.py", True),
        ("a.py", "**/a.py", True),
        ("a/x/y/b", "a/**/b", True),
        ("a/b", "a/**/b", True),
        ("ab", "a/**", False),
        ("a[1].py", "a[[]1].py", True),
    ],
)
def test_paths_match_patterns_part_by_part(path, pattern, expected):
    assert matches(path, pattern) is expected


def test_capabilities_decide_run_skip_or_probe():
    has = frozenset({"foreach", "retry"})

    assert resolve([], has) == Run()
    assert resolve(["foreach"], has) == Run()
    assert resolve(["gpu", "foreach"], has) == Skip("does not declare gpu", ("gpu",))
    assert resolve(["gpu"], has, probe_undeclared=True) == Probe(("gpu",))
    with pytest.raises(UsageError, match="did you mean 'foreach'"):
        resolve(["forech"], has)
