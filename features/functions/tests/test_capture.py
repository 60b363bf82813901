"""What is found of a function without running it."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import distributions

import pytest
from metaflow_extensions.functions.capture.code import Code
from metaflow_extensions.functions.capture.environment import Environment
from metaflow_extensions.functions.capture.imports import imported_by_code, imported_by_source
from metaflow_extensions.functions.capture.origins import distributions_of, source_of
from metaflow_extensions.functions.capture.pickled import referred_to

SOURCES = {
    "plain": ("import a.b, c", {"a.b", "c"}),
    "from": ("from a import b", {"a", "a.b"}),
    "in a function": ("def f():\n    import late", {"late"}),
    "relative": ("from . import x\nfrom .y import z", {"p", "p.x", "p.y", "p.y.z"}),
    "two levels": ("from ..q import z", {"q", "q.z"}),
}


@pytest.mark.parametrize(("text", "expected"), SOURCES.values(), ids=SOURCES)
def test_imports_are_read_from_a_source(text, expected):
    actual = imported_by_source(text, "p.m", is_package=False)

    assert expected == actual


def test_imports_are_read_from_code_and_what_is_inside_of_it():
    def body(data):
        import json as j
        from os import path

        def inner():
            import queue

            return queue

        return j, path, inner, data

    assert imported_by_code(body.__code__) == {"json", "os", "os.path", "queue"}


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("numpy.linalg", {"numpy"}),
        ("orjson", {"orjson"}),
        ("typing_extensions", {"typing-extensions", "typing_extensions"}),
        ("metaflow.client", {"metaflow"}),
        ("json", set()),
        ("no_such_module", set()),
    ],
)
def test_a_module_is_of_the_distribution_that_installed_it(module, names):
    found = set(distributions_of(module))

    assert found <= names
    assert bool(found) is bool(names)


def test_as_much_is_found_as_python_itself_finds():
    """Held against the standard library where that is whole, so from Python 3.11 on."""
    from importlib.metadata import packages_distributions

    missing = {
        top: names
        for top, names in packages_distributions().items()
        if top.isidentifier() and not set(names) & set(distributions_of(top)) and not source_of(top)
    }

    assert set(missing) <= {"metaflow_extensions", "__pycache__", *sys.stdlib_module_names}
    assert len(list(distributions())) > 10


def test_only_what_is_reached_is_captured(tmp_path, monkeypatch):
    files = {
        "shop/__init__.py": "",
        "shop/pricing.py": (
            "from .rates import RATE\nimport numpy\ndef price(data):\n    return RATE"
        ),
        "shop/rates.py": "import shop.deep.more\nRATE = 2",
        "shop/deep/__init__.py": "",
        "shop/deep/more.py": "try:\n    import no_such_module\nexcept ImportError:\n    pass",
        "shop/unrelated.py": "import pytest",
        "shop/table.csv": "1",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    function = importlib.import_module("shop.pricing").price

    code = Code.of(function, include=["*.csv"])

    assert set(code.files) == set(files) - {"shop/unrelated.py"}
    assert code.module == "shop.pricing"
    packages = Environment.of(code.imported).packages
    assert "numpy" in packages
    assert "pytest" not in packages


def test_what_a_pickle_refers_to_is_read_without_loading_it():
    pickled = b"cno_such_module\nThing\n."

    assert referred_to(pickled) == {"no_such_module"}
