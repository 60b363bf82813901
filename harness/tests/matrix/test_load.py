"""matrix.yaml: what is right becomes frozen data, what is wrong one line with its place."""

from __future__ import annotations

import copy
import datetime as dt
import re
import textwrap

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.matrix.load import load
from pytest_metaflow_backends.matrix.model import Retries

KINDS = ("local", "fake", "kubernetes")
GOOD = """
version: 1
defaults: {timeout: 15m, retries: {infra: 1, test: 0}, workers: 2}
marker_prefix: mf_
backends:
  local: {kind: local, required: true}
  k8s:
    kind: kubernetes
    required: [ci, nightly]
    start: {timeout: 8m}
    decospec: "kubernetes:image=x"
    scheduler_type: argo-workflows
    cluster: minikube
    deploy_args: {only_json: false}
    options: {a: 1, b: 2}
    provides: [runner, foreach]
    base: false
    variants:
      kind: {provider: kind, default: true}
      embedded: {options: {b: 3}, timeout: 90}
expect_failures:
  - {backend: k8s/kind, test: "t.py::test_*", reason: why, owner: ada, until: 2027-02-01, issue: 12}
select:
  always: ["matrix.yaml"]
  rules: [{paths: ["docs/**"], backends: []}, {paths: ["x/**"], backends: [k8s]}]
  otherwise: all
redact: {env: ["*_PIN"], patterns: ["cust-[0-9]+"]}
flaky: {budget: 3}
"""


@pytest.fixture
def read(tmp_path):
    def load_text(text):
        path = tmp_path / "matrix.yaml"
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return load(path, KINDS)

    return load_text


def test_columns_take_defaults_backend_and_variant_in_this_order(read):
    matrix = read(GOOD)

    assert [column.name for column in matrix.columns] == ["local", "k8s/kind", "k8s/embedded"]
    kind, embedded = matrix.column("k8s/kind"), matrix.column("k8s/embedded")
    assert (kind.timeout, embedded.timeout, kind.start_timeout) == (900.0, 90.0, 480.0)
    assert (kind.default, embedded.default) == (True, False)
    assert embedded.options == {"a": 1, "b": 3}
    assert kind.decospecs == ("kubernetes:image=x",)
    assert kind.provides == frozenset({"runner", "foreach"})
    assert kind.retries == Retries(infra=1, test=0)
    assert (kind.required_in("ci"), kind.required_in("dev")) == (True, False)
    assert matrix.backends() == ("local", "k8s")
    assert matrix.marker("k8s") == "mf_k8s"


def test_expectations_say_whom_they_cover_and_until_when(read):
    (known,) = read(GOOD).expectations

    assert known.covers("t.py::test_a", "k8s/kind")
    assert not known.covers("t.py::test_a", "k8s/embedded")
    assert not known.covers("u.py::test_a", "k8s/kind")
    assert not known.expired(dt.date(2027, 2, 1))
    assert known.expired(dt.date(2027, 2, 2))
    assert re.fullmatch(r".*matrix\.yaml:22", known.where)


def test_an_expectation_may_name_a_parametrised_test_letter_by_letter(read):
    text = GOOD.replace("t.py::test_*", "t.py::test_a[1]")

    (known,) = read(text).expectations

    assert known.covers("t.py::test_a[1]", "k8s/kind")
    assert not known.covers("t.py::test_a1", "k8s/kind")


