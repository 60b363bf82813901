"""The page in a real browser, opened from a file, without a network."""

from __future__ import annotations

import re
import shutil
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from html_sample import KEYS, attempt, detail_of, empty_grid, large, put, realistic, report_of
from pytest_metaflow_backends.report.html import render
from pytest_metaflow_backends.report.html_text import fragment

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 760}
VISIBLE_ROWS = "#grid .row"
HOSTILE = (
    "</script><img src=x onerror=alert(1)><svg onload=alert(2)><iframe src=//evil.example>"
    "<script>alert(3)</script>\x1b[31m\x00\ud800\u202e\u2066 \u05d0 javascript:alert(4)"
)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if not program:
        pytest.fail("chromium is not on PATH: apt-get install chromium", pytrace=False)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=program,
            headless=True,
            args=ARGUMENTS,
            viewport=DESKTOP,
            permissions=["clipboard-read", "clipboard-write"],
        )
        yield context
        context.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The three pages, written once."""
    folder = tmp_path_factory.mktemp("site")
    for name, report in (
        ("real", realistic()),
        ("large", large(20_000)),
        ("hostile", hostile()),
    ):
        with (folder / f"{name}.html").open("w", encoding="utf-8") as out:
            render(report, out)
    return folder


@pytest.fixture
def visit(chromium, site):
    """Open a page; at the end no request, dialog, console message or error was seen."""
    seen, pages = [], []

    def go(name="real", hash_="", viewport=None, scheme="light"):
        page = chromium.new_page()
        pages.append(page)
        page.set_viewport_size(viewport or DESKTOP)
        page.emulate_media(color_scheme=scheme)
        address = f"{(site / name).as_uri()}.html"
        page.on("request", lambda r: seen.append(r.url) if unexpected(r.url, address) else None)
        page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda message: seen.append(message.text))
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.goto(address + hash_)
        page.wait_for_selector(VISIBLE_ROWS)
        return page

    go.seen = seen
    yield go
    for page in pages:
        page.evaluate("localStorage.clear()")
        page.close()
    assert seen == []


def unexpected(url, address):
    return url.split("#")[0] != address and not url.startswith("data:image/svg+xml")


def hostile():
    key = f"tests/test_x.py::test_{HOSTILE}"
    grid = empty_grid((HOSTILE, "k8s"), [key, "tests/test_y.py::test_clean"])
    attempts = (attempt(1, message=HOSTILE, details=HOSTILE),)
    put(grid, detail_of(key, "k8s", attempts=attempts, worker=HOSTILE, owner=HOSTILE))
    return report_of(grid, title=HOSTILE, killed=[HOSTILE], slowest=[(key, "k8s", 1.0)])


def until(page, condition, seconds=10):
    """Wait for a condition, asked from outside: the page's policy lets nothing evaluate text."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"waited in vain for {condition}"
        time.sleep(0.02)


def show_grid(page):
    """Bring the grid into view: only the rows near what a person sees are drawn."""
    page.locator("#grid").scroll_into_view_if_needed()


def names(page):
    return page.locator("#grid .row .name").all_inner_texts()


def address(page):
    return {k: v[0] for k, v in parse_qs(urlsplit(page.url).fragment).items()}


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


def test_the_theme_follows_the_system_until_it_is_chosen(visit):
    def background():
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    page = visit(scheme="dark")
    dark = background()
    page.click("#theme")
    light = background()
    page.reload()
    page.wait_for_selector(VISIBLE_ROWS)

    assert dark != light
    assert background() == light
    assert page.locator("#theme").get_attribute("aria-label") == "Switch to the dark theme"


