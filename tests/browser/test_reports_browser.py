"""Every page in a real Chromium: quiet, self-contained, accessible, usable by keyboard, narrow and wide, on paper."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.referee, pytest.mark.slow]

REPORTS = ("summary-nl", "summary-en", "plan-nl", "plan-en", "progress-nl")
AGREEMENTS = ("agreement-huisartsen", "agreement-welzijn")
SITE = ("site-index", "site-snelstart", "site-security", "site-quickstart")
# How many pages of A4 each may take in print; a page more or less is a change that a person looks at.
PRINTED = {
    "summary-nl": range(5, 9),
    "summary-en": range(5, 9),
    "plan-nl": range(4, 9),
    "plan-en": range(4, 9),
    "progress-nl": range(1, 4),
    "agreement-huisartsen": range(8, 20),
    "agreement-welzijn": range(6, 16),
}
_A4_IN_PIXELS = 665  # 176 mm between the margins, at 96 to the inch


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(name: str, browser: Any, documents: dict[str, Path]) -> Iterator[Any]:
    opened = browser.new_page()
    opened.said: list[str] = []
    opened.asked: list[str] = []
    opened.on("console", lambda message: opened.said.append(message.text))
    opened.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.on("request", lambda asked: opened.asked.append(asked.url))
    opened.goto(documents[name].as_uri())
    yield opened
    opened.close()


every_page = pytest.mark.parametrize("name", [*REPORTS, *AGREEMENTS, *SITE], indirect=True)
printed_pages = pytest.mark.parametrize("name", [*REPORTS, *AGREEMENTS], indirect=True)


@every_page
def test_a_page_keeps_to_wcag_as_axe_reads_it(page: Any, axe: str) -> None:
    page.evaluate(axe)
    found = page.evaluate(
        """async () => {
          const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
          const result = await axe.run(document, { runOnly: { type: 'tag', values: tags } });
          return result.violations.map(v => [v.id, v.nodes.map(n => n.target.join(' ')).slice(0, 3)]) }"""
    )
    assert found == []


@every_page
def test_a_page_says_nothing_and_asks_the_network_for_nothing(page: Any) -> None:
    assert page.said == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize("width", [320, 390, 800, 1400])
@every_page
def test_a_page_fits_narrow_and_wide_screens(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@every_page
def test_the_first_tab_stops_at_the_skip_link_and_it_leads_to_the_content(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


@every_page
def test_the_keyboard_goes_through_the_page_in_its_order_and_shows_where_it_is(page: Any) -> None:
    stops = page.evaluate("document.querySelectorAll('a[href], [tabindex=\"0\"]').length")
    places = []
    for _ in range(min(stops, 25)):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
              const all = [...document.querySelectorAll('a[href], [tabindex="0"]')];
              return [all.indexOf(e), s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0] }"""
        )
        assert seen[1], "nothing shows where the keyboard is"
        places.append(seen[0])
    assert places == sorted(places)
    assert places[0] == 0
    assert len(set(places)) == len(places)


@pytest.mark.parametrize(
    ("name", "count"), [("summary-nl", 5), ("summary-en", 5), ("plan-nl", 4), ("plan-en", 4)], indirect=["name"]
)
def test_every_picture_is_loaded_and_has_an_alternative_text(page: Any, count: int) -> None:
    pictures = page.evaluate("[...document.images].map(i => [i.complete && i.naturalWidth > 0, i.alt.length])")
    assert len(pictures) == count
    assert all(loaded and length > 40 for loaded, length in pictures)


@every_page
def test_headings_descend_one_step_at_a_time(page: Any) -> None:
    levels = page.evaluate("[...document.querySelectorAll('main :is(h1,h2,h3,h4)')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("name", [*REPORTS, *AGREEMENTS], indirect=True)
def test_every_table_names_its_columns_and_its_rows_and_scrolls_by_keyboard(page: Any) -> None:
    tables = page.evaluate(
        """[...document.querySelectorAll('table')].map(t => [
          t.querySelectorAll('thead th').length > 0,
          [...t.querySelectorAll('tbody tr')].every(r => r.firstElementChild.tagName === 'TH'),
          t.closest('[tabindex="0"][role=group][aria-label]') !== null])"""
    )
    assert tables
    assert all(all(one) for one in tables)


@every_page
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


@printed_pages
def test_a_page_prints_on_as_many_sheets_as_expected_and_none_is_empty(page: Any, name: str, tmp_path: Path) -> None:
    made = page.pdf(prefer_css_page_size=True)
    sheets = len(re.findall(rb"/Type\s*/Page\b(?!s)", made))
    assert sheets in PRINTED[name]
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not here")
    (tmp_path / "page.pdf").write_bytes(made)
    done = subprocess.run(
        ["pdftotext", "-layout", str(tmp_path / "page.pdf"), "-"], capture_output=True, text=True, check=True
    )
    filled = [len(sheet.split()) for sheet in done.stdout.split("\f")[:sheets]]
    assert min(filled) > 10, filled


@printed_pages
def test_nothing_is_cut_off_on_paper(page: Any) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size({"width": _A4_IN_PIXELS, "height": 900})
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.scroll, pre, img, main')]
          .filter(e => e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > innerWidth + 1)
          .map(e => e.tagName + ' ' + e.textContent.trim().slice(0, 40))"""
    )
    assert cut == []


@printed_pages
def test_a_short_table_stays_on_one_sheet_and_a_long_one_repeats_its_head(page: Any) -> None:
    page.emulate_media(media="print")
    found = page.evaluate(
        """[...document.querySelectorAll('table')].map(t => [t.rows.length,
          getComputedStyle(t).breakInside, getComputedStyle(t.tHead).display])"""
    )
    for rows, inside, head in found:
        assert head == "table-header-group"
        if rows <= 12:
            assert inside == "avoid"
