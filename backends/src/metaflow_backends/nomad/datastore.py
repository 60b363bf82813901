"""How jobs get the keys of the datastore: a Nomad Variable, never their environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaflow_backends.nomad.api import Api

# Every task may read this path without a policy, with and without ACLs; of other paths only
# nomad/jobs/<its job> and below.
PATH = "nomad/jobs"


def publish(api: Api, keys: Mapping[str, str]) -> tuple[str, ...]:
    """Put the keys into the variable that tasks read (`jobs.with_variable`), and name them."""
    if keys:
        api.put(f"/var/{PATH}", {"Namespace": "default", "Path": PATH, "Items": dict(keys)})
    return tuple(keys)
