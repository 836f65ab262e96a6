"""The measurement instruments: range, direction, thresholds and scoring rule, each with its source and status."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from math import ceil
from typing import Any

from exchange import shipped

VERIFIED = "verified"
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(?:[.,][0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Scoring:
    """How the answers to a list's items become its score; the items are numbers, the questions are never shipped.

    `combine` is sum, mean, percentage (of the items' own range), prorated-sum (as if all were answered), first (of
    the activities a patient named) or single (one value, such as seconds). `blank` says whether an item without an
    answer is left out or counts as the lowest one. `rounding` is to the instrument's own decimals.
    """

    items: int
    item_lowest: int
    item_highest: int
    item_decimals: int
    answered_at_least: int
    blank: str
    combine: str
    rounding: str
    source: str
    status: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold that other research found, for who wants to compare; no figure uses it."""

    kind: str  # mic or mdc
    value: int
    percent: bool
    confidence: int | None
    population: Mapping[str, str]
    source: str
    status: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument; every score and threshold is an integer in units of 10**-`decimals`.

    `mic` is the minimal important change, `mdc` the smallest detectable change with `mdc_confidence` per cent (None:
    the source does not say); `mdc95` is the same error at 95 %, by which change is judged. `status` is `verified` or
    `unverified`: an unverified threshold is marked so wherever it shows. `effect` is False for prognostic lists, which
    are never reported as effect. `reported_by` is client for a PROM and therapist for a test. Without `scoring` only a
    total is taken.
    """

    id: str
    label: Mapping[str, str]
    aliases: tuple[str, ...]
    decimals: int
    unit: str
    lowest: int
    highest: int
    better: str
    mic: int | None
    mdc: int | None
    mdc_confidence: int | None
    mic_percent: int | None
    population: Mapping[str, str]
    source: str
    status: str
    others: tuple[Threshold, ...]
    loinc: str
    effect: bool
    reported_by: str
    scoring: Scoring | None
    note: Mapping[str, str]

    @property
    def has_threshold(self) -> bool:
        """Tell whether it has any threshold of its own."""
        return not (self.mic is None and self.mdc is None and self.mic_percent is None)

    @property
    def mdc95(self) -> int | None:
        """Return the smallest detectable change at 95 %, rounded up to a score that can occur.

        A published one of another confidence is a normal quantile times the same error, and is converted; one whose
        source names none is taken for 95 %.
        """
        if self.mdc is None or self.mdc_confidence is None:
            return self.mdc
        return _at_95(self.mdc, self.mdc_confidence)

    @property
    def unverified(self) -> bool:
        """Tell whether it has a threshold that must be marked wherever it shows."""
        return self.has_threshold and self.status != VERIFIED

    def score_from_text(self, text: str) -> int | None:
        """Read a score with decimal comma or point; None where it is no number, too fine, or outside the range."""
        # No exponents: 1e9999999 is no score, and working it out would take for ever.
        if _NUMBER.fullmatch(text.strip()) is None:
            return None
        scaled = Decimal(text.strip().replace(",", ".")).scaleb(self.decimals)
        if scaled != scaled.to_integral_value():
            return None
        return int(scaled) if self.lowest <= scaled <= self.highest else None

    def score_text(self, score: int, decimal_mark: str = ",") -> str:
        """Write a score in the instrument's own scale."""
        if self.decimals == 0:
            return str(score)
        return str(Decimal(score).scaleb(-self.decimals)).replace(".", decimal_mark)


@cache
def _at_95(error: int, confidence: int) -> int:
    from statistics import NormalDist  # not needed to start, and it takes its time

    normal = NormalDist()
    return error if confidence == 95 else ceil(error * normal.inv_cdf(0.975) / normal.inv_cdf(0.5 + confidence / 200))


@cache
def instruments() -> Mapping[str, Instrument]:
    """Return every instrument of schemas/instruments.json by id."""
    listed = json.loads(shipped.schemas("instruments.json").read_text(encoding="utf-8"))["instruments"]
    return {item["id"]: _instrument(item) for item in listed}


def _instrument(item: Mapping[str, Any]) -> Instrument:
    return Instrument(
        id=item["id"],
        label=item["label"],
        aliases=tuple(item["aliases"]),
        decimals=item["decimals"],
        unit=item["unit"],
        lowest=item["lowest"],
        highest=item["highest"],
        better=item["better"],
        mic=item["minimal-important-change"],
        mdc=item["smallest-detectable-change"],
        mdc_confidence=item["smallest-detectable-change-confidence"],
        mic_percent=item["minimal-important-change-percent"],
        population=item["population"],
        source=item["source"],
        status=item["status"],
        others=tuple(Threshold(**one) for one in item["other-thresholds"]),
        loinc=item["loinc"],
        effect=item["effect"],
        reported_by=item["reported-by"],
        scoring=None if item["scoring"] is None else _scoring(item["scoring"]),
        note=item["note"],
    )


def _scoring(item: Mapping[str, Any]) -> Scoring:
    return Scoring(**{name.replace("-", "_"): value for name, value in item.items()})


@cache
def _names() -> Mapping[str, str]:
    """Lead every name to an id: id and aliases first, then the label, with and without what stands in brackets."""
    names: dict[str, str] = {}
    for instrument in instruments().values():
        names.update(dict.fromkeys((name.casefold() for name in (instrument.id, *instrument.aliases)), instrument.id))
    for instrument in instruments().values():
        for label in instrument.label.values():
            whole = label.casefold()
            for name in (whole, whole.partition(" (")[0]):
                names.setdefault(name, instrument.id)
    return names


def find_instrument(name: str) -> Instrument | None:
    """Return the instrument with this id or alias, whatever its case."""
    found = _names().get(name.strip().casefold())
    return None if found is None else instruments()[found]


def is_prognostic(name: str) -> bool:
    """Tell whether this is the id or alias of a list that predicts and never shows an effect."""
    found = find_instrument(name)
    return found is not None and not found.effect
