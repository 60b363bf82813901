"""Who we are to an API server, out of a kubeconfig, and a kubeconfig for the one we start."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaflow_backends.errors import BackendError


@dataclass(frozen=True)
class Access:
    """What a client needs: the address, whom to trust, and what proves who we are."""

    server: str  # URL
    ca: str | None = None  # file; None: what the system trusts
    certificate: tuple[str, str] | None = None  # files of certificate and key
    token: str | None = None
    insecure: bool = False

    @classmethod
    def read(cls, kubeconfig: Path, context: str | None = None) -> Access:
        """Read one context (default: the current one) of a kubeconfig.

        Raises BackendError with what is missing. Programs that make tokens (`exec`) are not run.
        """
        text = _load(kubeconfig)
        name = context or text.get("current-context") or ""
        chosen = _entry(text, "contexts", "context", name, kubeconfig)
        cluster = _entry(text, "clusters", "cluster", chosen.get("cluster", ""), kubeconfig)
        user = _entry(text, "users", "user", chosen.get("user", ""), kubeconfig)
        if "exec" in user or "auth-provider" in user:
            raise BackendError(
                f"{kubeconfig}: user {chosen.get('user')!r} proves itself with a program, which is "
                "not supported; give a kubeconfig with a certificate or a token"
            )
        folder = kubeconfig.parent
        certificate = _file(user, "client-certificate", folder)
        key = _file(user, "client-key", folder)
        return cls(
            server=str(cluster["server"]).rstrip("/"),
            ca=_file(cluster, "certificate-authority", folder),
            certificate=(certificate, key) if certificate and key else None,
            token=user.get("token") or _token(user, folder),
            insecure=bool(cluster.get("insecure-skip-tls-verify", False)),
        )


def kubeconfig(server: str, folder: Path, holder: str, namespace: str = "default") -> str:
    """Write the kubeconfig (JSON is YAML, too) of one holder of a certificate in `folder`."""
    user = {
        "client-certificate": str(folder / f"{holder}.pem"),
        "client-key": str(folder / f"{holder}-key.pem"),
    }
    cluster = {"server": server, "certificate-authority": str(folder / "ca.pem")}
    context = {"cluster": "metaflow", "user": holder, "namespace": namespace}
    whole = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "metaflow", "cluster": cluster}],
        "users": [{"name": holder, "user": user}],
        "contexts": [{"name": "metaflow", "context": context}],
        "current-context": "metaflow",
    }
    return json.dumps(whole, indent=1)


def _load(path: Path) -> dict[str, Any]:
    import yaml

    try:
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BackendError(f"kubeconfig {path}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise BackendError(f"kubeconfig {path}: is no YAML: {error}") from error
    if not isinstance(text, dict):
        raise BackendError(f"kubeconfig {path}: holds no kubeconfig")
    return text


def _entry(text: dict[str, Any], group: str, kind: str, name: str, path: Path) -> dict[str, Any]:
    for entry in text.get(group) or ():
        if entry.get("name") == name:
            return dict(entry.get(kind) or {})
    known = ", ".join(str(entry.get("name")) for entry in text.get(group) or ()) or "none"
    raise BackendError(f"kubeconfig {path}: there is no {kind} {name!r}; there is: {known}")


def _file(entry: dict[str, Any], name: str, folder: Path) -> str | None:
    """Name a file that an entry names, or one with what it holds."""
    if data := entry.get(f"{name}-data"):
        return _kept(base64.b64decode(data))
    return str(folder / entry[name]) if entry.get(name) else None


def _kept(content: bytes) -> str:
    """Keep what a kubeconfig holds inline in a file of mode 0600, for as long as we run."""
    import atexit

    target, name = tempfile.mkstemp(prefix="metaflow-backends-")
    with os.fdopen(target, "wb") as stream:
        stream.write(content)
    atexit.register(Path(name).unlink, missing_ok=True)
    return name


def _token(user: dict[str, Any], folder: Path) -> str | None:
    name = user.get("tokenFile")
    return (folder / name).read_text(encoding="ascii").strip() if name else None
