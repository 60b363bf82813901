"""The provider `external`: a cluster that is not ours, reached through a kubeconfig.

Only what we make ourselves is changed or deleted: a namespace with a name that nobody else has,
and what is in it. What a whole cluster shares (Argo's kinds of objects) is made only if it is not
there, and stays: others may have begun to use it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends import images
from metaflow_backends.k8s import manifests
from metaflow_backends.k8s.access import Access
from metaflow_backends.k8s.api import Api, ApiError
from metaflow_backends.k8s.provider import Cluster
from metaflow_backends.ownership import Ownership
from metaflow_backends.protocol import Health, LogFile, Needs
from metaflow_backends.spawning import stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metaflow_backends.k8s.options import Options
    from metaflow_backends.protocol import Running

NOTE = "external.json"
MARK = "metaflow-backends/owner"


@dataclass(frozen=True)
class Made:
    """What was made on a cluster, written down before it is made."""

    kubeconfig: str
    context: str
    namespace: str
    owner: str

    @classmethod
    def read(cls, home: Path) -> Made | None:
        """Read the note of a start; None if it came to nothing."""
        note = home / NOTE
        return cls(**json.loads(note.read_text(encoding="utf-8"))) if note.exists() else None

    def write(self, home: Path) -> None:
        (home / NOTE).write_text(json.dumps(self.__dict__), encoding="utf-8")

    @property
    def api(self) -> Api:
        return Api(Access.read(Path(self.kubeconfig), self.context or None))


class External:
    """Somebody else's cluster, of which we use one namespace of our own."""

    name = "external"
    needs_root = False

    def needs(self, options: Options) -> Needs:  # noqa: ARG002 - the contract's
        return Needs()

    def start(self, options: Options, home: Path, timeout: float) -> Cluster:  # noqa: ARG002 - the contract's
        tag = Ownership.of(home).tag
        path = Path(options.kubeconfig).expanduser().resolve()
        made = Made(str(path), options.context, f"metaflow-{tag[:10]}", tag)
        made.api.get("/version")
        made.write(home)
        own = manifests.namespace(made.namespace)
        own["metadata"]["annotations"] = {MARK: tag}
        made.api.create(own)
        executor = images.find("argoexec") if options.argo else None
        return Cluster(
            kubeconfig=path,
            context=options.context,
            image=options.image,
            gateway=options.address,
            namespace=made.namespace,
            argoexec=executor.name if executor else "",
        )

    def stop(self, running: Running, home: Path) -> None:
        """Delete the namespace, if it is the one that we made."""
        made = Made.read(home)
        if made is None:
            return
        for process in running.processes or Ownership.of(home).recorded():
            stop(process, grace=1.0)
        where = f"/api/v1/namespaces/{made.namespace}"
        try:
            found = made.api.get(where)
        except ApiError as error:
            if error.code == 404:  # noqa: PLR2004 - it is not there
                return
            raise
        if found["metadata"].get("annotations", {}).get(MARK) == made.owner:
            made.api.delete(where)

    def health(self, running: Running) -> Health:
        """Ask about our namespace: we may see nothing else."""
        api = Api(
            Access.read(
                Path(running.environment["KUBECONFIG"] or ""), running.details["context"] or None
            )
        )
        where = f"/api/v1/namespaces/{running.details['namespace']}"
        try:
            phase = api.get(where)["status"]["phase"]
        except ApiError as error:
            return Health(alive=False, reason=str(error))
        return Health(alive=phase == "Active", reason=f"{where} is {phase}")

    def logs(self, running: Running, pod: str) -> Sequence[LogFile]:
        """Fetch the logs of a pod that is still there; they go with it."""
        folder = Path(running.logs)
        own = [LogFile(path.stem, path) for path in sorted(folder.glob("*.log"))]
        return [*_fetched(running, folder / "pods", pod), *own] if pod else own


def _fetched(running: Running, folder: Path, pod: str) -> list[LogFile]:
    api = Api(
        Access.read(
            Path(running.environment["KUBECONFIG"] or ""), running.details["context"] or None
        )
    )
    where = f"/api/v1/namespaces/{running.details['namespace']}/pods/{pod}"
    found = []
    try:
        for container in api.get(where)["spec"]["containers"]:
            name = container["name"]
            path = folder / pod / f"{name}.log"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(api.text(f"{where}/log", container=name), encoding="utf-8")
            found.append(LogFile(name, path))
    except ApiError:
        return found
    return found
