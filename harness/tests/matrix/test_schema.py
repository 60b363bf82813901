"""The schema itself: complete enough to check and to document a matrix."""

from __future__ import annotations

from dataclasses import fields

import pytest
from jsonschema import Draft202012Validator
from pytest_metaflow_backends.matrix import model
from pytest_metaflow_backends.matrix.shape import resolved, schema


def nodes(spec, way=()):
    """Yield (way, schema) of every schema below one, itself included."""
    yield way, spec
    for word in ("properties", "$defs"):
        for name, inner in spec.get(word, {}).items():
            yield from nodes(inner, (*way, word, name))
    for word in ("items", "additionalProperties"):
        if isinstance(spec.get(word), dict):
            yield from nodes(spec[word], (*way, word))
    for index, inner in enumerate(spec.get("anyOf", ())):
        yield from nodes(inner, (*way, "anyOf", index))


NODES = {"/".join(map(str, way)): spec for way, spec in nodes(schema())}
OPEN = {"$defs/options", "$defs/deploy_args"}  # the backend's own and Metaflow's own arguments


def test_the_schema_is_valid_by_the_draft_it_names():
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("way", [w for w in NODES if w.split("/")[-2:-1] == ["properties"]])
def test_every_key_has_a_description(way):
    """The reference page is made of them."""
    assert len(resolved(NODES[way])["description"]) > 10


@pytest.mark.parametrize("way", [w for w, s in NODES.items() if "object" in (s.get("type") or ())])
def test_every_mapping_is_closed(way):
    """Unknown keys are mistakes, but where keys are names: then their values have a schema."""
    closed = NODES[way].get("additionalProperties")

    assert (closed is False or isinstance(closed, dict)) is (way not in OPEN)


def test_a_variant_may_say_all_that_a_backend_may_but_what_it_is():
    defs = schema()["$defs"]

    difference = set(defs["backend"]["properties"]) ^ set(defs["variant"]["properties"])

    assert difference == {"kind", "base", "variants"}


def test_every_setting_of_a_backend_reaches_its_column():
    """A key that is accepted and then dropped would be a silent lie."""
    names = {field.name for field in fields(model.Column)} - {"backend", "variant", "where"}
    called = {"decospecs": "decospec", "start_timeout": "start"}

    keys = set(schema()["$defs"]["backend"]["properties"]) - {"base", "variants"}

    assert {called.get(name, name) for name in names} == keys
