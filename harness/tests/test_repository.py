"""The repository holds together: one list of backends, links that lead somewhere, no traces."""

from __future__ import annotations

import configparser
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_metaflow_backends.matrix.load import load
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]


def git_files(*options):
    listed = subprocess.run(
        ["git", "ls-files", "-z", *options], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


TRACKED = git_files()


def test_tox_and_the_matrix_name_the_same_backends():
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    listed = [name.strip() for name in tox["tox"]["envlist"].split(",")]

    assert set(listed) - {"units", "lint", "docs"} == set(load(ROOT / "matrix.yaml").backends())


@pytest.mark.parametrize("section", ["tox.ini", "Makefile", ".github/workflows/ci.yml"])
def test_tox_make_and_ci_hold_no_list_of_distributions_that_could_be_forgotten(section):
    """A feature that is added is installed everywhere without a change here."""
    text = (ROOT / section).read_text()

    assert "features/nomad" not in text


def test_every_make_target_is_explained_by_make_help():
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)[0].split())

    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)

    lines = [line.split(maxsplit=2) for line in shown.stdout.splitlines()]
    assert targets == {name for _, name, _ in lines}
    assert all(explanation for *_, explanation in lines)


HOSTS = r"(?:pypi\.|files\.python|registry\.npm|proxy\.go|deb\.)(?:org|hosted|js|lang|debian)"
PLACES = r"(?<![\w.])/(?:root|work|home/[a-z]+)/(?!\.)[a-z]+/"
LINKS_TO_PAGES = {Path("docs/install.md")}  # what three plugins of others are


def test_no_file_names_a_registry_or_a_folder_of_a_machine():
    pattern = re.compile(f"https?://[\\w.-]*{HOSTS}|{PLACES}")

    found = {
        str(path): match[0]
        for path in set(TRACKED) - LINKS_TO_PAGES
        if (match := pattern.search((ROOT / path).read_text(encoding="utf-8", errors="ignore")))
    }

    assert found == {}


@pytest.mark.parametrize(
    "line", ["http://pypi." + "org/x", "at /wo" + "rk/tree/x", "https://de" + "b.debian"]
)
def test_a_trace_would_be_found(line):
    assert re.search(f"https?://[\\w.-]*{HOSTS}|{PLACES}", line)


def test_nothing_that_belongs_to_the_tree_is_ignored():
    """A pattern like `report/` once hid the tests of a package with that name."""
    generated = re.compile(r"(^|/)(__pycache__|build|\..*|[^/]+\.egg-info)/")
    ours = ("backends", "harness", "features", "docs", "changelog.d", ".ci", ".github")

    ignored = git_files("--others", "--ignored", "--exclude-standard", "--", *ours)

    assert [str(path) for path in ignored if not generated.search(path.as_posix())] == []


