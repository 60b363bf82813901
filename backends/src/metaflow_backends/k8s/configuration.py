"""The files that containerd, the network of pods, and kubelet read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PODS = "10.244.0.0/24"  # one node: 254 pods
BRIDGE = "cni0"
PLUGINS = "/usr/lib/cni"  # where Debian's package puts them
MAX_PODS = 200


def containerd(data: Path, socket: Path, pause: str) -> str:
    """Give containerd's settings.

    `restrict_oom_score_adj`: without CAP_SYS_RESOURCE nobody can lower a score, and every sandbox
    asks for -998. The paths of sockets are short: the kernel allows 107 bytes.
    """
    return f"""\
version = 2
root = "{data}/containerd"
state = "{socket.parent}/containerd"
[grpc]
  address = "{socket}"
[ttrpc]
  address = "{socket}.ttrpc"
[debug]
  address = "{socket}.debug"
  level = "warn"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{PLUGINS}"
    conf_dir = "{data}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
[plugins."io.containerd.internal.v1.opt"]
  path = "{data}/opt"
"""


def network(data: Path) -> str:
    """Give the network of pods: a bridge, whose traffic leaves with the ground's address."""
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": f"{data}/ipam",
            "ranges": [[{"subnet": PODS}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "0.4.0", "name": "metaflow", "plugins": [bridge, ports]})


def kubelet(data: Path, logs: Path, certificates: Path, group: str) -> str:
    """Give kubelet's settings.

    `failCgroupV1`: it would refuse the older control groups. `oomScoreAdj`: as for containerd.
    Evictions and image collection would take what nobody could load again.
    """
    whole: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": "0.0.0.0",  # noqa: S104 - of a network namespace that only this machine reaches
        **_kubelet_access(certificates),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{group}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "maxOpenFiles": 20000,
        "maxPods": MAX_PODS,
        "podLogsDir": str(logs),
        "resolvConf": str(data / "resolv.conf"),
        "volumePluginDir": str(data / "volume-plugins"),
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "serializeImagePulls": False,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "nodeStatusUpdateFrequency": "4s",
        "syncFrequency": "10s",
    }
    return json.dumps(whole, indent=1)


def _kubelet_access(certificates: Path) -> Mapping[str, Any]:
    """Let in whom the API server lets in, and nobody without a name."""
    return {
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(certificates / "ca.pem")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(certificates / "kubelet.pem"),
        "tlsPrivateKeyFile": str(certificates / "kubelet-key.pem"),
    }
