"""Figures for the insurer from the command line: as the table plan allows, beside what outsiders have already.

Printed they are a preview, which is held to the ledger and entered nowhere; written to a file they are entered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.findings import Finding
from exchange.operations import choosing, figuring, omitting, releasing, tabling
from exchange.operations.passing import Onward
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.indicators.figure import Figure


@dataclass(frozen=True, slots=True)
class Shown:
    """Figures as the insurer may see them, what to know before they are sent, and whether they stand in the ledger."""

    figures: tuple[Figure, ...]
    findings: tuple[Finding, ...]
    entered: bool


def outside(
    workspace: Workspace,
    ids: Sequence[str] = (),
    *,
    to: Path | None = None,
    language: str = "nl",
    start: date | None = None,
    end: date | None = None,
    group_by: tuple[str, ...] = (),
    engine: str = "sql",
    as_of: int | None = None,
    cut_off: date | None = None,
) -> Shown:
    """Calculate for the insurer, and write to a file where one is given.

    What rests on an agreement without a clause for the insurer is left out, and so is what differs too little from
    what left before; the findings say so. Raises IndicatorError for a split that is not planned, and ReportError where
    nothing is left of an indicator that is asked for by name; then nothing is written and nothing entered.
    """
    onward = Onward(workspace)
    named = [one for one in figuring.definitions(ids) if ids or not figuring.needs_more(one)]
    chosen = {one.id: one for one in named if onward.passes(one)}
    plans = tabling.Plans(workspace, onward)
    for definition in chosen.values():
        plans.require(definition, group_by, language)
    counted = (
        figuring.figures(
            workspace, tuple(chosen), start=start, end=end, group_by=group_by, engine=engine, as_of=as_of,
            cut_off=cut_off,
        )
        if chosen
        else ()
    )  # fmt: skip
    asked = {id(one): choosing.Asked(chosen[one.indicator], one.start, one.end, group_by=group_by) for one in counted}
    near = omitting.beside(workspace, counted, asked)
    for name in ids:
        omitting.require_rest(workspace, near, language, [one for one in asked if asked[one].definition.id == name])
    omitting.require_rest(workspace, near, language)
    seen = tuple(near.shown[id(one)] for one in counted)
    published = [(asked[id(one)], one, near.shown[id(one)]) for one in counted]
    cells = releasing.require_new(workspace, published, language, preview=to is None, ledger=near.ledger)
    if to is not None:
        releasing.written(
            workspace, f"indicators {to.name}", cells, lambda: figuring.write(seen, to, language=language), [to]
        )
    return Shown(seen, (*near.findings(language), *onward.findings), to is not None)
