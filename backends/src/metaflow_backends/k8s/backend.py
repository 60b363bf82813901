"""The backend `k8s`: `run --with kubernetes` on a real cluster, and workflows of Argo beside it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow_backends import sandbox
from metaflow_backends.errors import BackendError
from metaflow_backends.k8s import argo, environment, failures, manifests
from metaflow_backends.k8s.access import Access
from metaflow_backends.k8s.api import Api
from metaflow_backends.k8s.embedded import Embedded
from metaflow_backends.k8s.external import External
from metaflow_backends.k8s.kind import Kind
from metaflow_backends.k8s.options import Options
from metaflow_backends.k8s.stores import Stores
from metaflow_backends.local import CAPABILITIES as LOCAL
from metaflow_backends.local import probe_metaflow, versions
from metaflow_backends.ownership import Ownership
from metaflow_backends.protocol import Health, LogFile, Needs, Probe, Running, Settings
from metaflow_backends.toolchain.catalog import ARGO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metaflow_backends.k8s.provider import Cluster, Provider

# Spin runs on the machine of who asks; the rest is said of `local` and holds here, too.
CAPABILITIES = (LOCAL - {"spin"}) | {"logs.native", "resources.enforced"}
PROVIDERS: Mapping[str, Provider] = {one.name: one for one in (Embedded(), Kind(), External())}
SHORTEST_TIMEOUT = 60  # seconds: Metaflow's own rule for @timeout on Kubernetes
PREFIXES = ("METAFLOW_", "AWS_", "KUBE")
POD, INSIDE = "kubernetes-pod-name", "kubernetes-pod-namespace"


class K8s:
    """Run every step as a pod; see `Options` for what the matrix may say.

    `details` holds, beside what every backend has: `namespace`, `image`, `secret`, `argo` (whether
    workflows run), `store` and `metadata` (endpoints), and what the provider adds.
    """

    kind = "k8s"
    capabilities = CAPABILITIES

    def check(self, settings: Settings) -> None:
        Options.of(settings)

    def probe(self, settings: Settings) -> Probe:
        options = Options.of(settings)
        if PROVIDERS[options.provider].needs_root and os.geteuid() != 0:
            return Probe.no("a cluster of our own needs root", "run as root, e.g. with sudo")
        return probe_metaflow()

    def needs(self, settings: Settings) -> Needs:
        options = Options.of(settings)
        found = PROVIDERS[options.provider].needs(options)
        return replace(found, tools=(*found.tools, argo.CONTROLLER)) if options.argo else found

    def start(self, settings: Settings, home: Path) -> Running:
        options = Options.of(settings)
        own = sandbox.make(home)
        timeout = settings.start_timeout
        cluster = PROVIDERS[options.provider].start(options, home, timeout)
        api = Api(Access.read(cluster.kubeconfig, cluster.context or None))
        with ThreadPoolExecutor(1) as pool:
            definitions = pool.submit(argo.definitions) if options.argo else None
            stores = Stores.start(options, cluster, home, timeout)
            _furnish(api, cluster, stores)
            if definitions is not None:
                argo.install(api, cluster.namespace, definitions.result())
        processes = [*cluster.processes, *stores.processes]
        if options.argo:
            processes.append(_controller(cluster, home, timeout))
        return Running(
            environment={
                **_removed(),
                **own,
                **stores.environment,
                **environment.for_pods(cluster),
            },
            processes=tuple(processes),
            endpoints={"kubernetes": api.access.server, **stores.endpoints},
            versions=_versions(api, options),
            provider=options.provider,
            logs=str(home / "logs"),
            details=_details(cluster, options, home),
        )

    def stop(self, running: Running, home: Path) -> None:
        """Let the provider clean up; or all, since a start that was killed named none.

        What an external one made is noted below the home, and what the others made follows from
        the home. One that fails does not keep the others from it. Raises the first one's error.
        """
        named = PROVIDERS.get(running.provider)
        chosen = (named,) if named else PROVIDERS.values()
        errors = [error for one in chosen if (error := _stop(one, running, home))]
        if errors:
            raise errors[0]

    def health(self, running: Running) -> Health:
        found = PROVIDERS[running.provider].health(running)
        if not found.alive or not running.details["argo"]:
            return found
        return argo.health(api_of(running), running.details["namespace"])

    def logs(self, running: Running, native: Mapping[str, str]) -> Sequence[LogFile]:
        """Name the logs of the cluster and, for a task, of the containers of its pod."""
        return PROVIDERS[running.provider].logs(running, native.get(POD, ""))

    def native(self, metadata: Mapping[str, str]) -> Mapping[str, str]:
        return native(metadata)


def _stop(provider: Provider, running: Running, home: Path) -> BackendError | None:
    try:
        provider.stop(running, home)
    except BackendError as error:
        return error
    return None


def native(metadata: Mapping[str, str]) -> dict[str, str]:
    """Pick what Kubernetes and Argo call a task."""
    return {
        name: value
        for name, value in metadata.items()
        if name.startswith(("kubernetes-pod", "kubernetes-job", "argo-"))
    }


def api_of(running: Running) -> Api:
    """Give a client of a running column's cluster."""
    context = running.details.get("context") or None
    return Api(Access.read(Path(running.environment["KUBECONFIG"] or ""), context))


