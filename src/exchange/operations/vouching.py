"""What of a figure rests on answers that nobody signed: forms that came back, for which a named person vouches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from exchange.findings import say
from exchange.records.codes import Evidence

if TYPE_CHECKING:
    from exchange.indicators.figure import Figure


def unsigned(figures: Iterable[Figure], language: str) -> tuple[str, ...]:
    """Return a sentence for each figure that rests on forms without a signature, in the order of the figures."""
    from exchange.indicators.reading import title_of

    found = []
    for one in figures:
        count = one.evidence.get(Evidence.FORM.value, 0)
        if count:
            name = ", ".join((title_of(one.indicator, language), *one.group.values()))
            found.append(say("vouching.unsigned", {"figure": name, "count": count}, language))
    return tuple(found)
