"""References as Netflix's package writes them, made here in its form."""

from __future__ import annotations

import hashlib
import importlib
import json
from pathlib import Path

import pytest
from metaflow_extensions.functions.capture.archive import digest, pack
from metaflow_extensions.functions.errors import BadReferenceError, FunctionError

FUNCTION = """
from metaflow_extensions.nflx.plugins.json_function import json_function
from metaflow import FunctionParameters
import neighbour

@json_function
def scored(data: dict, params: FunctionParameters) -> dict:
    return {"prediction": params.model.predict([data["row"]])[0] + neighbour.OFFSET}
"""


@pytest.fixture
def written(task, tmp_path):
    """Write a reference of theirs; gives its path and that of its package."""
    models = Path(importlib.import_module("models").__file__)
    packed = pack({
        "theirs.py": FUNCTION.encode(),
        "neighbour.py": b"OFFSET = 100\n",
        "models.py": models.read_bytes(),
    })  # fmt: skip
    package = digest(packed)[:32]
    uuid = hashlib.sha256(b"x").hexdigest()[:32]
    root = tmp_path / "prod" / "v2"
    where = root / "metadata" / uuid[:2] / f"{uuid}.json"
    zipped = root / "package" / package[:2] / f"{package}.zip"
    artifact = task["model"]
    said = {
        "name": "scored",
        "uuid": uuid,
        "class_name": "metaflow_extensions.nflx.plugins.json_function.JsonFunction",
        "user": "somebody",
        "timestamp_utc": 1767225600,
        "reference": str(where),
        "function": {
            "name": "scored", "module": "theirs", "file_name": "theirs", "doc": None,
            "type": "json_function", "input_schema": {"type": "dict"}, "parameter_schema": None,
            "return_schema": {"type": "dict"},
        },
        "code_package": str(zipped),
        "task_pathspec": task.pathspec,
        "package_uuid": package,
        "system_metadata": {"environment": {"alias": "x", "arch": "linux-64", "env_id": "y"}},
        "artifacts": {
            "model": {
                "sha": artifact.sha,
                "ds_type": artifact._object["ds_type"],
                "location": artifact._object["location"],
                "content_type": artifact._object["content_type"],
            }
        },
        "serializer_configs": {},
    }  # fmt: skip
    for path in (where, zipped):
        path.parent.mkdir(parents=True)
    where.write_text(json.dumps(said))
    zipped.write_bytes(packed)
    return where, zipped


@pytest.mark.parametrize("backend", ["local", "process"])
def test_their_reference_is_called(written, backend):
    from metaflow import function_from_json

    with function_from_json(written[0], backend=backend) as function:
        assert function({"row": [1, 2]}) == {"prediction": 106}
        assert function.about.user == "somebody"
        assert function.about.created == "2026-01-01T00:00:00+00:00"


def test_their_reference_becomes_a_bundle_of_ours(written, tmp_path):
    from metaflow import function_from_json

    theirs = function_from_json(written[0], backend="local")
    ours = theirs.export(tmp_path / "ours.zip", include_artifacts=True)

    assert function_from_json(ours, backend="local")({"row": [1]}) == {"prediction": 102}


def test_their_package_is_checked(written):
    from metaflow import function_from_json

    written[1].write_bytes(written[1].read_bytes() + b" ")

    with pytest.raises(BadReferenceError, match="was altered: its hash is not its name"):
        function_from_json(written[0])


def test_their_pipelines_are_refused_with_what_helps(written):
    from metaflow import function_from_json

    said = json.loads(written[0].read_text())
    written[0].write_text(json.dumps({**said, "class_name": "a.b.FunctionPipeline"}))

    with pytest.raises(BadReferenceError, match="load its members and join them with"):
        function_from_json(written[0])


def test_their_package_beside_ours_is_refused_with_what_helps(scoring, tmp_path, monkeypatch):
    from metaflow import JsonFunction, function_from_json

    info = tmp_path / "metaflow_functions-0.2.12.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: metaflow-functions\nVersion: 0.2.12\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    for use in (lambda: function_from_json("x"), lambda: JsonFunction(scoring.echo, task=None)):
        with pytest.raises(FunctionError, match=r"metaflow-functions 0\.2\.12 is installed beside"):
            use()
