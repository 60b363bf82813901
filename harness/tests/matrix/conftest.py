from __future__ import annotations

import pytest
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.matrix.load import load
from pytest_metaflow_backends.matrix.shape import schema

KINDS = ("local", "fake")


@pytest.fixture
def said(tmp_path):
    """Load a matrix that is wrong; give the lines that are said, without the path."""
    path = tmp_path / "matrix.yaml"

    def lines_of(content):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(UsageError) as caught:
            load(path, KINDS)
        lines = str(caught.value).splitlines()
        assert all(line.startswith(f"{path}:") for line in lines), lines
        return [line.removeprefix(f"{path}:") for line in lines]

    return lines_of


@pytest.fixture
def keys_of_schema():
    """Name all keys that the schema names, without where they stand."""

    def keys(spec):
        for name, inner in spec.get("properties", {}).items():
            yield name
            yield from keys(inner)

    return {key for spec in (schema(), *schema()["$defs"].values()) for key in keys(spec)}
