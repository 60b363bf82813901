"""What `@worker_pool` takes, and how it refuses the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metaflow_extensions.worker_pool.errors import SpecError
from metaflow_extensions.worker_pool.spec import LARGEST, NAMES, Isolation, Spec

TAKEN = {
    "nothing": ({}, Spec()),
    "auto": ({"size": "auto"}, Spec(size=None)),
    "a number": ({"size": 10}, Spec(size=10)),
    "a number as --with says it": ({"size": "10"}, Spec(size=10)),
    "fork": ({"isolation": "fork"}, Spec(isolation=Isolation.FORK)),
    "items": ({"max_items_per_worker": 1000}, Spec(max_items_per_worker=1000)),
    "seconds": ({"max_worker_age": 90}, Spec(max_worker_age=90.0)),
    "minutes": ({"max_worker_age": "5m"}, Spec(max_worker_age=300.0)),
    "no limit": ({"max_rss_growth": "none", "poison_after": "none"}, Spec(
        max_rss_growth=None, poison_after=None)),
    "None is not said": (dict.fromkeys(NAMES), Spec()),
}  # fmt: skip


@pytest.mark.parametrize(("said", "expected"), TAKEN.values(), ids=TAKEN)
def test_attributes_are_read(said, expected):
    assert Spec.of(said) == expected


REFUSED = {
    "zero": ({"size": 0}, 'size=0 is not "auto" or a number of workers, 1 or more'),
    "negative": ({"size": -2}, "size=-2 is not"),
    "text": ({"size": "many"}, "size='many' is not"),
    "half": ({"size": 1.5}, "size=1.5 is not"),
    "true": ({"size": True}, "size=True is not"),
    "a list": ({"size": [1]}, "is not"),
    "far too many": ({"size": LARGEST + 1}, "is more than 10000 workers"),
    "no items": ({"max_items_per_worker": 0}, "max_items_per_worker=0 is not"),
    "no age": ({"max_worker_age": "soon"}, "max_worker_age='soon' is no time; say 90"),
    "age zero": ({"max_worker_age": 0}, "is no time"),
    "no memory": ({"max_rss_growth": "1GB"}, "max_rss_growth='1GB' is not"),
    "isolation": ({"isolation": "thread"}, "isolation='thread' is none of process, fork"),
    "a slip": ({"sise": 3}, "takes no 'sise'; did you mean size?"),
}


@pytest.mark.parametrize(("said", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_in_one_line(said, sentence):
    with pytest.raises(SpecError) as refused:
        Spec.of(said)

    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.sampled_from(NAMES), st.one_of(st.text(), st.integers(), st.floats(), st.booleans()))
def test_anything_is_either_read_or_refused(name, value):
    try:
        spec = Spec.of({name: value})
    except SpecError:
        return
    assert isinstance(spec, Spec)


def test_every_attribute_has_a_setting():
    from metaflow import metaflow_config as config

    assert [name for name in NAMES if not hasattr(config, f"WORKER_POOL_{name.upper()}")] == []


def test_the_decorator_and_the_spec_know_the_same_attributes():
    from metaflow_extensions.worker_pool.decorator import WorkerPoolDecorator

    assert set(WorkerPoolDecorator.defaults) == set(NAMES)
