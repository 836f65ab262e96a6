"""One indicator over time: the figure of each complete period with its interval, drawn and as a table beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from exchange.findings import say
from exchange.indicators.figure import Figure
from exchange.reports import drawing, figures_text
from exchange.reports.charts import Picture
from exchange.reports.facts import DefinitionText, SummaryFacts, Trend
from exchange.reports.figures_text import SHARES, amount, label
from exchange.reports.numbers import percent

_WIDTHS = (19, 12, 13, 29, 11)
_MONTHS = {"quarter": 3, "half-year": 6}


def pictures(facts: SummaryFacts, language: str) -> dict[tuple[str, str], Picture]:
    """Draw every trend there is, by agreement (empty: the practice) and indicator."""
    drawn: dict[tuple[str, str], Picture] = {}
    for agreement, indicator, trend in _every(facts):
        if trend.points:
            name = f"trend-{len(drawn) + 1}"
            drawn[agreement, indicator] = picture(trend, facts.definitions, language, name)
    return drawn


def _every(facts: SummaryFacts) -> Iterator[tuple[str, str, Trend]]:
    for agreement in facts.agreements:
        for indicator, trend in agreement.trends.items():
            yield agreement.id, indicator, trend
    for indicator, trend in facts.trends.items():
        yield "", indicator, trend


def reason(trend: Trend, language: str) -> str:
    """Say why no trend is drawn; empty where one is."""
    return (
        _say(f"left-out.{trend.left_out}", language, step=_say(f"step.{trend.step}", language))
        if trend.left_out
        else ""
    )


def hidden_text(language: str) -> str:
    """Say that a period's figure may not be shown."""
    return _say("hidden", language)


def period_name(start: date, step: str, language: str) -> str:
    """Name a period as people do: first half of 2024, third quarter of 2024, 2024."""
    return _named("name", start, step, language)


def picture(trend: Trend, definitions: Mapping[str, DefinitionText], language: str, name: str) -> Picture:
    """Draw one trend, with its data as a table and what it shows in words."""
    first = trend.points[0]
    step = _say(f"step.{trend.step}", language)
    title = _say("title", language, title=figures_text.title_of(first, definitions, language), step=step)
    rows = tuple(_row(one, trend.step, language) for one in trend.points)
    told = "; ".join(f"{row[0]}: {row[1]} ({row[2]})" if row[2] != "–" else f"{row[0]}: {row[1]}" for row in rows)
    labels = _labels(trend, title, language)
    alt = " ".join(part for part in (_say("alt", language, title=title, points=told), _lines(labels)) if part)
    axis = [_named("short", one.start, trend.step, language).replace(" / ", "\n") for one in trend.points]
    svg, png = drawing.draw(
        lambda axes: drawing.trend(
            axes, trend.points, trend.limits, labels, axis, lambda value: _short(first, value, language),
            shares=first.kind in SHARES,
        ),
        name=name,
        title=title,
        description=alt,
        height=2.5,
    )  # fmt: skip
    heads = ("period", "value", "interval", "rests", "unknown")
    header = tuple(_say(f"column.{head}", language) for head in heads)
    return Picture(name, title, alt, svg, png, header, rows, note=_note(trend, language), widths=_WIDTHS)


def _row(figure: Figure, step: str, language: str) -> tuple[str, ...]:
    named = period_name(figure.start, step, language)
    if figure.masked is not None:
        hidden = label("value", "withheld", language)
        return (named, _say("hidden", language), "–", hidden, hidden)
    if figure.value is None:
        return (named, _say("empty", language), "–", figures_text.rests_on(figure, language), "–")
    return (
        named,
        figures_text.value_text(figure, language),
        figures_text.interval_text(figure, language),
        figures_text.rests_on(figure, language),
        figures_text.count_of(figure, "unknown", language),
    )


def _labels(trend: Trend, title: str, language: str) -> dict[str, str]:
    first = trend.points[0]
    labels = {
        "title": title,
        "axis": _say("axis.share" if first.kind in SHARES else "axis.number", language),
        "official": _say("point", language),
        "hidden": _say("hidden-mark", language),
        "limits": _say("limits", language),
        "centre": _say("centre", language),
        "signal": _say("signal-mark", language),
    }
    for name, value in (("target", first.target), ("baseline", first.baseline)):
        if value is not None:
            labels[name] = _say(name, language, value=amount(first, value, language))
    return labels


def _lines(labels: Mapping[str, str]) -> str:
    """Say in words which lines are drawn."""
    said = [labels[name] for name in ("target", "baseline") if name in labels]
    return (", ".join(said)[:1].upper() + ", ".join(said)[1:] + ".") if said else ""


def _note(trend: Trend, language: str) -> str:
    """Say what the crosses mean, and whether the points vary more than they ordinarily do."""
    notes = [_say("masked", language)] if any(one.masked is not None for one in trend.points) else []
    signals = [one for one in trend.limits if one.signals]
    if signals:
        rules = sorted({rule for one in signals for rule in one.signals})
        named = ", ".join(period_name(one.start, trend.step, language) for one in signals)
        broken = ", ".join(label("signal", rule, language) for rule in rules)
        notes.append(_say("signals", language, periods=named, rules=broken))
    elif trend.limits:
        notes.append(_say("no-signal", language))
    return ". ".join(notes)


def _named(family: str, start: date, step: str, language: str) -> str:
    if step == "year":
        return str(start.year)
    number = (start.month - 1) // _MONTHS[step] + 1
    return _say(f"{family}.{step}-{number}", language, year=start.year)


def _short(figure: Figure, value: float, language: str) -> str:
    """Write a number beside a point or on the axis: a percentage without decimals."""
    return percent(value, language, 0) if figure.kind in SHARES else amount(figure, value, language)


def _say(rule: str, language: str, **params: object) -> str:
    return say(f"reports.trend.{rule}", params, language)
