"""Where the server is and how it is spoken to, from METAFLOW_NOMAD_* or the usual NOMAD_*."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from metaflow_extensions.nomad.errors import NomadError

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDRESS = "http://127.0.0.1:4646"  # as Nomad's own command line
FILES = ("NOMAD_CACERT", "NOMAD_CLIENT_CERT", "NOMAD_CLIENT_KEY")


@dataclass(frozen=True)
class Connection:
    """An address and what it takes to be let in."""

    address: str = ADDRESS
    token: str = field(default="", repr=False)
    namespace: str | None = None
    region: str | None = None
    verify: bool | str = True  # a path: the authority's certificate
    certificate: tuple[str, str] | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str], settings: Mapping[str, str | None]) -> Connection:
        """Read both; `settings` are Metaflow's, by their names without `NOMAD_`.

        Raises NomadError for an address that is none, or a file that is not there.
        """
        address = settings.get("ADDRESS") or environment.get("NOMAD_ADDR") or ADDRESS
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise NomadError(f"NOMAD_ADDR={address!r} is no address such as http://host:4646")
        authority, *pair = (environment.get(name, "") for name in FILES)
        for name, path in zip(FILES, (authority, *pair), strict=True):
            if path and not os.access(path, os.R_OK):
                raise NomadError(f"{name}={path!r} cannot be read; name a file that is there")
        if any(pair) and not all(pair):
            raise NomadError("NOMAD_CLIENT_CERT and NOMAD_CLIENT_KEY belong together; set both")
        skip = environment.get("NOMAD_SKIP_VERIFY", "").lower() in {"1", "t", "true"}
        return cls(
            address=address.rstrip("/"),
            token=environment.get("NOMAD_TOKEN", ""),
            namespace=settings.get("NAMESPACE") or environment.get("NOMAD_NAMESPACE") or None,
            region=settings.get("REGION") or environment.get("NOMAD_REGION") or None,
            verify=not skip and (authority or True),
            certificate=(pair[0], pair[1]) if all(pair) else None,
        )

    @classmethod
    def here(cls) -> Connection:
        """Read the environment and Metaflow's configuration of this process."""
        from metaflow import metaflow_config as config

        names = ("ADDRESS", "NAMESPACE", "REGION")
        return cls.of(os.environ, {name: getattr(config, f"NOMAD_{name}") for name in names})