def _furnish(api: Api, cluster: Cluster, stores: Stores) -> None:
    """Make what every flow needs inside the cluster."""
    inside = cluster.namespace
    keys = environment.in_secret(stores.credentials)
    for manifest in (
        manifests.namespace(inside),
        manifests.account(inside),
        manifests.secret(inside, keys),
    ):
        api.apply(manifest)


def _controller(cluster: Cluster, home: Path, timeout: float) -> Any:  # noqa: ANN401
    return argo.start_controller(
        cluster, home, Ownership.of(home), kubeconfig=cluster.kubeconfig, timeout=timeout
    )


def _removed() -> dict[str, str | None]:
    return {name: None for name in os.environ if name.startswith(PREFIXES)}


def _versions(api: Api, options: Options) -> dict[str, str]:
    workflows = {"argo-workflows": ARGO} if options.argo else {}
    return {**versions(), "kubernetes": api.version, **workflows}


def _details(cluster: Cluster, options: Options, home: Path) -> dict[str, Any]:
    return {
        "home": str(home),
        "work": str(home / "work"),
        "clears": list(PREFIXES),
        "max_workers": options.max_workers,
        "namespace": cluster.namespace,
        "context": cluster.context,
        "image": cluster.image,
        "secret": manifests.SECRET,
        "argo": options.argo,
        "shortest_timeout": SHORTEST_TIMEOUT,
        **cluster.details,
    }


class Argo:
    """Run flows as workflows of Argo, on the cluster of the column that is shared."""

    kind = "argo"
    # One flow, one template: what runs is decided when it is created, and each template's runs
    # are in a production namespace of its own.
    capabilities = (
        CAPABILITIES - {"runner", "resume", "cancel", "exit_codes", "recursion", "user_namespace"}
    ) | {"deployer"}

    def probe(self, settings: Settings) -> Probe:
        from metaflow_backends.options import check_names

        check_names(settings, ())
        return probe_metaflow()

    def start(self, settings: Settings, home: Path) -> Running:
        raise BackendError(
            f"{settings.column}: argo runs on a cluster that another column starts; put `shares: "
            f"k8s` into its row of the matrix (home {home} stays empty)"
        )

    def stop(self, running: Running, home: Path) -> None:
        """Do nothing: the shared column is stopped by its own backend."""

    def attach(self, settings: Settings, host: Running) -> Running:
        """Use the workflows that the shared column has brought up."""
        if not host.details.get("argo"):
            raise BackendError(
                f"{settings.column}: the column it shares runs no workflows; give that one the "
                "option `argo: true`"
            )
        return replace(host, environment={**host.environment, **_for_workflows(host)})

    def health(self, running: Running) -> Health:
        return K8s().health(running)

    def logs(self, running: Running, native: Mapping[str, str]) -> Sequence[LogFile]:
        return K8s().logs(running, native)

    def native(self, metadata: Mapping[str, str]) -> Mapping[str, str]:
        return native(metadata)

    def explain(self, running: Running, run_id: str) -> str:
        """Let the pods of a workflow say why it failed; Metaflow's run is named after it."""
        workflow = run_id.removeprefix("argo-")
        return failures.explain(api_of(running), running.details["namespace"], workflow)


def _for_workflows(host: Running) -> dict[str, str | None]:
    return {
        "METAFLOW_ARGO_WORKFLOWS_KUBERNETES_SECRETS": host.details["secret"],
        "METAFLOW_ARGO_WORKFLOWS_UI_URL": None,
        "METAFLOW_ARGO_EVENTS_EVENT": None,
    }
