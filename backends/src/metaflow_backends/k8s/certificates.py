"""Certificates for one cluster: an authority, and one certificate for each who takes part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaflow_backends.host.certificates import Authority, Subject, write_key_pair

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SERVICES = "10.96.0.0/16"
SERVICE_ADDRESS = "10.96.0.1"  # of the API server, as pods reach it
NODE = "metaflow"
MASTERS = "system:masters"


def subjects(address: str) -> Mapping[str, Subject]:
    """List the holders of certificates in a cluster whose API server has this address."""
    service = "kubernetes.default.svc"
    names = ("localhost", "kubernetes", "kubernetes.default", service, f"{service}.cluster.local")
    return {
        "apiserver": Subject(
            "kube-apiserver", names=(*names, "127.0.0.1", address, SERVICE_ADDRESS)
        ),
        "apiserver-kubelet": Subject("apiserver-kubelet-client", MASTERS),
        "admin": Subject("admin", MASTERS),
        "kubelet": Subject(f"system:node:{NODE}", "system:nodes", (NODE, address)),
        "kube-controller-manager": Subject("system:kube-controller-manager"),
        "kube-scheduler": Subject("system:kube-scheduler"),
        "kube-proxy": Subject("system:kube-proxy"),
        "argo": Subject("argo", MASTERS),
    }


def make(folder: Path, address: str) -> None:
    """Write `ca.pem`, `<holder>.pem`, `<holder>-key.pem`, and the keys of service accounts.

    The authority's key is written as well: the controller manager signs with it.
    """
    authority = Authority(folder)
    authority.reveal()
    for holder, subject in subjects(address).items():
        authority.certify(holder, subject)
    write_key_pair(folder, "accounts")
