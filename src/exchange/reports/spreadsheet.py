"""The summary for people who calculate on: a workbook with numbers as numbers, and the same as JSON."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from exchange.findings import say
from exchange.indicators.figure import Figure
from exchange.reports import charts, figures_text, reliable, trends
from exchange.reports.facts import PlanFacts, SummaryFacts
from exchange.reports.markdown import plain
from exchange.reports.numbers import count, day, period

_COUNTS = ("eligible", "due", "answered", "unknown", "censored", "excluded", "numerator", "denominator", "patients")
_LIMITS = (
    "lower", "upper", "level", "method", "design_effect", "design_effect_best", "standard_error", "degrees_of_freedom",
)  # fmt: skip
_HEADS = (
    "indicator", "version", "title", "agreement", "group", "kind", "unit", "value",
    *(name.replace("_", "-") for name in _LIMITS), *_COUNTS, "worst", "best", "baseline", "target", "verdict", "masked",
    "from", "until", "cut-off", "scope", "sources", "load",
)  # fmt: skip
# What Excel makes of a row at most, in points.
_HIGHEST = 409
Cell = str | float | int | date | None


def rows(facts: SummaryFacts, language: str) -> Iterator[tuple[Cell, ...]]:
    """Yield one row per figure under the heads of the sheet; what is masked has no number anywhere."""
    for agreement in facts.agreements:
        for figure in agreement.figures:
            yield _row(figure, agreement.title, facts, language)
    for figure in facts.figures:
        yield _row(figure, "", facts, language)


def _row(figure: Figure, agreement: str, facts: SummaryFacts, language: str) -> tuple[Cell, ...]:
    """Return the cells of one figure."""
    hidden = figure.masked is not None
    interval = None if hidden else figure.interval
    worst, best = (None, None) if hidden or figure.bounds is None else figure.bounds
    limits = tuple(getattr(interval, name) if interval else None for name in _LIMITS)
    counts = tuple(None if hidden else getattr(figure, name) for name in _COUNTS)
    definition = facts.definitions.get(figure.indicator)
    return (
        figure.indicator,
        figure.version,
        figures_text.words(definition.title, language) if definition else figure.indicator,
        agreement,
        ", ".join(f"{name}={value}" for name, value in sorted(figure.group.items())),
        figure.kind,
        figure.unit,
        None if hidden else figure.value,
        *limits,
        *counts,
        worst,
        best,
        figure.baseline,
        figure.target,
        figures_text.verdict_text(figure, language),
        figures_text.value_text(figure, language) if hidden else "",
        figure.start,
        figure.end,
        figure.cut_off,
        figure.scope,
        ", ".join(figure.sources),
        figure.as_of_load,
    )


def workbook(facts: SummaryFacts, language: str) -> bytes:
    """Return the summary as an XLSX workbook; text is never read as a formula."""
    import xlsxwriter

    made = io.BytesIO()
    safe = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(made, {**safe, "default_date_format": "yyyy-mm-dd"}) as book:
        title = f"{_say('document.summary', language)} {plain(facts.organisation.name)}"
        # A fixed moment, for two runs of one day must give the same file.
        created = datetime(facts.on.year, facts.on.month, facts.on.day, 12, tzinfo=UTC).replace(tzinfo=None)
        book.set_properties({"title": title[:255], "created": created, "comments": ""})
        _sheet(book, _say("sheet.about", language), _about(facts, language), language, head=False)
        heads = [tuple(_say(f"sheet.{head}", language) for head in _HEADS)]
        _sheet(book, _say("sheet.figures", language), [*heads, *rows(facts, language)], language)
        _sheet(book, _say("sheet.definitions", language), _definitions(facts, language), language)
        _sheet(book, _say("sheet.agreements", language), _agreements(facts, language), language)
        _sheet(book, _say("sheet.series", language), _series(facts, language), language)
        _sheet(book, _say("sheet.trends", language), _over_time(facts, language), language)
    return made.getvalue()


def _say(rule: str, language: str) -> str:
    return say(f"reports.{rule}", {}, language)


def _sheet(book: Any, name: str, table: Sequence[tuple[Cell, ...]], language: str, *, head: bool = True) -> None:
    """Write one sheet: bold heads that stay in view, a filter, columns as wide as what is in them."""
    sheet = book.add_worksheet(name[:31])
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    dated = book.add_format({"num_format": "yyyy-mm-dd", "valign": "top", "align": "left"})
    numbered = book.add_format({"valign": "top"})
    # Only how it is shown: the cell keeps every digit.
    rounded = book.add_format({"valign": "top", "num_format": "0.0000"})
    for at, line in enumerate(table):
        for column, cell in enumerate(line):
            if isinstance(cell, date):
                sheet.write_datetime(at, column, datetime(cell.year, cell.month, cell.day), dated)  # noqa: DTZ001 - a calendar date, no instant
            elif isinstance(cell, int | float):
                sheet.write_number(at, column, cell, numbered if cell == int(cell) else rounded)
            elif cell:
                sheet.write_string(at, column, plain(cell)[:32767], bold if head and at == 0 else wrapped)
    _measure(sheet, table)
    if head and table:
        sheet.freeze_panes(1, 0)
        if len(table) > 1:
            sheet.autofilter(0, 0, len(table) - 1, len(table[0]) - 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)


def _measure(sheet: Any, table: Sequence[tuple[Cell, ...]]) -> None:
    """Make columns as wide, and rows as high, as what is in them: not every program does the latter by itself."""
    widths = _widths(table)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    for at, line in enumerate(table):
        needed = (math.ceil(_length(cell) * 1.1 / width) for cell, width in zip(line, widths, strict=False))
        lines = max(needed, default=1)
        if lines > 1:
            sheet.set_row(at, min(_HIGHEST, 15 * lines))


def _widths(table: Sequence[tuple[Cell, ...]]) -> list[int]:
    """Return how wide each column is, in characters: as its longest cell, within bounds."""
    columns = range(max((len(line) for line in table), default=0))
    longest = [max(_length(line[column]) for line in table if column < len(line)) for column in columns]
    return [min(60, max(9, length + 2)) for length in longest]


def _length(cell: Cell) -> int:
    return len(f"{cell:.4f}") if isinstance(cell, float) and cell != int(cell) else len(str(cell or ""))


def _about(facts: SummaryFacts, language: str) -> list[tuple[Cell, ...]]:
    """Return what a reader must know before the numbers."""
    pairs = {
        "organisation": facts.organisation.name,
        "period": period(facts.start, facts.end, language),
        "made-on": day(facts.on, language),
        "audience": _say(f"audience.{facts.audience.value}", language),
        "reading": _say("sheet.reading-text", language),
    }
    return [(_say(f"sheet.{name}", language), text) for name, text in pairs.items()]


def _definitions(facts: SummaryFacts, language: str) -> list[tuple[Cell, ...]]:
    """Return the definitions of the indicators that are printed."""
    heads = tuple(
        _say(f"sheet.{head}", language)
        for head in ("indicator", "version", "title", "paragraph", "cannot-show", "source")
    )
    texts = [
        (
            definition.id,
            definition.version,
            figures_text.words(definition.title, language),
            figures_text.words(definition.paragraph, language),
            figures_text.words(definition.cannot_show, language),
            definition.source,
        )
        for _, definition in sorted(facts.definitions.items())
    ]
    return [heads, *texts]


def _agreements(facts: SummaryFacts, language: str) -> list[tuple[Cell, ...]]:
    """Return the agreements with the state of their exchange."""
    steps = ("sent", "due", "answered", "unanswered")
    names = ("agreement", "version", "partners", "kind", "state", "from", "until", *steps)
    lines = [
        (
            agreement.title,
            agreement.version,
            ", ".join(agreement.partners),
            figures_text.label("kind", agreement.kind, language),
            figures_text.label("state", agreement.state, language),
            agreement.start,
            agreement.end,
            *(getattr(agreement.loop, step) for step in steps),
        )
        for agreement in facts.agreements
    ]
    return [tuple(_say(f"sheet.{name}", language) for name in names), *lines]


def _over_time(facts: SummaryFacts, language: str) -> list[tuple[Cell, ...]]:
    """Return the figure of each period as numbers; why there is no trend, or no number, is said in words."""
    names = ("indicator", "title", "agreement", "period-name", "from", "until", "value", "lower", "upper",
             "numerator", "denominator", "patients", "unknown", "baseline", "target", "masked")  # fmt: skip
    held = [(agreement.title, agreement.trends) for agreement in facts.agreements] + [("", facts.trends)]
    lines: list[tuple[Cell, ...]] = []
    for agreement, some in held:
        for indicator, trend in some.items():
            title = figures_text.words(facts.definitions[indicator].title, language, indicator)
            if not trend.points:
                lines.append((indicator, title, agreement, *(None,) * 12, trends.reason(trend, language)))
            lines += [(indicator, title, agreement, *_in_period(one, trend.step, language)) for one in trend.points]
    return [tuple(_say(f"sheet.{name}", language) for name in names), *lines]


def _in_period(figure: Figure, step: str, language: str) -> tuple[Cell, ...]:
    hidden = figure.masked is not None
    limits = (figure.interval.lower, figure.interval.upper) if figure.interval and not hidden else (None, None)
    counts = ("numerator", "denominator", "patients", "unknown")
    return (
        trends.period_name(figure.start, step, language),
        figure.start,
        figure.end,
        None if hidden else figure.value,
        *limits,
        *(None if hidden else getattr(figure, name) for name in counts),
        figure.baseline,
        figure.target,
        trends.hidden_text(language) if hidden else "",
    )


def _series(facts: SummaryFacts, language: str) -> list[tuple[Cell, ...]]:
    """Return the numbers behind each chart: chart, label, series, value."""
    heads: tuple[Cell, ...] = tuple(
        _say(f"sheet.{name}", language) for name in ("chart", "label", "series-name", "value")
    )
    return [heads, *_series_rows(facts, language)]


def _series_rows(facts: SummaryFacts, language: str) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows of the chart data; a hidden class is said as text, so that nobody adds it as nothing."""
    if facts.charts.index is not None:
        for point in facts.charts.index.points:
            for name in ("value", "lower", "upper"):
                said = _say(f"sheet.{name}", language)
                yield ("index", f"{point.year} {point.edition}".strip(), said, getattr(point, name))
    if facts.charts.sessions is not None:
        national = charts.national_sessions()
        for name, value, share in zip(
            national["classes"], facts.charts.sessions.classes, national["shares"], strict=True
        ):
            said = _say("sheet.patients", language)
            yield ("sessions", name, said, count(None, language) if value is None else value)
            yield ("sessions", name, f"Nivel {national['year']}", share)
    for change in facts.charts.changes:
        for name, value in change.classes.items():
            said = figures_text.label("class", name, language)
            yield ("change", change.instrument, said, count(None, language) if value is None else value)
    for table in facts.reliable.tables if facts.reliable is not None else ():
        for name, number in (("measured", table.measured), ("episodes", table.episodes), *table.classes.items()):
            yield ("jacobson-truax", table.instrument, reliable.label(name, language), number)


