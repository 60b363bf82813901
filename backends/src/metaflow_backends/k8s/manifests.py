"""What flows need inside a cluster: a namespace, an account with few rights, and the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNT = "metaflow"
SECRET = "metaflow-datastore"  # noqa: S105 - its name
LABELS = {"app.kubernetes.io/managed-by": "metaflow-backends"}
RBAC = "rbac.authorization.k8s.io"
ARGO = "argoproj.io"

Manifest = dict[str, Any]


def namespace(name: str) -> Manifest:
    """Give the namespace in which everything happens."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": LABELS}}


def account(inside: str) -> Manifest:
    """Give the account that tasks run as."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _named(ACCOUNT, inside)}


def secret(inside: str, values: Mapping[str, str]) -> Manifest:
    """Give the keys of the datastore: pods get them by name, so no job holds them."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _named(SECRET, inside),
        "stringData": dict(values),
    }


def executor_rights(inside: str) -> list[Manifest]:
    """Let tasks report to Argo how they ended, and do nothing else."""
    rule = {"apiGroups": [ARGO], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}
    role = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role",
        "metadata": _named("argo-executor", inside),
        "rules": [rule],
    }
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": _named("argo-executor", inside),
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "argo-executor"},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": inside}],
    }
    return [role, binding]


def controller_settings(inside: str) -> Manifest:
    """Give the settings of Argo's controller; its metrics would bind a fixed port."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _named("workflow-controller-configmap", inside),
        "data": {
            "metricsConfig": "enabled: false\n",
            "telemetryConfig": "enabled: false\n",
            "workflowEvents": "enabled: false\n",
        },
    }


def _named(name: str, inside: str) -> Manifest:
    return {"name": name, "namespace": inside, "labels": LABELS}
