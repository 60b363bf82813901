"""The page as text: one file, inert whatever is in it, within its budget, complete."""

from __future__ import annotations

import io
import json
import re
import struct
import tracemalloc
from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from html_sample import (
    COLUMNS,
    KEYS,
    attempt,
    detail_of,
    empty_grid,
    group_of,
    large,
    put,
    realistic,
    report_of,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_metaflow_backends.records import BackendEvent, RunRef, Session, TaskRef
from pytest_metaflow_backends.report import html_failures, html_text
from pytest_metaflow_backends.report.html import render
from pytest_metaflow_backends.report.model import Difference, Report, State

VOID = {"meta", "link", "input", "br"}
HOSTILE = {
    "script end": "</script><script>alert(1)</script>",
    "style end": "</style><img src=x onerror=alert(1)>",
    "attribute end": '" onmouseover="alert(1)" x=\'',
    "comment": "<!-- <script> -->",
    "entity": "&lt;script&gt;&#x3c;",
    "template": "{{ 7*7 }}{% include '/etc/passwd' %}",
    "ansi": "\x1b[31mred\x1b[0m\x1b]8;;http://evil.example\x07link\x1b]8;;\x07\x9b1m",
    "controls": "nul\x00bell\x07back\x08\x7f\x85",
    "surrogates": "lone \ud800 and \udfff",
    "noncharacters": "\ufffe\uffff\u2028\u2029",
    "right to left": "\u202egnp.exe\u2066\u05d0\u05d1",
    "url": "javascript:alert(1)",
    "data url": "data:text/html,<script>alert(1)</script>",
}


class Structure(HTMLParser):
    """What a browser would build: the elements with the names of their attributes."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements = []  # (tag, attributes)
        self.texts = []
        self.contents = {"script": [], "style": []}
        self._open = []
        self.feed(html)
        self.close()
        assert self._open == [], "elements left open"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in self.contents:
            self.contents[tag].append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        inside = self._open[-1] if self._open else ""
        if inside in self.contents:
            self.contents[inside][-1] += data
        else:
            self.texts.append(data)

    @property
    def shape(self):
        return [(tag, *sorted(attrs)) for tag, attrs in self.elements if tag != "b"]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def page_of(report, **more):
    out = io.StringIO()
    render(report, out, **more)
    return out.getvalue()


def data_of(html):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    return json.loads(found[1])


def report_with(text: str) -> Report:
    """Put a text in every place that comes from outside."""
    key = f"tests/test_x.py::test_{text}"
    column = f"k8s/{text}"
    grid = empty_grid(("local", column), [key, "tests/test_y.py::test_clean"])
    task = TaskRef(f"F/1/{text}", 1, text, {f"pod {text}": f"v {text}"}, f"o {text}", f"e {text}")
    detail = put(
        grid,
        detail_of(
            key,
            column,
            attempts=(attempt(1, message=f"m {text}", details=f"E {text}"),),
            runs=(RunRef(f"F/{text}", f"s {text}", 1.0, (task,)),),
            worker=f"w {text}",
            owner=f"o {text}",
            skip_reason=f"r {text}",
        ),
    )
    return report_of(
        grid,
        groups=[group_of(f"t {text}", [detail])],
        differences=[Difference(key, f"n {text}", f"f {text}", {column: f"v {text}"}, key)],
        not_run=[detail],
        flaky=[detail],
        slowest=[(key, column, 2.0)],
        disagreements=[0],
        killed=[f"k {text}"],
        damage=[f"d {text}"],
        title=f"T {text}",
        sessions=[
            Session(
                f"i {text}",
                1.0,
                (f"c {text}",),
                python=f"p {text}",
                ci={f"n {text}": text or "x"},
                args=(f"a {text}",),
                extensions={f"e {text}": f"v {text}"},
            )
        ],
        events=[BackendEvent("k8s", f"s {text}", None, f"r {text}", f"c {text}", logs=text or "x")],
    )


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_adds_no_element_and_no_attribute(text):
    """Wherever a text from outside stands, the page is built of the same elements."""
    harmless = Structure(page_of(report_with("harmless")))

    hostile = Structure(page_of(report_with(text)))

    assert harmless.shape == hostile.shape


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(st.characters(codec=None), min_size=1, max_size=40))
def test_any_text_leaves_the_page_valid(text):
    """Random texts, lone surrogates included: same elements, valid UTF-8, no control characters."""
    html = page_of(report_with(text))

    assert Structure(page_of(report_with("x"))).shape == Structure(html).shape
    assert html.encode("utf-8").decode("utf-8") == html
    assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html) is None


def test_addresses_are_links_only_if_they_are_web_addresses():
    links = [
        attrs["href"]
        for text in (*HOSTILE.values(), "https://ci.example/runs/1?a=1&b=2", "//evil.example/x")
        for tag, attrs in Structure(page_of(report_with(text))).elements
        if tag == "a" and not attrs["href"].startswith("#")
    ]

    assert {"https://ci.example/runs/1?a=1&b=2"} == set(links)


def test_the_page_needs_nothing_but_itself():
    """No element fetches anything: no src, no stylesheet, no import, no url() but the data icon."""
    html = page_of(realistic())
    page = Structure(html)

    assert [attrs["href"][:5] for tag, attrs in page.elements if tag == "link"] == ["data:"]
    forbidden = {"src", "srcset", "action", "style", "ping", "background", "poster", "srcdoc"}
    assert {name for _, attrs in page.elements for name in attrs} & forbidden == set()
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert {attrs["href"][0] for tag, attrs in page.elements if tag == "use"} == {"#"}
    assert "url(" not in page.contents["style"][0]
    assert "@import" not in page.contents["style"][0]


def test_the_policy_allows_the_scripts_and_the_style_of_the_page_and_nothing_else():
    page = Structure(page_of(realistic()))
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv"))
    early, data, script = page.contents["script"]
    hashes = {
        name: f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
        for name, text in (
            ("early", early),
            ("script", script),
            ("style", page.contents["style"][0]),
        )
    }

    assert policy.split("; ") == [
        "default-src 'none'",
        f"script-src {hashes['early']} {hashes['script']}",
        f"style-src {hashes['style']}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
    assert json.loads(data)["head"]["total"] == len(KEYS)


@pytest.mark.parametrize(
    "sink", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("]
)
def test_the_scripts_never_make_markup_of_text(sink):
    scripts = Structure(page_of(realistic())).contents["script"]

    assert [sink in script for script in scripts] == [False, False, False]


def test_verdict_and_failures_can_be_read_without_javascript():
    """What a text browser sees, in order, before the grid."""
    text = Structure(page_of(realistic())).text
    wanted = [
        "Failed",
        "4 of 8 columns are red",
        "16 failed",
        "40 not run",
        "395 passed",
        "Python 3.11.7",
        "14 failed by infrastructure: ImagePullBackOff",
        "14 tests, k8s/kind only",
        'ImagePullBackOff: Back-off pulling image "mf-test:dev"',
        "pytest --metaflow-backend=k8s/kind 'conformance/test_graph.py::test_foreach[k8s/kind]'",
        "ForeachFlow/1714/square/3",
        "kubernetes-pod-name t-7f3c9d-x2kq8",
        "Task crashed with ImagePullBackOff",
        "AssertionError: run ForeachFlow/1714 failed",
        "1 test, nomad, nomad/exec",
        "Executed on several columns with different outcomes",
        "steps/join/0/artifacts/total",
        "Planned, but nothing was executed",
        "argo: no controller answered in 120 s",
        "Passed in the end, after more than one attempt",
        "connection refused",
        "1 min 1 s",
        "These tests need a capability the backend does not declare",
        "The grid of all tests and columns needs JavaScript",
        "Life of the backends",
    ]

    places = [text.find(sentence) for sentence in wanted]

    assert -1 not in places, wanted[places.index(-1)]
    assert sorted(places) == places


def test_every_attempt_is_shown_with_its_cause():
    text = Structure(page_of(realistic())).text

    assert re.search(r"1 failed infra call 3\.20 s AssertionError: connection refused", text)
    assert re.search(r"2 passed call 6\.40 s", text)


@settings(max_examples=80, deadline=None)
@given(
    keys=st.lists(st.text(max_size=30), max_size=25, unique=True),
    cells=st.lists(st.sampled_from(State), min_size=50, max_size=50),
    seconds=st.floats(0, 1e6),
)
def test_the_grid_in_the_page_is_the_grid(keys, cells, seconds):
    """Keys, states and durations can be read back exactly, whatever the keys look like."""
    grid = empty_grid(("a", "b"), keys)
    for place, column in enumerate(grid.columns):
        for row in range(len(keys)):
            grid.states[column][row] = cells[place * 25 + row].value
            grid.seconds[column][row] = seconds

    data = data_of(page_of(Report(grid=grid, verdict=realistic().verdict)))

    rows = [f"{file}::{name}" if file else name for file, names in data["keys"] for name in names]
    assert rows == keys
    for place, column in enumerate(grid.columns):
        assert [ord(letter) - 65 for letter in data["states"][place]] == list(grid.states[column])
        packed = struct.pack(f"<{len(keys)}f", *grid.seconds[column])
        assert b64decode(data["seconds"][place]) == packed


def test_a_column_that_never_reached_a_row_is_absent_there():
    grid = empty_grid(("a", "b"), ["t::x", "t::y"])
    grid.states["b"] = bytearray([State.PASSED.value])
    grid.seconds["b"] = grid.seconds["b"][:1]

    data = data_of(page_of(Report(grid=grid, verdict=realistic().verdict)))

    assert data["states"] == ["BB", "BA"]
    assert len(b64decode(data["seconds"][1])) == 8


def test_clean_rows_are_the_first_to_go_and_the_page_says_how_many():
    """In less than half the room every row that is not clean is still there, in order."""
    grid = empty_grid(("a", "b"), [f"tests/test_x.py::test_number_{n}" for n in range(20_000)])
    states = (State.FAILED, State.SKIPPED, State.FLAKY, State.MISSING)
    unclean = {
        row: put(grid, detail_of(grid.keys[row], "b", states[row % 4]))
        for row in range(1, 20_000, 701)
    }
    report = report_of(grid)
    full = page_of(report)

    small = page_of(report, budget=len(full) * 2 // 5)

    rows = data_of(small)["head"]["rows"]
    assert len(small.encode()) <= len(full) * 2 // 5
    assert f"{20_000 - len(rows):,} more in report.json" in Structure(small).text
    assert set(unclean) <= set(rows)
    assert sorted(rows) == rows
    assert data_of(full)["head"]["rows"] is None


def test_a_page_within_its_budget_says_nothing_about_cutting():
    assert "report.json" not in Structure(page_of(report_of(empty_grid(("a",), ["t::x"])))).text


def many_groups(count):
    grid = empty_grid(("local", "k8s"), [f"tests/test_{n}.py::test_x" for n in range(count)])
    details = [
        put(
            grid,
            detail_of(key, "k8s", attempts=(attempt(1, message=f"m{n}", details="y" * 9_000),)),
        )
        for n, key in enumerate(grid.keys)
    ]
    return report_of(grid, groups=[group_of(f"Title{n}!", [d]) for n, d in enumerate(details)])


def test_the_first_500_groups_are_never_cut():
    """Even with no room at all; the groups beyond are counted."""
    text = Structure(page_of(many_groups(620), budget=10_000)).text

    shown = [n for n in range(620) if f"Title{n}!" in text]

    assert shown == list(range(500))
    assert "120 more groups of failures in report.json" in text


@pytest.mark.parametrize(
    ("room", "text", "groups"),
    [
        pytest.param(50_000_000, 60_000, 620, id="room for everything"),
        pytest.param(9_000_000, 6_000, 620, id="short texts"),
        pytest.param(4_500_000, 300, 620, id="shortest texts"),
        pytest.param(10, 300, 500, id="no room at all"),
    ],
)
def test_failures_give_up_length_before_groups(room, text, groups):
    shown = html_failures.fit(many_groups(620).groups, room)

    assert (text, groups) == (shown.depth.text, len(shown.groups))


def test_a_ten_megabyte_text_is_cut_in_the_middle():
    grid = empty_grid(("k8s",), ["tests/test_x.py::test_x"])
    text = "begin" + "x" * 10_000_000 + "the end"
    put(grid, detail_of(grid.keys[0], "k8s", attempts=(attempt(1, message=text, details=text),)))

    html = page_of(report_of(grid))

    assert len(html) < 500_000
    assert "begin" in html
    assert "the end" in html
    assert "cut" in Structure(html).text


def test_drawing_holds_no_second_copy_of_the_grid():
    """20,000 rows by 5 columns make 4 MB of page; what is alive at once stays below that."""
    report = large(20_000)
    page_of(large(10))  # templates and imports are not what is measured

    class Sink(io.StringIO):
        size = 0

        def write(self, text):
            self.size += len(text)
            return len(text)

    sink = Sink()
    tracemalloc.start()
    render(report, sink)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert sink.size > 4_000_000
    assert peak < 4_000_000


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a.py::b", "key=a.py%3A%3Ab"),
        ("a b+c&d=#", "key=a%20b%2Bc%26d%3D%23"),
        ("ü\ud800", "key=%C3%BC%EF%BF%BD"),
    ],
    ids=["plain", "separators", "surrogate"],
)
def test_the_link_to_a_row_is_quoted(key, expected):
    assert expected == html_text.fragment(key)


def test_every_column_and_outcome_can_be_chosen():
    page = Structure(page_of(realistic()))
    values = [a["value"] for t, a in page.elements if t == "option"]

    expected = [
        "", *COLUMNS,
        "", "red", "disagree", "failed", "crashed", "timeout", "not_run", "flaky", "xfailed",
        "skipped", "passed",
        "", "backend", "infra", "test", "timeout",
    ]  # fmt: skip
    assert expected == values


def test_an_empty_report_is_a_page():
    page = Structure(page_of(Report(grid=empty_grid((), ()), verdict=realistic().verdict)))

    assert "All tests 0" in page.text
