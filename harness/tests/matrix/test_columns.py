"""From settings to columns: what is inherited, merged, replaced."""

from __future__ import annotations

import datetime as dt
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_metaflow_backends.matrix.describe import describe
from pytest_metaflow_backends.matrix.load import load
from pytest_metaflow_backends.matrix.model import (
    Column,
    Expectation,
    RedactRules,
    Retries,
    SelectRule,
)

KINDS = ("local", "fake")


@pytest.fixture
def columns(tmp_path):
    def read(text):
        return {column.name: column for column in matrix(tmp_path, text).columns}

    return read


def matrix(folder, text):
    path = folder / "matrix.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return load(path, KINDS)


def test_the_smallest_matrix_has_all_defaults(columns):
    found = columns("version: 1\nbackends: {local: {kind: local}}")

    assert found == {
        "local": Column(
            backend="local",
            variant=None,
            kind="local",
            required=False,
            provides=None,
            timeout=600.0,
            start_timeout=300.0,
            retries=Retries(infra=2, test=0),
        )
    }


def test_a_variant_lays_its_settings_over_its_backend_and_that_over_the_defaults(columns):
    found = columns("""
        version: 1
        defaults: {timeout: 1m, start: {timeout: 2m}, retries: {infra: 5}, workers: 3}
        backends:
          k8s:
            kind: fake
            workers: 1
            options: {nodes: 1, disk: big}
            environment: {A: a, B: b}
            deploy_args: {only_json: true}
            decospec: kubernetes
            retries: {test: 0}
            variants:
              kind:
                options: {nodes: 3}
                environment: {B: c}
                deploy_args: {depth: 2}
                decospec: [retry, catch]
                timeout: 90
    """)

    base, kind = found["k8s"], found["k8s/kind"]
    assert (base.timeout, base.start_timeout, base.workers) == (60.0, 120.0, 1)
    assert base.retries == kind.retries == Retries(infra=5, test=0)
    assert (kind.timeout, kind.start_timeout, kind.workers) == (90.0, 120.0, 1)
    assert kind.options == {"nodes": 3, "disk": "big"}
    assert kind.environment == {"A": "a", "B": "c"}
    assert kind.deploy_args == {"only_json": True, "depth": 2}
    assert (base.decospecs, kind.decospecs) == (("kubernetes",), ("retry", "catch"))
    assert (base.options, base.environment) == ({"nodes": 1, "disk": "big"}, {"A": "a", "B": "b"})


def test_null_takes_back_what_metaflows_own_settings_say(columns):
    """In test/ux, scheduler_type: null means Runner, decospec: null a local step."""
    found = columns("""
        version: 1
        backends:
          argo:
            kind: fake
            scheduler_type: argo-workflows
            cluster: default
            decospec: "kubernetes:image=x"
            deploy_args: {only_json: true}
            variants:
              bare: {scheduler_type: null, cluster: null, decospec: null, deploy_args: null}
    """)

    argo, bare = found["argo"], found["argo/bare"]
    assert (argo.scheduler_type, argo.cluster, argo.decospecs, argo.deploy_args) == (
        "argo-workflows", "default", ("kubernetes:image=x",), {"only_json": True},
    )  # fmt: skip
    assert (bare.scheduler_type, bare.cluster, bare.decospecs, bare.deploy_args) == (
        None, None, (), {},
    )  # fmt: skip


DEFAULTS = {
    "nothing said": ("", {"a": True, "a/v": False}),
    "a variant that is": (", variants: {v: {default: true}}", {"a": True, "a/v": True}),
    "a base that is not": (", default: false", {"a": False, "a/v": False}),
    "only the variant": (
        ", default: false, variants: {v: {default: true}}",
        {"a": False, "a/v": True},
    ),
    "no base": (", base: false", {"a/v": False}),
    "no base, default said above": (", base: false, default: true", {"a/v": False}),
    "a variant of nothing": (", variants: {v: }", {"a": True, "a/v": False}),
}


