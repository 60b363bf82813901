"""How jobs get the keys of the datastore: a Nomad Variable, never their environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaflow_backends.nomad.api import Api

# Every task may read this path without a policy, with and without ACLs; of other paths only
# nomad/jobs/<its job> and below.
PATH = "nomad/jobs"
SECRET = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def publish(api: Api, environment: Mapping[str, str | None]) -> tuple[str, ...]:
    """Put the keys into the variable that tasks read, and name them."""
    items = {name: value for name in SECRET if (value := environment.get(name))}
    if items:
        api.put(f"/var/{PATH}", {"Namespace": "default", "Path": PATH, "Items": items})
    return tuple(items)
