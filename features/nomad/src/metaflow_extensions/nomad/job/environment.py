"""The environment of a task: what Metaflow needs there, and nothing that is secret.

So not METAFLOW_SERVICE_HEADERS either, which hold the key of the metadata service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metaflow_extensions.nomad.job.command import Package
    from metaflow_extensions.nomad.job.identity import Attempt
    from metaflow_extensions.nomad.spec import Spec

WORKLOAD = "METAFLOW_NOMAD_WORKLOAD"  # set in every task of ours
LAUNCHER = "METAFLOW_NOMAD_ORPHAN_LIMIT"  # seconds

# Where Metaflow keeps things, and how it reaches them. Not METAFLOW_DATASTORE_SYSROOT_LOCAL:
# metadata of the kind `local` is carried over through the folder that is used without it.
PASSED_ON = (
    "DATASTORE_SYSROOT_S3", "DATATOOLS_S3ROOT", "S3_ENDPOINT_URL", "S3_SERVER_SIDE_ENCRYPTION",
    "S3_WORKER_COUNT", "DATASTORE_SYSROOT_AZURE", "AZURE_STORAGE_BLOB_SERVICE_ENDPOINT",
    "DATASTORE_SYSROOT_GS", "CARD_S3ROOT", "CARD_AZUREROOT", "CARD_GSROOT", "DEFAULT_METADATA",
    "DEFAULT_SECRETS_BACKEND_TYPE", "DEFAULT_AWS_CLIENT_PROVIDER", "DEFAULT_GCP_CLIENT_PROVIDER",
    "AWS_SECRETS_MANAGER_DEFAULT_REGION", "GCP_SECRET_MANAGER_PREFIX", "AZURE_KEY_VAULT_PREFIX",
    "OTEL_ENDPOINT", "OTEL_SERVICE_NAME",
)  # fmt: skip
PREFIXES = ("METAFLOW_CONDA_", "METAFLOW_DEBUG_")


def of_metaflow(datastore: str) -> dict[str, str]:
    """Take from this process's configuration what a task has to be told."""
    from metaflow import metaflow_config as config
    from metaflow.metaflow_config_funcs import config_values

    found: dict[str, Any] = {f"METAFLOW_{name}": getattr(config, name, None) for name in PASSED_ON}
    found |= {name: value for name, value in config_values() if name.startswith(PREFIXES)}
    found["METAFLOW_DEFAULT_DATASTORE"] = datastore
    found["METAFLOW_SERVICE_URL"] = config.SERVICE_INTERNAL_URL
    return dict(_texts(found))


def of_attempt(attempt: Attempt, package: Package, datastore: str) -> dict[str, str]:
    """Say which code this is, and whose run."""
    return {
        "METAFLOW_CODE_METADATA": package.metadata,
        "METAFLOW_CODE_SHA": package.sha,
        "METAFLOW_CODE_URL": package.url,
        "METAFLOW_CODE_DS": datastore,
        "METAFLOW_USER": attempt.user,
        "METAFLOW_RUN_ID": attempt.run,
        "METAFLOW_RUNTIME_ENVIRONMENT": "nomad",
        WORKLOAD: "1",
    }


def _texts(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in found.items():
        if value is not None and value != "":
            yield name, str(value)


def of_node(spec: Spec, orphan_limit: float) -> dict[str, str]:
    """Name the node, which Nomad fills in, and what the task asked for."""
    found = {
        "METAFLOW_NOMAD_NODE_ID": "${node.unique.id}",
        "METAFLOW_NOMAD_NODE_NAME": "${node.unique.name}",
        "METAFLOW_NOMAD_TASK_DRIVER": spec.driver,
        "METAFLOW_NOMAD_TASK_IMAGE": spec.image,
        LAUNCHER: f"{orphan_limit:g}",
    }
    return dict(_texts(found))
