"""Every distribution as a user installs it: from its wheel, alone and with all others.

Never editable, since that hides the traps of how Metaflow finds extensions. metaflow-slurm is
beside them in every environment: it is a setuptools-built extension, and wheels of other build
backends vanish without a word next to one. Plain Metaflow must stay as it was.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    path.parent.name: path.parent
    for path in sorted([*ROOT.glob("*/pyproject.toml"), *ROOT.glob("features/*/pyproject.toml")])
}
PLAIN = ("metaflow", "metaflow-slurm")
SLURM_HOOKS = {
    f"metaflow_extensions.slurm_ext.{point}.mfextinit_slurm_ext"
    for point in ("toplevel", "config", "plugins", "cmd")
}
UV = (sys.executable, "-m", "uv")
FLOW = """
from metaflow import FlowSpec, retry, step

class PlainFlow(FlowSpec):
    @step
    def start(self):
        self.items = [1, 2]
        self.next(self.work, foreach="items")

    @retry(times=0)
    @step
    def work(self):
        self.double = self.input * 2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(task.double for task in inputs)
        self.next(self.end)

    @step
    def end(self):
        print("total", self.total)

if __name__ == "__main__":
    PlainFlow()
"""
# Everything that can be registered, in the order it has; all commands are loaded, since Metaflow
# loads them as it looks for one, in the order of a set: a broken one breaks others now and then.
DESCRIBE = """
import json, metaflow, metaflow.cmd.main_cli
from metaflow import plugins
found = {name: [entry[0] for entry in getattr(plugins, name)]
         for name in dir(plugins) if name.endswith("_DESC")}
