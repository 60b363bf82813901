"""The closed vocabulary, and what a missing word means for a test."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metaflow_backends import registry
from pytest_metaflow_backends.capabilities import VOCABULARY, Probe, Run, Skip, resolve
from pytest_metaflow_backends.errors import UsageError

# What the features of this project will have to say about backends.
NEEDED = {
    "runner", "deployer", "linear", "branch", "foreach", "nested_foreach", "switch", "recursion",
    "join", "resume", "retry", "catch", "timeout", "environment", "config", "parameters", "project",
    "cards", "tags", "spin", "pypi", "conda", "parallel", "schedule", "events", "secrets",
    "resources", "resources.enforced", "gpu", "logs.native", "cancel", "isolation", "exit_codes",
    "large_artifacts",
}  # fmt: skip
WORDS = st.sampled_from(sorted(VOCABULARY))


def test_the_vocabulary_has_a_word_for_all_that_is_needed():
    assert set(VOCABULARY) >= NEEDED


@pytest.mark.parametrize("name", VOCABULARY)
def test_every_word_is_one_marker_argument_with_one_line_of_meaning(name):
    meaning = VOCABULARY[name]

    assert all(part.isidentifier() for part in name.split("."))
    assert len(meaning.splitlines()) == 1
    assert len(meaning) <= 90


def test_the_vocabulary_is_closed():
    with pytest.raises(TypeError):
        VOCABULARY["teleport"] = "not yet"


@pytest.mark.parametrize("kind", registry.kinds())
def test_an_installed_backend_declares_only_words_that_exist(kind):
    assert registry.load(kind).capabilities - set(VOCABULARY) == set()


HAS = frozenset({"foreach", "retry"})
DECISIONS = {
    "needs nothing": ([], HAS, False, Run()),
    "has it": (["foreach"], HAS, False, Run()),
    "has all": (["retry", "foreach"], HAS, False, Run()),
    "has it twice": (["retry", "retry"], HAS, False, Run()),
    "lacks it": (["gpu"], HAS, False, Skip("does not declare gpu", ("gpu",))),
    "lacks one": (["foreach", "gpu"], HAS, False, Skip("does not declare gpu", ("gpu",))),
    "lacks two, in the order asked for": (
        ["spin", "foreach", "gpu", "spin"],
        HAS,
        False,
        Skip("does not declare spin, gpu", ("spin", "gpu")),
    ),
    "declares nothing": (["tags"], frozenset(), False, Skip("does not declare tags", ("tags",))),
    "needs nothing of nothing": ([], frozenset(), False, Run()),
    "a part is not the whole": (
        ["resources.enforced"],
        frozenset({"resources"}),
        False,
        Skip("does not declare resources.enforced", ("resources.enforced",)),
    ),
    "nor the whole the part": (
        ["resources"],
        frozenset({"resources.enforced"}),
        False,
        Skip("does not declare resources", ("resources",)),
    ),
    "probes what is missing": (["gpu", "foreach"], HAS, True, Probe(("gpu",))),
    "probes nothing where all is there": (["foreach"], HAS, True, Run()),
}


@pytest.mark.parametrize(
    ("needs", "provides", "probe", "decision"), DECISIONS.values(), ids=DECISIONS
)
def test_a_test_runs_is_skipped_or_probes(needs, provides, probe, decision):
    assert resolve(needs, provides, probe_undeclared=probe) == decision


@given(needs=st.lists(WORDS), provides=st.frozensets(WORDS), probe=st.booleans())
def test_a_test_runs_as_declared_exactly_if_all_it_needs_is_there(needs, provides, probe):
    decision = resolve(needs, provides, probe_undeclared=probe)

    missing = [] if isinstance(decision, Run) else list(decision.missing)
    assert set(missing) == set(needs) - provides
    assert isinstance(decision, Probe) <= probe


@pytest.mark.parametrize("probe", [False, True])
@pytest.mark.parametrize("provides", [frozenset(), HAS, frozenset({"forech"})])
def test_an_unknown_word_is_an_error_whatever_the_backend_declares(provides, probe):
    """Else a typing error would skip the test on every backend, for ever."""
    with pytest.raises(UsageError) as caught:
        resolve(["foreach", "forech", "gup"], provides, probe_undeclared=probe)

    assert str(caught.value).splitlines() == [
        "needs('forech'): there is no capability of that name; did you mean 'foreach'?",
        "needs('gup'): there is no capability of that name; did you mean 'gpu'?",
    ]


@pytest.mark.parametrize("value", [3, None, ["foreach"], {"gpu": 1}, resolve])
def test_what_is_no_word_at_all_is_the_same_kind_of_error(value):
    """@pytest.mark.needs(["foreach"]) is easily written."""
    with pytest.raises(UsageError, match=r"give names of capabilities, as in needs\('foreach'"):
        resolve([value], HAS)
