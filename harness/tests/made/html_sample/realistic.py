"""A report as a person meets it: eight columns, sixty tests, a bit of everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_metaflow_backends.records import (
    BackendEvent,
    Cause,
    Drift,
    Outcome,
    RunRef,
    Session,
    SkipKind,
    TaskRef,
)
from pytest_metaflow_backends.report.model import Difference, Report, State

from html_sample.parts import (
    TRACEBACK,
    attempt,
    column_verdict,
    detail_of,
    empty_grid,
    group_of,
    put,
    verdict_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_metaflow_backends.report.model import Detail, Grid, Group

COLUMNS = ("local", "local/serial", "docker", "nomad", "nomad/exec", "k8s/kind", "argo", "sim")
TESTS: Mapping[str, str] = {
    "conformance/test_graph.py": """linear branch foreach nested_foreach switch recursion
        join_merges_artifacts foreach_of_nothing foreach_of_1000 branch_in_foreach
        foreach_in_branch unbounded_foreach""",
    "conformance/test_parameters.py": """every_type[int] every_type[float] every_type[bool]
        every_type[str] every_type[json] file_parameter delayed_default config_from_file
        config_from_command_line non_ascii_value empty_string""",
    "conformance/test_decorators.py": """retry_until_it_passes retry_gives_up
        catch_keeps_the_exception timeout_ends_the_step environment_is_set resources_are_enforced
        card_is_stored project_prefixes_names secrets_are_injected schedule_is_registered""",
    "conformance/test_artifacts.py": """zero_bytes hundred_megabytes non_ascii_name numpy_array
        pandas_frame unpicklable_is_reported include_file artifacts_of_a_failed_step""",
    "conformance/test_logs.py": """ten_thousand_lines invalid_utf8 stderr_is_apart
        log_of_each_attempt long_line""",
    "conformance/test_runs.py": """resume_from_a_step tags_are_kept namespace runner_returns
        deployer_triggers failing_step_fails_the_run failing_init exit_code spin_one_step""",
    "tutorials/test_tutorials.py": """00_helloworld 01_playlist 02_statistics
        03_playlist_redux 08_autopilot""",
}
KEYS = tuple(f"{file}::test_{name}" for file, names in TESTS.items() for name in names.split())
STDERR = """\
Kubernetes error:
Task crashed with ImagePullBackOff: Back-off pulling image "mf-test:dev".
    This could be a transient error. Use @retry to retry.
