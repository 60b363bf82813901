from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from _pytest.pytester import LineMatcher

# Whatever is imported during a test, pytester forgets after it; a second rich knows none of the
# first one's classes.
from pytest_metaflow_backends.report import terminal  # noqa: F401 - for its sake

# Test folders are not packages; what several of them are given is in modules of this folder.
sys.path.insert(0, str(Path(__file__).parent / "made"))

pytest_plugins = ["pytester"]

MATRIX = """
version: 1
backends:
  local: {kind: local, required: true}
  fake: {kind: fake, default: false}
"""


@pytest.fixture
def project(pytester, monkeypatch):
    """A project with a matrix, in which pytest runs as a user's would: outside CI."""
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider -p no:hypothesispytest\n")
    project = Project(pytester)
    yield project
    for process in project.left_over():  # of a job that was killed on purpose
        process.kill()


@pytest.fixture
def command(project, capsys):
    """Run `mf-backends` in this process, in the project's folder: a tenth of the time."""
    from pytest_metaflow_backends.cli import main

    def command(*arguments):
        assert Path.cwd() == project.path
        capsys.readouterr()
        code = main(arguments)
        said = capsys.readouterr()
        return SimpleNamespace(
            ret=code, out=said.out, err=said.err, stderr=LineMatcher(said.err.splitlines())
        )

    return command


class Project:
    """Writes files and runs pytest or mf-backends on them."""

    def __init__(self, pytester):
        self.pytester = pytester
        self.path = pytester.path
        self.matrix(MATRIX)

    def matrix(self, text):
        (self.path / "matrix.yaml").write_text(textwrap.dedent(text), encoding="utf-8")

    def test_file(self, text, name="test_it.py"):
        (self.path / name).write_text(textwrap.dedent(text), encoding="utf-8")

    def run(self, *args, timeout=120):
        return self.pytester.runpytest_subprocess(*args, timeout=timeout)

    def cli(self, *args, timeout=120):
        """Run `mf-backends` as its module, so that it is found wherever the tests run."""
        python = (sys.executable, "-m", "pytest_metaflow_backends")
        return self.pytester.run(*python, *args, timeout=timeout)

    def record(self, *args, timeout=120):
        """Run with records and give (result, decoded lines of all record files)."""
        result = self.run("--metaflow-records=records", *args, timeout=timeout)
        return result, self.lines()

    def lines(self):
        from pytest_metaflow_backends import records

        files = sorted((self.path / "records").glob("*.jsonl"))
        return [line for file in files for line in records.lines(file)]

    def left_over(self):
        """Find processes whose environment says that a backend of this project started them."""
        found = []
        for process in psutil.process_iter():
            try:
                environment = process.environ()
            except (psutil.Error, OSError):
                continue
            here = str(self.path) in " ".join(environment.values())
            if here and environment.get("METAFLOW_BACKENDS_OWNER"):
                found.append(process)
        return found

    def results(self):
        return {line["id"]: line for line in self.lines() if line["kind"] == "result"}


@pytest.fixture(scope="session")
def lines():
    """The lines of record files, as functions."""
    import record_lines

    return record_lines


@pytest.fixture
def report_of(tmp_path, lines):
    """Build the report of record files given as lists of lines."""
    from pytest_metaflow_backends.report.build import ExpectedColumn, build

    def report_of(*files, required=(), optional=(), **options):
        for number, content in enumerate(files):
            lines.write(tmp_path / "records" / f"{number}.jsonl", *content)
        (tmp_path / "records").mkdir(exist_ok=True)
        expected = [ExpectedColumn(name, required=True) for name in required]
        expected += [ExpectedColumn(name, required=False) for name in optional]
        return build(tmp_path / "records", expected=expected, **options)

    return report_of