ONE = "version: 1\nbackends:\n  local: {kind: local%s}\n"
MISTAKES = {
    "unknown key": (
        ONE % ", requird: true",
        r":3:\d+: unknown key 'requird'; did you mean 'requir",
    ),
    "unknown key at the top": (
        "version: 1\nbackends: {a: {kind: local}}\nredcat: {}\n",
        "unknown key 'redcat'; did you mean 'redact'",
    ),
    "missing kind": ("version: 1\nbackends:\n  local: {}\n", ":3:.*local lacks the key 'kind'"),
    "missing backends": ("version: 1\n", "lacks the key 'backends'"),
    "no backend": ("version: 1\nbackends: {}\n", ":2:.*must not be empty"),
    "wrong version": (
        "version: 2\nbackends: {local: {kind: local}}\n",
        ":1:10: version: must be 1",
    ),
    "unknown kind": ("version: 1\nbackends: {l: {kind: lokal}}\n", "unknown kind 'lokal'.*'local'"),
    "wrong type": (ONE % ", workers: many", "workers: expected a whole number, not 'many'"),
    "unknown context": (ONE % ", required: [ic]", "'ic' is not one of dev, ci, nightly"),
    "bad duration": (ONE % ", timeout: 10 minutes", "'10 minutes' is not a duration"),
    "negative duration": (ONE % ", timeout: -3", "-3"),
    "unknown capability": (ONE % ", provides: [forech]", "unknown capability 'forech'.*'foreach'"),
    "a retry of product failures": (ONE % ", retries: {test: 1}", "1"),
    "a name no marker can have": (
        "version: 1\nbackends: {my-k8s: {kind: local}}\n",
        "'my-k8s' is not a valid name",
    ),
    "a marker of pytest's": ("version: 1\nbackends: {skip: {kind: local}}\n", "marker of pytest"),
    "base false without variants": (ONE % ", base: false", "needs at least one variant"),
    "expectation without an owner": (
        GOOD.replace(" owner: ada,", ""),
        r":22:5: expect_failures\[0\] lacks the key 'owner'",
    ),
    "expectation of an unknown backend": (
        GOOD.replace("backend: k8s/kind", "backend: k8s/kin"),
        "'k8s/kin'; did you mean 'k8s/kind'",
    ),
    "expectation with a bad date": (GOOD.replace("2027-02-01", "soon"), "'soon' is not a date"),
    "rule for an unknown backend": (
        GOOD.replace("backends: [k8s]", "backends: [k9s]"),
        "unknown backend 'k9s'.*'k8s'",
    ),
    "bad pattern": (GOOD.replace("cust-[0-9]+", "cust-[0-9"), "not a regular expression"),
    "duplicate key": (
        "version: 1\nversion: 1\nbackends: {a: {kind: local}}\n",
        ":2:1: .*duplicate",
    ),
    "broken YAML": ("version: 1\nbackends: {local: [}\n", ":2:"),
    "a tab": ("version: 1\nbackends:\n\tlocal: {kind: local}\n", ":3:1: "),
    "a list": ("- 1\n", ":1:1: expected keys"),
    "empty": ("", ":1:1: the file is empty"),
    "not UTF-8": (b"version: 1 # \xff\n", "not UTF-8"),
}


@pytest.mark.parametrize(("text", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_with_its_place(read, text, said):
    with pytest.raises(UsageError) as caught:
        read(text)

    message = str(caught.value)
    assert re.search(said, message), message
    assert len(message.splitlines()) == 1
    assert re.match(r".*matrix\.yaml:\d+:\d+: ", message)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(read):
    text = "version: 1\nbackends:\n  a: {kind: local, x1: 1}\n  b: {kind: local, timeout: no}\n"

    with pytest.raises(UsageError) as caught:
        read(text)

    places = [re.search(r":(\d+):\d+:", line)[1] for line in str(caught.value).splitlines()]
    assert places == ["3", "4"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere\.yaml: cannot be read"):
        load(tmp_path / "nowhere.yaml", KINDS)


def tree():
    from ruamel.yaml import YAML

    return YAML(typ="safe").load(GOOD)


def places(node, above=()):
    """Yield the way to every key and item of a document."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node)
    for part, value in pairs:
        yield (*above, part)
        if isinstance(value, (dict, list)):
            yield from places(value, (*above, part))


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.just([[]]),
    st.just({"a": {"b": 1}}),
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    place=st.sampled_from(sorted(places(tree()), key=str)), junk=JUNK, how=st.sampled_from("rdk")
)
def test_any_damaged_file_loads_or_says_where_it_is_wrong(tmp_path, place, junk, how):
    """Replace, drop or rename any part by anything: never another exception."""
    from ruamel.yaml import YAML

    document = copy.deepcopy(tree())
    node = document
    for part in place[:-1]:
        node = node[part]
    if how == "r":
        node[place[-1]] = junk
    else:
        value = node.pop(place[-1])
        if how == "k" and isinstance(node, dict):
            node[str(junk)] = value
    path = tmp_path / "matrix.yaml"
    with path.open("w", encoding="utf-8") as stream:
        YAML(typ="safe").dump(document, stream)

    try:
        load(path, KINDS)
    except UsageError as error:
        for line in str(error).splitlines():
            assert re.match(r".*matrix\.yaml:\d+:\d+: ", line)
