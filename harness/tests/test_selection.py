"""Which columns a run is about: by name, by marker, by what a change touches."""

from __future__ import annotations

import re

import pytest
from _pytest.mark.expression import Expression
from hypothesis import given, settings
from hypothesis import strategies as st
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
ALL_AND_KIND = ("local", "k8s", "k8s/kind", "k8s/embedded", "nomad/docker")


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    path = tmp_path_factory.mktemp("matrix") / "matrix.yaml"
    path.write_text(TEXT)
    return load(path, ("local", "fake"))


EXPRESSIONS = {
    "local": {"local"},
    "local or nomad": {"local", "nomad"},
    "not (slow and k8s)": {"slow", "k8s"},
    "not(slow)or(k8s)": {"slow", "k8s"},
    "needs(gpu=1) and k8s": {"needs", "k8s"},
    'needs(kind="a b", n=2)': {"needs"},
    "needs(kind='or (x) and y', n=-2) or k8s": {"needs", "k8s"},
    "needs (gpu=True) and not (k8s)": {"needs", "k8s"},
    "k8s/kind": {"k8s/kind"},
    # For pytest these are markers too: -m True selects what carries the marker `True`.
    "True and not False": {"True", "False"},
    "": set(),
    "a.b-c": {"a.b-c"},
    "a[1] or b+c or a\\b or ::d": {"a[1]", "b+c", "a\\b", "::d"},
}


@pytest.mark.parametrize(("expression", "names"), EXPRESSIONS.items(), ids=EXPRESSIONS)
def test_marker_names_are_read_from_an_expression(expression, names):
    assert marker_names(expression) == names


NAMES = st.one_of(
    st.sampled_from(["k8s", "nomad", "True", "None", "nor", "android", "k8s/kind", "a.b"]),
    st.from_regex(r"[\w:+.\[\]\\/-]{1,6}", fullmatch=True),
).filter(lambda name: name not in {"and", "or", "not"})
VALUES = st.sampled_from(["1", "-2", "True", "None", '"a b"', "'or )'", '"(x="', "''"])
CALLS = st.builds(
    "{}({})".format,
    NAMES,
    st.lists(st.builds("{}={}".format, st.sampled_from(["a", "b"]), VALUES), min_size=1, max_size=2,
             unique_by=lambda text: text[0]).map(", ".join),
)  # fmt: skip
VALID = st.recursive(
    NAMES | CALLS,
    lambda inner: st.one_of(
        st.builds("not {}".format, inner),
        st.builds("({})".format, inner),
        st.builds("{} and {}".format, inner, inner),
        st.builds("{} or ({})".format, inner, inner),
    ),
    max_leaves=5,
)


@settings(deadline=None)
@given(VALID)
def test_the_names_in_an_expression_are_those_that_pytest_itself_looks_up(expression):
    """Held against the very grammar that pytest evaluates `-m` with."""
    assert marker_names(expression) == set(Expression.compile(expression).idents())


@given(st.text(max_size=30))
def test_no_text_makes_the_reader_of_expressions_fail(expression):
    """What is no expression is refused by pytest; until then nothing may break."""
    try:
        names = set(Expression.compile(expression).idents())
    except SyntaxError:
        names = marker_names(expression)

    assert marker_names(expression) == names


@pytest.mark.parametrize(
    ("expression", "unknown"),
    [
        ("nomda", ["nomda"]),
        ("nomda or local", ["nomda"]),
        ("not nomda", ["nomda"]),
        ("local and (nomad or not lcoal) or zz", ["lcoal", "zz"]),
        ("nomda(reason='local')", ["nomda"]),
        ("local or nomad", []),
        ("", []),
    ],
)
def test_markers_that_nobody_registered_are_found(expression, unknown):
    assert unknown_markers(expression, {"local", "nomad"}) == unknown


@pytest.mark.parametrize(
    ("names", "every", "columns"),
    [
        (["local"], False, ["local"]),
        (["k8s"], False, ["k8s"]),
        (["k8s"], True, ["k8s", "k8s/kind", "k8s/embedded"]),
        (["k8s/kind", "local"], False, ["k8s/kind", "local"]),
        (["nomad"], False, ["nomad/docker"]),
        (["nomad"], True, ["nomad/docker", "nomad/exec"]),
        (["k8s/kind"], True, ["k8s/kind"]),
        (["nomad/exec", "nomad"], False, ["nomad/exec", "nomad/docker"]),
        (["k8s/kind", "k8s"], True, ["k8s/kind", "k8s", "k8s/embedded"]),
        (["local", "local"], False, ["local"]),
        ([], False, []),
        ([], True, []),
    ],
)
def test_columns_are_asked_for_by_backend_or_variant(matrix, names, every, columns):
    assert [c.name for c in columns_asked(matrix, names, all_variants=every)] == columns


@pytest.mark.parametrize(
    ("name", "near"),
    [("lcoal", "local"), ("k8s/kidn", "k8s/kind"), ("nomda", "nomad"), ("LOCAL", "local")],
)
@pytest.mark.parametrize("every", [False, True])
def test_an_unknown_column_is_an_error_with_the_nearest_name(matrix, name, near, every):
    with pytest.raises(UsageError, match=f"did you mean '{near}'"):
        columns_asked(matrix, ["local", name], all_variants=every)


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
    small, large = (set(select(matrix, c, []).columns) for c in (some or more, [*some, *more]))

    assert small <= large or not (some or more)


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
