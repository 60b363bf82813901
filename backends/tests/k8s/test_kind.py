"""What kind is told, and what its node loads."""

from __future__ import annotations

import json

import pytest
from metaflow_backends import toolchain
from metaflow_backends.errors import BackendError
from metaflow_backends.images import NAMES, Image, node
from metaflow_backends.k8s import kind
from metaflow_backends.k8s.options import Options


@pytest.fixture
def files(tmp_path):
    return kind.Files(tmp_path)


def test_the_api_server_is_where_only_this_machine_reaches_it(files):
    networking = kind.settings("10.200.0.2", files)["networking"]

    assert (networking["apiServerAddress"], networking["apiServerPort"]) == ("10.200.0.2", 6443)


def test_the_node_can_change_nothing_of_this_machine_but_the_logs(files):
    (first,) = kind.settings("10.200.0.2", files)["nodes"]
    writable = [mount for mount in first["extraMounts"] if not mount.get("readOnly")]
    expected = [{"hostPath": str(files.logs / "pods"), "containerPath": "/var/log/pods"}]

    assert expected == writable


def test_kubelet_stands_the_traps_of_this_kind_of_machine(files):
    patches = [json.loads(p) for p in kind.settings("a", files)["kubeadmConfigPatches"]]
    kubelet = next(patch for patch in patches if patch["kind"] == "KubeletConfiguration")

    assert (kubelet["failCgroupV1"], kubelet["oomScoreAdj"]) == (False, 0)


def test_images_get_the_names_under_which_they_are_asked_for(tmp_path):
    made = {
        which: Image(f"docker.io/metaflow-extras/{which}:k", tmp_path / f"{which}-k" / "image.tar")
        for which in ("pause", "etcd", "task")
    }
    expected = [
        "import /kind/images/cache/pause-k/image.tar",
        "tag --force docker.io/metaflow-extras/pause:k docker.io/metaflow-extras/pause:node",
        "import /kind/images/cache/etcd-k/image.tar",
        "tag --force docker.io/metaflow-extras/etcd:k docker.io/metaflow-extras/etcd:3.6.16",
        "import /kind/images/cache/task-k/image.tar",
    ]

    actual = [line.removeprefix("ctr --namespace=k8s.io images ") for line in kind.loading(made)]

    assert expected == actual


@pytest.mark.parametrize("argo", [True, False])
def test_what_kind_needs_can_all_be_made_here(argo):
    needs = kind.Kind().needs(Options(provider="kind", argo=argo))

    assert set(needs.tools) <= set(toolchain.NAMES)
    assert set(needs.images) <= set(NAMES)
    assert ("argoexec" in needs.images) is argo


SETTINGS = """
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "elsewhere/pause:3.10"
  tolerate_missing_hugepages_controller = true
  restrict_oom_score_adj = false
"""


def test_containerd_in_the_node_lowers_no_oom_score_and_asks_no_registry():
    actual = node.adapted(SETTINGS)

    assert "restrict_oom_score_adj = true" in actual
    assert f'sandbox_image = "{node.PAUSE}"' in actual
    assert "disable_hugetlb_controller = true" in actual


@pytest.mark.parametrize("line", [line.strip() for line in SETTINGS.strip().splitlines()[1:]])
def test_a_source_of_kind_that_is_not_as_it_was_is_told(line):
    with pytest.raises(BackendError, match=f"kind's containerd has no {line.split()[0]}"):
        node.adapted(SETTINGS.replace(line, ""))
