"""Reliable change as people read it: a table by instrument, and what stands under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from exchange.findings import say
from exchange.indicators.reliable_change import RELIABLE_CLASSES
from exchange.reports.numbers import day, percent, period


@dataclass(frozen=True, slots=True)
class ReliableTable:
    """Jacobson and Truax's classes on one instrument; without norms `recovered` is not among them.

    `share` improved reliably among those measured, `bounds` is that share over all episodes, `how` says by what change
    is judged and whose research that is. `basis` is norms, error or none.
    """

    instrument: str
    basis: str
    classes: Mapping[str, int]
    episodes: int
    measured: int
    patients: int
    share: float | None
    lower: float | None
    upper: float | None
    bounds: tuple[float, float] | None
    how: str
    verified: bool


@dataclass(frozen=True, slots=True)
class ReliableChange:
    """Reliable change on each instrument, for the practice alone: nothing in it is withheld."""

    start: date
    end: date
    cut_off: date
    indicator: str
    version: int
    tables: tuple[ReliableTable, ...] = ()
    lacking: bool = False  # norms, for some instrument
    method: str = ""


def title(language: str) -> str:
    """Return what the table is called."""
    return say("reliable-change.title", {}, language)


def label(name: str, language: str) -> str:
    """Return a class, or a count beside the classes, in words."""
    kind = "class" if name in RELIABLE_CLASSES else "head"
    return say(f"reliable-change.{kind}.{name}", {}, language)


def head(language: str) -> tuple[str, ...]:
    """Return the heads of the table, of which the first is the instrument."""
    names = [
        "head.instrument", *(f"class.{one}" for one in RELIABLE_CLASSES), "head.measured", "head.patients",
        "head.share", "head.interval", "head.bounds",
    ]  # fmt: skip
    return tuple(say(f"reliable-change.{name}", {}, language) for name in names)


def row(one: ReliableTable, language: str) -> tuple[str, ...]:
    """Return one instrument as a row under `head`; a class that nobody can tell is a dash, never a zero."""
    classes = (one.classes.get(name) for name in RELIABLE_CLASSES)
    limits = "–" if one.lower is None else f"{percent(one.lower, language)} – {percent(one.upper, language)}"
    bounds = "–" if one.bounds is None else f"{percent(one.bounds[0], language)} – {percent(one.bounds[1], language)}"
    mark = "" if one.verified else f" {say('records.unverified', {}, language)}"
    return (
        one.instrument + mark,
        *("–" if each is None else str(each) for each in classes),
        f"{one.measured}/{one.episodes}",
        str(one.patients),
        percent(one.share, language),
        limits,
        bounds,
    )


def lines(found: ReliableChange, language: str) -> tuple[str, ...]:
    """Return what stands under the table: by what each instrument is judged, and what the table can't say."""
    told = [one.how for one in found.tables if one.how]
    if found.lacking:
        told.append(say("reliable-change.no-norms", {}, language))
    return (*told, say("reliable-change.what", {}, language))


def about(found: ReliableChange, language: str) -> str:
    """Say of which episodes the table is, by which definition and with which intervals."""
    params = {
        "period": period(found.start, found.end, language),
        "cut_off": day(found.cut_off, language),
        "indicator": found.indicator,
        "version": found.version,
        "method": found.method and say("reliable-change.intervals", {"method": found.method}, language),
    }
    return say("reliable-change.period", params, language)


def page_table(found: ReliableChange, language: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return head and rows as a page has room for: the share and its interval in one column, no bounds."""
    heads = head(language)
    rows = []
    for one in found.tables:
        cells = row(one, language)
        share = cells[7] if one.lower is None else f"{cells[7]} ({cells[8]})"
        rows.append((*cells[:6], share))
    return (*heads[:6], f"{heads[7]} ({heads[8]})"), tuple(rows)
