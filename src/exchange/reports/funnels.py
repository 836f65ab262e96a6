"""Practices beside each other in a funnel: a page with the picture, its table and how to read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from exchange.findings import say
from exchange.indicators.funnel import Funnel, FunnelPoint
from exchange.reports import converting, drawing, markdown, pages, summarising
from exchange.reports.charts import Picture
from exchange.reports.converting import Document
from exchange.reports.numbers import count, number, percent, period

PICTURES = (".svg", ".png")
FORMATS = (".html", ".docx", ".pdf", ".md", *PICTURES)
_HEADS = ("practice", "of", "value", "limits", "outer", "place")
_WIDTHS = (14, 9, 7, 15, 15, 16)


@dataclass(frozen=True, slots=True)
class FunnelFacts:
    """What a page about a funnel says: which share, over which period, and which practices were left out and why.

    `internal` is a page in which small numbers stand, and says so.
    """

    title: str
    start: date
    end: date
    on: date
    funnel: Funnel
    left_out: Sequence[tuple[str, str]] = ()
    internal: bool = True


def heads(language: str) -> tuple[str, ...]:
    """Return the heads of the table."""
    return tuple(_say(name, language) for name in _HEADS)


def row(point: FunnelPoint, language: str) -> tuple[str, ...]:
    """Return one practice: its name, how many of how many, its share, both limits, and where it lies."""
    limits = (f"{percent(lower, language)} – {percent(upper, language)}" for lower, upper in point.limits)
    of = f"{count(point.numerator, language)}/{count(point.denominator, language)}"
    return point.name, of, percent(point.value, language), *limits, _say(point.position, language)


def head(funnel: Funnel, language: str) -> str:
    """Say what lies in the middle, how much more practices differ than by chance, and by which method."""
    return _say("head", language, centre=percent(funnel.centre, language), phi=number(funnel.phi, language, 2))


def write(facts: FunnelFacts, language: str, to: Path) -> None:
    """Write the page, or only its picture, as the file's ending says; ReportError for an ending that is none."""
    pages.require_format(to, FORMATS)
    if to.suffix.lower() in PICTURES:
        drawn = picture(facts, language)
        converting.publish(drawn.svg if to.suffix.lower() == ".svg" else drawn.png, to)
    else:
        pages.write(document(facts, language), to)


def document(facts: FunnelFacts, language: str) -> Document:
    """Return the page before it has a format."""
    drawn = picture(facts, language)
    context = summarising.shared({}, language) | {
        "facts": facts,
        "picture": drawn,
        "head": head(facts.funnel, language),
    }
    text = markdown.render("funnel", language, context)
    return Document(
        text, drawn.title, language, facts.on, banner=_say("internal", language) if facts.internal else "",
        labels=summarising.labels(language), pictures={drawn.name: drawn},
    )  # fmt: skip


def picture(facts: FunnelFacts, language: str) -> Picture:
    """Draw the funnel; in words it says how many lie where, and which practices lie outside."""
    funnel = facts.funnel
    spell = period(facts.start, facts.end, language)
    title = _say("title", language, title=facts.title, practices=count(len(funnel.points), language))
    outside = [one for one in funnel.points if one.position != "inside"]
    named = "; ".join(f"{one.name}: {percent(one.value, language)}, {_say(one.position, language)}" for one in outside)
    alt = _say(
        "alt" if outside else "alt-inside", language,
        title=title, period=spell, centre=percent(funnel.centre, language), outside=named,
        inside=count(len(funnel.points) - len(outside), language),
    )  # fmt: skip
    names = ("axis-share", "axis-cases", "inside", "warning", "alarm", "limits", "outer")
    labels = {name: _say(name, language) for name in names}
    labels |= {"title": title, "centre": _say("centre", language, value=percent(funnel.centre, language))}
    svg, png = drawing.draw(
        lambda axes: drawing.funnel(axes, funnel, labels, language), name="funnel", title=title, description=alt,
        height=4.2,
    )  # fmt: skip
    rows = tuple(row(one, language) for one in funnel.points)
    return Picture("funnel", title, alt, svg, png, heads(language), rows, widths=_WIDTHS)


def _say(name: str, language: str, **params: object) -> str:
    return say(f"funnel.{name}", params, language)
