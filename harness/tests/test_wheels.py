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
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    path.parent.name: path.parent
    for path in sorted([*ROOT.glob("*/pyproject.toml"), *ROOT.glob("features/*/pyproject.toml")])
}
PLAIN = ("metaflow", "metaflow-slurm")
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
DESCRIBE = """
import json, metaflow
from metaflow import plugins
names = lambda found: sorted(d.name for d in found)
print(json.dumps({
    "steps": names(plugins.STEP_DECORATORS), "flows": names(plugins.FLOW_DECORATORS),
    "top": sorted(n for n in dir(metaflow) if not n.startswith("_")),
}))
"""


def run(*argv, cwd, **environment):
    """Run a program with a clean environment and give its output; raise if it fails."""
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
    return done.stdout


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

    def make(*names):
        folder = tmp_path_factory.mktemp("environment")
        run(*UV, "venv", "--quiet", "--python", sys.executable, folder / "venv", cwd=folder)
        links = next(iter(wheels.values())).parent
        chosen = [wheels[name] for name in names]
        run(
            *UV,
            "pip",
            "install",
            "--quiet",
            "--python",
            folder / "venv",
            "--find-links",
            links,
            *PLAIN,
            *chosen,
            cwd=folder,
        )
        return folder / "venv" / "bin"

    return make


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
        "PYTHONHASHSEED": "0",
    }
    python = programs / "python"
    version = re.compile(r"Metaflow \(?[^\n]*\n?")
    run(python, "plain_flow.py", "run", cwd=folder, **settings)
    return {
        "metaflow --help": version.sub(
            "", run(programs / "metaflow", "--help", cwd=folder, **settings)
        ),
        "flow --help": version.sub(
            "", run(python, "plain_flow.py", "--help", cwd=folder, **settings)
        ),
        "plugins": json.loads(run(python, "-c", DESCRIBE, cwd=folder, **settings)),
        "files": files(folder / ".metaflow"),
    }


def files(root):
    """List what a run left, with what changes from run to run replaced."""
    changing = re.compile(r"\d{10,}|[0-9a-f]{40}|(?<=data/)[0-9a-f]{2}(?=/)")
    names = (str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    return sorted(changing.sub("#", name) for name in names)


def names_of(wheels):
    return sorted(name for name in wheels if name != "metaflow_extras")


def test_there_is_a_wheel_for_every_distribution_of_the_tree(wheels):
    assert len(wheels) == len(FOLDERS) + 1
    assert {"metaflow_backends", "pytest_metaflow_backends", "metaflow_extras"} <= set(wheels)


SCENARIOS = [*FOLDERS, "all"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_plain_metaflow_stays_as_it_was(scenario, wheels, environment_of, plain, tmp_path):
    chosen = names_of(wheels) if scenario == "all" else [distribution_of(FOLDERS[scenario])]

    actual = facts(environment_of(*chosen), tmp_path)

    for name, expected in plain.items():
        assert lacks_nothing(expected, actual[name]), name
    if not adds_commands(chosen, wheels):
        assert plain == actual


def distribution_of(folder):
    text = (folder / "pyproject.toml").read_text()
    return re.search(r'^name = "(.*)"$', text, re.MULTILINE)[1].replace("-", "_")


def lacks_nothing(before, after):
    if isinstance(before, dict):
        return all(lacks_nothing(before[key], after[key]) for key in before)
    if isinstance(before, str):
        return not set(before.split()) - set(after.split())
    return not set(before) - set(after)


def adds_commands(chosen, wheels):
    """Tell if one of the wheels is a Metaflow extension, which may add, never alter."""
    listings = (run(sys.executable, "-m", "zipfile", "-l", wheels[n], cwd=ROOT) for n in chosen)
    return any("metaflow_extensions/" in listing for listing in listings)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_module_can_be_imported_from_the_wheel(scenario, wheels, environment_of, tmp_path):
    """Proves that the dependencies are declared: nothing else of ours is installed."""
    chosen = names_of(wheels) if scenario == "all" else [distribution_of(FOLDERS[scenario])]
    code = """
        import importlib, pkgutil, sys
        for name in sys.argv[1:]:
            try:
                package = importlib.import_module(name)
            except ModuleNotFoundError:
                continue  # an extension tree: loaded by Metaflow itself
            for found in pkgutil.walk_packages(package.__path__, f"{name}."):
                if not found.name.endswith("__main__"):
                    importlib.import_module(found.name)
                    print(found.name)
    """

    programs = environment_of(*chosen)
    loaded = run(
        programs / "python", "-W", "error", "-c", textwrap.dedent(code), *chosen, cwd=tmp_path
    )

    assert len(loaded.split()) >= 5 * len(chosen)


def test_the_readme_works_from_the_wheel(environment_of, tmp_path):
    """What a user does first: install one distribution, write three files, run pytest."""
    (tmp_path / "matrix.yaml").write_text(
        "version: 1\nbackends: {local: {kind: local, required: true}}\n"
    )
    (tmp_path / "plain_flow.py").write_text(FLOW)
    (tmp_path / "test_plain.py").write_text(
        "def test_total(mf_flow):\n"
        "    assert mf_flow('plain_flow.py').value('join', 'total') == 6\n"
    )
    programs = environment_of("pytest_metaflow_backends")

    help_text = run(programs / "mf-backends", "--help", cwd=tmp_path)
    alone = run(programs / "pytest", "-q", cwd=tmp_path)
    grid = run(programs / "mf-backends", "run", cwd=tmp_path)

    assert "one verdict" in " ".join(help_text.split())
    assert "1 passed" in alone
    assert "SUCCESS" in grid
    assert (tmp_path / "report" / "index.html").stat().st_size > 10_000
