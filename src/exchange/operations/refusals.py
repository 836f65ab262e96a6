"""What outsiders are not shown, and why: each withheld figure in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from exchange.findings import say

if TYPE_CHECKING:
    from exchange.indicators.figure import Figure


def withheld(figures: Sequence[Figure], language: str) -> Iterator[str]:
    """Yield the reason for every figure of which nothing is said instead."""
    from exchange.indicators.protecting import explain
    from exchange.indicators.reading import shipped_definitions

    for figure in figures:
        told = explain(figure)
        if told is not None and told[0] == figure.masked:
            known = shipped_definitions().get(figure.indicator)
            title = known.title[language] if known is not None else figure.indicator
            name = ", ".join((title, *figure.group.values()))
            rule, params = told
            yield f"{name}: {say(rule, params, language)}"
