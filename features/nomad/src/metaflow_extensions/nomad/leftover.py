"""Jobs of a run that failed: its launchers are killed without a word, so the run stops them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from metaflow_extensions.nomad.errors import MissingError, NomadError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from metaflow_extensions.nomad.api.client import Client

Where = tuple[str | None, str | None]  # namespace, region
PATIENCE = 5.0  # seconds
DEAD = "dead"


def client(where: Where) -> Client:
    """Open a client for one namespace and region."""
    from metaflow_extensions.nomad.api.client import Client

    return Client.here(PATIENCE, *where)


def stop(jobs: Mapping[str, Where], opened: Callable[[Where], Client] = client) -> list[str]:
    """Stop what has not ended of these jobs; gives a line for each that could not be."""
    problems = []
    for where in sorted(set(jobs.values()), key=str):
        names = [name for name, place in jobs.items() if place == where]
        try:
            _stop(opened(where), names)
        except NomadError as error:
            problems.append(f"jobs of this run may run on ({', '.join(names)}): {error}")
    return problems


def _stop(there: Client, names: list[str]) -> None:
    for name in names:
        with suppress(MissingError):
            if there.job(name)["Status"] != DEAD:
                there.deregister(name)
