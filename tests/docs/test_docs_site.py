"""The static site: links and anchors lead somewhere, pages say their language and ask nothing of a network."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent


class Page(HTMLParser):
    """What a test needs to know of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.outside: list[str] = []
        self.language = ""
        self.current = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.ids += [one] if (one := values.get("id")) else []
        self.links += [one] if tag == "a" and (one := values.get("href")) else []
        self.outside += [one for name in ("src", "href") if tag != "a" and (one := values.get(name)) and ":" in one]
        self.current += "aria-current" in values
        if tag == "html":
            self.language = values.get("lang") or ""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    pytest.importorskip("pypandoc", reason="pandoc is not here")
    folder = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, str(REPOSITORY / "docs" / "site" / "build.py"), str(folder)], check=True)
    return {one.resolve(): Page(one.read_text(encoding="utf-8")) for one in folder.rglob("*.html")}


def test_every_document_is_a_page(site: dict[Path, Page]) -> None:
    assert len(site) == len([*REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("*.md")])


def test_every_link_and_anchor_leads_somewhere(site: dict[Path, Page]) -> None:
    broken = []
    for place, page in site.items():
        for link in page.links:
            if link.startswith(("https:", "mailto:")):
                continue
            path, _, anchor = link.partition("#")
            target = (place.parent / unquote(path)).resolve() if path else place
            if target not in site or (anchor and unquote(anchor) not in site[target].ids):
                broken.append((place.name, link))
    assert broken == []


def test_pages_run_nothing_and_fetch_nothing(site: dict[Path, Page]) -> None:
    assert [place.name for place, page in site.items() if "script" in page.tags or page.outside] == []


def test_pages_say_their_language(site: dict[Path, Page]) -> None:
    said = {place.name: page.language for place, page in site.items()}
    assert said["snelstart.html"] == said["privacy.html"] == said["partners.html"] == "nl"
    assert said["quickstart.html"] == said["index.html"] == "en"
    assert set(said.values()) == {"nl", "en"}


def test_pages_say_where_one_is_and_have_one_title(site: dict[Path, Page]) -> None:
    for place, page in site.items():
        assert page.tags.count("h1") == 1, place.name
        assert page.tags.count("nav") == page.tags.count("main") == 1
        assert page.current == 1, place.name
