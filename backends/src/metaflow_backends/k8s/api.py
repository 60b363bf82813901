"""The few words we speak with an API server."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from metaflow_backends.errors import BackendError
from metaflow_backends.protocol import Health

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

    from metaflow_backends.k8s.access import Access

ANSWER = 20.0  # seconds
MANAGER = "metaflow-backends"  # who owns the fields that we apply
# Where the objects of a kind live; the value says whether they are in a namespace.
KINDS: Mapping[str, tuple[str, bool]] = {
    "Namespace": ("namespaces", False),
    "ConfigMap": ("configmaps", True),
    "Secret": ("secrets", True),
    "Service": ("services", True),
    "ServiceAccount": ("serviceaccounts", True),
    "Pod": ("pods", True),
    "Job": ("jobs", True),
    "Role": ("roles", True),
    "RoleBinding": ("rolebindings", True),
    "CustomResourceDefinition": ("customresourcedefinitions", False),
    "Workflow": ("workflows", True),
}


class ApiError(BackendError):
    """The API server refused, or did not answer (`code` is None then)."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Api:
    """A client of one API server; threads each take their own."""

    access: Access
    _kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
        """Read an object or a list; ApiError with code 404 if it is not there."""
        return self._json("GET", path, params=query)

    def text(self, path: str, **query: str) -> str:
        """Read what is no JSON: logs, health."""
        return self._ask("GET", path, params=query).text

    def create(self, manifest: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Create an object; its name may be made by the server (`generateName`)."""
        path = collection(manifest)
        return self._json("POST", path, data=json.dumps(manifest), headers=_typed("json"))

    def apply(self, manifest: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Make an object be so, whatever was there (server-side apply)."""
        path = f"{collection(manifest)}/{manifest['metadata']['name']}"
        return self._json(
            "PATCH",
            path,
            params={"fieldManager": MANAGER, "force": "true"},
            data=json.dumps(manifest),
            headers=_typed("apply-patch+yaml"),
        )

    def delete(self, path: str, propagation: str = "Background") -> None:
        """Delete an object; one that is not there is fine."""
        try:
            self._ask("DELETE", path, params={"propagationPolicy": propagation})
        except ApiError as error:
            if error.code != 404:  # noqa: PLR2004 - not found
                raise

    def watch(self, path: str, *, version: str, timeout: float) -> Iterator[Mapping[str, Any]]:
        """Follow the changes of a list from a version on, for `timeout` seconds."""
        query = {"watch": "1", "resourceVersion": version, "timeoutSeconds": str(int(timeout))}
        reply = self._ask("GET", path, params=query, stream=True)
        with reply:
            for line in reply.iter_lines():
                yield json.loads(line)

    def health(self) -> Health:
        """Ask whether the server is ready."""
        try:
            said = self.text("/readyz")
        except ApiError as error:
            return Health(alive=False, reason=str(error))
        return Health(alive=said == "ok", reason=said[:200])

    @property
    def version(self) -> str:
        """Name the version of the server, e.g. 1.36.3."""
        return str(self.get("/version")["gitVersion"]).removeprefix("v")

    def _json(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401 - of requests
        return self._ask(method, path, **options).json()

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:  # noqa: ANN401 - of requests
        import requests

        url = f"{self.access.server}{path}"
        try:
            reply = self._session().request(method, url, timeout=ANSWER, **options)
        except requests.RequestException as error:
            raise ApiError(f"{url} does not answer: {_reason(error)}") from error
        if reply.status_code >= 400:  # noqa: PLR2004 - an error, in HTTP
            raise ApiError(f"{method} {url}: {_said(reply)}", reply.status_code)
        return reply

    def _session(self) -> requests.Session:
        import requests

        if "session" not in self._kept:
            session = requests.Session()
            session.trust_env = False  # neither proxies nor bundles of the caller
            session.verify = False if self.access.insecure else self.access.ca or True
            session.cert = self.access.certificate
            if self.access.token:
                session.headers["Authorization"] = f"Bearer {self.access.token}"
            self._kept["session"] = session
        session = self._kept["session"]
        assert isinstance(session, requests.Session)  # noqa: S101 - for the type checker
        return session


def collection(manifest: Mapping[str, Any]) -> str:
    """Name the path under which objects like this one are made."""
    version = str(manifest["apiVersion"])
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural, namespaced = KINDS[manifest["kind"]]
    inside = f"/namespaces/{manifest['metadata']['namespace']}" if namespaced else ""
    return f"{root}{inside}/{plural}"


def _typed(kind: str) -> dict[str, str]:
    return {"Content-Type": f"application/{kind}"}


def _said(reply: requests.Response) -> str:
    """Give the server's own sentence."""
    try:
        return str(reply.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"{reply.status_code} {reply.text[:200]}"


def _reason(error: Exception) -> str:
    """Give the innermost reason: what requests wraps around it is three lines long."""
    while error.__context__ is not None and isinstance(error.__context__, Exception):
        error = error.__context__
    return str(error) or type(error).__name__
