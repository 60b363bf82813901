"""The programs of the devstack, each pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaflow_backends.toolchain.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

NOMAD, ETCD, KUBERNETES, ARGO, OURS = "1.11.2", "3.6.16", "1.36.3", "3.7.3", "1"
KIND, COREDNS = "0.33.0", "1.15.0"
ARGO_MODULE = "github.com/argoproj/argo-workflows/v3"
KIND_MODULE, DNS_MODULE = "sigs.k8s.io/kind", "github.com/coredns/coredns"
# Modules of which not only programs are needed, but files of their source, too.
SOURCES: Mapping[str, str] = {"argo": ARGO_MODULE, "kind": KIND_MODULE}
MAJOR, MINOR, _ = KUBERNETES.split(".")
KUBERNETES_LINK = " ".join(
    f"-X k8s.io/component-base/version.{name}={value}"
    for name, value in (
        ("gitVersion", f"v{KUBERNETES}"),
        ("gitMajor", MAJOR),
        ("gitMinor", MINOR),
    )
)


def _kubernetes(name: str, minutes: float, *asks: str) -> Recipe:
    return Recipe(
        name,
        "kubernetes",
        f"k8s.io/kubernetes/cmd/{name}",
        KUBERNETES,
        minutes,
        link=KUBERNETES_LINK,
        asks=asks or ("--version",),
    )


RECIPES = (
    Recipe(
        "nomad",
        "nomad",
        "github.com/hashicorp/nomad",
        NOMAD,
        minutes=7,
        cgo=True,  # the exec driver needs it
        tags="hashicorpmetrics",
        asks=("version",),
    ),
    Recipe("etcd", "etcd", "go.etcd.io/etcd/server/v3", ETCD, minutes=1, asks=("--version",)),
    _kubernetes("kube-apiserver", 5.5),
    _kubernetes("kube-controller-manager", 1.5),
    _kubernetes("kube-scheduler", 0.2),
    _kubernetes("kubelet", 0.5),
    _kubernetes("kube-proxy", 0.2),
    _kubernetes("kubectl", 0.5, "version", "--client"),
    Recipe("workflow-controller", "argo", f"{ARGO_MODULE}/cmd/workflow-controller", ARGO, 5),
    Recipe("argoexec", "argo", f"{ARGO_MODULE}/cmd/argoexec", ARGO, 3, patches=ARGO_MODULE),
    Recipe("kind", "kind", KIND_MODULE, KIND, minutes=0.3, asks=("version",)),
    _kubernetes("kubeadm", 0.7, "version", "-o", "short"),
    Recipe("coredns", "coredns", DNS_MODULE, COREDNS, minutes=4.5, asks=("-version",)),
    # With the settings of nomad, so that what both are made of is compiled once.
    Recipe("fake-gpu", "fake-gpu", ".", OURS, minutes=1.5, cgo=True, tags="hashicorpmetrics"),
    Recipe("pause", "pause", ".", OURS, minutes=0.1),
    Recipe("runc-lowcap", "runc-lowcap", ".", OURS, minutes=0.1),
)
CATALOG: Mapping[str, Recipe] = {recipe.name: recipe for recipe in RECIPES}
NAMES = tuple(CATALOG)
# What cannot be built here, and why; doctor says so.
NOT_SERVED: Mapping[str, str] = {
    "jobset": "the Go module proxy does not serve it, so @parallel has no controller on Kubernetes"
}
