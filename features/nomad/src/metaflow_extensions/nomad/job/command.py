"""The command of a task: Metaflow's bootstrap, and the step with what keeps its output."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaflow.mflog import export_mflog_env_vars
from metaflow_extensions.nomad.errors import NomadError
from metaflow_extensions.nomad.task import limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metaflow_extensions.nomad.job.identity import Attempt

LOGS = "$PWD/.logs"
HOME = '{ [ -w "$HOME" ] || export HOME=$PWD; }'  # with exec it is a folder that is not there
INIT = '${METAFLOW_INIT_SCRIPT:+eval "${METAFLOW_INIT_SCRIPT}"}'  # of Metaflow's sandboxes
FIRST_UPLOAD = "flush_mflogs"  # the last of Metaflow's bootstrap commands
NO_UPLOAD = f"{FIRST_UPLOAD}() {{ :; }}"  # of an environment's commands: the keeper does it
KEEPER = "python -m metaflow_extensions.nomad.task.keeper"
LATE = f'export {limit.MARK}="$PWD/.late"'
TIMED_OUT = 124  # as timeout(1) says it
SLOW = 120.0  # seconds past its limit until a task is ended whose step has not even begun


@dataclass(frozen=True)
class Package:
    """The code package, as Metaflow hands it to a compute backend."""

    metadata: str
    sha: str
    url: str


@dataclass(frozen=True)
class Bootstrap:
    """What runs before the step, as Metaflow's environment gives it."""

    datastore: str  # its type
    before: Sequence[str]  # download the code, set the environment up
    around: Sequence[str]  # e.g. activate what @pypi made

    @classmethod
    def of(cls, environment: Any, datastore: str, step: str, package: Package) -> Bootstrap:
        before = environment.get_package_commands(package.url, datastore, package.metadata)
        around = environment.bootstrap_commands(step, datastore)
        return cls(datastore, tuple(before), tuple(around))


def command(
    attempt: Attempt,
    bootstrap: Bootstrap,
    step: str,
    *,
    seconds: float | None = None,
    executable: str | None = None,
) -> list[str]:
    """Give `bash -c ...` for a task; `step` is the command line of Metaflow's own step.

    `seconds` are those of its @timeout. The keeper claims before anything is written to the
    datastore: what Nomad starts in place of a lost allocation ends there, with `claim.TAKEN`.

    Raises NomadError if Metaflow's bootstrap is not what it was.
    """
    *download, upload = bootstrap.before
    if upload != FIRST_UPLOAD:
        raise NomadError(f"Metaflow's bootstrap ends with {upload!r}, not with {FIRST_UPLOAD}")
    exports = export_mflog_env_vars(
        flow_name=attempt.flow,
        run_id=attempt.run,
        step_name=attempt.step,
        task_id=attempt.task,
        retry_count=str(attempt.number),
        datastore_type=bootstrap.datastore,
        datastore_root=shlex.quote(attempt.datastore),
        stdout_path=f"{LOGS}/mflog_stdout",
        stderr_path=f"{LOGS}/mflog_stderr",
    )
    around = [_unquoted(part) for part in bootstrap.around]
    whole = " && ".join([*around, _limited(step, seconds)])
    kept = f"{KEEPER} {shlex.quote(f'{NO_UPLOAD}; {whole}' if around else whole)}"
    prepared = [
        HOME, LATE, f"mkdir -p {LOGS}", exports, *interpreter(executable), *map(_unquoted, download)
    ]  # fmt: skip
    text = (
        f"{INIT} && {' && '.join(prepared)} && {kept}; "
        f'c=$?; [ ! -e "${limit.MARK}" ] || c={TIMED_OUT}; exit $c'
    )
    return ["bash", "-c", text]


def _unquoted(part: str) -> str:
    """Undo the escapes of Metaflow's bootstrap, which is written to stand in double quotes.

    The step's own command is not: to take a quote out of it would change what it says.
    """
    return " ".join(shlex.split(f'"{part}"'))


def interpreter(executable: str | None) -> list[str]:
    """Give commands of bash after which `python`, as bootstraps call it, is the one asked for."""
    if executable is None:
        return []
    # No link: an interpreter knows by the name it is called by which environment is its own.
    found = f"asked=$(command -v {shlex.quote(executable)})"
    script = """printf '#!/bin/sh\\nexec "%s" "$@"\\n' "$asked" > "$PWD/.bin/python\""""
    return [
        'mkdir -p "$PWD/.bin"', found, script, 'chmod +x "$PWD/.bin/python"',
        'export PATH="$PWD/.bin:$PATH"',
    ]  # fmt: skip


def _limited(step: str, seconds: float | None) -> str:
    """End a step that never came to where `limit` watches it, whether or not anybody waits.

    An image without `timeout` has the launcher alone.
    """
    if not seconds:
        return step
    guard = f"timeout -k {limit.LAST:g} {seconds + SLOW:g}"
    return f"$(command -v timeout >/dev/null && echo {guard}) {step}"
