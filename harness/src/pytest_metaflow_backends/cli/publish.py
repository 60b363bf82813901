"""`mf-backends publish`: the verdict as check runs on GitHub, or as texts without a token."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_metaflow_backends.cli import ended_run, settings
from pytest_metaflow_backends.cli.building import Order, build_and_write
from pytest_metaflow_backends.cli.destination import ENDED, TOKEN, Destination
from pytest_metaflow_backends.cli.expecting import expect_options, expected
from pytest_metaflow_backends.cli.recordfolder import refuse_others
from pytest_metaflow_backends.errors import ExitCode, UsageError
from pytest_metaflow_backends.github import event as github_event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from pytest_metaflow_backends.github.client import GitHub
    from pytest_metaflow_backends.github.event import Event
    from pytest_metaflow_backends.github.jobs import Job
    from pytest_metaflow_backends.report.model import Report

NOWHERE = github_event.Event("", "", "", github_event.WorkflowRun(0, 0, ""))


@click.command("publish")
@click.argument("records", required=False, metavar="[RECORDS]")
@click.option(
    "--output",
    "-o",
    default="report",
    metavar="DIR",
    show_default=True,
    help="Folder for the reports, and for the texts of the check runs.",
)
@expect_options
@click.option(
    "--workflow",
    metavar="FILE",
    help="Publish runs of this workflow file only; another one may have the same name.",
)
@click.option("--title", default="Backend matrix", show_default=True)
@settings.matrix_option
@settings.context_option
def command(
    records: str | None,
    output: str,
    expect: tuple[str, ...],
    selection: str | None,
    workflow: str | None,
    title: str,
    matrix: str | None,
    context: str | None,
) -> int:
    """Report, and make a check run per backend and one for everything on the tested commit.

    RECORDS is a folder (default: DIR/records). In a job that a workflow_run event started, they are
    those of the run that has ended, whose commit, changed paths and matrix GitHub is asked for; of
    a run that has only begun it is said that it has. The token is GITHUB_TOKEN; its job needs
    `permissions: checks: write`. Without one, and outside GitHub, the same texts are written to
    DIR/checks and to the summary of the step.
    """
    from pytest_metaflow_backends.github.jobs import as_it_is, broken, jobs, red

    folder = Path(output).absolute()
    refuse_others(folder)
    event = github_event.read(os.environ) if github_event.inside(os.environ) else None
    if event and workflow and event.name == ENDED and event.workflow != workflow:
        raise UsageError(f"the run is one of {event.workflow or 'no file'}, and not of {workflow}")
    with _connected(event) as github:
        if event and github and event.going:
            event = as_it_is(github, event)
        to = Destination(event, github)
        if event and event.going:
            to.announce()
            return ExitCode.GREEN
        with to.never_silent():
            found = jobs(github, event.run) if github and event else []
            ended_red = red(found, event.conclusion) if event else []
            why = broken(ended_red, event) if event else []
            if event and event.name == ENDED and not records:
                _refuse_ours({"--expect": expect, "--selection": selection, "--context": context})
                report = ended_run.report(event, github, why, folder, title=title, matrix=matrix)
            else:
                chosen = settings.read(matrix, None, context)
                where = Path(records).absolute() if records else folder / "records"
                wanted = expected(chosen, expect, selection)
                order = Order(where, wanted, title, broken_jobs=why)
                report = build_and_write(order, folder, chosen)
            _publish(report, found, ended_red, to, folder)
    return report.verdict.exit_code


def _connected(event: Event | None) -> AbstractContextManager[GitHub | None]:
    """Talk to GitHub if this is a job of it that has a token."""
    from pytest_metaflow_backends.github.client import GitHub

    token = os.environ.get(TOKEN, "")
    return GitHub.connect(event, token) if event and token else nullcontext()


def _refuse_ours(given: Mapping[str, object]) -> None:
    """Refuse what would not be heeded: of an ended run, GitHub and its commit say what it needs."""
    if named := [name for name, value in given.items() if value]:
        raise UsageError(
            f"{' and '.join(named)}: what a run that has ended must hold is decided by its change "
            "and its matrix; name RECORDS to judge a folder"
        )


def _publish(
    report: Report, found: Sequence[Job], ended_red: Sequence[Job], to: Destination, folder: Path
) -> None:
    from pytest_metaflow_backends.github import checks, texts
    from pytest_metaflow_backends.github.jobs import broken_of, links

    event = to.event or NOWHERE
    names = checks.backends(report)
    planned = checks.checks(report, event, links(found, names), broken_of(ended_red, names))
    for path in texts.write(planned, folder / "checks"):
        click.echo(f"wrote {path}", err=True)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        texts.add_step_summary(report, Path(summary), event.run.url)
    to.send(planned)
