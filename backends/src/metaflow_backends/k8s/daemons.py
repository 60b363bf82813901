"""The command lines of everything that makes a cluster of one node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaflow_backends.k8s.certificates import NODE, SERVICES
from metaflow_backends.k8s.configuration import PODS

if TYPE_CHECKING:
    from pathlib import Path

    from metaflow_backends.host.ground import Ground

PORT = 6443
ETCD = "http://127.0.0.1:2379"
# From the API server's readiness on; all need it.
AFTER = ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
TOOLS = ("etcd", "kube-apiserver", *AFTER, "kubectl")


@dataclass(frozen=True)
class Layout:
    """Where a cluster keeps what, and where it listens."""

    home: Path
    address: str  # of the ground
    sockets: Path  # a folder with a short name
    group: str  # control group

    @classmethod
    def of(cls, ground: Ground, home: Path) -> Layout:
        """Say where a start keeps what; it follows from its home."""
        return cls(home=home, address=ground.address, sockets=ground.folder, group=ground.name)

    @property
    def data(self) -> Path:
        """Name the folder that `stop` deletes."""
        return self.home / "k8s"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def certificates(self) -> Path:
        return self.data / "pki"

    @property
    def socket(self) -> Path:
        return self.sockets / "containerd.sock"

    @property
    def server(self) -> str:
        return f"https://{self.address}:{PORT}"

    def kubeconfig(self, holder: str) -> Path:
        return self.data / f"{holder}.kubeconfig"


def arguments(name: str, layout: Layout) -> list[str]:
    """Give the arguments of one program of the cluster."""
    return [f"--{flag}={value}" for flag, value in _FLAGS[name](layout).items()]


def _containerd(layout: Layout) -> dict[str, object]:
    return {"config": layout.data / "containerd.toml"}


def _etcd(layout: Layout) -> dict[str, object]:
    # Nothing of it outlives the cluster, so nothing has to reach the disk.
    return {
        "data-dir": layout.data / "etcd",
        "unsafe-no-fsync": "true",
        "listen-client-urls": ETCD,
        "advertise-client-urls": ETCD,
        "listen-peer-urls": "http://127.0.0.1:2380",
        "log-level": "warn",
    }


def _apiserver(layout: Layout) -> dict[str, object]:
    pki = layout.certificates
    return {
        "advertise-address": layout.address,
        "bind-address": "0.0.0.0",  # noqa: S104 - of a network namespace that only this machine reaches
        "secure-port": PORT,
        "etcd-servers": ETCD,
        # The same authority for --requestheader-client-ca-file would be refused.
        "client-ca-file": pki / "ca.pem",
        "tls-cert-file": pki / "apiserver.pem",
        "tls-private-key-file": pki / "apiserver-key.pem",
        # By its name the node is not found: nobody serves names here.
        "kubelet-preferred-address-types": "InternalIP",
        "kubelet-certificate-authority": pki / "ca.pem",
        "kubelet-client-certificate": pki / "apiserver-kubelet.pem",
        "kubelet-client-key": pki / "apiserver-kubelet-key.pem",
        "service-account-key-file": pki / "accounts.pem",
        "service-account-signing-key-file": pki / "accounts-key.pem",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-cluster-ip-range": SERVICES,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "shutdown-delay-duration": "0s",
        "profiling": "false",
    }


def _controller_manager(layout: Layout) -> dict[str, object]:
    pki = layout.certificates
    return {
        "kubeconfig": layout.kubeconfig("kube-controller-manager"),
        "service-account-private-key-file": pki / "accounts-key.pem",
        "root-ca-file": pki / "ca.pem",
        "cluster-signing-cert-file": pki / "ca.pem",
        "cluster-signing-key-file": pki / "ca-key.pem",
        "use-service-account-credentials": "true",
        "leader-elect": "false",
        "allocate-node-cidrs": "false",
        "node-monitor-period": "2s",
        "node-monitor-grace-period": "16s",
        "kube-api-qps": 200,
        "kube-api-burst": 400,
        "profiling": "false",
    }


def _scheduler(layout: Layout) -> dict[str, object]:
    return {
        "kubeconfig": layout.kubeconfig("kube-scheduler"),
        "leader-elect": "false",
        "kube-api-qps": 200,
        "kube-api-burst": 400,
        "profiling": "false",
    }


def _kubelet(layout: Layout) -> dict[str, object]:
    return {
        "config": layout.data / "kubelet.json",
        "kubeconfig": layout.kubeconfig("kubelet"),
        "hostname-override": NODE,
        "node-ip": layout.address,
        "root-dir": layout.data / "kubelet",
        "container-runtime-endpoint": f"unix://{layout.socket}",
        "runtime-cgroups": f"/{layout.group}",
        "kubelet-cgroups": f"/{layout.group}",
    }


def _proxy(layout: Layout) -> dict[str, object]:
    return {
        "kubeconfig": layout.kubeconfig("kube-proxy"),
        "hostname-override": NODE,
        "proxy-mode": "iptables",
        "cluster-cidr": PODS,
        # These sysctls belong to the whole machine, and may not be written here.
        "conntrack-max-per-core": 0,
        "conntrack-tcp-timeout-established": "0",
        "conntrack-tcp-timeout-close-wait": "0",
    }


_FLAGS = {
    "containerd": _containerd,
    "etcd": _etcd,
    "kube-apiserver": _apiserver,
    "kube-controller-manager": _controller_manager,
    "kube-scheduler": _scheduler,
    "kubelet": _kubelet,
    "kube-proxy": _proxy,
}
