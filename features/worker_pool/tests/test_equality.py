"""A run with pools leaves what the same run without them leaves, but for ids, times and processes."""

from __future__ import annotations

import json
import shutil

import pytest

FLOW = "behaviours.py"
CAUSE = "worker-pool-cause"  # what a pool adds to the metadata of an attempt that killed its worker


@pytest.fixture(scope="module")
def accounts(tmp_path_factory, run_at, account):
    """Run the flow as processes, in a pool, and as forks, all with the store in the same place."""
    place = tmp_path_factory.mktemp("equal") / "store"  # it is part of some artifacts

    def ran(**env):
        done = run_at(place, FLOW, "--max-workers", "2", **env)
        assert done.code == 0, done.out
        assert done.value("work", "seen")[0]["hidden"] == "word"  # else all would fail alike
        told = account(done)
        shutil.rmtree(place)
        return told

    return {
        "stock": ran(METAFLOW_WORKER_POOL_LAUNCH="never"),
        "process": ran(),
        "fork": ran(METAFLOW_WORKER_POOL_ISOLATION="fork"),
    }


def without_the_decorator(told, name="_graph_info"):
    """Leave out the description of the graph, which names the isolation."""
    text = json.dumps(told["data"])
    data = json.loads(text)
    for one in data.values():
        one["objects"].pop(name, None)
        one["info"].pop(name, None)
    artifacts = [line for line in told["artifacts"] if f'"name": "{name}"' not in line]
    return {**told, "data": data, "artifacts": artifacts}


def without_cause(told):
    parts = ("metadata", "files")
    return {**told, **{p: [line for line in told[p] if CAUSE not in line] for p in parts}}


@pytest.mark.parametrize("isolation", ["process", "fork"])
def test_every_file_of_every_task_is_the_same(accounts, isolation):
    stock, pooled = accounts["stock"], accounts[isolation]

    different = {
        f"{step} {place} {part}": (told[part], ours[part])
        for (step, place), told in stock.items()
        for ours in [without_the_decorator(without_cause(pooled.get((step, place), told)))]
        for told in [without_the_decorator(told)]
        for part in told
        if told[part] != ours[part]
    }

    assert different == {}
    assert stock.keys() == pooled.keys()
    assert len(stock) > 50


def test_the_same_isolation_has_the_same_artifacts_to_the_last_one(accounts):
    stock, pooled = accounts["stock"], accounts["process"]

    assert {key: told["data"] for key, told in stock.items()} == {
        key: told["data"] for key, told in pooled.items()
    }


def test_only_deaths_of_workers_leave_a_cause(accounts):
    killers = {"exits_late", "kills_itself", "segfaults"}

    with_cause = {
        place for (_, place), told in accounts["process"].items() if CAUSE in str(told["metadata"])
    }

    assert len(with_cause) == len(killers)
    assert not any(CAUSE in str(told) for told in accounts["stock"].values())
