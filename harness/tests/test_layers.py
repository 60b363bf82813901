"""Which way imports point, read from the whole tree (docs/architecture.md)."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = frozenset({"runview", "isolation"})  # features that other features may import
MAY_IMPORT = {
    "backends": frozenset(),
    "harness": frozenset({"backends"}),
    "isolation": frozenset(),
    "runview": frozenset({"isolation"}),
}  # every other room is a feature, and may import the shared ones
TESTERS = frozenset({"pytest", "_pytest"})
# Runs in the flow's own process only, which has Metaflow loaded before it.
INSIDE_FLOWS = frozenset({"harness/src/pytest_metaflow_backends/flow/filelogged.py"})
DATA_ONLY = ("report", "github", "records.py")


@dataclass(frozen=True)
class Tree:
    """The rooms of a source tree: which importable package belongs to which room."""

    root: Path
    rooms: dict[str, str]  # "metaflow_backends", "metaflow_extensions.nomad" -> room

    @classmethod
    def read(cls, root) -> Tree:
        folders = [*root.glob("backends"), *root.glob("harness"), *root.glob("features/*")]
        rooms = {package: folder.name for folder in folders for package in packages(folder / "src")}
        return cls(root, rooms)

    def room_of(self, module):
        """Give the room of a module, or None for everybody else's."""
        parts = module.split(".")
        names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next((self.rooms[name] for name in names if name in self.rooms), None)

    def sources(self, kind):
        """Find the files below all `src` or all `tests` folders, relative to the root."""
        for folder in ("backends", "harness", "features"):
            for path in sorted((self.root / folder).rglob("*.py")):
                place = path.relative_to(self.root)
                if kind in place.parts[1:3] and "build" not in place.parts:
                    yield place

    def wrong_arrows(self):
        """Map each file with a wrong arrow to what it imports wrongly."""
        rules = {"src": wrong_in_source, "tests": wrong_in_tests}
        found = {
            str(place): sorted(set(rule(self, place, (self.root / place).read_text("utf-8"))))
            for kind, rule in rules.items()
            for place in self.sources(kind)
        }
        return {place: names for place, names in found.items() if names}


def packages(source):
    """Name what a `src` folder makes importable; extensions of Metaflow one level deeper."""
    for path in source.iterdir() if source.is_dir() else ():
        if path.name == "metaflow_extensions":
            yield from (f"{path.name}.{org.name}" for org in path.iterdir() if org.is_dir())
        elif path.is_dir() and not path.name.endswith(".egg-info"):
            yield path.name


def room(place):
    return place.parts[1] if place.parts[0] == "features" else place.parts[0]


