"""Figures: a definition is counted by an engine and divided once, and outsiders see only what is safe."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.errors import IndicatorError
from exchange.findings import Finding
from exchange.operations import files, trail
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.indicators.cube import Cube
    from exchange.indicators.definition import Definition
    from exchange.indicators.figure import Figure

# These need more than the store: a reference table, or the first day of an agreement.
NEEDS_TABLE = "standardised-ratio"
_MONTHS = re.compile(r"-\d+$")


def needs_agreement(definition: Definition) -> bool:
    """Say whether a definition counts partners' totals, whose years hang on the first day of an agreement."""
    return definition.count == "aggregates"


def needs_more(definition: Definition) -> bool:
    """Say whether a definition needs more than what the store counts by itself."""
    return definition.kind == NEEDS_TABLE or needs_agreement(definition)


def definitions(ids: Sequence[str] = ()) -> tuple[Definition, ...]:
    """Return shipped definitions, those that are named or all; IndicatorError for a name that there is none of."""
    from exchange.indicators.reading import shipped_definitions

    if ids:
        return tuple(map(_named, ids))
    known = shipped_definitions()
    # One after three, six and twelve months stand together in that order, which their names do not give.
    first = date(2024, 1, 1)
    order = {name: (_MONTHS.sub("", name), known[name].knowable(first), name) for name in known}
    return tuple(known[name] for name in sorted(known, key=lambda name: order[name]))


def _named(name: str) -> Definition:
    from exchange.indicators.reading import shipped_definition, shipped_definitions

    found = shipped_definition(name)
    if found is None:
        known = ", ".join(sorted(shipped_definitions()))
        raise IndicatorError("figuring.unknown", hints=("hint.figuring-known",), id=name, known=known)
    return found


def period(
    workspace: Workspace, start: date | None, end: date | None, *, as_of: int | None = None
) -> tuple[date, date]:  # fmt: skip
    """Return the period asked for; else from the first treatment in the store up to today, today excluded."""
    if as_of is not None and not 1 <= as_of <= workspace.store.last_load():
        raise IndicatorError(
            "figuring.no-load", hints=("hint.figuring-load",), load=as_of, last=workspace.store.last_load()
        )
    if start is None:
        from exchange.counting import counting
        from exchange.counting.engines import OnStore

        with workspace.store.reading() as connection:
            start = counting.first_day(OnStore(connection), as_of) or end or workspace.on
    chosen = (start, end or workspace.on)
    if chosen[0] > chosen[1]:
        raise IndicatorError("figuring.period", hints=("hint.figuring-period",))
    return chosen


def figures(
    workspace: Workspace,
    ids: Sequence[str] = (),
    *,
    start: date | None = None,
    end: date | None = None,
    group_by: tuple[str, ...] = (),
    engine: str = "sql",
    as_of: int | None = None,
    cut_off: date | None = None,
    audience: str = "internal",
) -> tuple[Figure, ...]:
    """Return the figures of the practice as a whole; those that need more than the store are left out unless named.

    A figure's own load and cut-off, given as `as_of` and `cut_off`, give it again. For the insurer those that rest on
    answers under an agreement without a clause for that are left out: `notices` says which.
    """
    named = definitions(ids)
    chosen = [one for one in named if ids or not needs_more(one)]
    if audience != "internal":
        from exchange.operations.passing import Onward

        onward = Onward(workspace)
        chosen = [one for one in chosen if onward.passes(one)]
    begin, until = period(workspace, start, end or cut_off, as_of=as_of)
    starts = {
        one.id: _agreement_start(workspace) if needs_agreement(one) and start is None else begin for one in chosen
    }
    found: list[Figure] = []
    for definition, one in zip(
        chosen,
        cubes(
            workspace, chosen, starts=starts, end=until, group_by=group_by, engine=engine, as_of=as_of, cut_off=cut_off
        ),
        strict=True,
    ):
        found += _figures(workspace, definition, one, as_of=as_of)
    trail.note(workspace, "calculated", detail=", ".join(one.id for one in chosen))
    return protected(found, audience)


def notices(workspace: Workspace, ids: Sequence[str] = ()) -> tuple[Finding, ...]:
    """Return what has to be known before these figures go to the insurer: what is left out, and from when they may."""
    from exchange.operations.passing import Onward

    onward = Onward(workspace)
    for definition in definitions(ids):
        if ids or not needs_more(definition):
            onward.passes(definition)
    return onward.findings


