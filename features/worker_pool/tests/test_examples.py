"""The flows of the README and of the examples do what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
EXAMPLES = {
    "squares": ((), "238965"),
    "model": ((), "total 120"),
    "forks": ((), "alone True"),
    "ten_thousand": (("--items", "20"), "total 2470"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(flow_run, name):
    options, said = EXAMPLES[name]

    ran = flow_run(HERE / f"examples/{name}.py", *options, "--max-workers", "2")

    assert ran.code == 0, ran.out
    assert said in ran.out


def test_every_example_is_run():
    assert {path.stem for path in (HERE / "examples").glob("*.py")} == set(EXAMPLES)


def test_a_model_is_loaded_once_for_each_worker(flow_run):
    ran = flow_run(HERE / "examples/model.py", "--max-workers", "2")

    assert 1 <= "".join(ran.log("score")).count("loading") <= 2


def test_the_flow_of_the_readme_is_the_example():
    readme = (HERE / "README.md").read_text()
    (flow,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)

    assert flow.strip() in (HERE / "examples/squares.py").read_text()


@pytest.mark.slow
def test_ten_thousand_items_are_joined(flow_run):
    ran = flow_run(
        HERE / "examples/ten_thousand.py", "--max-workers", "2", "--max-num-splits", "10000"
    )

    assert ran.code == 0, ran.out
    assert "total 333283335000" in ran.out
