"""Job documents for Nomad's HTTP API, with the settings that a Metaflow step needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TASK = "step"
SECOND = 1_000_000_000  # the API counts durations in nanoseconds
DAY = 86_400 * SECOND


def batch(name: str, task: Mapping[str, Any], **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any of the API's
    """Describe a job that runs `task` exactly once: Metaflow owns attempts, never Nomad.

    `fields` are laid over the job. Nomad's defaults restart a failed batch task three times and
    reschedule it once.
    """
    group = {
        "Name": TASK,
        "Count": 1,
        "RestartPolicy": {"Attempts": 0, "Mode": "fail", "Interval": DAY, "Delay": SECOND},
        "ReschedulePolicy": {"Attempts": 0, "Unlimited": False},
        "Tasks": [{"Name": TASK, "Resources": {"CPU": 100, "MemoryMB": 64}, **task}],
    }
    return {
        "ID": name,
        "Name": name,
        "Type": "batch",
        "Datacenters": ["*"],
        "TaskGroups": [group],
        **fields,
    }


def command(driver: str, argv: Sequence[str], **config: Any) -> dict[str, Any]:  # noqa: ANN401 - any of the driver's
    """Describe a task that runs a program under one of the drivers docker, exec, raw_exec."""
    first, *rest = (escape(word) for word in argv)
    return {"Driver": driver, "Config": {"command": first, "args": rest, **config}}


def escape(text: str) -> str:
    """Protect a word of a task's `Config`, which the client reads as an HCL template.

    Not for `Env`: there Nomad replaces the names it knows and has no escape, so that doubling a
    `$` would change the value.
    """
    return text.replace("${", "$${").replace("%{", "%%{")


def with_variable(path: str, *, file: str = "secrets/datastore.env") -> dict[str, Any]:
    """Give a task the items of a Nomad Variable as environment variables.

    They are read on the node, into the task's secrets folder (a tmpfs): the job holds the path
    alone, so who may read jobs sees no value. A path that is missing or denied leaves the
    allocation pending, with an event of the type `Template` after three seconds.
    """
    text = (
        '{{ with nomadVar "%s" }}{{ range .Tuples }}{{ .K }}={{ .V | toJSON }}\n{{ end }}{{ end }}'
    )
    return {
        "Templates": [
            {
                "EmbeddedTmpl": text % path,
                "DestPath": file,
                "Envvars": True,
                "ChangeMode": "noop",
                "ErrMissingKey": True,
                "Perms": "0400",
            }
        ]
    }
