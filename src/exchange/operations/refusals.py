"""What outsiders are not shown, and why: each withheld figure in words, and each table that no agreement plans.

An agreement names indicators, and their totals are its table plan: a split by month, place or therapist is for looking
at, not for sending. What leaves in a summary or a plan is planned, and is held to the release ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from exchange.findings import Finding, Severity, say

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


def unplanned(figures: Sequence[Figure]) -> tuple[Finding, ...]:
    """Return a warning for each table beyond the totals that agreements name."""
    from exchange.indicators.disclosure import refuse_unplanned

    plan = {one.indicator: ((),) for one in figures}
    return tuple(replace(one, severity=Severity.WARNING) for one in refuse_unplanned(figures, plan))
