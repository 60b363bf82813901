"""Which columns a run is about, by name and by marker."""

from __future__ import annotations

import pytest
from _pytest.mark.expression import Expression
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.matrix.load import load
from pytest_metaflow_backends.selection import (
    columns_asked,
    marker_names,
    unknown_markers,
)

TEXT = """
version: 1
backends:
  local: {kind: local}
  k8s: {kind: fake, variants: {kind: {}, embedded: {default: true}}}
  nomad: {kind: fake, base: false, variants: {docker: {default: true}, exec: {}}}
"""


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
