"""Where check runs go from here, or why they go nowhere."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from pytest_metaflow_backends.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_metaflow_backends.github.checks import Check
    from pytest_metaflow_backends.github.client import GitHub
    from pytest_metaflow_backends.github.event import Event

TOKEN = "GITHUB_TOKEN"  # noqa: S105 - the name of a variable
ENDED = "workflow_run"  # the event of a run that has ended, or begun


@dataclass(frozen=True)
class Destination:
    """The commit of an event; `github` is there if there is a token."""

    event: Event | None
    github: GitHub | None

    @property
    def closed(self) -> str:
        """Say why nothing is sent; "" if it is."""
        if self.event is None:
            return "this is no job of GitHub Actions"
        if self.github is None:
            return f"{TOKEN} is not set"
        if self.event.fork and self.event.name != ENDED:
            return "a job of a fork may not write; a workflow_run job can, see docs/github.md"
        return ""

    def send(self, checks: Sequence[Check]) -> None:
        """Make the check runs, and say which there are; or say why there are none."""
        from pytest_metaflow_backends.github.publish import publish

        if self.closed:
            click.echo(f"no check runs: {self.closed}", err=True)
        elif self.event and self.github:
            for one in publish(checks, self.event.head, self.github):
                click.echo(f"{one.name}: {one.conclusion} {one.url}".rstrip(), err=True)

    def announce(self) -> None:
        """Say on the commit that a run of it is on its way."""
        from pytest_metaflow_backends.github import checks, publish

        if self.event and self.github:
            publish.announce(checks.going(self.event), self.event.head, self.github)

    @contextmanager
    def never_silent(self) -> Iterator[None]:
        """Turn an error into a failing check too: the green one of an older run must not stay."""
        try:
            yield
        except Exception as error:  # a mistake of ours must not leave an old verdict standing
            if self.event and self.github and not self.closed:
                said = str(error) if isinstance(error, HarnessError) else repr(error)
                self._tell(said)
            raise

    def _tell(self, why: str) -> None:
        from pytest_metaflow_backends.github import checks

        if self.event:
            try:
                self.send([checks.no_verdict(self.event, why)])
            except HarnessError as error:  # the first one is raised, and says more
                click.echo(f"and no check run says so: {error}", err=True)
