"""Captured code is its own: versions side by side, names that hide nobody else's."""

from __future__ import annotations

import importlib
import sys

import pytest
from metaflow_extensions.functions.capture.archive import digest, pack, unpack
from metaflow_extensions.functions.private import PrivateCode


@pytest.fixture
def code(tmp_path):
    def make(**files):
        packed = pack({name.replace("__", "/") + ".py": t.encode() for name, t in files.items()})
        folder = tmp_path / digest(packed)
        return PrivateCode.of(folder, digest(packed), unpack(packed, folder))

    return make


@pytest.mark.parametrize("backend", ["local", "process"])
def test_two_versions_of_a_module_each_run_their_own_code(task, scoring, monkeypatch, backend):
    from metaflow import JsonFunction, function_from_json

    references = {}
    for name in ("first", "second"):
        with monkeypatch.context() as patch:
            patch.syspath_prepend(scoring.__file__.replace("scoring.py", name))
            for module in ("versioned", "helping"):
                patch.delitem(sys.modules, module, raising=False)
            module = importlib.import_module("versioned")
            references[name] = JsonFunction(module.version, task=task).reference

    handles = {n: function_from_json(r, backend=backend) for n, r in references.items()}

    for name in ("first", "second", "first"):
        assert handles[name]({}) == {"version": name, "again": name}
    for handle in handles.values():
        handle.close()


def test_imports_of_all_kinds_lead_to_the_code(code):
    private = code(
        main=(
            "import pkg.inner\nimport pkg.inner as named\nfrom pkg import inner\n"
            "from pkg.inner import VALUE\n"
            "def all():\n    import pkg.inner as late\n"
            "    return pkg.inner.VALUE, named.VALUE, inner.VALUE, VALUE, late.VALUE\n"
        ),
        pkg____init__="",
        pkg__inner="from . import other\nfrom .other import VALUE\n",
        pkg__other="VALUE = 5\n",
    )

    assert private.module("main").all() == (5, 5, 5, 5, 5)
    assert "pkg" not in sys.modules


def test_a_file_named_as_a_module_of_python_hides_it_from_its_own_code_only(code):
    private = code(
        main="import queue\nimport json\nNAME = queue.NAME, json.dumps(1)", queue="NAME = 1"
    )

    import queue

    assert private.module("main").NAME == (1, "1")
    assert queue.Queue


def test_classes_of_artifacts_are_those_of_the_code(code, monkeypatch, tmp_path):
    import pickle

    (tmp_path / "shapes.py").write_text("class Shape:\n    sides = 3\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    shapes = importlib.import_module("shapes")
    private = code(shapes="class Shape:\n    sides = 4\n")

    loaded = private.unpickle(pickle.dumps(shapes.Shape()))

    assert loaded.sides == 4
    assert isinstance(loaded, private.module("shapes").Shape)


def test_dataclasses_and_models_of_private_modules_resolve_their_annotations(code):
    private = code(
        main=(
            "from __future__ import annotations\nfrom dataclasses import dataclass\n"
            "from pydantic import BaseModel\n@dataclass\nclass A:\n    x: int\n"
            "class B(BaseModel):\n    a: A\n"
        )
    )

    assert private.module("main").B.model_validate({"a": {"x": 1}}).a.x == 1
