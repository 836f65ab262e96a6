"""The score of a list whose answers are given: worked out by its rule, and the same as the total where both stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from exchange.findings import Finding
from exchange.records.instruments import Instrument
from exchange.records.scoring import item_path, score
from exchange.sources.fields import Bad

# No answer has more decimals; written out, a tiny number is a text without end.
_FINEST = 20

TOTALS = frozenset({"score", "total", "total-score", "totaalscore"})
_WEIGHTS = ("/ordinalValue", "/itemWeight")
_MOST = 1_000  # answers in one response; no list has as many


def settled(instrument: Instrument, total: int | None, items: Sequence[str | None]) -> tuple[int, bool]:
    """Return the score, and whether it was worked out from the items.

    A total beside items must be the one that the rule gives. Where there is no rule, or the instrument is a single
    value, the total alone counts.
    """
    rule = instrument.scoring
    given = any((one or "").strip() for one in items)
    if total is not None and (not given or rule is None or rule.combine == "single"):
        return total, False
    found = score(instrument, items)
    if isinstance(found, Finding):
        raise Bad(found.path, found.rule)
    if total is not None and total != found.score:
        raise Bad("score", "sources.score-and-items")
    return found.score, True


def answers(response: dict[str, Any]) -> tuple[str | None, ...]:
    """Return the numeric answers of a FHIR QuestionnaireResponse but its total, each in the place its linkId ends in.

    Where not every linkId ends in a number of its own, they stand in the order of the response. Free text and dates
    are no items; a coded answer without a weight cannot be scored.
    """
    found = list(_leaves(response))
    if len(found) > _MOST:
        raise Bad("items", "records.items-too-many")
    numbered = [re.search(r"(?:^|[^0-9])([1-9][0-9]?)$", name) for name, _ in found]
    places = [int(one[1]) for one in numbered if one is not None]
    if len(places) != len(found) or len(set(places)) != len(places):
        places = list(range(1, len(found) + 1))
    placed = dict(zip(places, (answer for _, answer in found), strict=True))
    return tuple(
        _number(placed[place], place) if place in placed else None for place in range(1, max(placed, default=0) + 1)
    )


def _leaves(node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Go through the items that hold an answer of a kind that can be scored."""
    inner = node.get("item")
    for item in inner if isinstance(inner, list) else ():
        if not isinstance(item, dict):
            continue
        name = item.get("linkId")
        name = name if isinstance(name, str) else ""
        given = item.get("answer")
        for answer in given if isinstance(given, list) else ():
            if isinstance(answer, dict):
                if name.casefold() not in TOTALS and not {"valueString", "valueDate", "valueDateTime"} & answer.keys():
                    yield name, answer
                yield from _leaves(answer)
        yield from _leaves(item)


def _number(answer: dict[str, Any], place: int) -> str:
    value = answer.get("valueInteger", answer.get("valueDecimal"))
    if isinstance(answer.get("valueBoolean"), bool):
        value = int(answer["valueBoolean"])
    elif isinstance(answer.get("valueQuantity"), dict):
        value = answer["valueQuantity"].get("value")
    elif isinstance(answer.get("valueCoding"), dict):
        value = _weight(answer["valueCoding"])
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not -1000 < value < 1_000_000:
        raise Bad(item_path(place), "sources.item-answer")
    written = Decimal(value)
    if written.adjusted() < -_FINEST:
        raise Bad(item_path(place), "sources.item-answer")
    return f"{written:f}"


def _weight(coding: dict[str, Any]) -> object:
    extensions = coding.get("extension")
    for one in extensions if isinstance(extensions, list) else ():
        if isinstance(one, dict) and str(one.get("url", "")).endswith(_WEIGHTS):
            return one.get("valueDecimal", one.get("valueInteger"))
    return None
