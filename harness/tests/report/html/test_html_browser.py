"""The page in a real browser, opened from a file, without a network: filters, links, rows."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from html_page import DESKTOP, VISIBLE_ROWS, address, names, show_grid, until
from html_sample import KEYS
from pytest_metaflow_backends.report.html_text import fragment


def test_a_filter_by_column_outcome_and_cause_narrows_grid_and_failures(visit):
    page = visit()

    page.select_option("#column", "nomad")
    page.select_option("#outcome", "red")
    show_grid(page)
    until(page, "document.querySelectorAll('#grid .row').length === 2")
    both = names(page)
    page.select_option("#cause", "timeout")
    until(page, "document.querySelectorAll('#grid .row').length === 1")

    assert both == ["test_catch_keeps_the_exception", "test_timeout_ends_the_step"]
    assert names(page) == ["test_timeout_ends_the_step"]
    assert address(page) == {"column": "nomad", "outcome": "red", "cause": "timeout"}
    assert page.locator(".group:visible .group-title").all_inner_texts() == [
        "FlowTimeoutError: no end within 600 s"
    ]
    assert page.locator("#status").inner_text() == "1 of 60 tests match."
    assert page.locator("#failures").inner_text() == "Failures 1 of 4"
    assert not page.locator("#flaky").is_visible()


def test_clearing_the_filter_brings_everything_back(visit):
    page = visit(hash_="#outcome=timeout&q=timeout")
    assert names(page) == ["test_timeout_ends_the_step"]

    page.click("#clear")

    show_grid(page)
    until(page, "document.querySelectorAll('#grid .row').length > 10")
    assert urlsplit(page.url).fragment == ""
    assert page.locator(".group:visible").count() == 4
    assert page.input_value("#q") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("foreach_of", ["test_foreach_of_nothing", "test_foreach_of_1000"]),
        ("GRAPH nested", ["test_nested_foreach"]),
        ("out of memory", ["test_hundred_megabytes"]),
        ("no such thing", []),
    ],
    ids=["name", "words in any case", "message", "nothing"],
)
def test_the_search_looks_at_names_files_and_messages(visit, text, expected):
    page = visit()

    page.fill("#q", text)
    until(page, "!document.getElementById('status').hidden")
    show_grid(page)
    until(page, f"document.querySelectorAll('#grid .row').length === {len(expected)}")

    assert names(page) == expected
    assert address(page) == {"q": text}


def test_a_filter_survives_reload(visit):
    page = visit(hash_="#column=k8s%2Fkind&outcome=failed")

    page.reload()
    page.wait_for_selector(VISIBLE_ROWS)

    assert page.input_value("#column") == "k8s/kind"
    assert page.input_value("#outcome") == "failed"
    assert page.locator(".group:visible").count() == 1
    assert page.locator("#status").inner_text() == "14 of 60 tests match."


@pytest.mark.parametrize("place", [3, 59], ids=["near the top", "the last row"])
def test_a_link_to_a_row_opens_it_scrolls_to_it_and_survives_reload(visit, place):
    page = visit(hash_=f"#{fragment(KEYS[place])}")

    for _ in range(2):
        row = page.locator("#grid .row.target")
        row.wait_for()
        until(page, "document.activeElement.closest('.row.target') !== null")
        assert row.get_attribute("aria-expanded") == "true"
        assert row.locator(".name").inner_text() == KEYS[place].partition("::")[2]
        assert page.locator(".panel-key").inner_text() == KEYS[place]
        box = row.bounding_box()
        assert 56 < box["y"] < DESKTOP["height"] - box["height"]
        assert address(page) == {"key": KEYS[place]}
        page.reload()


def test_a_link_into_the_middle_of_20000_rows_finds_its_row(visit):
    key = "tests/area_25/test_module.py::test_case_12700"

    page = visit("large", hash_=f"#{fragment(key)}")

    until(page, "document.activeElement.closest('.row.target') !== null")
    box = page.locator("#grid .row.target").bounding_box()
    assert 56 < box["y"] < DESKTOP["height"]
    assert page.locator(".panel-key").inner_text() == key


def test_an_open_row_shows_the_whole_failure(visit):
    page = visit(hash_=f"#{fragment(KEYS[2])}")

    panel = page.locator(".panel-in")
    panel.wait_for()

    text = panel.inner_text()
    for wanted in (
        "ForeachFlow/1714/square/3",
        "t-7f3c9d-x2kq8",
        "Task crashed with ImagePullBackOff",
        "pytest --metaflow-backend=k8s/kind 'conformance/test_graph.py::test_foreach[k8s/kind]'",
        "no controller answered in 120 s",
    ):
        assert wanted in text


def test_a_key_that_is_not_there_is_said(visit):
    page = visit(hash_="#key=tests%2Fgone.py%3A%3Atest_gone")

    assert page.locator("#status").inner_text() == (
        "No row here for tests/gone.py::test_gone; see report.json."
    )


def test_a_column_card_filters_by_its_column(visit):
    page = visit()

    page.click(".card.column >> text=nomad/exec")

    assert address(page) == {"column": "nomad/exec"}
    assert page.input_value("#column") == "nomad/exec"


def test_the_table_of_contents_keeps_the_filter(visit):
    page = visit(hash_="#cause=infra")

    page.click(".contents >> text=All tests")

    assert address(page) == {"cause": "infra"}
    until(page, "scrollY > 500")
