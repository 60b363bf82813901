"""The images that there are, and how each is made."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from metaflow_backends import cache
from metaflow_backends.images import debian, node
from metaflow_backends.images.archive import Config, Layer, write_layer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from metaflow_backends.images.ingredients import Ingredients

VERSION = "1"  # of what this module does with its ingredients
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Tasks find everything installed: Metaflow's bootstrap must not ask a package index.
TASK = {"PATH": PATH, "LANG": "C.UTF-8", "METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1"}
SHELL = Config(command=["/bin/bash"], environment=TASK)
MAKE_ROOT = ("debootstrap", "mount", "ca-certificates")


class Recipe(Protocol):
    """How one image is made."""

    @property
    def packages(self) -> Sequence[str]:
        """Name the Debian packages that making it needs."""
        ...

    @property
    def programs(self) -> Sequence[str]:
        """Name the built programs that go into it."""
        ...

    @property
    def images(self) -> Sequence[str]:
        """Name the images whose layers lie below its own."""
        ...

    @property
    def minutes(self) -> str:
        """Say to who waits how long it takes; "" if it is no time."""
        ...

    @property
    def config(self) -> Config: ...

    def key(self, of: Ingredients) -> str | None:
        """Name what it is made of; None if a program that goes into it is not built yet."""
        ...

    def layers(self, draft: Path, of: Ingredients) -> Sequence[Layer]:
        """Make its layers, the lowest first, in an empty folder."""
        ...


@dataclass(frozen=True)
class Root:
    """A small Debian; its folder stays beside its layer, e.g. for a chroot."""

    included: Sequence[str]
    left_out: Sequence[str] = ()
    config: Config = SHELL
    packages: Sequence[str] = MAKE_ROOT
    programs: Sequence[str] = ()
    images: Sequence[str] = ()
    minutes: str = ": about 2 min"

    def key(self, of: Ingredients) -> str:  # noqa: ARG002 - the contract's
        made_of = (*self.included, *debian.NOT_NEEDED, *self.left_out)
        return cache.digest(VERSION, debian.SUITE, *made_of)

    def layers(self, draft: Path, of: Ingredients) -> Sequence[Layer]:  # noqa: ARG002 - the contract's
        debian.make_root(draft / "root", self.included, self.left_out)
        return [write_layer(draft / "root", draft / "layer.tar")]


@dataclass(frozen=True)
class Task:
    """What steps run in: `base` with what Metaflow and flows import."""

    config: Config = SHELL
    packages: Sequence[str] = MAKE_ROOT
    programs: Sequence[str] = ()
    images: Sequence[str] = ("base",)
    minutes: str = ": about 1 min"

    def key(self, of: Ingredients) -> str:  # noqa: ARG002 - the contract's
        base = (VERSION, debian.SUITE, *debian.PACKAGES, *debian.NOT_NEEDED)
        return cache.digest(*base, *debian.WHEELS, TASK)

    def layers(self, draft: Path, of: Ingredients) -> Sequence[Layer]:
        debian.add_wheels(of.root("base"), draft / "delta")
        return [of.layer("base"), _packed(draft / "delta")]


@dataclass(frozen=True)
class Program:
    """One program that needs nothing beside, at the top of its image or, on `below`, at `at`."""

    name: str
    below: str = ""
    at: str = ""
    minutes: str = ""

    @property
    def programs(self) -> Sequence[str]:
        return (self.name,)

    @property
    def images(self) -> Sequence[str]:
        return (self.below,) if self.below else ()

    @property
    def packages(self) -> Sequence[str]:
        return MAKE_ROOT if self.below else ()

    @property
    def config(self) -> Config:
        if self.below:
            return Config(entrypoint=[f"/{self.at}"], environment={"PATH": PATH})
        return Config(entrypoint=[f"/{self.name}"], environment={"PATH": "/"})

    def key(self, of: Ingredients) -> str | None:
        found = of.fingerprint(self.name)
        if found is None:
            return None
        lower = (of.key(self.below), self.at) if self.below else ()
        return cache.digest(VERSION, found, *lower)

    def layers(self, draft: Path, of: Ingredients) -> Sequence[Layer]:
        root = draft / "root"
        (root / "tmp").mkdir(parents=True)
        (root / "tmp").chmod(0o1777)
        target = root / (self.at or self.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(of.program(self.name), target)
        target.chmod(0o755)
        own = write_layer(root, draft / "layer.tar")
        return [of.layer(self.below), own] if self.below else [own]


@dataclass(frozen=True)
class Node:
    """A node of kind: Debian with systemd, containerd, kubelet and kubeadm."""

    config: Config = node.CONFIG
    packages: Sequence[str] = MAKE_ROOT
    programs: Sequence[str] = (*node.PROGRAMS, "kind")
    images: Sequence[str] = ("system",)
    minutes: str = ""

    def key(self, of: Ingredients) -> str | None:
        built = [of.fingerprint(name) for name in self.programs]
        return None if None in built else cache.digest(*node.MADE_OF, of.key("system"), *built)

    def layers(self, draft: Path, of: Ingredients) -> Sequence[Layer]:
        programs = {name: of.program(name) for name in node.PROGRAMS}
        node.make(draft / "delta", of.root("system"), programs)
        return [of.layer("system"), _packed(draft / "delta")]


ALONE = (
    "pause", "argoexec", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler",
    "coredns",
)  # fmt: skip
RECIPES: Mapping[str, Recipe] = {
    "base": Root(debian.PACKAGES),
    "task": Task(),
    "system": Root(node.PACKAGES, left_out=node.NOT_STARTED),
    "node": Node(),
    "kube-proxy": Program("kube-proxy", below="system", at="usr/local/bin/kube-proxy"),
    **{name: Program(name) for name in ALONE},
}


def _packed(delta: Path) -> Layer:
    layer = write_layer(delta, delta.with_name("layer.tar"))
    shutil.rmtree(delta)
    return layer
