"""The provider `kind`: unmodified kind, with a Docker daemon of our own and a node made here.

The node is composed of packages (see `images.node`), since kind's stock image needs a registry. The
images that the cluster and its tasks run are mounted into it and loaded while it starts.
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow_backends import cache, images, toolchain
from metaflow_backends.docker import Daemon, Runtime
from metaflow_backends.docker.daemon import PACKAGES
from metaflow_backends.errors import BackendError
from metaflow_backends.host import clean, private
from metaflow_backends.host.ground import Ground
from metaflow_backends.images import naming
from metaflow_backends.images.node import LOADING_MORE, MOUNTED, PAUSE
from metaflow_backends.k8s import configuration
from metaflow_backends.k8s.access import Access
from metaflow_backends.k8s.api import Api
from metaflow_backends.k8s.nodes import logs_of, node_health
from metaflow_backends.k8s.provider import NAMESPACE, Cluster
from metaflow_backends.ownership import Ownership
from metaflow_backends.protocol import Needs
from metaflow_backends.spawning import finish, wait_healthy
from metaflow_backends.toolchain.catalog import COREDNS, ETCD, KUBERNETES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from metaflow_backends.k8s.options import Options
    from metaflow_backends.protocol import Health, LogFile, Running

NAME = "metaflow"  # of the cluster, in a daemon where it is the only one
NODE = f"{NAME}-control-plane"
PORT = 6443
TOOLS = ("kind", "runc-lowcap")
# What kubeadm starts and waits for, and the tag under which it asks for it.
CONTROL_PLANE: Mapping[str, str] = {
    "etcd": ETCD,
    "kube-apiserver": f"v{KUBERNETES}",
    "kube-controller-manager": f"v{KUBERNETES}",
    "kube-scheduler": f"v{KUBERNETES}",
}
ADDONS: Mapping[str, str] = {"kube-proxy": f"v{KUBERNETES}", "coredns": f"v{COREDNS}"}
TAGS = {**CONTROL_PLANE, **ADDONS}
FIRST = ("pause", *CONTROL_PLANE)
IMAGES = ("node", *FIRST, *ADDONS, "task")
CACHE = f"{MOUNTED}/cache"  # the images' cache, as the node sees it
EXPORT = 60.0  # seconds for the journals of a node that did not come up


class Kind:
    """A cluster of one node, which is a container of a daemon of our own."""

    name = "kind"
    needs_root = True

    def needs(self, options: Options) -> Needs:
        return Needs(packages=PACKAGES, tools=TOOLS, images=wanted(options))

    def start(self, options: Options, home: Path, timeout: float) -> Cluster:
        owner = Ownership.of(home)
        made = {which: images.ensure(which) for which in wanted(options)}
        daemon = Daemon(Ground(owner.tag), home)
        process = daemon.start(owner, timeout, _runtime())
        images.load_into_docker(made["node"], daemon.host)
        files = Files(home)
        files.write(daemon.ground.address, made)
        _create(daemon, files, made["node"].name, owner, timeout)
        api = Api(Access.read(files.kubeconfig))
        wait_healthy(partial(node_health, api, NODE), timeout, files.log)
        return Cluster(
            kubeconfig=files.kubeconfig,
            image=made["task"].name,
            gateway=daemon.ground.gateway,
            processes=(process,),
            argoexec=made["argoexec"].name if options.argo else "",
            details={"docker": daemon.host, "node": NODE, "programs": ["kubectl"]},
        )

    def stop(self, running: Running, home: Path) -> None:  # noqa: ARG002 - all follows from home
        """End what carries our mark, and the daemon with the node in it."""
        owner = Ownership.of(home)
        Daemon(Ground(owner.tag), home).stop(owner)
        shutil.rmtree(Files(home).folder, ignore_errors=True)

    def health(self, running: Running) -> Health:
        """Ask the API server about the node."""
        return node_health(Api(Access.read(Path(running.environment["KUBECONFIG"] or ""))), NODE)

    def logs(self, running: Running, pod: str) -> Sequence[LogFile]:
        return logs_of(Path(running.logs), pod)


def wanted(options: Options) -> tuple[str, ...]:
    """Name the node's image and those that it loads."""
    return (*IMAGES, *(("argoexec",) if options.argo else ()))


