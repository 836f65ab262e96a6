"""The DCSPH list: body location and pathology, two digits each, and which combinations are open for use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from exchange import shipped


@dataclass(frozen=True, slots=True)
class Dcsph:
    """The list as shipped: labels in Dutch, and per location the open pathologies with their annex-1 mark."""

    valid_from: str
    locations: Mapping[str, str]
    pathologies: Mapping[str, str]
    open: Mapping[str, Mapping[str, str]]


@cache
def dcsph_codes() -> Dcsph:
    """Return the list of schemas/codes/dcsph.json."""
    listed = json.loads(shipped.schemas("codes", "dcsph.json").read_text(encoding="utf-8"))
    return Dcsph(listed["valid-from"], listed["locations"], listed["pathologies"], listed["open"])


def code_status(code: str) -> str:
    """Return `open`, `special` (only for a specialisation), `closed` or `unknown` for a four-digit code."""
    listed = dcsph_codes()
    location, pathology = code[:2], code[2:]
    if len(code) != 4 or location not in listed.locations or pathology not in listed.pathologies:
        return "unknown"
    mark = listed.open.get(location, {}).get(pathology)
    if mark is None:
        return "closed"
    return "special" if mark.endswith(" specialised") else "open"


def location_label(location: str) -> str:
    """Return the Dutch name of a body location, or the code itself where the list has none."""
    return dcsph_codes().locations.get(location, location)
