"""Tokens: one to manage, kept below the home folder, and one with few rights for flows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from metaflow_backends.host import private

if TYPE_CHECKING:
    from pathlib import Path

    from metaflow_backends.nomad.api import Api

POLICY = "metaflow"
# All that running steps takes. Denied with it: listing jobs, other files of an allocation,
# signals, nodes, the agent's own settings.
RULES = """
namespace "default" { capabilities = ["submit-job", "read-job", "read-logs"] }
"""


@dataclass(frozen=True)
class Tokens:
    """The secrets of one start."""

    management: str
    flows: str


def management_file(home: Path) -> Path:
    """Name the file that holds the token with all rights (mode 0600), if there is one."""
    return home / "secrets" / "nomad-management-token"


def bootstrap(address: Api, home: Path) -> Tokens:
    """Set up the tokens of a fresh server.

    The management token is ours, not one that the server makes up: a kill between its creation
    and our writing it down would lock everybody out.
    """
    management = str(uuid.uuid4())
    file = management_file(home)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    private.write(file, management.encode("ascii"))
    address.put("/acl/bootstrap", {"BootstrapSecret": management})
    manager = replace(address, token=management)
    manager.put(f"/acl/policy/{POLICY}", {"Name": POLICY, "Rules": RULES})
    made = manager.put(
        "/acl/token", {"Name": "flows of Metaflow", "Type": "client", "Policies": [POLICY]}
    )
    return Tokens(management=management, flows=str(made["SecretID"]))