@pytest.mark.parametrize("name", ["real", "large", "hostile"])
@pytest.mark.parametrize("width", [320, 360, 800, 1280])
def test_the_page_never_scrolls_sideways(visit, name, width):
    page = visit(name, viewport={"width": width, "height": 760})
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    page.locator("#grid .row .name").first.click()
    page.wait_for_selector(".panel")

    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_on_a_phone_a_row_is_a_card_with_all_its_columns(visit):
    page = visit(viewport=PHONE)
    row = page.locator(VISIBLE_ROWS).first

    cells = row.locator(".cell").all_inner_texts()

    assert page.locator("#grid").get_attribute("data-mode") == "cards"
    assert cells == list(realistic().grid.columns)
    outer = row.bounding_box()
    for cell in row.locator(".cell").all():
        box = cell.bounding_box()
        assert box["x"] + box["width"] <= outer["x"] + outer["width"]
        assert box["y"] + box["height"] <= outer["y"] + outer["height"]


def test_only_what_is_in_sight_is_in_the_document(visit):
    """20,000 rows: the number of nodes stays small wherever one scrolls, and rows are where
    they belong."""
    page = visit("large")
    counts = []
    for share in (0.1, 0.5, 0.9, 1):
        page.evaluate(
            """(share) => {
                const body = document.querySelector(".grid-body").getBoundingClientRect();
                scrollTo(0, scrollY + body.top + body.height * share - 450);
            }""",
            share,
        )
        until(
            page,
            """() => [...document.querySelectorAll("#grid .row")].some((row) => {
                const box = row.getBoundingClientRect();
                return box.top < 450 && box.bottom > 380;
            })""",
        )
        counts.append(page.evaluate("document.querySelectorAll('#grid *').length"))

    assert max(counts) < 3_000
    assert names(page)[-1] == "test_case_19999"
    assert page.locator("#grid").get_attribute("aria-rowcount") == "20001"


def test_the_grid_is_used_with_the_keyboard_alone(visit):
    page = visit("large")

    def active():
        return page.evaluate(
            """() => [document.activeElement.closest(".row")?.dataset.index,
                      document.activeElement.getAttribute("aria-label") ??
                      document.activeElement.textContent]"""
        )

    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.locator("#grid [tabindex='0']").focus()
    assert active() == ["1", "test_case_0"]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert active()[1].startswith("local: passed")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert active() == ["1", "test_case_0"]
    page.keyboard.press("End")
    assert active()[1] == "test_case_19999"
    page.keyboard.press("Enter")
    assert page.locator(".panel-key").inner_text().endswith("::test_case_19999")
    assert active()[1] == "test_case_19999"
    page.keyboard.press("PageUp")
    assert re.fullmatch(r"test_case_199[78]\d", active()[1])
    page.keyboard.press("Escape")
    assert page.locator(".panel").count() == 0
    assert page.locator("#grid [tabindex='0']").count() == 1
    box = page.evaluate(
        "(({top, bottom}) => [top, bottom])(document.activeElement.getBoundingClientRect())"
    )
    assert 56 <= box[0] < box[1] <= DESKTOP["height"]


def test_every_control_has_a_name_and_every_id_is_unique(visit):
    page = visit(hash_=f"#{fragment(KEYS[2])}")
    page.wait_for_selector(".panel")

    nameless = page.evaluate(
        """() => [...document.querySelectorAll(
              "button, a, input, select, summary, [role]:not([role=status])")]
            .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() ||
                             e.getAttribute("aria-labelledby") || e.closest("label")?.textContent))
            .map((e) => e.outerHTML.slice(0, 120))"""
    )
    doubled = page.evaluate(
        """() => { const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
                   return ids.filter((id, place) => ids.indexOf(id) !== place); }"""
    )

    assert nameless == []
    assert doubled == []


CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const over = (color, below) => {
    canvas.fillStyle = `rgb(${below})`; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const ground = (element) => element
    ? over(getComputedStyle(element).backgroundColor, ground(element.parentElement))
    : [255, 255, 255];
  const light = (color) => {
    const [r, g, b] = color.map((c) => c / 255)
      .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const low = [];
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest(":disabled, option, .vh, .skip, script, noscript")) continue;
    const below = ground(element);
    const style = getComputedStyle(element);
    const pair = [light(over(style.color, below)), light(below)].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    const size = parseFloat(style.fontSize);
    const big = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    seen++;
    if (ratio < (big ? 3 : 4.5)) low.push([ratio.toFixed(2), element.className, style.color]);
  }
  return [seen, low];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_all_text_has_the_contrast_of_wcag_aa(visit, scheme, viewport):
    page = visit(hash_=f"#{fragment(KEYS[2])}", scheme=scheme, viewport=viewport)
    page.wait_for_selector(".panel")
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")

    seen, low = page.evaluate(CONTRAST)

    assert seen > 500
    assert low == []


