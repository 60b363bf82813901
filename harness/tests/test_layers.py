"""Which way imports point, read from the whole tree (docs/architecture.md)."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Of a feature that others may use, and the order in which they may.
SHARED = ("runview", "isolation")


def imports(source, *, everywhere):
    """Name the modules a source imports: at module level, or anywhere in it."""
    tree = ast.parse(source)
    nodes = ast.walk(tree) if everywhere else module_level(tree.body)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_level(body):
    """Walk what runs at import, so not into functions, nor into `if TYPE_CHECKING`."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.dump(node.test):
            yield from module_level([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            handlers = [inner for handler in node.handlers for inner in handler.body]
            yield from module_level([*node.body, *handlers, *node.orelse, *node.finalbody])
        elif isinstance(node, ast.ClassDef):
            yield from module_level(node.body)


def tops(source, *, everywhere):
    return {name.partition(".")[0] for name in imports(source, everywhere=everywhere)}


def wrong_arrows(place, source):
    """List the arrows of one file that point the wrong way; `place` is relative to the root."""
    parts = Path(place).parts
    all_of_it, loaded = tops(source, everywhere=True), tops(source, everywhere=False)
    if parts[0] == "backends" and "src" in parts:
        yield from all_of_it & {"pytest", "_pytest", "pytest_metaflow_backends", "metaflow"}
    if parts[:2] == ("harness", "src"):
        inside_child = parts[3:4] == ("flow",)
        yield from (loaded & {"metaflow"}) if not inside_child else ()
        yield from {name for name in all_of_it if name.startswith("metaflow_extensions")}
        if parts[3] in {"report", "github", "records.py"}:
            yield from all_of_it & {"pytest", "_pytest", "metaflow", "metaflow_backends"}
    if parts[0] == "features" and "src" in parts:
        yield from other_features(parts[1], imports(source, everywhere=True))
        yield from all_of_it & {"pytest_metaflow_backends", "metaflow_backends"}


def other_features(own, names):
    allowed = {"runview": {"isolation"}, "isolation": set()}.get(own, set(SHARED)) | {own}
    features = {path.name for path in (ROOT / "features").iterdir() if path.is_dir()}
    for name in names:
        parts = name.split(".")
        if parts[0] == "metaflow_extensions" and set(parts[1:2]) & (features - allowed):
            yield name


SOURCES = sorted(
    path.relative_to(ROOT)
    for folder in ("backends", "harness", "features")
    for path in (ROOT / folder).rglob("*.py")
    if "src" in path.parts and not {".venv", "build"} & set(path.parts)
)


def test_no_import_points_the_wrong_way():
    wrong = {
        str(path): sorted(found)
        for path in SOURCES
        if (found := set(wrong_arrows(path, (ROOT / path).read_text(encoding="utf-8"))))
    }

    assert wrong == {}
    assert len(SOURCES) > 50


WRONG = {
    "backends know no pytest": ("backends/src/metaflow_backends/x.py", "import pytest"),
    "backends know no harness": (
        "backends/src/metaflow_backends/x.py",
        "def f():\n    from pytest_metaflow_backends import records",
    ),
    "the report knows no pytest": (
        "harness/src/pytest_metaflow_backends/report/x.py",
        "def f():\n    import pytest",
    ),
    "the report knows no backends": (
        "harness/src/pytest_metaflow_backends/report/x.py",
        "from metaflow_backends import Running",
    ),
    "records know no metaflow": (
        "harness/src/pytest_metaflow_backends/records.py",
        "from metaflow import Run",
    ),
    "the harness loads no metaflow": (
        "harness/src/pytest_metaflow_backends/x.py",
        "try:\n    import metaflow\nexcept ImportError:\n    pass",
    ),
    "a feature knows no harness": (
        "features/nomad/src/metaflow_extensions/nomad/x.py",
        "import metaflow_backends",
    ),
}


@pytest.mark.parametrize(("place", "source"), WRONG.values(), ids=WRONG)
def test_a_wrong_arrow_would_be_found(place, source):
    assert list(wrong_arrows(place, source))


def test_a_type_checking_import_is_no_arrow_at_load_time():
    source = "if TYPE_CHECKING:\n    import metaflow\n"

    assert not list(wrong_arrows("harness/src/pytest_metaflow_backends/x.py", source))


def loaded_after(statement):
    code = f"import sys; {statement}; print(*sorted(sys.modules))"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


def test_records_and_report_load_neither_pytest_nor_metaflow():
    package = ROOT / "harness/src/pytest_metaflow_backends/report"
    names = [
        f"pytest_metaflow_backends.report.{path.stem}"
        for path in package.glob("*.py")
        if path.stem != "__init__"
    ]

    loaded = loaded_after(f"import pytest_metaflow_backends.records, {', '.join(names)}")

    assert not loaded & {"pytest", "_pytest", "metaflow", "metaflow_backends"}
    assert "pytest_metaflow_backends.report.verdict" in loaded


def test_the_front_door_loads_nothing_heavy():
    loaded = loaded_after(
        "import pytest; b = set(sys.modules); import pytest_metaflow_backends.plugin"
    )

    heavy = {
        "ruamel",
        "jsonschema",
        "metaflow",
        "metaflow_backends",
        "jinja2",
        "rich",
        "click",
        "filelock",
        "psutil",
    }
    assert not {name.partition(".")[0] for name in loaded} & heavy
    ours = {name for name in loaded if name.startswith("pytest_metaflow_backends")}
    assert ours == {"pytest_metaflow_backends", "pytest_metaflow_backends.plugin"}
