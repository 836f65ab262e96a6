"""Official index figures typed in by a person: checked, versioned, and listed with what was corrected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite

from exchange.errors import IndicatorError
from exchange.findings import Finding, Severity
from exchange.operations import trail
from exchange.operations.referring import require_past
from exchange.operations.workspace import Workspace
from exchange.records.model import IndexFigure

_FIRST_YEAR = 2000  # as for a table of figures
_LONGEST = {"version": 16, "insurer": 64, "source": 200}


@dataclass(frozen=True, slots=True)
class Recorded:
    """A figure as it stands now; `what` is new, same or corrected, and `before` the figure it corrects."""

    figure: IndexFigure
    what: str
    before: IndexFigure | None
    findings: tuple[Finding, ...]

    def params(self, language: str) -> dict[str, object]:
        """Return what the sentence about it says."""
        from exchange.reports.numbers import shortest

        one = self.figure
        return {
            "figure": f"{one.insurer} {one.year} {one.version}".strip(),
            "value": shortest(one.value, language),
            "before": shortest(self.before.value if self.before else None, language),
        }


@dataclass(frozen=True, slots=True)
class Kept:
    """A figure with when it was entered and by whom; `until` is when a correction took its place."""

    figure: IndexFigure
    entered: datetime
    by: str
    until: datetime | None


def record(
    workspace: Workspace,
    *,
    period: str,
    value: float,
    lower: float | None,
    upper: float | None,
    version: str = "",
    insurer: str = "",
    source: str = "",
    patients: int | None = None,
) -> Recorded:
    """Record a figure; the same again changes nothing. IndicatorError where a number or day can't be."""
    start, last = _period(period, version.strip())
    require_past(workspace, last)
    texts = {"version": version.strip(), "insurer": _insurer(workspace, insurer), "source": source.strip()}
    for name, text in texts.items():
        if len(text) > _LONGEST[name] or not text.isprintable():
            raise IndicatorError("indexing.text-unfit", option=f"--{name}", most=_LONGEST[name])
    _require_bounds(value, lower, upper)
    figure = IndexFigure(
        start.year, texts["version"], texts["insurer"], value, lower, upper, start, last, texts["source"], patients
    )
    key = (figure.year, figure.version, figure.insurer)
    known = {(one.year, one.version, one.insurer): one for one in workspace.store.figures.index()}
    before = known.get(key)
    if before != figure:
        workspace.store.figures.record_index(figure, by=workspace.user, at=workspace.now)
        trail.note(workspace, "index-recorded", object=f"index:{figure.year} {figure.version} {figure.insurer}")
    what = "new" if before is None else "same" if before == figure else "corrected"
    return Recorded(figure, what, None if what == "same" else before, tuple(_findings(workspace, figure)))


def listed(workspace: Workspace, *, history: bool = False) -> tuple[Kept, ...]:
    """Return the figures that stand, or with `history` every version of them, oldest first."""
    loads = {one.load_id: one for one in workspace.store.loads()}
    found = []
    for figure, made, ended in workspace.store.figures.index_history():
        if ended is None or history:
            until = loads[ended].at if ended is not None else None
            found.append(Kept(figure, loads[made].at, loads[made].by, until))
    return tuple(found)


def row(kept: Kept, language: str) -> tuple[object, ...]:
    """Return a figure as a row of a table."""
    from exchange.reports.numbers import shortest

    one = kept.figure
    return (
        one.year, one.version, one.insurer, shortest(one.value, language), shortest(one.lower, language),
        shortest(one.upper, language), one.period_start, one.period_end, one.source, f"{kept.entered:%Y-%m-%d}",
        kept.by, f"{kept.until:%Y-%m-%d}" if kept.until else "",
    )  # fmt: skip


def _insurer(workspace: Workspace, given: str) -> str:
    """Return whose figure it is, spelled as a figure before it was."""
    name = given.strip() or workspace.settings.insurer
    if not name:
        raise IndicatorError("indexing.no-insurer", hints=("hint.indexing-insurer",))
    known = {one.insurer.casefold(): one.insurer for one in workspace.store.figures.index()}
    return known.get(name.casefold(), name)


def _period(text: str, version: str) -> tuple[date, date]:
    """Read a year, of which the version says the months, or a first and last day."""
    from exchange.indicators.index import period_of

    if re.fullmatch(r"[0-9]{4}", text.strip()) and int(text) >= _FIRST_YEAR:
        return period_of(int(text), version)
    first, _, last = text.partition("/")
    try:
        start, end = date.fromisoformat(first.strip()), date.fromisoformat(last.strip())
    except ValueError:
        raise IndicatorError("indexing.period-unread", hints=("hint.indexing-period",)) from None
    if start.year < _FIRST_YEAR or start > end:
        raise IndicatorError("indexing.period-order", hints=("hint.indexing-period",))
    return start, end


def _require_bounds(value: float, lower: float | None, upper: float | None) -> None:
    """Refuse a figure outside its own bounds: one of the three was mistyped."""
    given = [number for number in (lower, value, upper) if number is not None]
    if not all(isfinite(number) and 0 < number < 10_000 for number in given):
        raise IndicatorError("indexing.number-unfit")
    if given != sorted(given):
        raise IndicatorError("indexing.outside-bounds", hints=("hint.indexing-bounds",))


def _findings(workspace: Workspace, figure: IndexFigure) -> Iterator[Finding]:
    """Say what the program cannot do with this figure: no band of that insurer or year, no bound, no such release."""
    from exchange.indicators import index as rules
    from exchange.operations.indexing import DISCIPLINE

    theirs = [
        one
        for one in rules.bands()
        if one.insurer.casefold() == figure.insurer.casefold() and one.discipline == DISCIPLINE
    ]
    if not theirs:
        names = ", ".join(sorted({one.insurer for one in rules.bands() if one.discipline == DISCIPLINE}))
        params = {"insurer": figure.insurer, "known": names}
        yield Finding("indexing.insurer-unknown", "--insurer", Severity.WARNING, params=params)
    elif rules.band_for(figure.insurer, DISCIPLINE, workspace.on) is None:
        years = ", ".join(sorted({_years(one.first.year, one.last.year) for one in theirs}))
        yield Finding(
            "indexing.year-unknown", "--period", Severity.INFORMATION,
            params={"insurer": figure.insurer, "year": workspace.on.year, "known": years},
        )  # fmt: skip
    if figure.lower is None or figure.upper is None:
        yield Finding("indexing.bound-lacks", "--lower", Severity.WARNING)
    if figure.version and figure.version not in rules.versions():
        known = ", ".join(rules.versions())
        yield Finding("indexing.version-unknown", "--version", Severity.WARNING, params={"known": known})


def _years(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"