@pytest.mark.parametrize(("text", "expected"), DEFAULTS.values(), ids=DEFAULTS)
def test_which_columns_there_are_and_which_run_by_default(columns, text, expected):
    variants = "" if "variants" in text else ", variants: {v: {}}"

    found = columns(f"version: 1\nbackends: {{a: {{kind: fake{text}{variants}}}}}")

    assert {name: column.default for name, column in found.items()} == expected


def test_a_variant_may_share_what_its_own_backend_starts(columns):
    found = columns("version: 1\nbackends: {a: {kind: fake, variants: {v: {shares: a}, w: {}}}}")

    assert found["a/v"].started is found["a"]
    assert found["a/w"].started is found["a/w"]


@pytest.mark.parametrize(
    ("required", "contexts"),
    [
        ("true", {"dev", "ci", "nightly"}),
        ("false", set()),
        ("[ci]", {"ci"}),
        ("[ci, nightly]", {"ci", "nightly"}),
    ],
)
def test_required_holds_in_its_contexts(columns, required, contexts):
    text = f"version: 1\nbackends: {{a: {{kind: fake, required: {required}, variants: {{v: }}}}}}"

    found = columns(text)

    for column in found.values():
        assert {c for c in ("dev", "ci", "nightly") if column.required_in(c)} == contexts


def test_values_are_read_as_yaml_1_2_whatever_the_file_claims(columns):
    """`on`, `no`, dates and sexagesimal numbers of YAML 1.1 are text; quotes change nothing."""
    found = columns("""\
        %YAML 1.1
        ---
        version: 1
        backends:
          on: {kind: fake, variants: {3.10: {}, 2027-01-01: {}}}
          no: {kind: fake, options: {a: no, b: 1:30, c: 2027-01-01, d: 010, e: 0o17, f: 1_0,
                                     g: '7', h: 1e3, i: 0x1F, j: ~, k: TRUE, l: !!str 5}}
    """)

    assert list(found) == ["on", "on/3.10", "on/2027-01-01", "no"]
    assert dict(found["no"].options) == {
        "a": "no", "b": "1:30", "c": "2027-01-01", "d": 10, "e": "0o17", "f": "1_0", "g": "7",
        "h": 1000.0, "i": 31, "j": None, "k": True, "l": "5",
    }  # fmt: skip


def test_anchors_and_merged_mappings_work_and_own_keys_win(columns):
    found = columns("""
        version: 1
        backends:
          a: &a {kind: fake, workers: 3, timeout: 5}
          b: &b {timeout: 7, <<: *a}
          c: {<<: [{workers: 1}, *b]}
    """)

    assert {n: (c.kind, c.workers, c.timeout) for n, c in found.items()} == {
        "a": ("fake", 3, 5.0),
        "b": ("fake", 3, 7.0),
        "c": ("fake", 1, 7.0),
    }


def test_numbers_without_a_fraction_are_whole(columns):
    column = columns("version: 1.0\nbackends: {a: {kind: fake, workers: 2.0}}")["a"]

    assert (column.workers, type(column.workers)) == (2, int)


def test_rules_for_selection_and_secrets_are_taken_over(tmp_path):
    found = matrix(
        tmp_path,
        """
        version: 1
        backends: {a: {kind: fake}}
        select: {always: [x], rules: [{paths: [y, z], backends: [a]}, {paths: [w], backends: []}]}
        redact: {env: ["my_[ab]*", "*_PIN"], patterns: ["cust-[0-9]+"]}
        flaky: {budget: 0}
        """,
    )

    assert found.select_always == ("x",)
    assert found.select_rules == (SelectRule(("y", "z"), ("a",)), SelectRule(("w",), ()))
    # Names of variables are compared in upper case: a pattern in lower case would never match.
    assert found.redact == RedactRules(("MY_[AB]*", "*_PIN"), ("cust-[0-9]+",))
    assert found.flaky_budget == 0


