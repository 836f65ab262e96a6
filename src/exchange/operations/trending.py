"""Figures over time: each indicator in every complete period, protected as one table with its total.

The insurer's edition goes by half-years, the practice's own by quarters where those hold cases enough. The pieces
before the first and after the last complete period are counted too, and pass disclosure control as cells of the same
table though nobody prints them: what is left when the printed periods are subtracted from the total is then as safe as
what is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from statistics import median
from typing import TYPE_CHECKING

from exchange.indicators.disclosure import TOO_NEAR
from exchange.operations import choosing
from exchange.operations.choosing import Asked
from exchange.operations.workspace import Workspace
from exchange.reports import facts as pages

if TYPE_CHECKING:
    from exchange.indicators.charts_over_time import ChartPoint
    from exchange.indicators.figure import Figure

# Two points are a comparison, not a course.
FEWEST = 3
# What a chart and the table beside it can hold; older periods stay in the total.
MOST = 16
# Inside the practice a period must hold so many cases, as a rule: one patient of one says nothing about a course.
ENOUGH = 10
_MONTHS = {"quarter": 3, "half-year": 6, "year": 12}
_SHARES = frozenset({"proportion", "category-share", "completeness"})
_DAY = timedelta(days=1)

Cell = tuple[Asked, "Figure", "Figure"]


@dataclass(frozen=True, slots=True)
class Traced:
    """A trend as its readers may see it, and its cells for the release ledger: asked, counted, shown."""

    trend: pages.Trend
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class _Piece:
    """One period's figure; `printed` is False for what lies outside the complete periods."""

    asked: Asked
    figure: Figure
    printed: bool


def trends(
    workspace: Workspace,
    published: Iterable[Cell],
    *,
    outside: bool,
    released: Callable[[Sequence[Cell]], bool],
    planned: Callable[[Asked, str], bool] = lambda _asked, _step: True,
) -> dict[tuple[str, str], Traced]:
    """Return the trend of every figure by agreement (empty: the practice) and indicator.

    `published` are the document's figures as asked, counted and shown. For outsiders an indicator has one trend, that
    of the practice where there is one, and none where its figure is withheld. `released` says whether the ledger
    refuses these cells, `planned` whether a figure may go outside by such a step.
    """
    whole = choosing.whole_period(workspace)
    figures = [one for one in published if not one[0].group_by]
    found: dict[tuple[str, str], Traced] = {}
    drawn: set[str] = set()
    pieces: dict[tuple[str, str], tuple[str, list[_Piece]]] = {}
    for asked, _counted, shown in figures:
        name = (asked.agreement, asked.definition.id)
        if name in found or name in pieces:
            continue
        reason = _refusal(asked, shown, asked.definition.id in drawn, outside=outside)
        if reason:
            found[name] = Traced(pages.Trend(left_out=reason))
            continue
        if outside and not planned(asked, _steps(asked, outside)[0]):
            found[name] = Traced(pages.Trend(_steps(asked, outside)[0], left_out="unplanned"))
            continue
        reason, step, counted = _divided(workspace, asked, whole, outside=outside)
        if reason:
            found[name] = Traced(pages.Trend(step, left_out=reason))
            continue
        drawn.add(asked.definition.id)
        pieces[name] = (step, counted)
    seen = _protected(figures, [one for _, some in pieces.values() for one in some], outside=outside)
    for name, (step, counted) in pieces.items():
        cells = [(one.asked, one.figure, seen[id(one)]) for one in counted if one.printed]
        found[name] = _finished(step, _unknown_for_all(counted, cells, seen), workspace, released, outside=outside)
    left_out = {name: found[agreement, name].trend.left_out for agreement, name in pieces}
    return {name: _elsewhere(one, left_out.get(name[1], "")) for name, one in found.items()}


def _elsewhere(one: Traced, left_out: str) -> Traced:
    """Give the reason of the trend that stands for this one, where that is not drawn either."""
    if one.trend.left_out != "elsewhere" or not left_out:
        return one
    return replace(one, trend=replace(one.trend, left_out=left_out))


def _divided(
    workspace: Workspace, asked: Asked, whole: tuple[date, date], *, outside: bool
) -> tuple[str, str, list[_Piece]]:
    """Return the pieces by the shortest step that says something; or the reason why there are none."""
    reason, step = "too-few", ""
    for step in _steps(asked, outside):
        counted = list(_pieces(workspace, asked, step, whole))
        sizes = [one.figure.denominator or 0 for one in counted if one.printed]
        if len(sizes) < FEWEST:
            continue
        if outside or median(sizes) >= ENOUGH:
            return "", step, counted
        reason = "too-thin"
    return reason, step, []


def _steps(asked: Asked, outside: bool) -> tuple[str, ...]:
    """Return how long a period may be: sessions per patient grow with the period, so those go by year."""
    if asked.definition.id == choosing.PER_YEAR:
        return ("year",)
    return ("half-year",) if outside else ("quarter", "half-year")


