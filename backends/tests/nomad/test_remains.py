from __future__ import annotations

import pytest
from metaflow_backends.host import mounts
from metaflow_backends.nomad import remains

OURS = "0abffc39-2b18-c676-05da-db29c69a286f"
OTHERS = "7b9bb252-3115-40d3-fbd2-39e2c115f5b4"


@pytest.mark.parametrize(
    "layout",
    [
        "memory/nomad/{}.step",
        "cpuset/nomad/share/{}.step",
        "cpuset/nomad/reserve/{}.step",
        "nomad.slice/share.slice/{}.step.scope",
    ],
    ids=["v1", "shared cores", "reserved cores", "v2"],
)
def test_only_the_groups_of_our_allocations_are_taken(tmp_path, layout):
    """All agents of a machine share one parent, whatever their configuration says."""
    expected = tmp_path / layout.format(OURS)
    expected.mkdir(parents=True)
    (tmp_path / layout.format(OTHERS)).mkdir()

    assert (expected,) == remains.groups({OURS}, tmp_path)


def test_allocations_are_the_folders_of_the_clients(home):
    (home / "nomad/client-1/alloc" / OURS).mkdir(parents=True)
    (home / "nomad/client-2/alloc" / OTHERS).mkdir(parents=True)
    (home / "nomad/client-2/alloc/no-allocation").mkdir()
    (home / "nomad/server/raft").mkdir(parents=True)

    assert {OURS, OTHERS} == remains.allocations(home)


def test_containers_of_other_agents_are_left_alone():
    listing = f"aaa {OURS}\nbbb {OTHERS}\nccc \nddd {OURS}\n"

    assert remains.container_ids(listing, [OURS]) == ("aaa", "ddd")


def test_mounts_with_strange_names_are_read():
    assert mounts._unescaped(r"/a\040b\134c") == r"/a b\c"