def imports(place, source, *, everywhere):
    """Name the modules a source imports: at module level, or anywhere in it."""
    tree = ast.parse(source)
    for node in ast.walk(tree) if everywhere else module_level(tree.body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = ".".join([*above(place, node.level), *filter(None, [node.module])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def above(place, level):
    """Name the package that a relative import with so many dots starts from."""
    if not level or "src" not in place.parts:
        return []
    inside = place.parts[place.parts.index("src") + 1 :]
    return inside[: len(inside) - level]


def module_level(body):
    """Walk what runs at import, so not into functions, nor into `if TYPE_CHECKING`."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.dump(node.test):
            yield from module_level([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            handlers = [inner for handler in node.handlers for inner in handler.body]
            yield from module_level([*node.body, *handlers, *node.orelse, *node.finalbody])
        elif isinstance(node, ast.ClassDef | ast.With):
            yield from module_level(node.body)


def tops(names):
    return {name.partition(".")[0] for name in names}


def wrong_in_source(tree, place, source):
    """List what a file below `src` imports although the arrows do not allow it."""
    every = set(imports(place, source, everywhere=True))
    own = room(place)
    allowed = {own, None, *MAY_IMPORT.get(own, SHARED)}
    yield from {name for name in every if tree.room_of(name) not in allowed}
    if own == "backends":
        yield from tops(every) & {*TESTERS, "metaflow"}
    elif own == "harness":
        loaded = tops(imports(place, source, everywhere=False))
        yield from loaded & {"metaflow"} if place.as_posix() not in INSIDE_FLOWS else ()
        if place.parts[3:] and place.parts[3] in DATA_ONLY:
            yield from tops(every) & {*TESTERS, "metaflow", "metaflow_backends"}
    else:
        yield from tops(every) & TESTERS


def wrong_in_tests(tree, place, source):
    """List what a feature's test imports beside its own feature and what that may use."""
    own = room(place)
    if own in {"harness", "backends"}:
        return
    allowed = {own, None, *MAY_IMPORT.get(own, SHARED)}
    every = imports(place, source, everywhere=True)
    yield from {name for name in every if tree.room_of(name) not in allowed}


def test_no_import_points_the_wrong_way():
    tree = Tree.read(ROOT)

    assert tree.wrong_arrows() == {}
    assert len(list(tree.sources("src"))) > 100
    assert {"backends", "harness"} <= set(tree.rooms.values())


def planted(root, place, source):
    """Write a small tree of all kinds of rooms with one more file in it."""
    files = {
        "backends/src/metaflow_backends/registry.py": "import json",
        "harness/src/pytest_metaflow_backends/plugin.py": "import pytest",
        "features/nomad/src/metaflow_extensions/nomad/plugins/job.py": "import metaflow",
        "features/ui/src/metaflow_extensions/ui/server.py": "import metaflow",
        "features/runview/src/metaflow_runview/graph.py": "import ast",
        "features/isolation/src/metaflow_extensions/isolation/entry.py": "import os",
        place: source,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Tree.read(root)


HARNESS = "harness/src/pytest_metaflow_backends"
NOMAD = "features/nomad/src/metaflow_extensions/nomad"
ISOLATION = "features/isolation/src/metaflow_extensions/isolation"
WRONG = {
    "backends know no pytest": ("backends/src/metaflow_backends/x.py", "import pytest"),
    "backends know no metaflow": (
        "backends/src/metaflow_backends/x.py",
        "def f():\n    import metaflow.client",
    ),
    "backends know no harness": (
        "backends/src/metaflow_backends/x.py",
        "def f():\n    from pytest_metaflow_backends import records",
    ),
    "reports know no pytest": (f"{HARNESS}/report/x.py", "def f():\n    import pytest"),
    "reports know no backends": (
        f"{HARNESS}/report/x.py",
        "from metaflow_backends import Running",
    ),
    "check runs know no pytest": (f"{HARNESS}/github/x.py", "import _pytest.reports"),
    "records know no metaflow": (
        f"{HARNESS}/records.py",
        "def f():\n    from metaflow import Run",
    ),
    "the harness loads no metaflow": (
        f"{HARNESS}/x.py",
        "try:\n    import metaflow\nexcept ImportError:\n    pass",
    ),
    "the harness knows no feature": (
        f"{HARNESS}/x.py",
        "def f():\n    import metaflow_extensions.nomad",
    ),
    "a feature knows no harness": (f"{NOMAD}/x.py", "import pytest_metaflow_backends.records"),
    "a feature knows no backends": (f"{NOMAD}/x.py", "import metaflow_backends"),
    "a feature knows no pytest": (f"{NOMAD}/x.py", "def f():\n    import pytest"),
    "a feature knows no other feature": (
        f"{NOMAD}/x.py",
        "def f():\n    from metaflow_extensions import ui",
    ),
    "not by dots either": (f"{NOMAD}/plugins/x.py", "from ...ui import server"),
    "isolation does not know runview": (f"{ISOLATION}/x.py", "import metaflow_runview.graph"),
    "runview knows no feature": (
        "features/runview/src/metaflow_runview/x.py",
        "from metaflow_extensions.ui.server import serve",
    ),
    "a feature's tests know no other feature": (
        "features/nomad/tests/test_x.py",
        "import metaflow_extensions.ui",
    ),
    "a feature's tests know only fixtures of the harness": (
        "features/nomad/tests/test_x.py",
        "from pytest_metaflow_backends.lifecycle import commands",
    ),
}


@pytest.mark.parametrize(("place", "source"), WRONG.values(), ids=WRONG)
def test_a_wrong_arrow_is_found_and_named(place, source, tmp_path):
    expected = [place]

    actual = list(planted(tmp_path, place, source).wrong_arrows())

    assert expected == actual


RIGHT = {
    "the harness uses backends": (f"{HARNESS}/x.py", "from metaflow_backends import registry"),
    "in a function": (f"{HARNESS}/x.py", "def f():\n    import metaflow"),
    "for types only": (f"{HARNESS}/x.py", "if TYPE_CHECKING:\n    import metaflow"),
    "a feature uses runview": (f"{NOMAD}/x.py", "import metaflow_runview.graph"),
    "a feature uses isolation": (f"{NOMAD}/plugins/x.py", "from ...isolation import entry"),
    "runview uses isolation": (
        "features/runview/src/metaflow_runview/x.py",
        "from metaflow_extensions.isolation import entry",
    ),
    "a feature uses itself": (f"{NOMAD}/plugins/x.py", "from ..plugins import job"),
    "tests use pytest and their feature": (
        "features/nomad/tests/test_x.py",
        "import pytest\nfrom metaflow_extensions.nomad.plugins import job",
    ),
}


@pytest.mark.parametrize(("place", "source"), RIGHT.values(), ids=RIGHT)
def test_a_right_arrow_is_none_of_its_business(place, source, tmp_path):
    expected = {}

    actual = planted(tmp_path, place, source).wrong_arrows()

    assert expected == actual


def loaded_after(statement):
    """Name what a fresh interpreter has loaded after a statement."""
    code = f"import sys; {statement}; print(*sorted(sys.modules))"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


def modules(folder):
    """Name the modules below a folder of the harness as imports do."""
    source = ROOT / "harness" / "src"
    for path in sorted((source / folder).rglob("*.py")):
        place = path.relative_to(source).with_suffix("")
        if place.name not in {"__init__", "__main__"}:
            yield ".".join(place.parts)


def test_records_and_report_load_neither_pytest_nor_metaflow():
    package = "pytest_metaflow_backends"
    names = [
        f"{package}.records",
        *modules(f"{package}/report"),
        *modules(f"{package}/github"),
    ]

    loaded = loaded_after(f"import {', '.join(names)}")

    assert not tops(loaded) & {"pytest", "_pytest", "metaflow", "metaflow_backends"}
    assert "pytest_metaflow_backends.report.verdict" in loaded


def test_no_module_of_the_harness_loads_metaflow():
    inside = {"pytest_metaflow_backends.flow.filelogged"}

    loaded = loaded_after(f"import {', '.join({*modules('pytest_metaflow_backends')} - inside)}")

    assert "metaflow" not in tops(loaded)
    assert "pytest_metaflow_backends.flow.driver" in loaded


def test_the_front_door_loads_nothing_but_itself():
    """Every pytest run of everybody who has it installed pays for what the plugin imports."""
    before = loaded_after("import pytest")

    after = loaded_after("import pytest; import pytest_metaflow_backends.plugin")

    ours = {"pytest_metaflow_backends", "pytest_metaflow_backends.plugin"}
    assert after - before == ours