def test_outcomes_are_told_apart_without_colour(visit):
    """Every cell has a sign and a word, and says its outcome to a screen reader."""
    page = visit()
    show_grid(page)
    until(page, "document.querySelectorAll('#grid .row .cell').length > 100")
    cells = page.locator("#grid .row .cell").evaluate_all(
        """(cells) => cells.map((cell) => [cell.className.match(/s-(\\w+)/)[1],
             cell.querySelector("use")?.getAttribute("href"), cell.textContent, cell.ariaLabel])"""
    )

    assert len(cells) > 100
    for state, sign, text, spoken in cells:
        if state != "absent":
            assert sign == f"#i-{state}"
            assert text
            assert state.replace("_", " ") in spoken


def test_copying_the_reproduce_line_fills_the_clipboard(visit):
    page = visit()
    button = page.locator("[data-copy]").first

    button.click()
    until(page, "document.querySelector('[data-copy]').textContent === 'Copied'")

    expected = (
        "pytest --metaflow-backend=k8s/kind 'conformance/test_graph.py::test_foreach[k8s/kind]'"
    )
    assert page.evaluate("navigator.clipboard.readText()") == expected


def test_a_hostile_page_runs_nothing_fetches_nothing_and_builds_no_element(visit):
    """`visit` has counted dialogs, requests and errors; the elements are counted here."""
    page = visit("hostile", hash_="#outcome=failed")

    page.locator("#grid .row .name").first.click()
    page.wait_for_selector(".panel .failure")
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    page.wait_for_timeout(200)

    assert (
        page.locator("img, iframe, object, embed, svg[onload], body script:not([type])").count()
        == 0
    )
    assert page.locator("script").count() == 2  # the data is gone once it is read
    assert "<img src=x onerror=alert(1)>" in page.locator(".panel-key").inner_text()
    hrefs = page.locator("a").evaluate_all("(links) => links.map((a) => a.getAttribute('href')[0])")
    assert set(hrefs) == {"#"}
    assert not re.search("[\x00\x1b\u202a-\u202e\u2066-\u2069]", page.inner_text("body"))


def test_markup_of_an_attacker_would_be_refused_by_the_policy(visit):
    """Should a text become markup all the same, the browser still runs and fetches nothing."""
    page = visit()

    refused = page.evaluate(
        """() => { try { document.body.innerHTML = "<b>x</b>"; return false; }
                   catch (error) { return error instanceof TypeError; } }"""
    )
    ran = page.evaluate(
        """() => { const s = document.createElement("script"); window.ran = 0;
                   try { s.textContent = "window.ran = 1"; } catch {}
                   document.body.append(s); return window.ran; }"""
    )

    assert refused is True
    assert ran == 0
    assert all("requires 'Trusted" in said or "Security Policy" in said for said in visit.seen)
    visit.seen.clear()  # the browser says what it refused


def test_without_javascript_verdict_and_failures_can_be_read(chromium, site):
    browser = chromium.browser
    context = browser.new_context(java_script_enabled=False) if browser else None
    page = context.new_page() if context else chromium.new_page()

    page.goto((site / "real.html").as_uri())

    text = page.inner_text("body")
    assert "4 of 8 columns are red" in text
    assert "ImagePullBackOff" in text
    assert "needs JavaScript" in text
    assert not page.locator(".filters").is_visible()


def test_a_small_grid_is_printed_whole(visit):
    page = visit()

    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert page.locator(VISIBLE_ROWS).count() == len(KEYS)
    assert not page.locator(".top").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(VISIBLE_ROWS).count() < len(KEYS)