COVERS = {
    "the backend itself": ("k8s", "*", "k8s", True),
    "a variant of the backend": ("k8s", "*", "k8s/kind", True),
    "that variant": ("k8s/kind", "*", "k8s/kind", True),
    "another variant": ("k8s/kind", "*", "k8s/embedded", False),
    "the base beside a variant": ("k8s/kind", "*", "k8s", False),
    "a longer name": ("k8s", "*", "k8sx", False),
    "any text": ("k8s", "t.py::test_*", "k8s", True),
    "one character": ("k8s", "t.py::test_?", "k8s", True),
    "two characters": ("k8s", "t.py::test_??", "k8s", False),
    "a part only": ("k8s", "test_a", "k8s", False),
    "another case": ("k8s", "T.py::test_a", "k8s", False),
}


@pytest.mark.parametrize(("speaks_of", "test", "column", "expected"), COVERS.values(), ids=COVERS)
def test_an_expectation_covers_its_tests_in_its_columns(speaks_of, test, column, expected):
    assert expectation(speaks_of, test).covers("t.py::test_a", column) is expected


@given(st.text("ab[]*?!-1", min_size=1))
def test_a_key_written_letter_by_letter_is_covered(key):
    """Whatever a parametrised test is called."""
    assert expectation("k8s", key).covers(key, "k8s/kind")


@given(st.text("ab[]!-1", min_size=1), st.text("ab[]!-1", min_size=1))
def test_without_stars_an_expectation_covers_nothing_else(key, other):
    assert expectation("k8s", key).covers(other, "k8s") is (key == other)


def expectation(column, test):
    return Expectation(column, test, "why", "ada", dt.date(2027, 2, 1), "matrix.yaml:1")


def test_a_column_that_is_not_there_is_a_lookup_error(tmp_path):
    found = matrix(tmp_path, "version: 1\nbackends: {a: {kind: fake, variants: {v: }}}")

    assert found.column("a/v").name == "a/v"
    with pytest.raises(LookupError, match="a/w"):
        found.column("a/w")


def test_the_installed_kinds_are_known_without_being_named(tmp_path):
    path = tmp_path / "matrix.yaml"
    path.write_text("version: 1\nbackends: {local: {kind: local}, fake: {kind: fake}}")

    assert load(path).backends() == ("local", "fake")


def test_a_column_is_described_without_its_variables_values(columns):
    found = columns("""
        version: 1
        backends:
          k8s:
            kind: fake
            provider: kind
            required: [ci, nightly]
            workers: 2
            timeout: 90m
            decospec: ["kubernetes:image=x", retry]
            scheduler_type: argo-workflows
            cluster: minikube
            deploy_args: {only_json: true}
            environment: {B_TOKEN: hunter2, A: x}
            options: {nodes: 3}
            provides: [runner, foreach]
            variants: {bare: {provides: []}}
    """)

    assert list(describe(found["k8s"])) == [
        "kind fake, provider kind",
        "runs by default, required in ci, nightly",
        "timeout 1h30m per flow, 5m to come up",
        "retries after infrastructure failures: 2",
        "workers 2",
        "decorators kubernetes:image=x, retry",
        "deployed with argo-workflows",
        "cluster minikube",
        "provides foreach, runner",
        "variables A, B_TOKEN",
        "deploy argument only_json: True",
        "option nodes: 3",
    ]
    bare = list(describe(found["k8s/bare"]))
    assert bare[1] == "runs only if it is named, required in ci, nightly"
    assert "provides nothing" in bare


@pytest.mark.parametrize(
    ("required", "words"), [("true", "required everywhere"), ("false", "optional")]
)
def test_a_description_says_whether_it_is_required(columns, required, words):
    text = f"version: 1\nbackends: {{a: {{kind: fake, required: {required}}}}}"

    found = columns(text)["a"]

    assert list(describe(found)) == [
        "kind fake",
        f"runs by default, {words}",
        "timeout 10m per flow, 5m to come up",
        "retries after infrastructure failures: 2",
    ]
