"""Tell a person at a terminal what is going on; stay quiet in a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_metaflow_backends.records import BackendEvent


def announce(masked: Callable[[str], str], event: BackendEvent) -> None:
    """Print a step in a backend's life to a terminal's standard error."""
    if sys.stderr.isatty():
        reason = f": {masked(event.reason)}" if event.reason else ""
        click.secho(f"{event.column} {event.state}{reason}", dim=True, err=True)
