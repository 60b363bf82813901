"""How a cluster is come by: the one seam between the backend and its providers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from metaflow_backends.k8s.options import Options
    from metaflow_backends.protocol import Health, LogFile, Needs, Process, Running

NAMESPACE = "metaflow"


@dataclass(frozen=True)
class Cluster:
    """A cluster that answers, and what flows need to know of it."""

    kubeconfig: Path  # of one who may do everything in `namespace`
    image: str  # for tasks; every node has it or can pull it
    gateway: str  # address of this machine as pods reach it, "" if they do not
    namespace: str = NAMESPACE
    context: str = ""
    processes: Sequence[Process] = ()
    argoexec: str = ""  # image; "" if workflows cannot run
    details: Mapping[str, Any] = field(default_factory=dict)  # the provider's own, JSON


class Provider(Protocol):
    """One way to come by a cluster."""

    name: str
    needs_root: bool

    def needs(self, options: Options) -> Needs:
        """Name what `start` needs on this machine, beside what Argo needs."""
        ...

    def start(self, options: Options, home: Path, timeout: float) -> Cluster:
        """Give a cluster that takes work; what it needs beside goes below `home`."""
        ...

    def stop(self, running: Running, home: Path) -> None:
        """Remove all that `start` made, and nothing else; works for a killed start, too."""
        ...

    def health(self, running: Running) -> Health: ...

    def logs(self, running: Running, pod: str) -> Sequence[LogFile]:
        """Name the logs of the cluster and, if it is known, of one pod."""
        ...
