"""Four charts, readable in black and white, each with a title, a text alternative and its data as a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from exchange import shipped
from exchange.findings import say
from exchange.reports import drawing
from exchange.reports.facts import AgreementFacts, Band, ChangeFacts, Charts, IndexFacts, IndexPoint, SessionsFacts
from exchange.reports.figures_text import label, words
from exchange.reports.numbers import count, number, percent, shortest

CLASSES = ("improved", "within-error", "unchanged", "deteriorated", "cannot-improve")
STEPS = ("sent", "due", "answered", "unanswered")


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn chart: `alt` says in words what it shows, `header` and `rows` are its data beside it."""

    name: str
    title: str
    alt: str
    svg: bytes
    png: bytes
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    widths: tuple[int, ...] = ()  # of the columns, where the first is not simply the widest


def say_in(language: str) -> Callable[..., str]:
    """Return a function that says a chart's sentence in one language."""
    return lambda rule, /, **params: say(f"reports.chart.{rule}", params, language)


@cache
def national_sessions() -> Mapping[str, Any]:
    """Return Nivel's published distribution of sessions per patient, with year and source (indicators.md)."""
    read: Mapping[str, Any] = json.loads(
        shipped.schemas("templates", "national-sessions.json").read_text(encoding="utf-8")
    )
    return read


def pictures(charts: Charts, agreements: Sequence[AgreementFacts], language: str) -> dict[str, Picture]:
    """Draw every chart there are data for, by name: index, sessions, change-1…, loop."""
    drawn: list[Picture] = []
    if charts.index is not None and charts.index.points:
        drawn.append(index(charts.index, language))
    if charts.sessions is not None and any(charts.sessions.classes):
        drawn.append(sessions(charts.sessions, language))
    with_counts = [facts for facts in charts.changes if any(facts.classes.values())]
    drawn.extend(change(facts, language, f"change-{place}") for place, facts in enumerate(with_counts, 1))
    looped = [facts for facts in agreements if any(getattr(facts.loop, step) is not None for step in STEPS)]
    if looped:
        drawn.append(loop(looped, language))
    return {picture.name: picture for picture in drawn}


def band_text(band: Band, language: str) -> str:
    """Say in words what an insurer allows."""
    tell = say_in(language)
    upper = shortest(band.upper, language)
    allowed = (
        tell("index.upto", upper=upper)
        if band.lower is None
        else tell("index.between", lower=shortest(band.lower, language), upper=upper)
    )
    judged = label("bound", band.bound, language)
    return tell("index.band", insurer=band.insurer, year=band.year, band=allowed, bound=judged)


def index(facts: IndexFacts, language: str) -> Picture:
    """Draw the official index over time with its interval, against the band the insurer sets."""
    tell = say_in(language)
    points = sorted(facts.points, key=lambda point: (point.year, point.edition))
    labels = {
        "title": tell("index.title"),
        "axis": tell("index.axis"),
        "band": band_text(facts.band, language) if facts.band else "",
        "national": tell("index.national"),
        "target": tell("index.target", target=shortest(facts.target, language)) if facts.target is not None else "",
        "official": tell("index.official"),
    }
    spoken = "; ".join(_point_text(point, language) for point in points)
    alt = tell("index.alt", points=spoken, band=_sentence(labels["band"])).strip()
    svg, png = drawing.draw(
        lambda axes: drawing.index(axes, points, facts.band, facts.target, labels, language),
        name="index",
        title=labels["title"],
        description=alt,
    )
    heads = ("year", "edition", "value", "lower", "upper", "source")
    rows = tuple(
        (
            str(point.year),
            point.edition or "–",
            shortest(point.value, language),
            shortest(point.lower, language),
            shortest(point.upper, language),
            point.source or "–",
        )
        for point in points
    )
    header = tuple(label("column", head, language) for head in heads)
    return Picture("index", labels["title"], alt, svg, png, header, rows, note=labels["band"])


def _sentence(text: str) -> str:
    """Make a label a sentence."""
    return text[:1].upper() + text[1:] + "." if text else ""


def _point_text(point: IndexPoint, language: str) -> str:
    """Say one point of the index in words."""
    texts = {name: shortest(getattr(point, name), language) for name in ("value", "lower", "upper")}
    rule = "index.bare" if point.lower is None or point.upper is None else "index.point"
    return say_in(language)(rule, year=point.year, **texts)