def counted(
    workspace: Workspace,
    definition: Definition,
    *,
    start: date,
    end: date,
    group_by: tuple[str, ...] = (),
    engine: str = "sql",
    as_of: int | None = None,
    cut_off: date | None = None,
    agreements: frozenset[str] | None = None,
    target: float | None = None,
    baseline: float | None = None,
) -> tuple[Figure, ...]:
    """Count one definition and return a figure per group."""
    found = cube(
        workspace, definition, start=start, end=end, group_by=group_by, engine=engine, as_of=as_of,
        cut_off=cut_off, agreements=agreements,
    )  # fmt: skip
    return _figures(workspace, definition, found, as_of=as_of, target=target, baseline=baseline)


def _figures(
    workspace: Workspace,
    definition: Definition,
    found: Cube,
    *,
    as_of: int | None,
    target: float | None = None,
    baseline: float | None = None,
) -> tuple[Figure, ...]:
    from exchange.indicators.figures import figures as divided

    load = as_of if as_of is not None else workspace.store.last_load()
    return divided(
        definition, found.rows, start=found.start, end=found.end, cut_off=found.cut_off, target=target,
        baseline=baseline, sources=sources(definition), as_of_load=load,
    )  # fmt: skip


def sources(definition: Definition) -> tuple[str, ...]:
    """Return whose data a figure rests on: practice, partner, client, each once."""
    from exchange.indicators.needing import needed

    found = {one.supplier for one in needed(definition)}
    return tuple(name for name in ("practice", "partner", "client") if name in found) or ("practice",)


def cube(
    workspace: Workspace,
    definition: Definition,
    *,
    start: date,
    end: date,
    group_by: tuple[str, ...] = (),
    engine: str = "sql",
    as_of: int | None = None,
    cut_off: date | None = None,
    agreements: frozenset[str] | None = None,
) -> Cube:
    """Return the integers, by SQL or by the plain-Python oracle; both give the same."""
    starts = {definition.id: start}
    (found,) = cubes(
        workspace, [definition], starts=starts, end=end, group_by=group_by, engine=engine, as_of=as_of,
        cut_off=cut_off, agreements=agreements,
    )  # fmt: skip
    return found


def cubes(
    workspace: Workspace,
    asked: Sequence[Definition],
    *,
    starts: Mapping[str, date],
    end: date,
    group_by: tuple[str, ...] = (),
    engine: str = "sql",
    as_of: int | None = None,
    cut_off: date | None = None,
    agreements: frozenset[str] | None = None,
) -> Iterator[Cube]:
    """Return the integers of several definitions, which share what they have in common."""
    from exchange.indicators.cohort import Question
    from exchange.records.instruments import instruments

    questions = [
        # an agreement's figure is about its own cases; what others do not answer is not its unknown
        Question(
            one, starts[one.id], end, cut_off or workspace.on, group_by, instruments(), agreements, within=agreements
        )
        for one in asked
    ]
    if engine == "oracle":
        from exchange.indicators import oracle

        dataset = workspace.store.dataset(as_of)
        for q in questions:
            yield oracle.cube(
                q.definition, dataset, start=q.start, end=q.end, cut_off=q.cut_off, group_by=q.group_by,
                instruments=q.instruments, agreements=q.agreements, within=q.within,
            )  # fmt: skip
        return
    from exchange.counting import counting
    from exchange.counting.engines import OnStore

    with workspace.store.reading() as connection:
        yield from counting.cubes(OnStore(connection), questions, as_of=as_of)


def protected(found: Sequence[Figure], audience: str, *, near: Collection[int] = ()) -> tuple[Figure, ...]:
    """Return figures as their readers may see them: `internal` all of it, `insurer` after disclosure control.

    `near` are the places of those that are too near an earlier release.
    """
    from exchange.indicators.disclosure import Audience
    from exchange.indicators.protecting import protect

    outside = audience != "internal"
    return protect(tuple(found), audience=Audience.OUTSIDE if outside else Audience.INTERNAL, near=near)


