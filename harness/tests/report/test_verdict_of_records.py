"""Whole folders of records: losing, failing and cutting never turn red into green."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_metaflow_backends.report.build import ExpectedColumn, build
from pytest_metaflow_backends.report.model import Judgement, State

# A scenario keeps the recorder's promise that every test
# is announced (planned, or told to be running) before its result.

OUTCOMES = [
    "passed",
    "failed",
    "error",
    "skipped",
    "xfailed",
    "xpassed",
    "crashed",
    "timeout",
    "not_run",
]


@st.composite
def scenarios(draw):
    """Give one or two sessions over up to two columns, as lists of line-making calls."""
    sessions = []
    for number in range(draw(st.integers(1, 2))):
        columns = draw(st.sampled_from([["local"], ["local", "k8s"], ["nomad/exec"]]))
        results = []
        for column in columns:
            tests = draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3))
            results += [(t, draw(st.sampled_from(OUTCOMES)), column) for t in tests]
        sessions.append(
            {
                "number": number,
                "columns": columns,
                "results": results,
                "planned": draw(st.booleans()),
                "finished": draw(st.integers(0, 4)) > 0,
                "lost": draw(st.sets(st.integers(0, 5), max_size=1)),
                "ci": draw(st.sampled_from([{}, {"provider": "github", "job": "j"}])),
                "event": draw(st.sampled_from([None, "up", "unavailable", "broken"])),
            }
        )
    return sessions


def lines_of(lines, scenario):
    ci = {**scenario["ci"], "attempt": str(scenario["number"] + 1)} if scenario["ci"] else {}
    yield lines.session(f"s{scenario['number']}", scenario["columns"], scenario["number"], ci=ci)
    if scenario["event"]:
        yield lines.event(scenario["event"], scenario["columns"][-1])
    if scenario["planned"]:
        for test, _, column in scenario["results"]:
            yield lines.plan(test, column=column)
    for number, (test, outcome, column) in enumerate(scenario["results"]):
        yield lines.running(test, column)
        if number not in scenario["lost"]:
            yield lines.result(test, outcome, column)
    if scenario["finished"]:
        yield lines.finish(0)


def judged(lines, files):
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(files):
            lines.write(Path(folder, f"{number}.jsonl"), *content)
        return build(Path(folder), expected=[ExpectedColumn("local", required=True)])


@settings(deadline=None, max_examples=100)
@given(scenario=scenarios())
def test_a_grid_with_a_red_cell_or_an_idle_required_column_is_never_green(lines, scenario):
    report = judged(lines, [list(lines_of(lines, s)) for s in scenario])

    cells = [state for row in range(len(report.grid.keys)) for _, state in report.grid.cells(row)]
    local = report.grid.states["local"]
    if any(state.red for state in cells) or not any(State(cell).executed for cell in local):
        assert report.verdict.judgement is Judgement.FAILURE
        assert report.verdict.exit_code != 0


@settings(deadline=None, max_examples=100)
@given(scenario=scenarios(), data=st.data())
def test_losing_a_result_never_turns_red_into_green(lines, scenario, data):
    files = [list(lines_of(lines, s)) for s in scenario]
    before = judged(lines, files)
    places = [
        (f, n)
        for f, content in enumerate(files)
        for n, line in enumerate(content)
        if line["kind"] == "result"
    ]
    if not places or before.verdict.exit_code == 0:
        return
    file, number = data.draw(st.sampled_from(places))
    del files[file][number]

    after = judged(lines, files)

    assert after.verdict.judgement is Judgement.FAILURE


@settings(deadline=None, max_examples=100)
@given(scenario=scenarios(), data=st.data())
def test_one_more_failure_never_turns_red_into_green(lines, scenario, data):
    files = [list(lines_of(lines, s)) for s in scenario]
    before = judged(lines, files)
    file = data.draw(st.integers(0, len(files) - 1))
    place = data.draw(st.integers(1, len(files[file])))
    failure = lines.result(
        data.draw(st.sampled_from("abcd")),
        "failed",
        data.draw(st.sampled_from(["local", "k8s", ""])),
    )
    files[file].insert(place, failure)

    after = judged(lines, files)

    if before.verdict.exit_code:
        assert after.verdict.judgement is Judgement.FAILURE
    if file == len(files) - 1:  # nothing later can have made it good
        assert after.verdict.judgement is Judgement.FAILURE


@settings(deadline=None, max_examples=100)
@given(scenario=scenarios(), data=st.data())
def test_a_session_cut_at_any_byte_is_never_greener_than_whole(lines, scenario, data):
    """Cutting the newest session anywhere before its last line makes everything red."""
    files = [list(lines_of(lines, s)) for s in scenario]
    raw = "".join(json.dumps(line) + "\n" for line in files[-1])
    end = data.draw(st.integers(0, len(raw) - 2))

    report = judged(lines, [*files[:-1], [raw[:end]]])

    assert report.verdict.judgement is Judgement.FAILURE