"""
CATCH = "conformance/test_decorators.py::test_catch_keeps_the_exception"


def realistic() -> Report:
    grid = empty_grid(COLUMNS, KEYS)
    groups = failures(grid)
    red_rows = {KEYS.index(detail.key) for group in groups for detail in group.details}
    not_run = absent(grid)
    expected(grid)
    return Report(
        grid=grid,
        verdict=verdict(grid),
        groups=groups,
        disagreements=sorted(red_rows),
        differences=differences(),
        not_run=not_run,
        flaky=flaky(grid),
        slowest=[(key, "nomad", 61.0 - 5.5 * n) for n, key in enumerate(KEYS[20:30])],
        drift=[Drift(KEYS[28], "nomad", "resources.enforced", "exec")],
        sessions=[SESSION],
        events=EVENTS,
        killed=[f"{KEYS[-1]}[sim]"],
    )


def failures(grid: Grid) -> list[Group]:
    pulls = [put(grid, pull_failure(key)) for key in KEYS[2:16]]
    wrong = "assert 'ValueError' == 'MetaflowExceptionWrapper'"
    caught = [
        put(grid, failure(CATCH, column, State.FAILED, Cause.TEST, wrong))
        for column in ("nomad", "nomad/exec")
    ]
    late = "no end within 600 s; last task: TimeoutFlow/88/wait/2"
    memory = "the container was killed: out of memory (137)"
    timeout = put(grid, failure(KEYS[26], "nomad", State.TIMEOUT, Cause.TIMEOUT, late))
    crash = put(grid, failure(KEYS[34], "docker", State.CRASHED, Cause.BACKEND, memory))
    return [
        group_of('ImagePullBackOff: Back-off pulling image "mf-test:dev"', pulls),
        group_of(f"AssertionError: {wrong}", caught),
        group_of("FlowTimeoutError: no end within 600 s", [timeout]),
        group_of(f"BackendError: {memory}", [crash]),
    ]


def failure(key: str, column: str, state: State, cause: Cause, message: str) -> Detail:
    outcome = Outcome(state.name.lower())
    attempts = (attempt(1, outcome, cause, message),)
    return detail_of(key, column, state, seconds=12.4, cause=cause, attempts=attempts)


def pull_failure(key: str) -> Detail:
    name = key.rpartition("::")[2]
    message = f'ImagePullBackOff: Back-off pulling image "mf-test:dev" ({name})'
    task = TaskRef(
        pathspec="ForeachFlow/1714/square/3",
        attempts=2,
        status="failed",
        native={
            "kubernetes-pod-name": "t-7f3c9d-x2kq8",
            "kubernetes-namespace": "metaflow-tests",
            "node": "kind-worker",
        },
        stdout="Setting up task environment.\nDownloading code package...\n",
        stderr=STDERR,
    )
    return detail_of(
        key,
        "k8s/kind",
        seconds=41.7,
        cause=Cause.INFRA,
        worker="gw1",
        attempts=tuple(attempt(n, Outcome.FAILED, Cause.INFRA, message, TRACEBACK) for n in (1, 2)),
        runs=(RunRef("ForeachFlow/1714", "failed", 38.0, (task,)),),
    )


def flaky(grid: Grid) -> list[Detail]:
    refused = attempt(1, Outcome.FAILED, Cause.INFRA, "connection refused: 127.0.0.1:4646")
    attempts = (refused, attempt(2, Outcome.PASSED))
    places = ((KEYS[30], "nomad"), (KEYS[44], "nomad/exec"), (KEYS[50], "local/serial"))
    return [
        put(grid, detail_of(key, column, State.FLAKY, cause=Cause.INFRA, attempts=attempts))
        for key, column in places
    ]


def absent(grid: Grid) -> list[Detail]:
    """Make argo unavailable: 40 tests planned and not run, the others not planned there."""
    reason = "argo: no controller answered in 120 s; run `mf-backends up argo`"
    for row in range(40, len(KEYS)):
        grid.states["argo"][row] = State.ABSENT.value
    return [
        put(grid, detail_of(key, "argo", State.NOT_RUN, skip_kind=SkipKind.UNAVAILABLE,
                            skip_reason=reason))
        for key in KEYS[:40]
    ]  # fmt: skip


def expected(grid: Grid) -> None:
    """Add what is no news: skipped tests and a known failure."""
    reason = "needs resources.enforced; sim does not declare it"
    for key in KEYS[31:34]:
        kind = SkipKind.CAPABILITY
        put(grid, detail_of(key, "sim", State.SKIPPED, skip_kind=kind, skip_reason=reason))
    known = (attempt(1, Outcome.XFAILED, Cause.TEST, "spin is not there yet"),)
    put(grid, detail_of(KEYS[54], "local", State.XFAILED, cause=Cause.TEST, attempts=known,
                        owner="ada, until 2027-02-01"))  # fmt: skip


def differences() -> list[Difference]:
    totals = {column: "283" if column == "nomad" else "285" for column in COLUMNS[:5]}
    tags = {"local": '["a", "ü"]', "docker": '["a", "\\u00fc"]'}
    return [
        Difference(KEYS[6], "main", "steps/join/0/artifacts/total", totals, KEYS[6]),
        Difference(KEYS[40], "main", "tags", tags, KEYS[40]),
    ]


def verdict(grid: Grid):
    down = column_verdict(
        grid, "argo", "unavailable: no controller answered", "kind", required=False, neutral=True
    )
    pulls = column_verdict(
        grid, "k8s/kind", "14 failed by infrastructure: ImagePullBackOff", "kind"
    )
    return verdict_of(grid, **{"argo": down, "k8s/kind": pulls})


SESSION = Session(
    id="20261124-0912-4711",
    started=1_795_511_520.0,
    columns=COLUMNS,
    context="ci",
    python="3.11.7",
    metaflow="2.19.39",
    platform="Linux-6.1-x86_64",
    extensions={"metaflow-nomad": "0.1.0"},
    plugins={"pytest": "9.2.0", "pytest-xdist": "3.8.0"},
    ci={"provider": "github", "job": "backends", "url": "https://ci.example/runs/1714"},
    args=("-m", "nomad or k8s", "-n", "2"),
)
EVENTS = [
    BackendEvent("nomad", "up", seconds=4.2, provider="embedded", versions={"nomad": "1.9.3"}),
    BackendEvent("k8s", "up", "kind", seconds=71.0, provider="kind", versions={"k8s": "1.31.2"}),
    BackendEvent(
        "argo",
        "unavailable",
        reason="no workflow controller answered in 120 s",
        cure="mf-backends up argo",
        seconds=120.0,
        provider="kind",
    ),
    BackendEvent(
        "docker",
        "broken",
        reason="the daemon closed the connection",
        logs=".metaflow-backends/docker/dockerd.log",
    ),
]
