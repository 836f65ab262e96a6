"""Which figures a document shows: of the practice as a whole and of each agreement, each over its own period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from exchange.errors import IndicatorError
from exchange.operations import agreeing, figuring
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.agreements.frozen import Frozen
    from exchange.indicators.definition import Definition
    from exchange.indicators.figure import Figure
    from exchange.store.agreements import StoredAgreement

PRACTICE_WIDE = (
    "substitution-net",
    "onward-advice",
    "durable-discharge-6",
    "durable-discharge-12",
    "responders",
    "measured",
    "evaluation-moments",
    "sessions-per-patient",
)
PER_YEAR = "sessions-per-patient"


@dataclass(frozen=True, slots=True)
class Asked:
    """One figure as it is asked for: a definition over a period, of the practice or under an agreement."""

    definition: Definition
    start: date
    end: date
    agreement: str = ""
    target: float | None = None
    baseline: float | None = None
    group_by: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return what people ask for: the indicator's id, or id@agreement."""
        return f"{self.definition.id}@{self.agreement}" if self.agreement else self.definition.id

    @property
    def agreements(self) -> frozenset[str] | None:
        """Return whose cases count as agreed with somebody who can know."""
        return frozenset({self.agreement}) if self.agreement else None


def whole_period(workspace: Workspace) -> tuple[date, date]:
    """Return the whole period of the store, up to today."""
    return figuring.period(workspace, None, None)


def practice_wide(workspace: Workspace, whole: tuple[date, date]) -> tuple[Asked, ...]:
    """Return what the practice is measured by, whatever it agreed."""
    return tuple(
        Asked(definition, *_period(workspace, definition, whole)) for definition in figuring.definitions(PRACTICE_WIDE)
    )


def agreed(workspace: Workspace, stored: StoredAgreement, frozen: Frozen, whole: tuple[date, date]) -> Iterator[Asked]:
    """Yield what an agreement names, by its own pinned definitions; only the primary one has a target."""
    from exchange.agreements import signing

    known = signing.definitions_of(frozen)
    for one in frozen.agreement.indicators:
        definition = known.get(one.id)
        if definition is None or definition.kind == figuring.NEEDS_TABLE:
            continue
        start, end = _period(workspace, definition, whole)
        begins = frozen.agreement.term.start if figuring.needs_agreement(definition) else start
        target = one.target if one.primary else None
        yield Asked(definition, begins, end, stored.agreement_id, target, one.baseline)


def named(workspace: Workspace, figure: str) -> Asked:
    """Return the figure that a person names as ID or ID@AGREEMENT; IndicatorError where there is no such one."""
    id_, _, agreement = figure.partition("@")
    whole = whole_period(workspace)
    if agreement:
        stored = agreeing.find(workspace, agreement)
        known = {one.definition.id: one for one in agreed(workspace, stored, agreeing.thawed(stored), whole)}
    else:
        chosen = (one for one in figuring.definitions() if not figuring.needs_more(one))
        known = {one.id: Asked(one, *_period(workspace, one, whole)) for one in chosen}
    if id_ not in known:
        listed = ", ".join(sorted(known))
        raise IndicatorError("choosing.unknown", hints=("hint.choosing",), figure=figure, known=listed)
    return known[id_]


def count(workspace: Workspace, asked: Asked) -> tuple[Figure, ...]:
    """Count what is asked: a figure per group, or the one there is without a split."""
    return figuring.counted(
        workspace,
        asked.definition,
        start=asked.start,
        end=asked.end,
        group_by=asked.group_by,
        agreements=asked.agreements,
        target=asked.target,
        baseline=asked.baseline,
    )


def _period(workspace: Workspace, definition: Definition, whole: tuple[date, date]) -> tuple[date, date]:
    """Return the whole period, but the last calendar year for sessions per patient, which grow with the years."""
    year = date(workspace.on.year - 1, 1, 1), date(workspace.on.year, 1, 1)
    return year if definition.id == PER_YEAR and whole[0] < year[1] <= whole[1] else whole