def data(facts: SummaryFacts, language: str) -> bytes:
    """Return the summary as JSON: the facts as they are, with every figure also as a sentence."""
    figures = [
        {**_plain(asdict(figure)), "agreement": agreement, "sentence": _sentence(figure, facts, language)}
        for agreement, figure in _named(facts)
    ]
    whole = {
        "document": "indicator-summary",
        "format": 1,
        "language": language,
        "figures": figures,
        **{name: _plain(value) for name, value in asdict(facts).items() if name not in {"figures", "definitions"}},
        "definitions": {name: _plain(asdict(one)) for name, one in sorted(facts.definitions.items())},
    }
    return (json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode("utf-8")


def provenance(facts: PlanFacts) -> bytes:
    """Return what stands behind the figures of a letter, for the file that is kept beside it."""
    figures = [*facts.outcome, *facts.durable, *facts.substitution, *facts.process]
    whole = {
        "document": "improvement-plan-provenance",
        "format": 1,
        "on": facts.on.isoformat(),
        "load": facts.load,
        "program": facts.program,
        "index": _plain(asdict(facts.index)) if facts.index is not None else None,
        "figures": [_plain(asdict(figure)) for figure in figures],
        "agreements": [{"id": one.id, "version": one.version} for one in facts.agreements],
    }
    return (json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode("utf-8")


def _named(facts: SummaryFacts) -> Iterator[tuple[str | None, Figure]]:
    """Yield every figure with the id of its agreement, None for the whole practice."""
    for agreement in facts.agreements:
        for figure in agreement.figures:
            yield agreement.id, figure
    for figure in facts.figures:
        yield None, figure


def _sentence(figure: Figure, facts: SummaryFacts, language: str) -> str:
    return figures_text.sentence(figure, facts.definitions, language)


def _plain(value: Any) -> Any:
    """Return a value as JSON knows it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