def sessions(facts: SessionsFacts, language: str) -> Picture:
    """Draw the distribution of sessions per patient beside Nivel's published one."""
    tell = say_in(language)
    national = national_sessions()
    classes: Sequence[str] = national["classes"]
    shares = [share_of(value, facts) for value in facts.classes]
    texts = [
        (name, percent(own, language) if own is not None else count(None, language), percent(reference, language))
        for name, own, reference in zip(classes, shares, national["shares"], strict=True)
    ]
    spoken = "; ".join(tell("sessions.row", label=name, own=own, reference=ref) for name, own, ref in texts)
    labels = {
        "title": tell("sessions.title"),
        "axis": tell("sessions.axis"),
        "classes": tell("sessions.classes"),
        "own": tell("sessions.own", n=count(facts.patients, language)),
        "reference": tell("sessions.reference", year=national["year"], n=number(national["patients"], language, 0)),
    }
    alt = tell("sessions.alt", rows=spoken, year=national["year"])
    svg, png = drawing.draw(
        lambda axes: drawing.sessions(axes, classes, shares, national["shares"], labels, language),
        name="sessions",
        title=labels["title"],
        description=alt,
    )
    header = (labels["classes"].capitalize(), labels["own"].capitalize(), labels["reference"])
    notes = [words(national["source"], language)] + ([tell("withheld")] if None in shares else [])
    return Picture("sessions", labels["title"], alt, svg, png, header, tuple(texts), note=". ".join(notes))


def share_of(value: int | None, facts: SessionsFacts) -> float | None:
    """Return a class's share of the patients; None where the class or the total may not be shown."""
    total = facts.patients if facts.patients is not None else _total(facts.classes)
    return None if value is None or not total else value / total


def _total(classes: Sequence[int | None]) -> int | None:
    """Return the sum, or None where a class is hidden: the rest would give it away."""
    shown = [value for value in classes if value is not None]
    return sum(shown) if len(shown) == len(classes) else None


# These classes are said without a number, so there is nothing to mark.
_WITHOUT_LIMIT = frozenset({"unchanged", "cannot-improve"})


def change(facts: ChangeFacts, language: str, name: str) -> Picture:
    """Draw how many episodes fell in each responder class, with the class's limits in the instrument's own points."""
    tell = say_in(language)
    limits = {
        "t": shortest(facts.threshold, language),
        "mic": shortest(facts.mic, language),
    }
    names = [key for key in CLASSES if key in facts.classes]
    shown = [label("class", key, language) for key in names]
    marks = {key: "" if facts.verified or key in _WITHOUT_LIMIT else tell("change.unverified") for key in names}
    ranges = [
        tell(f"change.range.{key}", **limits) + marks[key] if facts.threshold is not None else "" for key in names
    ]
    values = [facts.classes[key] for key in names]
    spoken = "; ".join(f"{text} {count(value, language)}" for text, value in zip(shown, values, strict=True))
    title = tell("change.title", instrument=facts.instrument)
    measured, closed = count(facts.measured, language), count(facts.all_closed, language)
    alt = tell("change.alt", instrument=facts.instrument, rows=spoken, measured=measured, all=closed)
    svg, png = drawing.draw(
        lambda axes: drawing.bars(axes, shown, ranges, values, title, tell("change.axis"), language),
        name=name,
        title=title,
        description=alt,
        height=2.6,
    )
    header = tuple(label("column", head, language) for head in ("class", "limits", "episodes"))
    rows = tuple(
        (text, limit or "–", count(value, language)) for text, limit, value in zip(shown, ranges, values, strict=True)
    )
    notes = [facts.source] if facts.source else []
    notes += [tell("withheld")] if None in values else []
    return Picture(name, title, alt, svg, png, header, rows, note=". ".join(notes))


def loop(agreements: Sequence[AgreementFacts], language: str) -> Picture:
    """Draw for each agreement how many cases were sent, due, answered and unanswered."""
    tell = say_in(language)
    # Titles begin alike and are cut where they differ; the partners tell agreements apart.
    titles = [", ".join(facts.partners) or facts.title for facts in agreements]
    values = [[getattr(facts.loop, step) for step in STEPS] for facts in agreements]
    steps = [label("loop", step, language) for step in STEPS]
    rows = tuple((title, *(count(value, language) for value in row)) for title, row in zip(titles, values, strict=True))
    spoken = " ".join(
        tell(
            "loop.row",
            title=row[0],
            counts=", ".join(f"{step} {value}" for step, value in zip(steps, row[1:], strict=True)),
        )
        for row in rows
    )
    title = tell("loop.title")
    alt = tell("loop.alt", rows=spoken)
    svg, png = drawing.draw(
        lambda axes: drawing.grouped(axes, titles, steps, values, title, tell("loop.axis"), language),
        name="loop",
        title=title,
        description=alt,
        height=min(9.0, 1.4 + 0.85 * len(agreements)),
    )
    note = tell("withheld") if any(None in row for row in values) else ""
    return Picture("loop", title, alt, svg, png, (label("column", "agreement", language), *steps), rows, note=note)
