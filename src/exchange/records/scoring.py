"""From the answers to a list's items to its score, exactly, by the rule that stands with the instrument."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from exchange.findings import Finding
from exchange.records.instruments import Instrument, Scoring

ALL = "items"  # the path of a finding about no single item
_NUMBER = re.compile(r"[+-]?[0-9]{1,6}(?:[.,][0-9]{1,4})?")

Answers = Sequence[Fraction]


@dataclass(frozen=True, slots=True)
class Scored:
    """A score in units of 10**-decimals, the exact value it was rounded from, and how many items were answered.

    `each` are the scores of the single activities, where the instrument has one for each.
    """

    score: int
    exact: Fraction
    answered: int
    each: tuple[int, ...] = ()


def item_path(number: int) -> str:
    """Return the name of an item as findings and mappings have it; the first is 1."""
    return f"item_{number}"


def score(instrument: Instrument, items: Sequence[str | None]) -> Scored | Finding:
    """Score the items as they were written, blank or None for one without an answer.

    The finding says which item breaks which rule, and never its value: too many items, too few answers, no number,
    outside the range, or an instrument whose items cannot be scored here.
    """
    rule = instrument.scoring
    if rule is None:
        return Finding("records.items-no-rule", ALL)
    found = _read(rule, items)
    if isinstance(found, Finding):
        return found
    answered = sum(one is not None for one in found)
    if answered < rule.answered_at_least:
        return Finding("records.items-too-few", ALL)
    if rule.combine == "first" and found[0] is None:
        return Finding("records.item-first", item_path(1))
    lowest = Fraction(rule.item_lowest)
    counted = [lowest if one is None else one for one in found if rule.blank == "lowest" or one is not None]
    exact = _COMBINE[rule.combine](rule, counted)
    each = tuple(rounded(one, instrument.decimals) for one in counted) if rule.combine == "first" else ()
    return Scored(rounded(exact, instrument.decimals), exact, answered, each)


def rounded(value: Fraction, decimals: int) -> int:
    """Round half up to a whole number of units of 10**-decimals."""
    units: int = 10**decimals
    return math.floor(value * units + Fraction(1, 2))


def _read(rule: Scoring, items: Sequence[str | None]) -> list[Fraction | None] | Finding:
    found: list[Fraction | None] = []
    for number, text in enumerate(items, 1):
        one = (text or "").strip()
        if not one:
            found.append(None)
            continue
        if number > rule.items:
            return Finding("records.items-too-many", item_path(number))
        broken = _broken(rule, one)
        if broken is not None:
            return Finding(broken, item_path(number))
        found.append(Fraction(one.replace(",", ".")))
    del found[rule.items :]
    return found + [None] * (rule.items - len(found))


def _broken(rule: Scoring, text: str) -> str | None:
    """Return the rule that one answer breaks, if any."""
    if _NUMBER.fullmatch(text) is None:
        return "records.item-number"
    value = Fraction(text.replace(",", "."))
    if (value * 10**rule.item_decimals).denominator != 1:
        return "records.item-step"
    return None if rule.item_lowest <= value <= rule.item_highest else "records.item-range"


def _sum(_: Scoring, counted: Answers) -> Fraction:
    return sum(counted, Fraction(0))


def _mean(_: Scoring, counted: Answers) -> Fraction:
    return sum(counted, Fraction(0)) / len(counted)


def _percentage(rule: Scoring, counted: Answers) -> Fraction:
    """Return the share of the range: sum / (5 x answered) for 0 to 5, ((sum / answered) - 1) x 25 for 1 to 5."""
    return 100 * (_mean(rule, counted) - rule.item_lowest) / (rule.item_highest - rule.item_lowest)


def _prorated(rule: Scoring, counted: Answers) -> Fraction:
    return rule.items * _mean(rule, counted)


def _first(_: Scoring, counted: Answers) -> Fraction:
    return counted[0]


_COMBINE: Mapping[str, Callable[[Scoring, Answers], Fraction]] = {
    "sum": _sum,
    "mean": _mean,
    "percentage": _percentage,
    "prorated-sum": _prorated,
    "first": _first,
    "single": _first,
}
