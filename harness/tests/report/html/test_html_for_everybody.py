"""The page on any screen, for any reader, and with anything that tests may have printed."""

from __future__ import annotations

import re

import pytest
from html_page import DESKTOP, PHONE, VISIBLE_ROWS, names, show_grid, until
from html_sample import KEYS, realistic
from pytest_metaflow_backends.report.html_text import fragment


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