found["steps"] = [d.name for d in plugins.STEP_DECORATORS]
found["flows"] = [d.name for d in plugins.FLOW_DECORATORS]
found["groups"] = [c.name for group in plugins.get_plugin_cli() for c in group.commands.values()]
found["top"] = [n for n in dir(metaflow) if not n.startswith("_")]
print(json.dumps(found))
"""


def run(*argv, cwd, **environment):
    """Run a program with a clean environment and give its output; fail if it fails."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    kept |= {n: v for n, v in os.environ.items() if n.startswith(("PIP_", "UV_", "SSL_", "XDG_"))}
    done = subprocess.run(
        [str(part) for part in argv],
        cwd=cwd,
        env={**kept, **environment},
        text=True,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{argv}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout if "METAFLOW_DEBUG_EXT" not in environment else done.stdout + done.stderr


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """Build all wheels from copies, so that nothing left in the tree gets into them."""
    folder = tmp_path_factory.mktemp("wheels")
    ignore = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", ".*", "tests")
    for name, source in {**FOLDERS, "root": None}.items():
        copy = folder / "sources" / name
        if source is None:  # the meta distribution is made of three files
            copy.mkdir()
            for file in ("pyproject.toml", "README.md", "LICENSE"):
                shutil.copy(ROOT / file, copy)
        else:
            shutil.copytree(source, copy, ignore=ignore)
        run(*UV, "build", "--quiet", "--wheel", "--out-dir", folder, copy, cwd=folder)
    return {re.split(r"-\d", path.name)[0]: path for path in folder.glob("*.whl")}


@pytest.fixture(scope="session")
def environment_of(wheels, tmp_path_factory):
    """Give a function that makes an environment with plain Metaflow and some of our wheels."""
    made = {}
    options = ("--find-links", next(iter(wheels.values())).parent)

    def make(names):
        folder = tmp_path_factory.mktemp("environment")
        python = folder / "venv" / "bin" / "python"
        chosen = [wheels[name] for name in names]
        run(*UV, "venv", "--quiet", "--python", sys.executable, folder / "venv", cwd=folder)
        install = (*UV, "pip", "install", "--quiet", "--python", python)
        run(*install, *options, *PLAIN, *chosen, cwd=folder)
        return python.parent

    def environment(*names):
        if names not in made:
            made[names] = make(names)
        return made[names]

    return environment


@pytest.fixture(scope="session")
def plain(environment_of, tmp_path_factory):
    return facts(environment_of(), tmp_path_factory.mktemp("plain"))


def facts(programs, folder):
    """Describe Metaflow as a user sees it: help, plugins, names, and the files of a run."""
    (folder / "plain_flow.py").write_text(FLOW)
    settings = {
        "METAFLOW_HOME": str(folder / "home"),
        "METAFLOW_USER": "tester",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
    }

    def said(*argv, seed="0", **more):
        return run(*argv, cwd=folder, PYTHONHASHSEED=seed, **settings, **more)

    python = programs / "python"
    said(python, "plain_flow.py", "run")
    version = re.compile(r"Metaflow \(?[^\n]*\n?")
    return {
        "metaflow --help": version.sub("", said(programs / "metaflow", "--help")).split(),
        "flow --help": version.sub("", said(python, "plain_flow.py", "--help")).split(),
        "plugins": json.loads(said(python, "-c", DESCRIBE)),
        "plugins in another order": json.loads(said(python, "-c", DESCRIBE, seed="7")),
        "files": files(folder / ".metaflow"),
        "hooks": hooks(said(python, "-c", DESCRIBE, METAFLOW_DEBUG_EXT="1")),
    }


def hooks(log):
    """List what Metaflow says it has loaded of extensions, once each."""
    return sorted(set(re.findall(r"Attempting to load '(metaflow_extensions\.[\w.]+)'", log)))


def files(root):
    """List what a run left, with what changes from run to run replaced."""
    changing = re.compile(r"\d{10,}|[0-9a-f]{40}|(?<=data/)[0-9a-f]{2}(?=/)")
    names = (str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    return sorted(changing.sub("#", name) for name in names)


def distribution_of(folder):
    text = (folder / "pyproject.toml").read_text()
    return re.search(r'^name = "(.*)"$', text, re.MULTILINE)[1].replace("-", "_")


def chosen_for(scenario, wheels):
    if scenario == "all":
        return sorted(name for name in wheels if name != "metaflow_extras")
    return [distribution_of(FOLDERS[scenario])]


def hooks_in(wheel):
    """Name the hook modules for Metaflow that a wheel carries."""
    names = (Path(name) for name in zipfile.ZipFile(wheel).namelist())
    return {".".join(n.with_suffix("").parts) for n in names if n.name.startswith("mfextinit_")}


def first_that_is_gone(before, after):
    """Name something of `before` that `after` lacks or has elsewhere; None if all is there.

    Lists may get further entries between the old ones, which keep their order if it is one.
    """
    if isinstance(before, dict):
        found = ((key, first_that_is_gone(before[key], after.get(key, []))) for key in before)
        return next(((key, gone) for key, gone in found if gone is not None), None)
    left = iter(after)
    return next((entry for entry in before if entry not in left), None)


def in_no_order(found):
    """Sort what Metaflow keeps in the order of a set, where one entry more moves all others."""
    plugins = {key: sorted(names) for key, names in found["plugins"].items()}
    return {**found, "plugins": plugins, "plugins in another order": {}}


GONE = {
    "nothing": (["a", "b"], ["a", "b"], None),
    "more": (["a", "b"], ["x", "a", "y", "b", "z"], None),
    "one removed": (["a", "b"], ["a"], "b"),
    "order changed": (["a", "b"], ["b", "a"], "b"),
    "one of two alike": (["a", "a"], ["a"], "a"),
    "in a list by name": ({"steps": ["a"]}, {"steps": []}, ("steps", "a")),
    "a whole list": ({"steps": ["a"]}, {}, ("steps", "a")),
}


@pytest.mark.parametrize(("before", "after", "gone"), GONE.values(), ids=GONE)
def test_what_an_installation_takes_away_is_found(before, after, gone):
    expected = gone

    actual = first_that_is_gone(before, after)

    assert expected == actual


def test_there_is_a_wheel_for_every_distribution_of_the_tree(wheels):
    assert len(wheels) == len(FOLDERS) + 1
    assert {"metaflow_backends", "pytest_metaflow_backends", "metaflow_extras"} <= set(wheels)


def test_plain_metaflow_is_described_in_full(plain):
    """Proves that the comparisons below have something to compare."""
    assert set(plain["hooks"]) == SLURM_HOOKS
    assert {"retry", "catch", "slurm"} <= set(plain["plugins"]["steps"])
    assert plain["plugins"]["steps"] != plain["plugins in another order"]["steps"]
    assert {"slurm", "card", "kubernetes"} <= set(plain["plugins"]["CLIS_DESC"])
    assert len(plain["files"]) > 30
    assert len(plain["flow --help"]) > 100


SCENARIOS = [*FOLDERS, "all"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_plain_metaflow_stays_as_it_was(scenario, wheels, environment_of, plain, tmp_path):
    chosen = chosen_for(scenario, wheels)
    own_hooks = set().union(*(hooks_in(wheels[name]) for name in chosen))

    actual = facts(environment_of(*chosen), tmp_path)

    assert set(actual["hooks"]) == SLURM_HOOKS | own_hooks
    assert first_that_is_gone(in_no_order(plain), in_no_order(actual)) is None
    if not own_hooks:  # no extension: nothing may be added either
        assert plain == actual


IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for found in pkgutil.walk_packages(package.__path__, f"{name}."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
            print(found.name)
"""


def packages_in(wheel):
    """Name the packages of a wheel that are imported by name, so not Metaflow's extension tree."""
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    return sorted(top for top in tops if top.isidentifier() and top != "metaflow_extensions")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_module_can_be_imported_from_the_wheel(scenario, wheels, environment_of, tmp_path):
    """Proves that the dependencies are declared: nothing else of ours is installed."""
    chosen = chosen_for(scenario, wheels)
    packages = [package for name in chosen for package in packages_in(wheels[name])]
    python = environment_of(*chosen) / "python"

    loaded = run(python, "-W", "error", "-c", IMPORT_ALL, *packages, cwd=tmp_path).split()

    modules = [
        name
        for chosen_name in chosen
        for name in zipfile.ZipFile(wheels[chosen_name]).namelist()
        if name.endswith(".py") and not name.startswith("metaflow_extensions/")
    ]
    left_out = sum(name.endswith("__main__.py") for name in modules) + len(packages)
    assert len(loaded) == len(modules) - left_out


def test_the_readme_works_from_the_wheel(environment_of, tmp_path):
    """What a user does first: install one distribution, write three files, run pytest."""
    (tmp_path / "matrix.yaml").write_text(
        "version: 1\nbackends: {local: {kind: local, required: true}}\n"
    )
    (tmp_path / "plain_flow.py").write_text(FLOW)
    (tmp_path / "test_plain.py").write_text(
        textwrap.dedent("""
            def test_total(mf_flow):
                assert mf_flow('plain_flow.py').value('join', 'total') == 6
        """)
    )
    programs = environment_of("pytest_metaflow_backends")

    help_text = run(programs / "mf-backends", "--help", cwd=tmp_path)
    alone = run(programs / "pytest", "-q", cwd=tmp_path)
    grid = run(programs / "mf-backends", "run", cwd=tmp_path)

    assert "one verdict" in " ".join(help_text.split())
    assert "1 passed" in alone
    assert "SUCCESS" in grid
    assert (tmp_path / "report" / "index.html").stat().st_size > 10_000
