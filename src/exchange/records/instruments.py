"""The measurement instruments: range, direction and thresholds, each threshold with its source and status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache

from exchange import shipped


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument; every score and threshold is an integer in units of 10**-`decimals`.

    `mic` is the minimal important change, `mdc` the smallest detectable change (95 % where the note says nothing
    else). `status` is `verified` or `unverified`: an unverified threshold is marked so wherever it shows.
    `effect` is False for prognostic lists, which are never reported as effect.
    """

    id: str
    label: Mapping[str, str]
    aliases: tuple[str, ...]
    decimals: int
    lowest: int
    highest: int
    better: str
    mic: int | None
    mdc: int | None
    mic_percent: int | None
    population: str
    source: str
    status: str
    loinc: str
    effect: bool
    scoring: str
    note: str

    def score_from_text(self, text: str) -> int | None:
        """Read a score with decimal comma or point; None where it is no number, too fine, or outside the range."""
        try:
            scaled = Decimal(text.strip().replace(",", ".")).scaleb(self.decimals)
        except InvalidOperation:
            return None
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            return None
        return int(scaled) if self.lowest <= scaled <= self.highest else None

    def score_text(self, score: int, decimal_mark: str = ",") -> str:
        """Write a score in the instrument's own scale."""
        if self.decimals == 0:
            return str(score)
        return str(Decimal(score).scaleb(-self.decimals)).replace(".", decimal_mark)


@cache
def instruments() -> Mapping[str, Instrument]:
    """Return every instrument of schemas/instruments.json by id."""
    listed = json.loads(shipped.schemas("instruments.json").read_text(encoding="utf-8"))["instruments"]
    return {
        item["id"]: Instrument(
            id=item["id"],
            label=item["label"],
            aliases=tuple(item["aliases"]),
            decimals=item["decimals"],
            lowest=item["lowest"],
            highest=item["highest"],
            better=item["better"],
            mic=item["minimal-important-change"],
            mdc=item["smallest-detectable-change"],
            mic_percent=item["minimal-important-change-percent"],
            population=item["population"],
            source=item["source"],
            status=item["status"],
            loinc=item["loinc"],
            effect=item["effect"],
            scoring=item["scoring"],
            note=item["note"],
        )
        for item in listed
    }


@cache
def _names() -> Mapping[str, str]:
    return {
        name.casefold(): instrument.id
        for instrument in instruments().values()
        for name in (instrument.id, *instrument.aliases)
    }


def find_instrument(name: str) -> Instrument | None:
    """Return the instrument with this id or alias, whatever its case."""
    found = _names().get(name.strip().casefold())
    return None if found is None else instruments()[found]
