"""Certificates for one start: an authority, and one certificate each for agents and users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaflow_backends.host.certificates import Authority, Subject

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AGENT_NAMES = ("server.global.nomad", "client.global.nomad", "localhost")


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key (mode 0600), both as PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    """What a cluster with mutual TLS needs."""

    ca: Path
    agent: Pair
    user: Pair

    @classmethod
    def below(cls, folder: Path) -> Certificates:
        """Name the files in this folder, whether they exist or not."""
        agent = Pair(folder / "agent.pem", folder / "agent-key.pem")
        user = Pair(folder / "user.pem", folder / "user-key.pem")
        return cls(ca=folder / "ca.pem", agent=agent, user=user)


def make(folder: Path, addresses: Sequence[str]) -> Certificates:
    """Make an authority and what it signs; the authority's own key is never written."""
    authority = Authority(folder)
    agent = (*AGENT_NAMES, *addresses)
    authority.certify("agent", Subject(agent[0], names=agent))
    authority.certify("user", Subject("user", names=("user",)))
    return Certificates.below(folder)
