"""The documents for people, as the tests read them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
# What people read: the documents and the files at the top.
DOCUMENTS = tuple(sorted([*REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("*.md")]))


def prose(text: str) -> str:
    """Return a document without its blocks of code and its inline code."""
    without = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]+`", "", re.sub(r"^    .*$", "", without, flags=re.MULTILINE))


@pytest.fixture(scope="session")
def documents() -> dict[str, str]:
    """Return the text of every document by its path in the repository."""
    return {one.relative_to(REPOSITORY).as_posix(): one.read_text(encoding="utf-8") for one in DOCUMENTS}


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the folder that everything stands in."""
    return REPOSITORY
