"""What a task is given beside its code: volumes, and secrets that stand in no job."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from metaflow_extensions.nomad.errors import SpecError

TYPES = ("host", "csi")
_VARIABLE = (
    "{{ with nomadVar PATH }}{{ range .Tuples }}{{ .K }}={{ .V | toJSON }}\n{{ end }}{{ end }}"
)
# Version 2 of Vault's key-value store has the pairs one level deeper.
_VAULT = (
    "{{ with secret PATH }}{{ $pairs := .Data }}"
    "{{ if .Data.data }}{{ $pairs = .Data.data }}{{ end }}"
    "{{ range $key, $value := $pairs }}{{ $key }}={{ $value | toJSON }}\n{{ end }}{{ end }}"
)


@dataclass(frozen=True)
class Volume:
    """A volume of the node or of CSI, and where the task sees it."""

    source: str
    path: str
    type: str = "host"
    read_only: bool = False

    @classmethod
    def of(cls, name: str, given: object) -> Volume:
        said = _volume(given) if isinstance(given, str) else given
        known = {"source", "path", "type", "read_only"}
        if not isinstance(said, dict) or not {"source", "path"} <= set(said) <= known:
            raise SpecError(
                f"@nomad: {name}: {given!r} is not of the form 'name:/path', 'csi:name:/path:ro' "
                "or {'source': ..., 'path': ...}"
            )
        volume = cls(**said)
        if volume.type not in TYPES or not volume.path.startswith("/"):
            raise SpecError(f"@nomad: {name}: {given!r}: type is host or csi, path begins with /")
        return volume

    def request(self) -> dict[str, Any]:
        """Give the group's block."""
        wished: dict[str, Any] = {
            "Type": self.type,
            "Source": self.source,
            "ReadOnly": self.read_only,
        }
        if self.type == "csi":
            mode = "multi-node-reader-only" if self.read_only else "multi-node-multi-writer"
            wished |= {"AccessMode": mode, "AttachmentMode": "file-system"}
        return wished


def _volume(text: str) -> dict[str, Any] | None:
    parts = text.split(":")
    kind = parts.pop(0) if parts[0] in TYPES and len(parts) > 2 else "host"  # noqa: PLR2004 - name and path
    read_only = parts[-1] == "ro"
    if read_only or parts[-1] == "rw":
        parts.pop()
    if len(parts) != 2:  # noqa: PLR2004 - name and path
        return None
    return {"source": parts[0], "path": parts[1], "type": kind, "read_only": read_only}


@dataclass(frozen=True)
class Secret:
    """A template that the node fills in, so that the job holds no value."""

    template: str
    path: str  # of the file in the task's folder
    env: bool = True  # its lines are variables of the task's environment
    vault: bool = False

    @classmethod
    def of(cls, name: str, given: object) -> Secret:
        """Read `nomad/jobs` (a Nomad Variable), `vault:secret/data/x`, or a template's fields."""
        if isinstance(given, str):
            return cls._named(given)
        known = {"template", "path", "env", "vault"}
        if not isinstance(given, dict) or not {"template"} <= set(given) <= known:
            raise SpecError(
                f"@nomad: {name}: {given!r} is not of the form 'nomad/jobs', 'vault:secret/data/x' "
                "or {'template': ..., 'path': ..., 'env': False}"
            )
        path = str(given.get("path", "secrets/own.env"))
        if path.startswith("/") or ".." in path.split("/"):
            raise SpecError(f"@nomad: {name}: {path!r} is not within the task's folder")
        env, vault = bool(given.get("env", "path" not in given)), bool(given.get("vault"))
        return cls(str(given["template"]), path, env, vault)

    @classmethod
    def _named(cls, text: str) -> Secret:
        vault = text.startswith("vault:")
        path = text.removeprefix("vault:")
        file = "".join(char if char.isalnum() else "-" for char in path)
        template = (_VAULT if vault else _VARIABLE).replace("PATH", json.dumps(path))
        return cls(template, f"secrets/{file}.env", vault=vault)

    def body(self) -> dict[str, Any]:
        return {
            "EmbeddedTmpl": self.template,
            "DestPath": self.path,
            "Envvars": self.env,
            "ChangeMode": "noop",
            "ErrMissingKey": True,
            "Perms": "0400",
        }
