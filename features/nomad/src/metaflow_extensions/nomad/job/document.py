"""The job of one attempt as Nomad's API takes it. Everything here is pure.

Source: Nomad HTTP API, v1/jobs; what of it a real agent heeds is in docs/nomad.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metaflow_extensions.nomad.job.hcl import escape
from metaflow_extensions.nomad.placing import bodies
from metaflow_extensions.nomad.spec import LOG_STORAGE, WITH_IMAGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metaflow_extensions.nomad.job.identity import Attempt
    from metaflow_extensions.nomad.spec import Spec

TASK = "step"
SECOND = 1_000_000_000  # durations are in nanoseconds
DAY = 86_400 * SECOND
LOST_AFTER = 3_600 * SECOND  # how long a node may be away and still end its task by itself
FILES = 10  # of logs for each stream, together LOG_STORAGE


def document(
    attempt: Attempt, spec: Spec, command: Sequence[str], env: Mapping[str, str]
) -> dict[str, Any]:
    """Describe the job of one attempt."""
    job = {
        "ID": attempt.job,
        "Name": attempt.job,
        "Type": "batch",
        "Datacenters": list(spec.datacenters),
        "Constraints": bodies(spec.constraints),
        "Affinities": bodies(spec.affinities),
        "Spreads": bodies(spec.spreads),
        "Meta": {**dict(spec.meta), **attempt.meta()},
        "TaskGroups": [_group(spec, command, env)],
    }
    wished = {
        "NodePool": spec.node_pool,
        "Region": spec.region,
        "Namespace": spec.namespace,
        "Priority": spec.priority,
    }
    return job | {name: value for name, value in wished.items() if value is not None}


def _group(spec: Spec, command: Sequence[str], env: Mapping[str, str]) -> dict[str, Any]:
    group: dict[str, Any] = {
        "Name": TASK,
        "Count": 1,
        # Metaflow owns attempts: a step that failed must not run again behind its back,
        # and one whose node is away is not started elsewhere before Metaflow says so.
        "RestartPolicy": {"Attempts": 0, "Mode": "fail", "Interval": DAY, "Delay": SECOND},
        "ReschedulePolicy": {"Attempts": 0, "Unlimited": False},
        "Disconnect": {"Replace": False, "LostAfter": LOST_AFTER},
        "EphemeralDisk": {"SizeMB": spec.disk},
        "Tasks": [_task(spec, command, env)],
    }
    if spec.ports:
        group["Networks"] = [_network(spec)]
    if spec.volumes:
        group["Volumes"] = {_name(i): v.request() for i, v in enumerate(spec.volumes)}
    return group


def _task(spec: Spec, command: Sequence[str], env: Mapping[str, str]) -> dict[str, Any]:
    task: dict[str, Any] = {
        "Name": TASK,
        "Driver": spec.driver,
        "Config": _config(spec, command),
        "Env": dict(env),
        "Resources": _resources(spec),
        "KillTimeout": round(spec.kill_timeout * SECOND),
        "KillSignal": "SIGTERM",
        "LogConfig": {"MaxFiles": FILES // 2, "MaxFileSizeMB": LOG_STORAGE // FILES},
        "Templates": [secret.body() for secret in spec.secrets],
        "VolumeMounts": [
            {"Volume": _name(i), "Destination": volume.path, "ReadOnly": volume.read_only}
            for i, volume in enumerate(spec.volumes)
        ],
    }
    if spec.user:
        task["User"] = spec.user
    if any(secret.vault for secret in spec.secrets):
        task["Vault"] = {}
    return task


def _config(spec: Spec, command: Sequence[str]) -> dict[str, Any]:
    first, *rest = (escape(word) for word in command)
    if spec.driver not in WITH_IMAGE:
        return {"command": first, "args": rest}
    # In place of the image's entry point, as on Kubernetes; `command` would be handed to that.
    config: dict[str, Any] = {"image": spec.image, "entrypoint": [first], "args": rest}
    if spec.network_mode:
        config["network_mode"] = spec.network_mode
    if spec.ports:
        config["ports"] = [label for label, _ in spec.ports]
    if spec.shared_memory:
        config["shm_size"] = spec.shared_memory << 20
    return config


def _resources(spec: Spec) -> dict[str, Any]:
    resources: dict[str, Any] = {"MemoryMB": spec.memory}
    if spec.cores:
        resources["Cores"] = spec.cores
    else:
        resources["CPU"] = spec.cpu
    if spec.memory_max:
        resources["MemoryMaxMB"] = spec.memory_max
    if spec.gpu:
        constraints = bodies(spec.device_constraints)
        resources["Devices"] = [
            {"Name": spec.device, "Count": spec.gpu, "Constraints": constraints}
        ]
    return resources


def _network(spec: Spec) -> dict[str, Any]:
    fixed = [{"Label": label, "Value": port} for label, port in spec.ports if port]
    free = [{"Label": label} for label, port in spec.ports if not port]
    return {"Mode": "host", "ReservedPorts": fixed, "DynamicPorts": free}


def _name(number: int) -> str:
    return f"volume-{number}"
