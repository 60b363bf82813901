from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

FLOWS = Path(__file__).parent / "flows"
OF_UNITS = ((), ("slow",), ("faults",))  # marks that tests without a backend have
LONGEST = 300  # seconds that a flow of these tests may take


def pytest_ignore_collect(collection_path, config):
    """Leave these tests alone where those of a backend are asked for: none of them would be chosen.

    They import Metaflow, which reads its settings once, before those of a backend are known.
    """
    expression = config.option.markexpr
    if not expression or collection_path.suffix != ".py" or collection_path.name == "conftest.py":
        return None
    chosen = Expression.compile(expression).evaluate
    return not any(chosen(lambda name, **_: name in marks) for marks in OF_UNITS) or None  # noqa: B023


def pytest_pycollect_makemodule():
    """Let Metaflow load the extension before a test imports from it."""
    import metaflow  # noqa: F401


@dataclass(frozen=True)
class Ran:
    """A run of a flow that has ended, and what it left on disk."""

    code: int
    out: str
    root: Path  # of the datastore

    @property
    def run(self):
        """Find the newest run."""
        return max(path.parent for path in self.root.glob(".metaflow/*/*/_parameters"))

    def tasks(self, step):
        return sorted((p for p in (self.run / step).iterdir() if p.name.isdigit()), key=_number)

    def value(self, step, name):
        """Give an artifact of each task of a step, in the order of the ids."""
        return [artifact(task, name) for task in self.tasks(step)]

    def attempts(self, step):
        return [len(list(task.glob("[0-9].attempt.json"))) for task in self.tasks(step)]

    def log(self, step, stream="stdout"):
        """Give what the last attempt of each task of a step said."""
        return [_said(max(task.glob(f"?.runtime_{stream}.log"))) for task in self.tasks(step)]

    def metadata(self, task, field):
        found = [json.loads(p.read_text()) for p in task.glob(f"_meta/sysmeta_{field}_*.json")]
        return [one["value"] for one in sorted(found, key=lambda one: one["ts_epoch"])]

    def events(self, step):
        (file,) = self.root.glob(f".metaflow/*/*/_worker_pool/{step}.jsonl")
        return [json.loads(line) for line in file.read_text().splitlines()]


def _number(path):
    return int(path.name)


def _said(log):
    lines = log.read_bytes().decode(errors="replace").split("\n")
    return "\n".join(re.sub(r"^\[MFLOG\|[^]]*\]", "", line) for line in lines)


def artifact(task, name):
    """Read an artifact of a task without Metaflow."""
    import gzip
    import pickle

    data = json.loads(max(task.glob("?.data.json")).read_text())
    sha = data["objects"][name]
    blob = (task.parents[2] / "data" / sha[:2] / sha).read_bytes()
    return pickle.loads(gzip.decompress(blob))  # noqa: S301 - our own flow's


@pytest.fixture
def flow_run(tmp_path):
    """Run a flow with Metaflow's own command, each in a store of its own."""
    count = iter(range(100))

    def run(flow, *args, root=None, **more):
        home = root or tmp_path / f"store{next(count)}"
        return run_in(home, flow, *args, **more)

    return run


@pytest.fixture(scope="session")
def run_at():
    """Run a flow with its store in a given folder."""
    return run_in


def run_in(home, flow, *args, command="run", top=(), **env):
    home.mkdir(exist_ok=True)
    file = flow if Path(flow).is_absolute() else FLOWS / flow
    done = subprocess.run(
        [sys.executable, str(file), "--no-pylint", *top, command, *args], cwd=home,
        env=environment(home, env), capture_output=True, text=True, timeout=LONGEST, check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout + done.stderr, home)


def environment(root, more=()):
    kept = {n: v for n, v in os.environ.items() if not n.startswith("METAFLOW_")}
    own = {"METAFLOW_USER": "tester", "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(root)}
    return {**kept, **own, **dict(more)}


run_in.environment = environment


@pytest.fixture(scope="session")
def ran_at():
    """Look at what a run has left that a test started itself."""
    return Ran


@pytest.fixture
def eventually():
    """Wait until something is so, and give it."""

    def wait(find, seconds=60.0):
        until = time.monotonic() + seconds
        while not (found := find()):
            assert time.monotonic() < until, "it never came to be"
            time.sleep(0.05)
        return found

    return wait


@pytest.fixture
def written(tmp_path):
    """Write a flow from the source of its class."""

    def write(body, name="flow.py", before=""):
        file = tmp_path / name
        file.write_text(
            f"{before}\nfrom metaflow import *\n\n\nclass Made(FlowSpec):\n{body}\n\n\n"
            'if __name__ == "__main__":\n    Made()\n'
        )
        return file

    return write


@pytest.fixture(scope="session", name="artifact")
def artifact_reader():
    return artifact


@pytest.fixture(scope="session")
def account():
    """Tell all that a run left on disk, apart from ids, times and processes."""
    return account_of


def account_of(ran):
    """Map each task, by its step and place in foreaches, to its files and what is in them."""
    found = {}
    for task in ran.run.glob("*/*"):
        if task.parent.name != "_worker_pool" and (task / "_meta").is_dir():
            told = told_of(task, ran)
            found[task.parent.name, told.pop("place")] = told
    return found


def told_of(task, ran):
    run = ran.run.name
    same = Same(run, task.name, str(ran.root))
    meta = [json.loads(p.read_text()) for p in task.glob("_meta/sysmeta_*.json")]
    artifacts = [json.loads(p.read_text()) for p in task.glob("_meta/?_artifact_*.json")]
    place = [one["value"] for one in meta if one["field_name"] == "foreach-execution-path"]
    return {
        "place": place[0] if place else "",
        "files": sorted(re.sub(r"_\d{13}\b", "_T", str(p.relative_to(task))) for p in files(task)),
        "metadata": sorted(same(plain(one)) for one in meta),
        "artifacts": sorted(same(plain(one)) for one in artifacts),
        "data": {p.name: json.loads(p.read_text()) for p in task.glob("?.data.json")},
        "logs": {p.name: same(_said(p)).splitlines() for p in task.glob("?.*.log")},
        "codes": {p.name: json.loads(p.read_text()) for p in task.glob("?.runtime")},
        "small": {
            p.name: p.read_text() for n in ("task_begin", "task_end", "DONE.lock")
            for p in task.glob(f"?.{n}")
        },
    }  # fmt: skip


def plain(datum):
    """Write JSON in one way; Metaflow keeps tags in sets, which have no order."""
    ordered = {n: sorted(v) if isinstance(v, list) else v for n, v in datum.items()}
    return json.dumps(ordered, sort_keys=True)


def files(task):
    return [path for path in task.rglob("*") if path.is_file()]


@dataclass(frozen=True)
class Same:
    """Makes texts of two runs the same that differ by ids, times, processes and places only."""

    run: str
    task: str
    root: str

    def __call__(self, text):
        text = text.replace(self.run, "RUN").replace(self.root, "ROOT")
        text = re.sub(r'"(ts_epoch|task_id)": "?\d+"?', r'"\1": 0', text)
        text = re.sub(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", "TIME", text)
        text = re.sub(r"\b0x[0-9a-f]+", "0x", text)
        text = re.sub(r"RUN/(\w+)/\d+", r"RUN/\1/N", text)
        return re.sub(r"\bpid \d+", "pid", text)
