"""The provider `embedded`: a cluster of one node out of its own programs, on a ground of its own.

Nothing of it is a stand-in: containerd, etcd and every program of Kubernetes as an operator of a
small cluster would start them. What is left out is kubeadm, and DNS for services.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from metaflow_backends import images
from metaflow_backends.host import cgroups
from metaflow_backends.host.ground import Ground
from metaflow_backends.k8s import certificates, configuration
from metaflow_backends.k8s.access import Access, kubeconfig
from metaflow_backends.k8s.api import Api
from metaflow_backends.k8s.daemons import AFTER, TOOLS, Layout
from metaflow_backends.k8s.enclosure import Enclosure
from metaflow_backends.k8s.nodes import logs_of, node_health
from metaflow_backends.k8s.program import Program
from metaflow_backends.k8s.provider import NAMESPACE, Cluster
from metaflow_backends.ownership import Ownership
from metaflow_backends.protocol import Health, Needs
from metaflow_backends.spawning import end_all, wait_healthy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from metaflow_backends.k8s.options import Options
    from metaflow_backends.protocol import LogFile, Process, Running

PACKAGES = ("containerd", "containernetworking-plugins", "conntrack", "ethtool", "iproute2",
            "iptables", "mount", "runc", "util-linux")  # fmt: skip
HOLDERS = ("admin", "kubelet", "kube-controller-manager", "kube-scheduler", "kube-proxy", "argo")
IN_MEMORY = ("containerd", "etcd", "kubelet")
# Pods have a tenth of a processor each; beside a busy machine they would get next to nothing.
SHARES = {"cpu.shares": "16384", "cpu.weight": "1000"}  # of 1024 and of 100, versions 1 and 2


class Embedded:
    """A cluster of our own; all of it goes with the last of its processes."""

    name = "embedded"
    needs_root = True

    def needs(self, options: Options) -> Needs:
        return Needs(packages=PACKAGES, tools=TOOLS, images=wanted(options))

    def start(self, options: Options, home: Path, timeout: float) -> Cluster:
        owner = Ownership.of(home)
        data = Layout(home=home, address="", sockets=home, group="").data
        # A container's files are a hundred thousand: on a disk, deleting them takes a minute.
        memory = [data / name for name in IN_MEMORY]
        enclosure = Enclosure.make(owner, home / "logs" / "ground.log", memory)
        start = Start(Layout.of(enclosure.ground, home), enclosure, timeout)
        return start.run(options)

    def stop(self, running: Running, home: Path) -> None:  # noqa: ARG002 - all follows from home
        """End what carries our mark and what is in our control group, and take the rest away.

        All at once and without asking: there is nobody left whom an orderly end would serve.
        """
        owner = Ownership.of(home)
        ground = Ground(owner.tag)
        end_all(owner.tagged(), grace=0.0, again=owner.tagged)
        cgroups.end(ground.name)
        ground.remove()
        shutil.rmtree(home / "k8s", ignore_errors=True)

    def health(self, running: Running) -> Health:
        """Ask the API server about the node."""
        path = running.environment["KUBECONFIG"]
        return node_health(Api(Access.read(_path(path))), certificates.NODE)

    def logs(self, running: Running, pod: str) -> Sequence[LogFile]:
        return logs_of(_path(running.logs), pod)


class Start:
    """One start, step by step: what does not wait for another runs beside it."""

    def __init__(self, layout: Layout, enclosure: Enclosure, timeout: float) -> None:
        self.layout, self.enclosure, self.timeout = layout, enclosure, timeout
        self.processes: list[Process] = [enclosure.holder]

    def run(self, options: Options) -> Cluster:
        made = {which: images.ensure(which) for which in wanted(options)}
        cgroups.make(self.layout.group)
        favour(self.layout.group)
        write_files(self.layout, made["pause"].name)
        with ThreadPoolExecutor(4) as pool:
            self._spawn("etcd")
            self._spawn("kube-apiserver")
            loaded = pool.submit(self._load_images, list(made.values()))
            api = self._serve()
            for name in AFTER:
                self._spawn(name)
            loaded.result()
        self._await_node(api)
        return Cluster(
            kubeconfig=self.layout.kubeconfig("admin"),
            image=made["task"].name,
            gateway=self.enclosure.ground.gateway,
            processes=tuple(self.processes),
            argoexec=made["argoexec"].name if options.argo else "",
            details={
                "enclosure": self.enclosure.described(),
                "server": self.layout.server,
                "programs": ["kubectl"],
            },
        )

    def _spawn(self, name: str) -> Process:
        started = Program(name, self.layout, self.enclosure).start()
        self.processes.append(started)
        return started

    def _load_images(self, wanted: Sequence[images.Image]) -> None:
        """Start containerd and hand it the images, those that are quick first."""
        process = self._spawn("containerd")
        log = self._log("containerd")
        wait_healthy(partial(_listens, self.layout.socket), self.timeout, log, process)
        for image in wanted:
            images.load_into_containerd(image, self.layout.socket)

    def _serve(self) -> Api:
        """Wait until the API server takes requests."""
        api = Api(Access.read(self.layout.kubeconfig("admin")))
        wait_healthy(api.health, self.timeout, self._log("kube-apiserver"))
        return api

    def _await_node(self, api: Api) -> None:
        health = partial(node_health, api, certificates.NODE)
        wait_healthy(health, self.timeout, self._log("kubelet"))

    def _log(self, name: str) -> Path:
        return self.layout.logs / f"{name}.log"


def wanted(options: Options) -> tuple[str, ...]:
    """Name the images that the node gets, those first that are quick to load."""
    return ("pause", "task", *(("argoexec",) if options.argo else ()))


def write_files(layout: Layout, pause: str) -> None:
    """Write what all programs read: certificates, kubeconfigs, settings."""
    pods = layout.logs / "pods"
    for folder in (layout.data / "cni", pods):
        folder.mkdir(parents=True, exist_ok=True)
    certificates.make(layout.certificates, layout.address)
    for holder in HOLDERS:
        path = layout.kubeconfig(holder)
        path.write_text(kubeconfig(layout.server, layout.certificates, holder, NAMESPACE))
    data = layout.data
    files = {
        "containerd.toml": configuration.containerd(data, layout.socket, pause),
        "cni/10-metaflow.conflist": configuration.network(data),
        "kubelet.json": configuration.kubelet(data, pods, layout.certificates, layout.group),
        # Nobody serves names: a question is refused at once, and not waited for.
        "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    }
    for name, text in files.items():
        (data / name).write_text(text, encoding="utf-8")


def favour(group: str) -> None:
    """Give a control group more of a busy processor than one process has."""
    for folder in cgroups.find(group):
        for name, share in SHARES.items():
            if (folder / name).exists():
                (folder / name).write_text(share, encoding="ascii")


def _listens(socket: Path) -> Health:
    import socket as sockets

    with sockets.socket(sockets.AF_UNIX) as connection:
        try:
            connection.connect(str(socket))
        except OSError as error:
            return Health(alive=False, reason=f"{socket}: {error.strerror}")
    return Health(alive=True)


def _path(text: str | None) -> Path:
    from pathlib import Path

    return Path(text or "")
