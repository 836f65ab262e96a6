"""The own estimate of the treatment index against a reference table that the user has: beside the official figure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import ExchangeError
from exchange.operations import figuring, files
from exchange.operations.workspace import Workspace
from exchange.records.model import IndexFigure

if TYPE_CHECKING:
    from exchange.indicators.figure import Figure
    from exchange.indicators.reference import ReferenceTable

DEFINITION = "treatment-index"


@dataclass(frozen=True, slots=True)
class Excess:
    """Observed and expected sessions of one diagnosis group; the excess of all groups adds up to that of the whole."""

    group: str
    patients: int
    observed: int
    expected: float
    excess: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """An own estimate with its interval, what it was held against, and the groups that make the excess."""

    table: str
    version: str
    source: str
    unit: str
    characteristics: tuple[str, ...]
    figure: Figure
    groups: tuple[Excess, ...]

    @property
    def left_out(self) -> int:
        """Return the trajectories for which the table has no row or no sessions are known."""
        return sum(self.figure.parts.values())


def read(file: Path) -> ReferenceTable:
    """Read a reference table; IndicatorError where it is not as schemas/reference.schema.json has it."""
    from exchange.indicators.reference import MAX_BYTES, read_reference

    try:
        return read_reference(files.read(file, most=MAX_BYTES))
    except ExchangeError as error:
        error.params.setdefault("file", file.name)
        raise


def estimate(workspace: Workspace, official: IndexFigure, table: ReferenceTable) -> Estimate:
    """Return the estimate over trajectories that ended in the official figure's period.

    IndicatorError below 30 patients, for a table of another unit, and for a characteristic that the records lack.
    """
    from exchange.counting import counting
    from exchange.indicators.figures import figure
    from exchange.indicators.moments import add_days
    from exchange.records.instruments import instruments

    (definition,) = figuring.definitions((DEFINITION,))
    start, end = official.period_start, add_days(official.period_end, 1)
    with workspace.store.reading() as connection:
        cubes = [
            counting.cube(
                connection, definition, start=start, end=end, cut_off=workspace.on, group_by=group_by,
                instruments=instruments(), reference=table,
            )
            for group_by in ((), ("location",))
        ]  # fmt: skip
    whole = figure(
        definition, cubes[0].rows[0], start=start, end=end, cut_off=workspace.on,
        sources=figuring.sources(definition), as_of_load=workspace.store.last_load(),
    )  # fmt: skip
    groups = [
        Excess(
            row.group.get("location", ""), row.counts["patients_due"], row.counts["o"], row.counts["e"] / 1000,
            row.counts["o"] - row.counts["e"] / 1000,
        )
        for row in cubes[1].rows
        if row.counts["patients_due"]
    ]  # fmt: skip
    return Estimate(
        table.id, table.version, table.source, table.unit, table.characteristics, whole,
        tuple(sorted(groups, key=lambda one: (-one.excess, one.group))),
    )  # fmt: skip