def _refusal(asked: Asked, shown: Figure, drawn: bool, *, outside: bool) -> str:
    if asked.definition.before is not None:
        return "before-after"
    if shown.masked is not None:
        return "released" if shown.masked == TOO_NEAR else "masked"
    return "elsewhere" if drawn and outside else ""


def _pieces(workspace: Workspace, asked: Asked, step: str, whole: tuple[date, date]) -> Iterator[_Piece]:
    """Count every complete period, and what lies before the first and after the last of them."""
    by_year = step == "year"
    start, end = whole if by_year else (asked.start, asked.end)
    complete = [
        (one, until)
        for one, until in periods(start, end, _MONTHS[step])
        if asked.definition.knowable(until - _DAY) <= workspace.on
    ][-MOST:]
    if len(complete) < FEWEST:
        return
    spans = [(*one, True) for one in complete]
    if not by_year:
        spans = [(start, complete[0][0], False), *spans, (complete[-1][1], end, False)]
    for first, until, printed in spans:
        if first < until:
            piece = replace(asked, start=first, end=until)
            (counted,) = choosing.count(workspace, piece)
            yield _Piece(piece, _bare(counted), printed)


def periods(start: date, end: date, months: int) -> list[tuple[date, date]]:
    """Return the calendar periods of so many months that lie wholly within [start, end)."""
    number = start.year * 12 + start.month - 1
    first = -(-number // months) * months if start.day == 1 else (number // months + 1) * months
    found = []
    while _first_of(first + months) <= end:
        found.append((_first_of(first), _first_of(first + months)))
        first += months
    return found


def _first_of(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def _bare(figure: Figure) -> Figure:
    """Leave out what a chart doesn't show: a smaller table is easier to keep safe."""
    return replace(
        figure, eligible=None, due=None, answered=None, censored=None, excluded=None, parts={}, details={}, evidence={}
    )


def _protected(figures: Sequence[Cell], pieces: Sequence[_Piece], *, outside: bool) -> dict[int, Figure]:
    """Return each piece as its readers may see it; the document's own figures are known to them already."""
    from exchange.indicators.disclosure import Audience
    from exchange.indicators.protecting import protect

    if not outside:
        return {id(one): one.figure for one in pieces}
    totals = {(asked.agreement, asked.definition.id): shown for asked, _, shown in figures}
    keyed = [_in_total(one, totals[one.asked.agreement, one.asked.definition.id]) for one in pieces]
    known = tuple(shown for shown in totals.values() if shown.masked is None)
    seen = protect(keyed, audience=Audience.OUTSIDE, published=known)
    return {
        id(one): replace(safe, start=one.figure.start, end=one.figure.end, group=one.figure.group)
        for one, safe in zip(pieces, seen, strict=True)
    }


def _in_total(piece: _Piece, total: Figure) -> Figure:
    """Make a piece a group of its total, so that disclosure control sees one table whose parts make up the whole.

    Years beside a figure of one year are no parts of it and stay periods of their own.
    """
    within = total.start <= piece.figure.start and piece.figure.end <= total.end
    if not within or piece.asked.definition.id == choosing.PER_YEAR:
        return piece.figure
    group = {**piece.figure.group, f"period of {piece.asked.name}": piece.figure.start.isoformat()}
    return replace(piece.figure, start=total.start, end=total.end, group=group)


def _unknown_for_all(pieces: Sequence[_Piece], cells: list[Cell], seen: dict[int, Figure]) -> list[Cell]:
    """Leave out the number of unknown cases of every period where it may not be shown of one."""
    every = [seen[id(one)] for one in pieces]
    if not any(one.masked is None and "unknown" in one.withheld for one in every):
        return cells
    return [
        (asked, counted, shown if shown.masked else replace(shown, unknown=None, bounds=None, withheld=("unknown",)))
        for asked, counted, shown in cells
    ]


def _finished(
    step: str,
    cells: Sequence[Cell],
    workspace: Workspace,
    released: Callable[[Sequence[Cell]], bool],
    *,
    outside: bool,
) -> Traced:
    points = tuple(shown for _, _, shown in cells)
    shown = sum(one.masked is None and one.value is not None for one in points)
    if outside and (shown < FEWEST or 2 * shown < len(points)):
        return Traced(pages.Trend(step, left_out="too-small"))
    if shown < FEWEST:
        return Traced(pages.Trend(step, left_out="too-few"))
    if outside and released(cells):
        return Traced(pages.Trend(step, left_out="released"))
    return Traced(pages.Trend(step, points, limits(points, workspace.on)), tuple(cells))


def limits(points: Sequence[Figure], cut_off: date) -> tuple[ChartPoint, ...]:
    """Return Laney's limits of ordinary variation for shares; () where a control chart may not be drawn of them."""
    from exchange.indicators.charts_over_time import Point, laney_p, refusals

    if any(one.masked is not None or one.kind not in _SHARES for one in points):
        return ()
    series = [Point(one.start, one.end, one.numerator or 0, one.denominator or 0) for one in points]
    return () if refusals(series, cut_off=cut_off) else laney_p(series, cut_off=cut_off)
