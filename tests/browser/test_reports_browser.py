"""The HTML pages in a real Chromium: quiet, self-contained, usable by keyboard, narrow and wide, on paper."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from exchange.reports import pages

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not here")
pytestmark = [pytest.mark.referee, pytest.mark.slow]


@pytest.fixture(scope="module")
def documents(invented_facts: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    made = {name: folder / f"{name}.html" for name in ("summary", "plan")}
    pages.summary(invented_facts.make_summary(), "nl", made["summary"])
    pages.plan(invented_facts.make_plan(), "nl", "draft", made["plan"])
    return made


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with playwright_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(params=["summary", "plan"])
def page(request: pytest.FixtureRequest, browser: Any, documents: dict[str, Path]) -> Iterator[Any]:
    opened = browser.new_page()
    opened.said: list[str] = []
    opened.asked: list[str] = []
    opened.on("console", lambda message: opened.said.append(message.text))
    opened.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.on("request", lambda asked: opened.asked.append(asked.url))
    opened.goto(documents[request.param].as_uri())
    yield opened
    opened.close()


def test_a_page_says_nothing_and_asks_the_network_for_nothing(page: Any) -> None:
    assert page.said == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize("width", [320, 390, 800, 1400])
def test_a_page_fits_narrow_and_wide_screens(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_first_tab_stops_at_the_skip_link_and_it_leads_to_the_content(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_every_picture_is_loaded_and_has_an_alternative_text(page: Any) -> None:
    pictures = page.evaluate("[...document.images].map(i => [i.complete && i.naturalWidth > 0, i.alt.length])")
    assert len(pictures) == 4
    assert all(loaded and length > 40 for loaded, length in pictures)


def test_headings_descend_one_step_at_a_time(page: Any) -> None:
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_table_names_its_columns_and_its_rows_and_scrolls_by_keyboard(page: Any) -> None:
    tables = page.evaluate(
        """[...document.querySelectorAll('table')].map(t => [
          t.querySelectorAll('thead th').length > 0,
          [...t.querySelectorAll('tbody tr')].every(r => r.firstElementChild.tagName === 'TH'),
          t.closest('[tabindex="0"][role=region][aria-label]') !== null])"""
    )
    assert tables
    assert all(all(one) for one in tables)


def test_text_stands_out_from_its_ground(page: Any) -> None:
    # WCAG 2.2, 1.4.3: at least 4.5 to 1 for every piece of text.
    worst = page.evaluate(
        """() => {
          const part = x => x / 255 <= .03928 ? x / 255 / 12.92 : ((x / 255 + .055) / 1.055) ** 2.4;
          const light = c => { const v = c.map(part);
            return .2126 * v[0] + .7152 * v[1] + .0722 * v[2] };
          const rgb = s => s.match(/[\\d.]+/g).map(Number);
          let least = 99;
          for (const e of document.querySelectorAll('p, li, th, td, h1, h2, h3, a, mark')) {
            let ground = e, colour = [255, 255, 255];
            while (ground) { const b = rgb(getComputedStyle(ground).backgroundColor);
              if (b.length < 4 || b[3] > 0) { colour = b; break } ground = ground.parentElement }
            const a = light(rgb(getComputedStyle(e).color)), b = light(colour);
            least = Math.min(least, (Math.max(a, b) + .05) / (Math.min(a, b) + .05));
          }
          return least }"""
    )
    assert worst >= 4.5


def test_a_page_prints(page: Any) -> None:
    assert page.pdf(format="A4").startswith(b"%PDF")