def links(path):
    """Yield the files that a page links to, relative to the root."""
    text = re.sub(r"```.*?```", "", (ROOT / path).read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            yield (ROOT / path).parent / target


def test_every_link_between_pages_leads_to_a_file():
    pages = [path for path in TRACKED if path.suffix == ".md"]

    dead = {str(page): str(to) for page in pages for to in links(page) if not to.exists()}

    assert dead == {}
    assert len(pages) > 10


def test_changelog_fragments_are_named_as_agreed():
    fragments = [path.name for path in TRACKED if path.parent.name == "changelog.d"]

    kinds = re.compile(r"[\w-]+\.(feature|bugfix|doc|removal|misc)\.md|README\.md")
    assert [name for name in fragments if not kinds.fullmatch(name)] == []
    assert len(fragments) > 1


def test_workflows_hide_no_failure_grant_nothing_by_default_and_use_nobody_elses_code_unpinned():
    workflows = [path for path in TRACKED if path.parent == Path(".github/workflows")]

    for path in workflows:
        text = (ROOT / path).read_text()
        assert "continue-on-error" not in text
        assert re.search(r"^permissions: \{\}$", text, re.MULTILINE)
        assert all(
            re.fullmatch(r"[\w./-]+@[0-9a-f]{40}|\./\.github/workflows/[\w-]+\.yml", used)
            for used in re.findall(r"uses: (\S+)", text)
        )
    assert workflows


# What each job may do; whoever can write is seen here.
RIGHTS = {
    "backend-tests": {"test": {"contents": "read"}},
    "ci": {
        **{key: {"contents": "read"} for key in ("select", "units", "backends")},
        "verdict": {"actions": "read", "contents": "read"},
    },
    "report": {
        "publish": {
            "actions": "read",
            "checks": "write",
            "contents": "read",
            "pull-requests": "read",
        }
    },
}


def test_no_job_may_do_more_than_it_has_to():
    loaded = {
        path.stem: YAML(typ="safe").load(path)["jobs"]
        for path in (ROOT / ".github/workflows").iterdir()
    }

    found = {
        file: {name: job.get("permissions") for name, job in jobs.items()}
        for file, jobs in loaded.items()
    }

    assert found == RIGHTS
    privileged = loaded["report"]["publish"]["steps"][0]
    assert "actions/checkout" in privileged["uses"]
    assert "ref" not in privileged["with"]  # the default branch: nothing of the tested commit


def test_the_verdict_waits_for_every_job_runs_always_and_is_red_if_one_broke():
    """GitHub takes a job that was skipped for a pass."""
    jobs = YAML(typ="safe").load(ROOT / ".github/workflows/ci.yml")["jobs"]
    verdict = jobs.pop("verdict")
    last = verdict["steps"][-1]

    assert set(verdict["needs"]) == set(jobs)
    assert verdict["if"] == "always()"
    assert last["run"] == "exit 1"
    for end in ("failure", "cancelled"):
        assert f"contains(needs.*.result, '{end}')" in last["if"]
    assert "if" not in next(s for s in verdict["steps"] if "mf-backends" in s.get("run", ""))


def small_program(name):
    """Load a generator of docs/_generate as a module, with its neighbours importable."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs/_generate" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def generator(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs/_generate")
    return small_program


def a_report(**cells):
    tests = [
        {"key": f"harness/conformance/{key}", "line": 1, "cells": {"local": {"state": state}}}
        for key, state in cells.items()
    ]
    columns = ["local", "local/serial", ""]
    return {
        "columns": columns,
        "tests": tests,
        "verdict": {"columns": [{"column": name} for name in columns]},
    }


def test_the_grid_of_the_readme_shows_tutorials_and_whole_backends_only(generator):
    readme_grid = generator("readme_grid")
    report = a_report(
        **{
            "test_tutorials.py::test_00_helloworld": "passed",
            "test_tutorials.py::test_04_playlist_plus": "skipped",
            "test_graphs.py::test_x": "failed",
        }
    )

    drawn = readme_grid.draw(readme_grid.tutorials(report)).splitlines()

    assert drawn[0] == "Metaflow's tutorials"
    assert [line.split() for line in drawn[2:6]] == [
        ["local"],
        ["harness/conformance/test_tutorials.py"],
        ["test_00_helloworld", "pass"],
        ["test_04_playlist_plus", "skip"],
    ]
    assert drawn[-1] == "SUCCESS: 1 passed, 1 skipped on 1 column"


def test_a_column_that_ran_only_a_part_is_not_in_the_grid_of_the_readme(generator):
    readme_grid = generator("readme_grid")
    report = a_report(
        **{
            "test_tutorials.py::test_00_helloworld": "passed",
            "test_tutorials.py::test_01": "passed",
        }
    )
    report["columns"].append("s3")
    report["tests"][0]["cells"]["s3"] = {"state": "passed"}

    assert readme_grid.tutorials(report).columns == ["local"]


def test_the_grid_of_the_readme_is_red_if_a_tutorial_is(generator):
    readme_grid = generator("readme_grid")
    report = a_report(**{"test_tutorials.py::test_00_helloworld": "failed"})

    drawn = readme_grid.draw(readme_grid.tutorials(report)).splitlines()

    assert drawn[-1].startswith("FAILURE")


def test_the_readme_shows_a_row_for_every_tutorial_as_the_generator_draws_them():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tests = (ROOT / "harness/conformance/test_tutorials.py").read_text(encoding="utf-8")
    block = re.search(
        r"<!-- grid:start -->\n```text\n(.*)\n```\n<!-- grid:end -->", text, re.DOTALL
    )

    rows = re.findall(r"^ +(test_\w+)", block[1], re.MULTILINE)

    assert rows == re.findall(r"^def (test_\w+)", tests, re.MULTILINE)


def test_the_capability_table_counts_what_ran(generator, tmp_path):
    table = generator("capabilities_table")
    (tmp_path / "test_x.py").write_text(
        "import pytest\nneeds = pytest.mark.needs\n"
        "@needs('retry')\ndef test_a(mf_flow): ...\n"
        "@pytest.mark.needs('retry', 'conda')\ndef test_b(mf_flow): ...\n"
        "@needs('retry')\ndef test_c(mf_flow): ...\n"
        "@needs('gpu')\n@pytest.mark.slow\ndef test_d(mf_flow): ...\n"
    )
    report = a_report(
        **{
            "test_x.py::test_a": "passed",
            "test_x.py::test_b": "skipped",
            "test_x.py::test_c[param]": "failed",
            "test_x.py::test_d": "passed",
        }
    )

    heading, _, *rows = [
        line.split(" | ") for line in table.table(report, table.needs_of(tmp_path))
    ]

    found = {row[0]: row[1] for row in rows if row[0] in {"| `retry`", "| `conda`", "| `gpu`"}}
    assert heading == ["| capability", "local", "meaning |"]
    assert found == {"| `retry`": "1 / 2", "| `conda`": "not declared", "| `gpu`": "-"}


def test_every_picture_of_a_check_run_is_taken_and_shown(generator):
    taken = {f"check-run-{name}.png" for name in generator("check_run_pictures").SHOWN}
    kept = {path.name for path in (ROOT / "docs/pictures").iterdir()}
    shown = re.findall(r"\(pictures/([^)]+)\)", (ROOT / "docs/github.md").read_text("utf-8"))

    assert taken == kept == set(shown)
    assert len(shown) == 5


@pytest.mark.parametrize("script", ["matrix_reference.py", "cli_reference.py"])
def test_generated_pages_are_fresh(script):
    done = subprocess.run(
        [sys.executable, f"docs/_generate/{script}", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.returncode == 0


def test_the_examples_of_the_tour_and_the_readmes_are_valid_python():
    compiled = 0
    for page in [path for path in TRACKED if path.suffix == ".md"]:
        text = (ROOT / page).read_text(encoding="utf-8")
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            compile(block, str(page), "exec")
            compiled += 1

    assert compiled > 3


def test_ci_says_in_a_line_that_make_is_missing(tmp_path):
    for program in ("bash", "dirname", "env"):
        (tmp_path / program).symlink_to(shutil.which(program))

    done = subprocess.run(
        ["bash", ROOT / ".ci/run"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 4
    assert done.stderr == (
        "cannot go on: make is missing: apt-get install -y --no-install-recommends make\n"
    )
