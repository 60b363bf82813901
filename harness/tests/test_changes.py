"""What a change needs, by the paths it touches and the labels it carries."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_metaflow_backends.changes import Selection, matches, select
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.matrix.load import load

TEXT = """
version: 1
backends:
  local: {kind: local}
  k8s: {kind: fake, variants: {kind: {}, embedded: {default: true}}}
  nomad: {kind: fake, base: false, variants: {docker: {default: true}, exec: {}}}
select:
  always: ["matrix.yaml", "harness/src/**", ".github/**"]
  rules:
    - {paths: ["features/nomad/**"], backends: [local, nomad], tests: [features/nomad, conformance]}
    - {paths: ["features/k8s/**", "charts/*.yaml"], backends: [k8s/kind], tests: [conformance]}
    - {paths: ["docs/**", "*.md"], backends: [], tests: [tests/test_docs.py]}
    - {paths: ["features/nomad/README.md"], backends: [], tests: [tests/test_docs.py]}
    - {paths: ["whole/**"], backends: [local]}
"""
ALL = ("local", "k8s", "k8s/embedded", "nomad/docker")
ALL_AND_KIND = ("local", "k8s", "k8s/kind", "k8s/embedded", "nomad/docker")


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    path = tmp_path_factory.mktemp("matrix") / "matrix.yaml"
    path.write_text(TEXT)
    return load(path, ("local", "fake"))


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
    "a label of a family": (["docs/a.md"], ["backend:nomad"], ("nomad/docker",)),
    "two labels": (["docs/a.md"], ["backend:k8s/kind", "backend:local"], ("local", "k8s/kind")),
    "a label takes nothing away": (["setup.cfg"], ["backend:local"], ALL),
    "nothing known and a label": ([], ["backend:nomad/exec"], (*ALL, "nomad/exec")),
    "both rules": (
        ["features/nomad/a", "charts/a.yaml"],
        [],
        ("local", "k8s/kind", "nomad/docker"),
    ),
    "a rule and what always needs all": (["charts/a.yaml", "matrix.yaml"], [], ALL_AND_KIND),
    "the order of paths is no matter": (["matrix.yaml", "charts/a.yaml"], [], ALL_AND_KIND),
    "many docs": ([f"docs/{n}.md" for n in range(50)], [], ()),
    "many docs and one thing more": ([*(f"docs/{n}.md" for n in range(50)), "tox.ini"], [], ALL),
    "the harness but its tests": (["harness/tests/test_a.py"], [], ALL),
    "the folder of a rule itself": (["docs"], [], ()),
    "a name that begins as a rule's folder": (["docs2/a.md"], [], ALL),
    "a rule's folder further down": (["a/docs/b.md"], [], ALL),
    "another case": (["DOCS/a.md"], [], ALL),
    "a hidden file in docs": (["docs/.hidden"], [], ()),
    "a path with spaces": (["docs/a b.md"], [], ()),
    "a path with letters of other languages": (["docs/äöü.md"], [], ()),
    "a path that git has quoted": (['"docs/\\303\\244.md"'], [], ALL),
    "a path that leaves docs": (["docs/../harness/src/a.py"], [], ALL),
    "a path from here": (["./docs/a.md"], [], ALL),
    "an absolute path": (["/docs/a.md"], [], ALL),
    "an empty path": ([""], [], ALL),
    "a folder with a slash": (["docs/"], [], ALL),
    "a path of Windows": (["docs\\a.txt"], [], ALL),
    "a star as a name": (["docs/*"], [], ()),
    "a matrix elsewhere": (["docs/matrix.yaml"], [], ()),
    "a chart with another ending": (["charts/a.yml"], [], ALL),
    "all and one more by label": (
        ["docs/a.md"],
        ["backends:all", "backend:nomad/exec"],
        (*ALL, "nomad/exec"),
    ),
    "a label that is only like ours": (["docs/a.md"], ["backend-local"], ()),
    "a workflow, deep": ([".github/a/b/c.yml"], [], ALL),
    "a hidden folder that is like it": ([".githubx/a.yml"], [], ALL),
}


@pytest.mark.parametrize(("changed", "labels", "columns"), CHANGES.values(), ids=CHANGES)
def test_a_change_needs_the_columns_of_its_paths_and_all_when_in_doubt(
    matrix, changed, labels, columns
):
    selection = select(matrix, changed, labels)

    assert set(selection.columns) == set(columns)
    order = [column.name for column in matrix.columns if column.name in columns]
    assert list(selection.columns) == order
    assert [reason.partition(": ")[0] for reason in selection.reasons] == order


TESTS = {
    "nothing known": ([], [], None),
    "docs": (["docs/a.md"], [], ("tests/test_docs.py",)),
    "no rule knows it": (["setup.cfg"], [], None),
    "what always needs all": (["matrix.yaml"], [], None),
    "a rule without tests": (["whole/a.py"], [], None),
    "one feature": (["features/nomad/a.py"], [], ("features/nomad", "conformance")),
    "two features": (
        ["charts/a.yaml", "features/nomad/a.py"],
        [],
        ("conformance", "features/nomad"),
    ),
    "two rules for one path": (
        ["features/nomad/README.md"],
        [],
        ("features/nomad", "conformance", "tests/test_docs.py"),
    ),
    "docs and the unknown": (["docs/a.md", "Dockerfile"], [], None),
    "docs and a rule without tests": (["docs/a.md", "whole/b"], [], None),
    "a label asks for all tests": (["docs/a.md"], ["backend:local"], None),
    "a label of somebody else's": (["docs/a.md"], ["bug"], ("tests/test_docs.py",)),
}


@pytest.mark.parametrize(("changed", "labels", "tests"), TESTS.values(), ids=TESTS)
def test_a_change_needs_the_tests_of_its_paths_and_all_when_in_doubt(
    matrix, changed, labels, tests
):
    assert select(matrix, changed, labels).tests == tests


def test_where_a_column_is_required_doubt_selects_it_though_it_is_not_default(tmp_path):
    """In CI a change that nobody knows must run on what CI requires."""
    path = tmp_path / "matrix.yaml"
    path.write_text(
        "version: 1\nbackends: {a: {kind: fake}, "
        "b: {kind: fake, default: false, required: [ci], variants: {v: }}}"
    )
    matrix = load(path, ("fake",))

    assert select(matrix, ["unknown"], context="ci").columns == ("a", "b")
    assert select(matrix, ["unknown"], context="dev").columns == ("a",)


def test_every_choice_comes_with_its_reason(matrix):
    changed = ["docs/a.md", "features/nomad/x", "Dockerfile", "matrix.yaml"]

    selection = select(matrix, changed, ["backend:k8s/kind"])

    assert selection.reasons == (
        "local: features/nomad/x: select.rules[0] has features/nomad/**",
        "k8s: Dockerfile: no rule knows it, so all",
        "k8s/kind: label backend:k8s/kind",
        "k8s/embedded: Dockerfile: no rule knows it, so all",
        "nomad/docker: features/nomad/x: select.rules[0] has features/nomad/**",
    )
    assert selection.passed_over == ("docs/a.md: select.rules[2] has docs/**",)


def test_a_change_of_more_files_than_github_lists_needs_everything(matrix):
    few = select(matrix, [f"docs/{n}.md" for n in range(2_999)])
    many = select(matrix, [f"docs/{n}.md" for n in range(3_000)])

    assert few.columns == ()
    assert many == select(matrix, [])


def test_a_label_for_an_unknown_backend_is_an_error(matrix):
    with pytest.raises(UsageError, match="has no backend 'nomda'; did you mean 'nomad'"):
        select(matrix, ["docs/a.md"], ["backend:nomda"])


def test_doubt_selects_all_columns_where_none_is_default(tmp_path):
    """Else a matrix of optional columns would be green for every change."""
    path = tmp_path / "matrix.yaml"
    path.write_text("version: 1\nbackends: {a: {kind: fake, default: false, variants: {v: }}}")

    selection = select(load(path, ("fake",)), ["unknown"], [])

    assert selection.columns == ("a", "a/v")


PATHS = st.lists(st.sampled_from(["docs", "features", "nomad", "a.md", "x", "**", "*"]), min_size=1)


@given(st.lists(PATHS.map("/".join)), st.lists(PATHS.map("/".join)))
def test_a_larger_change_never_needs_less(matrix, some, more):
    """Under-selection is the one mistake that a selection must not make."""
    small, large = (select(matrix, paths) for paths in (some or more, [*some, *more]))

    assert needs_no_more(small, large) or not (some or more)


def needs_no_more(small: Selection, large: Selection) -> bool:
    tests = large.tests is None or (small.tests is not None and {*small.tests} <= {*large.tests})
    return {*small.columns} <= {*large.columns} and tests


@given(st.text("ab/*", max_size=8), st.text("ab/", max_size=8))
def test_paths_match_as_the_same_pattern_does_as_a_regular_expression(pattern, path):
    parts = [part for part in pattern.split("/") if "**" not in part or part == "**"] or [""]
    words = "".join("(?:[^/]*/)*" if p == "**" else f"{p.replace('*', '[^/]*')}/" for p in parts)

    assert matches(path, "/".join(parts)) is bool(re.fullmatch(words, f"{path}/"))


def test_many_stars_do_not_take_for_ever():
    assert not matches("/".join("a" * 200), "/".join(["**", "a"] * 60 + ["b"]))


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