def queries(workspace: Workspace, ids: Sequence[str] = (), group_by: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the SQL of definitions as it runs on this workspace's engine."""
    return texts("postgresql" if "://" in workspace.settings.store else "sqlite", ids, group_by)


def texts(engine: str, ids: Sequence[str] = (), group_by: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the SQL of definitions as it runs on any engine; pooled ones look at exported tables."""
    from exchange.counting import counting

    chosen = [one for one in definitions(ids) if ids or one.kind != NEEDS_TABLE]
    return {one.id: counting.sql(one, engine, group_by=group_by) for one in chosen}


def require_store_engine(engine: str) -> None:
    """Refuse an engine that does not count in the store."""
    if engine not in ("sql", "oracle"):
        raise IndicatorError("figuring.engine-elsewhere", hints=("hint.figuring-engine",), engine=engine)


def row(figure: Figure, language: str) -> tuple[str, ...]:
    """Return a figure as one row of a table: name, group, value, interval, counts, unknown, patients."""
    return rows((figure,), language)[0]


def rows(found: Iterable[Figure], language: str) -> list[tuple[str, ...]]:
    """Return figures as rows of a table: name, group, value, interval, counts, unknown, patients."""
    from exchange.indicators.reading import title_of

    cells = _Cells(language)
    titles: dict[str, str] = {}
    groups: dict[int, tuple[str, Figure]] = {}
    listed = []
    for one in found:
        title = titles.get(one.indicator) or titles.setdefault(one.indicator, title_of(one.indicator, language))
        group = groups.get(id(one.group)) or groups.setdefault(id(one.group), (", ".join(one.group.values()), one))
        listed.append((title, group[0], *cells.of(one)))
    return listed


class _Cells:
    """What figures say in a row: a split has thousands, most of which say the same of another group.

    What is known by the id of a part is kept beside the figure it is of, so that nothing else can have that id.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self.shared: dict[tuple[Any, ...], tuple[tuple[str, ...], Figure]] = {}
        self.alike: dict[tuple[Any, ...], tuple[str, ...]] = {}

    def of(self, figure: Figure) -> tuple[str, ...]:
        """Return value, interval, counts, unknown and patients as text."""
        if figure.masked is not None:  # what such a one still says stands in its details
            return _cells(figure, self.language)
        counts = (
            figure.kind, figure.value, figure.numerator, figure.denominator, figure.unknown, figure.patients,
        )  # fmt: skip
        shared = (counts, id(figure.interval), id(figure.withheld))
        found = self.shared.get(shared)
        if found is None:
            alike = (counts, figure.interval, figure.withheld)
            cells = self.alike.get(alike) or self.alike.setdefault(alike, _cells(figure, self.language))
            found = self.shared[shared] = (cells, figure)
        return found[0]


def _cells(figure: Figure, language: str) -> tuple[str, ...]:
    from exchange.reports import figures_text as text

    of = "" if figure.numerator is None else f"{figure.numerator}/{figure.denominator}"
    return (
        text.value_text(figure, language),
        text.interval_text(figure, language),
        of,
        text.count_of(figure, "unknown", language),
        text.count_of(figure, "patients", language),
    )


def frame(found: Iterable[Figure]) -> Any:
    """Return figures as a pandas frame: one row per figure, a column per count; the hand-over form for analysts."""
    import pandas as pd

    return pd.DataFrame([_flat(one) for one in found])


def write(found: Sequence[Figure], to: Path, *, language: str = "nl") -> None:
    """Write figures as CSV (as Dutch Excel reads it), XLSX or JSON."""
    if to.suffix == ".json":
        data = json.dumps([_flat(one) for one in found], ensure_ascii=False, indent=1, sort_keys=True).encode("utf-8")
    elif to.suffix == ".csv":
        dutch = {"sep": ";", "decimal": ","} if language == "nl" else {}
        data = frame(found).to_csv(index=False, lineterminator="\r\n", **dutch).encode("utf-8-sig")
    elif to.suffix == ".xlsx":
        data = _workbook(found)
    else:
        raise IndicatorError("figuring.format", hints=("hint.figuring-format",), suffix=to.suffix)
    files.write(to, data)


def _workbook(found: Sequence[Figure]) -> bytes:
    import io
    from datetime import UTC, datetime

    import pandas as pd

    stream = io.BytesIO()
    with pd.ExcelWriter(stream, engine="xlsxwriter") as book:
        frame(found).to_excel(book, index=False)
        # the same figures are the same bytes, whenever they are written
        moment = max((one.cut_off for one in found), default=date(2000, 1, 1))
        book.book.set_properties({"created": datetime(moment.year, moment.month, moment.day, tzinfo=UTC)})
    return stream.getvalue()


def _flat(figure: Figure) -> dict[str, Any]:
    whole = asdict(figure)
    interval, bounds = whole.pop("interval"), whole.pop("bounds")
    nested: Mapping[str, Any] = {name: whole.pop(name) for name in ("group", "parts", "details", "evidence")}
    flat = {name: value.isoformat() if isinstance(value, date) else value for name, value in whole.items()}
    flat["sources"] = ", ".join(figure.sources)
    flat["withheld"] = ", ".join(sorted(figure.withheld))
    flat["verdict"] = figure.verdict.value if figure.verdict is not None else None
    flat |= {f"interval_{name}": value for name, value in (interval or {}).items()}
    flat |= {"worst": bounds[0], "best": bounds[1]} if bounds else {}
    return flat | {f"{group}_{name}": value for group, some in nested.items() for name, value in some.items()}


def _agreement_start(workspace: Workspace) -> date:
    from exchange.agreements import signing

    starts = [signing.thaw(one.payload).agreement.term.start for one in workspace.store.agreements.list()]
    return min(starts, default=workspace.on)
