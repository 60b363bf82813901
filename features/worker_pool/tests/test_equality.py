"""A run with pools leaves what one without leaves, but for ids, times and processes."""

from __future__ import annotations

import json
import shutil

import pytest

FLOW = "behaviours.py"
OURS = "metaflow_extensions/worker_pool"
CAUSE = "worker-pool-cause"  # what a pool adds to the metadata of an attempt that killed its worker


@pytest.fixture(scope="module")
def accounts(tmp_path_factory, run_at, account, artifact):
    """Run the flow as processes, in a pool, and as forks, all with the store in the same place."""
    place = tmp_path_factory.mktemp("equal") / "store"  # it is part of some artifacts

    def ran(**env):
        done = run_at(place, FLOW, "--max-workers", "2", **env)
        assert done.code == 0, done.out
        assert (
            artifact(done.tasks("work")[0], "seen")["hidden"] == "word"
        )  # or all would fail alike
        told = account(done)
        shutil.rmtree(place)
        return told

    return {
        "stock": ran(METAFLOW_WORKER_POOL_LAUNCH="never"),
        "process": ran(),
        "fork": ran(METAFLOW_WORKER_POOL_ISOLATION="fork"),
    }


def without(told, name):
    """Leave out an artifact."""
    data = json.loads(json.dumps(told["data"]))
    for one in data.values():
        one["objects"].pop(name, None)
        one["info"].pop(name, None)
    artifacts = [line for line in told["artifacts"] if f'"name": "{name}"' not in line]
    return {**told, "data": data, "artifacts": artifacts}


def comparable(told):
    """Leave out the cause of a death, and the graph, whose description names the isolation."""
    parts = ("metadata", "files")
    told = without(
        {**told, **{p: [e for e in told[p] if CAUSE not in e] for p in parts}}, "_graph_info"
    )
    return without_our_frames(told) if "timed out after" in str(told["logs"]) else told


def without_our_frames(told):
    """Leave out frames of the pool: @timeout shows the whole stack, in which they are."""
    logs = {
        name: [
            line for before, line in zip(["", *lines], lines, strict=False)
            if OURS not in line and OURS not in before
        ]
        for name, lines in told["logs"].items()
    }  # fmt: skip
    return without({**told, "logs": logs}, "_exception")


@pytest.mark.parametrize("isolation", ["process", "fork"])
def test_every_file_of_every_task_is_the_same(accounts, isolation):
    stock, pooled = accounts["stock"], accounts[isolation]

    different = {
        f"{step} {place} {part}": (told[part], ours[part])
        for (step, place), files in stock.items()
        for told, ours in [(comparable(files), comparable(pooled[step, place]))]
        for part in told
        if told[part] != ours[part]
    }

    assert different == {}
    assert stock.keys() == pooled.keys()
    assert len(stock) > 50


def test_the_same_isolation_has_the_same_artifacts_to_the_last_one(accounts):
    stock, pooled = accounts["stock"], accounts["process"]

    different = [key for key, told in stock.items() if told["data"] != pooled[key]["data"]]

    assert [key for key in different if "timed out after" not in str(stock[key]["logs"])] == []
    assert len(different) <= 1


def test_only_deaths_of_workers_leave_a_cause(accounts):
    killers = {"exits_late", "kills_itself", "segfaults"}

    with_cause = {
        place for (_, place), told in accounts["process"].items() if CAUSE in str(told["metadata"])
    }

    assert len(with_cause) == len(killers)
    assert not any(CAUSE in str(told) for told in accounts["stock"].values())
