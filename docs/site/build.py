"""Make a static site of the documents: `python docs/site/build.py [FOLDER]`, build/site when none is named.

Pandoc reads and writes; in between, links to documents become links to pages, and links to other files become text.
No JavaScript, one stylesheet, nothing from a network.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
INDEX = "docs/README.md"
WORDS = {
    "nl": {"skip": "Naar de inhoud", "pages": "Alle bladzijden", "table": "tabel", "code": "voorbeeld"},
    "en": {"skip": "Skip to the content", "pages": "All pages", "table": "table", "code": "example"},
}


def pages() -> dict[str, str]:
    """Return for each document, by its path in the repository, the path of its page in the site."""
    documents = sorted([*REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("*.md")])
    named = [one.relative_to(REPOSITORY).as_posix() for one in documents]
    return {name: _page(name) for name in named}


def build(to: Path) -> list[Path]:
    """Write every page and the stylesheet, and return the pages."""
    placed = pages()
    texts = {name: (REPOSITORY / name).read_text(encoding="utf-8") for name in placed}
    titles = {name: _title(text) for name, text in texts.items()}
    order = [INDEX, *_linked(texts[INDEX], placed)]
    shutil.rmtree(to, ignore_errors=True)
    written = []
    for name, text in texts.items():
        target = to / placed[name]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_rendered(name, text, placed, titles, order), encoding="utf-8")
        written.append(target)
    shutil.copy(HERE / "site.css", to / "site.css")
    return written


def _page(name: str) -> str:
    if name == INDEX:
        return "index.html"
    inside = name.removeprefix("docs/") if name.startswith("docs/") else f"project/{name}"
    return re.sub(r"\.md$", ".html", inside)


def _title(text: str) -> str:
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return re.sub(r"[`*_]", "", found.group(1)) if found else ""


def _language(text: str) -> str:
    found = re.match(r"<!-- lang: (nl|en) -->", text)
    return found.group(1) if found else "en"


def _linked(text: str, placed: Mapping[str, str]) -> list[str]:
    """Return the documents that the index names, in its order."""
    named = [normpath(f"docs/{target}") for target in re.findall(r"\]\(([^)#\s]+)\)", text)]
    return [name for name in dict.fromkeys(named) if name in placed and name != INDEX]


def _rendered(name: str, text: str, placed: Mapping[str, str], titles: Mapping[str, str], order: list[str]) -> str:
    """Return one page."""
    language = _language(text)
    words = WORDS[language]
    tree = json.loads(_pandoc(text, "gfm", "json"))
    tree["blocks"] = [_changed(block, name, placed, words) for block in tree["blocks"]]
    body = _pandoc(json.dumps(tree), "json", "html5")
    # Code that is wider than the page scrolls, also for who has no mouse.
    body = re.sub(r"<pre( class=[^>]*)?>", rf'<pre\1 tabindex="0" role="group" aria-label="{words["code"]}">', body)
    page = (HERE / "page.html").read_text(encoding="utf-8")
    root = relpath(".", str(PurePosixPath(placed[name]).parent))
    values = {
        "lang": language,
        "pagetitle": html.escape(titles[name]),
        "root": "" if root == "." else f"{root}/",
        "skip": words["skip"],
        "navigation": _navigation(name, placed, titles, order, words["pages"]),
        "body": body,
    }
    # One pass, so that what a document says is never taken for a place to fill.
    return re.sub(r"\$([a-z]+)\$", lambda found: values[found.group(1)], page)


def _pandoc(text: str, reader: str, writer: str) -> str:
    import pypandoc

    command = [pypandoc.get_pandoc_path(), "-f", reader, "-t", writer, "--wrap=none", "--syntax-highlighting=none"]
    done = subprocess.run(command, input=text, capture_output=True, check=True, encoding="utf-8")  # noqa: S603 - our own pandoc
    return done.stdout


def _changed(node: Any, name: str, placed: Mapping[str, str], words: Mapping[str, str]) -> Any:
    """Return a piece of a document with its links led to pages and its tables made to scroll by themselves."""
    if isinstance(node, list):
        return [_changed(one, name, placed, words) for one in node]
    if not isinstance(node, dict):
        return node
    node = {key: _changed(value, name, placed, words) for key, value in node.items()}
    if node.get("t") == "Link":
        return _led(node, name, placed)
    if node.get("t") == "Table":
        attributes = [["role", "group"], ["aria-label", words["table"]], ["tabindex", "0"]]
        return {"t": "Div", "c": [["", ["scroll"], attributes], [node]]}
    return node


def _led(link: dict[str, Any], name: str, placed: Mapping[str, str]) -> dict[str, Any]:
    inside, (target, title) = link["c"][1], link["c"][2]
    if re.match(r"[a-z]+:", target) or target.startswith("#"):
        return link
    path, hash_, anchor = target.partition("#")
    document = normpath(str(PurePosixPath(name).parent / path))
    document = INDEX if document == "docs/decisions" else document
    if document not in placed:
        return {"t": "Span", "c": [["", [], []], inside]}
    page = relpath(placed[document], str(PurePosixPath(placed[name]).parent))
    return {"t": "Link", "c": [link["c"][0], inside, [f"{page}{hash_}{anchor}", title]]}


def _navigation(name: str, placed: Mapping[str, str], titles: Mapping[str, str], order: list[str], label: str) -> str:
    here = str(PurePosixPath(placed[name]).parent)
    items = []
    for one in order:
        current = ' aria-current="page"' if one == name else ""
        language = _language((REPOSITORY / one).read_text(encoding="utf-8"))
        said = f' lang="{language}"'
        href = relpath(placed[one], here)
        items.append(f'<li><a href="{href}"{said}{current}>{html.escape(titles[one])}</a></li>')
    return f'<nav aria-label="{label}">\n<ul>\n' + "\n".join(items) + "\n</ul>\n</nav>"


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "build" / "site")
