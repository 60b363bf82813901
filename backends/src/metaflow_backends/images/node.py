"""A node for kind, composed of Debian's packages, built programs and kind's own files.

kind's stock image comes from a registry. This one has the same parts: systemd, containerd, runc,
the plugins of the network, kubelet, kubeadm, and the scripts and units that kind brings, out of
the source of the very version that is built. Images that a cluster needs are not inside: they are
mounted, and loaded while the node starts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from metaflow_backends import toolchain
from metaflow_backends.errors import BackendError
from metaflow_backends.host import clean
from metaflow_backends.host.commands import run
from metaflow_backends.images import naming
from metaflow_backends.images.archive import Config
from metaflow_backends.toolchain.catalog import KUBERNETES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERSION = "1"  # of what this module does
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "conntrack", "iptables", "nftables", "iproute2", "ethtool",
    "util-linux", "mount", "kmod", "libseccomp2", "runc", "containerd",
    "containernetworking-plugins", "bash", "ca-certificates", "jq", "procps",
)  # fmt: skip
PROGRAMS = ("kubeadm", "kubelet", "kubectl")
# systemd exits on SIGRTMIN+3; `container` tells it where it is (systemd.io/CONTAINER_INTERFACE).
CONFIG = Config(
    entrypoint=["/usr/local/bin/entrypoint", "/sbin/init"],
    environment={"container": "docker"},
    stop_signal="SIGRTMIN+3",
)
# Kubelet waits for what the control plane runs; the rest is loaded while that comes up.
LOADING, LOADING_MORE = "metaflow-images.service", "metaflow-more-images.service"
MOUNTED = "/kind/images"  # where `load.sh` and `more.sh` are expected
# Units that would fail in a container, or change what all containers of a machine share.
NOT_STARTED = (
    "usr/lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
    "usr/lib/systemd/system/multi-user.target.wants/*",
    "etc/systemd/system/*.wants/*",
    "usr/lib/systemd/system/local-fs.target.wants/*",
    "usr/lib/systemd/system/sockets.target.wants/*udev*",
    "usr/lib/systemd/system/sockets.target.wants/*initctl*",
    "usr/lib/systemd/system/basic.target.wants/*",
)
STARTED = (
    "kubelet.service",
    "containerd.service",
    "undo-mount-hacks.service",
    LOADING,
    LOADING_MORE,
)
# What a machine without CAP_SYS_RESOURCE, and Debian's containerd, need otherwise than kind has it.
CONTAINERD = {
    "restrict_oom_score_adj = false": "restrict_oom_score_adj = true",
    "tolerate_missing_hugepages_controller = true": (
        "tolerate_missing_hugetlb_controller = true\n  disable_hugetlb_controller = true"
    ),
}


def _unit(script: str, *order: str) -> str:
    lines = [
        "[Unit]",
        f"Description=Load the images of {MOUNTED}/{script}",
        "Requires=containerd.service",
        *order,
        f"ConditionPathExists={MOUNTED}/{script}",
        "[Service]",
        "Type=oneshot",
        "RemainAfterExit=yes",
        f"ExecStart=/bin/sh -e {MOUNTED}/{script}",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join([*lines, ""])


UNITS = {
    LOADING: _unit("load.sh", "After=containerd.service", "Before=kubelet.service"),
    LOADING_MORE: _unit("more.sh", f"After=containerd.service {LOADING}"),
    "kubelet.service.d/20-images.conf": f"[Unit]\nAfter={LOADING}\nWants={LOADING}\n",
}
PAUSE = naming.name("pause", "node")  # loading gives it this name
# kind applies what it finds under this name; without it, a class whose volumes nobody makes.
NO_STORAGE = json.dumps({
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "no-default-storage-class", "namespace": "kube-system"},
})  # fmt: skip
# All that decides what is written: a change of any makes another image.
MADE_OF = (VERSION, CONFIG, CONTAINERD, UNITS, STARTED, PAUSE, NO_STORAGE, KUBERNETES)
STEP = 60.0  # seconds


def make(delta: Path, root: Path, programs: Mapping[str, Path]) -> None:
    """Write what lies over the Debian of `root` into the empty folder `delta`.

    Raises BackendError if the source of kind is not as it was.
    """
    _copy(toolchain.source("kind") / "images" / "base" / "files", delta)
    for name, path in programs.items():
        _put(delta / "usr" / "bin" / name, path.read_bytes(), 0o755)
    settings = delta / "etc" / "containerd" / "config.toml"
    _put(settings, adapted(settings.read_text(encoding="utf-8")).encode())
    _put(delta / "etc" / "containerd" / "cri-base.json", _container(root).encode())
    for name, text in UNITS.items():
        _put(delta / "etc" / "systemd" / "system" / name, text.encode())
    _enable(delta)
    _put(delta / "kind" / "version", f"v{KUBERNETES}".encode())
    _put(delta / "kind" / "manifests" / "default-storage.yaml", NO_STORAGE.encode())
    (delta / "etc" / "kubernetes" / "manifests").mkdir(parents=True)
    (delta / "opt" / "cni").mkdir(parents=True)
    (delta / "opt" / "cni" / "bin").symlink_to("/usr/lib/cni")


def adapted(settings: str) -> str:
    """Change kind's settings of containerd. Raises BackendError if a line to change is not there.

    >>> adapted("").strip()
    Traceback (most recent call last):
    metaflow_backends.errors.BackendError: kind's containerd has no sandbox_image in its settings
    """
    lines = settings.splitlines()
    found = [line for line in lines if line.strip().startswith("sandbox_image")]
    if not found:
        raise BackendError("kind's containerd has no sandbox_image in its settings")
    changes = {**CONTAINERD, found[0].strip(): f'sandbox_image = "{PAUSE}"'}
    for old, new in changes.items():
        if old not in settings:
            raise BackendError(f"kind's containerd has no {old.partition(' ')[0]} in its settings")
        settings = settings.replace(old, new)
    return settings


def _copy(files: Path, delta: Path) -> None:
    """Copy kind's files; a Go module has lost who may execute them."""
    if not (files / "usr" / "local" / "bin" / "entrypoint").is_file():
        raise BackendError(f"{files}: no entrypoint; the source of kind is not as it was")
    for path in sorted(files.rglob("*")):
        if path.is_file() and path.suffix != ".txt":
            inside = path.relative_to(files)
            runs = inside.parent.name == "bin"
            _put(delta / inside, path.read_bytes(), 0o755 if runs else 0o644)


def _container(root: Path) -> str:
    """Give what every container starts with, as kind wants it: no limits, and its own hook."""
    told = run(["chroot", str(root), "ctr", "oci", "spec"], timeout=STEP, env=clean.whole())
    spec: dict[str, Any] = json.loads(told)
    spec["process"].pop("rlimits", None)
    hooks = spec.setdefault("hooks", {}).setdefault("createContainer", [])
    hooks.append({"path": "/kind/bin/mount-product-files.sh"})
    return json.dumps(spec)


def _enable(delta: Path) -> None:
    units = delta / "etc" / "systemd" / "system"
    wants = units / "multi-user.target.wants"
    wants.mkdir(parents=True)
    for name in STARTED:
        (wants / name).symlink_to(f"/etc/systemd/system/{name}")
    (units / "systemd-binfmt.service").symlink_to("/dev/null")
    # Debian has it under /usr/bin, and kind's unit names a fixed place.
    (delta / "usr" / "local" / "bin" / "containerd").symlink_to("/usr/bin/containerd")
    journal = units.parent / "journald.conf.d" / "kind.conf"
    _put(journal, b"[Journal]\nReadKMsg=no\n")


def _put(path: Path, content: bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
