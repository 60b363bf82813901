"""The tour and the README, block by block as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOUR = (ROOT / "docs/features/functions.md").read_text(encoding="utf-8")
FILE = re.compile(r"```python\n# (\S+)\n(.*?)```", re.DOTALL)
SHELL = re.compile(r"```bash\n(.*?)```", re.DOTALL)
SAYS = [
    "{'y': 20.0}",
    "{'y': 2.0}",
    "row 1: InputError: no Point: x: Input should be a valid number, unable to parse string",
    "{'y': 6.0}",
    "slope.zip",
    "pass  example: ",
    "score takes one record and model of SlopeFlow/",
    '{"y":8.0}',
    '{"status":"ready"}{"y":10.0}',
    '{"detail":[{"type":"missing","loc":["x"],"msg":"Field required"}]}',
]


def walk(folder, programs):
    """Take the tour in a folder with the programs of an environment; gives what it said."""
    for name, text in FILE.findall(TOUR):
        (folder / name).write_text(text, encoding="utf-8")
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("METAFLOW_", "PYTHON"))}
    environment = kept | {
        "METAFLOW_USER": "tourist",
        "METAFLOW_HOME": str(folder / "home"),
        "METAFLOW_FUNCTIONS_CACHE": str(folder / "cache"),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    script = "set -e\n" + "".join(SHELL.findall(TOUR))
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, text=True, capture_output=True,
        timeout=300, check=False,
    )  # fmt: skip
    return environment, done


def assert_said(done):
    """Hold what the tour says against what it promises, in that order."""
    place = 0
    for text in SAYS:
        found = done.stdout.find(text, place)
        assert found >= 0, f"{text} is not in {done.stdout[place:]}\n{done.stderr[-2000:]}"
        place = found


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tour")
    return folder, *walk(folder, Path(sys.executable).parent)


def test_the_tour_says_what_it_promises(walked):
    assert {name for name, _ in FILE.findall(TOUR)} == {
        "slope.py", "train.py", "scoring.py", "bind.py", "app.py", "compare.py",
    }  # fmt: skip

    assert_said(walked[2])


@pytest.mark.slow
def test_the_tour_works_in_an_empty_environment(tmp_path):
    """From `pip install` to a served model, with what the distribution itself asks for."""
    source, programs = tmp_path / "source", tmp_path / "venv/bin"
    ignored = shutil.ignore_patterns("*.egg-info", "build", "__pycache__", ".*", "tests")
    shutil.copytree(ROOT / "features/functions", source, ignore=ignored)
    uv = (sys.executable, "-m", "uv")
    subprocess.run(
        [*uv, "venv", "--quiet", "--python", sys.executable, programs.parent], check=True
    )
    subprocess.run(
        [
            *uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            programs / "python",
            f"{source}[fastapi,uv]",
        ],
        check=True,
    )
    (tmp_path / "tour").mkdir()

    assert_said(walk(tmp_path / "tour", programs)[1])


APP = """
import asyncio
from app import app
from httpx import ASGITransport, AsyncClient

async def ask():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://app") as client:
        for path, x in (("/twice", 1), ("/score", 2)):
            print((await client.post(path, json={"x": x})).json())

asyncio.run(ask())
"""


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["compare.py"], "True"),
        (["-c", APP], "[{'y': 2.0}, {'y': 2.0}]\n{'y': 4.0}"),
    ],
    ids=["compare", "app"],
)
def test_the_other_files_work_too(walked, argv, said):
    folder, environment, _ = walked

    output = subprocess.check_output(
        [sys.executable, *argv], cwd=folder, env=environment, text=True, timeout=60
    )

    assert output.strip() == said


def test_the_example_of_the_readme_is_short_and_compiles():
    text = (ROOT / "features/functions/README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)

    compile(example, "README.md", "exec")
    assert len([line for line in example.splitlines() if line.strip()]) <= 20
