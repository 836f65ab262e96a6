"""Where the data folders schemas/ and agreements/ are, in a wheel and in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def _top() -> Path:
    here = Path(__file__).resolve().parent
    packaged = here / "_shipped"
    return packaged if packaged.is_dir() else here.parent.parent


def schemas(*parts: str) -> Path:
    """Return a path under schemas/."""
    return _top().joinpath("schemas", *parts)


def agreements(*parts: str) -> Path:
    """Return a path under agreements/."""
    return _top().joinpath("agreements", *parts)
