"""Every link in the documents leads somewhere, and every document is found from the index."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
# Names of where the work is done stand in no document; they are spelled in parts so that this file holds none.
_WORKPLACE = re.compile(r"(?:/tmp/|/work/|/home/|/Users/|C:\\\\)\w")


def prose(text: str) -> str:
    without = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]+`", "code", without)


def anchors(text: str) -> set[str]:
    """Return the anchors that a forge gives to the headings."""
    found: set[str] = set()
    blocks = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    for heading in re.findall(r"^#{1,6} (.+)$", blocks, re.MULTILINE):
        words = re.sub(r"[`*_]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = 0
        while f"{name}-{number}" in found if number else name in found:
            number += 1
        found.add(f"{name}-{number}" if number else name)
    return found


def links(documents: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return document, path in the repository and anchor of every link to a file of ours."""
    found = []
    for name, text in documents.items():
        for target in _LINK.findall(prose(text)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            full = normpath(str(PurePosixPath(name).parent / path)) if path else name
            found.append((name, full, anchor))
    return found


def test_every_link_leads_to_a_file_that_is_there(documents: dict[str, str], repository: Path) -> None:
    broken = [(name, path) for name, path, _ in links(documents) if not (repository / path).exists()]
    assert broken == []


def test_every_anchor_is_a_heading(documents: dict[str, str]) -> None:
    broken = [
        (name, path, anchor)
        for name, path, anchor in links(documents)
        if anchor and anchor not in anchors(documents.get(path, ""))
    ]
    assert broken == []


def test_the_index_names_every_document(documents: dict[str, str]) -> None:
    linked = {path for name, path, _ in links(documents) if name == "docs/README.md"}
    assert {name for name in documents if name.startswith("docs/")} - {"docs/README.md"} <= linked


def test_the_readme_leads_to_the_index(documents: dict[str, str]) -> None:
    assert "docs/README.md" in {path for name, path, _ in links(documents) if name == "README.md"}


def test_no_document_names_a_path_of_somebodys_machine(documents: dict[str, str]) -> None:
    assert [name for name, text in documents.items() if _WORKPLACE.search(text)] == []