class Files:
    """What one cluster reads, below the home of its backend."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "kind"
        self.logs = home / "logs"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def settings(self) -> Path:
        return self.folder / "kind.json"

    @property
    def mounted(self) -> Path:
        return self.folder / "images"

    @property
    def log(self) -> Path:
        return self.logs / "kind.log"

    def name_namespace(self) -> None:
        """Let clients start in the namespace of flows: kind names none."""
        import yaml

        found = yaml.safe_load(self.kubeconfig.read_text(encoding="utf-8"))
        for one in found["contexts"]:
            one["context"]["namespace"] = NAMESPACE
        private.write(self.kubeconfig, json.dumps(found).encode())

    def write(self, address: str, made: Mapping[str, images.Image]) -> None:
        """Write the settings of kind, of the pods' network, and what the node loads."""
        for folder in (self.mounted / "cache", self.logs / "pods", self.folder / "net.d"):
            folder.mkdir(parents=True, exist_ok=True)
        self.settings.write_text(json.dumps(settings(address, self)), encoding="utf-8")
        network = configuration.network(Path("/var/lib/cni"))
        (self.folder / "net.d" / "10-metaflow.conflist").write_text(network, encoding="utf-8")
        first = {name: made[name] for name in FIRST}
        more = {name: one for name, one in made.items() if name not in {"node", *FIRST}}
        for name, wanted in (("load.sh", first), ("more.sh", more)):
            (self.mounted / name).write_text("\n".join([*loading(wanted), ""]), encoding="utf-8")


def settings(address: str, files: Files) -> Mapping[str, Any]:
    """Give kind's own settings (kind.x-k8s.io/v1alpha4); JSON is YAML, too.

    `failCgroupV1`, `oomScoreAdj`, `maxOpenFiles`: as for the embedded kubelet. The address is that
    of a ground, so that the machine reaches it and nobody else does.
    """
    mounts = [
        _mount(files.mounted, MOUNTED),
        _mount(cache.root() / "images", CACHE),
        _mount(files.folder / "net.d", "/etc/cni/net.d"),
        {"hostPath": str(files.logs / "pods"), "containerPath": "/var/log/pods"},
    ]
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {
            "apiServerAddress": address,
            "apiServerPort": PORT,
            "disableDefaultCNI": True,  # its image is on no registry of packages
        },
        "kubeadmConfigPatches": [json.dumps(patch) for patch in (INIT, CLUSTER, KUBELET)],
        "nodes": [{"role": "control-plane", "extraMounts": mounts}],
    }


# Beside other work the API server takes longer than the minute that kubeadm gives it.
INIT = {"kind": "InitConfiguration", "timeouts": {"kubernetesAPICall": "5m0s"}}
CLUSTER = {
    "kind": "ClusterConfiguration",
    "imageRepository": naming.REPOSITORY,
    "etcd": {"local": {"imageTag": ETCD}},
    "dns": {"imageTag": f"v{COREDNS}"},
}
KUBELET = {
    "kind": "KubeletConfiguration",
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "failCgroupV1": False,
    "oomScoreAdj": 0,
    "maxOpenFiles": 20000,
}


def loading(made: Mapping[str, images.Image]) -> Iterable[str]:
    """Give the lines of the script that loads the images, under the names that are asked for."""
    ctr = "ctr --namespace=k8s.io images"
    for which, image in made.items():
        yield f"{ctr} import {CACHE}/{image.archive.parent.name}/{image.archive.name}"
        if which == "pause":
            yield f"{ctr} tag --force {image.name} {PAUSE}"
        if which in TAGS:
            yield f"{ctr} tag --force {image.name} {naming.name(which, TAGS[which])}"


def _mount(folder: Path, inside: str) -> dict[str, Any]:
    return {"hostPath": str(folder), "containerPath": inside, "readOnly": True}


def _runtime() -> Runtime:
    """Give runc without what this machine's root lacks: a node asks for everything."""
    return Runtime("lowcap", toolchain.ensure("runc-lowcap").path)


def _create(daemon: Daemon, files: Files, image: str, owner: Ownership, timeout: float) -> None:
    """Let kind make the cluster; what it says, and the node's journals if it fails, are logs."""
    kind = str(toolchain.ensure("kind").path)
    (files.folder / "docker-client").mkdir(exist_ok=True)
    # A client's own settings name proxies, which kind would hand on to the node.
    env = {"DOCKER_HOST": daemon.host, "DOCKER_CONFIG": str(files.folder / "docker-client"),
           "KIND_EXPERIMENTAL_PROVIDER": "docker"}  # fmt: skip
    run = partial(finish, log=files.log, env=clean.environment(env), owner=owner, timeout=timeout)
    create = [
        kind, "create", "cluster", f"--name={NAME}", f"--image={image}", "--retain",
        f"--config={files.settings}", f"--kubeconfig={files.kubeconfig}", f"--wait={int(timeout)}s",
    ]  # fmt: skip
    try:
        run(daemon.ground.enter(create))
    except BackendError:
        with suppress(BackendError):
            export = [kind, "export", "logs", f"--name={NAME}", str(files.logs / "kind")]
            run(daemon.ground.enter(export), timeout=EXPORT)
        raise
    files.name_namespace()
    # This waits until it has ended, if it was begun: tasks find their image there.
    docker = ["docker", "exec", NODE, "systemctl", "start", LOADING_MORE]
    run(docker, timeout=timeout)
