"""Reliable change by Jacobson and Truax, by the practice's own norms or the measurement error; never for outsiders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import IndicatorError
from exchange.findings import say
from exchange.operations import figuring, files, trail
from exchange.operations.workspace import Workspace
from exchange.records.instruments import Instrument, instruments
from exchange.reports.numbers import number, shortest
from exchange.reports.reliable import ReliableChange, ReliableTable

if TYPE_CHECKING:
    from exchange.indicators.reliable_change import MeasurementError, Norms, Table

FILE = "norms.toml"
RESPONDERS = "responders"


def tables(
    workspace: Workspace,
    ids: Sequence[str] = (),
    *,
    norms: Path | None = None,
    start: date | None = None,
    end: date | None = None,
    as_of: int | None = None,
    cut_off: date | None = None,
    audience: str = "internal",
    language: str = "nl",
) -> ReliableChange:
    """Return a table per instrument; IndicatorError for outsiders, and for what looks at no improvement.

    Without `norms` the workspace's own norms.toml is taken where there is one; what it lacks is judged by the published
    measurement error alone, and says so.
    """
    from exchange.indicators import reliable_change
    from exchange.indicators.cohort import Question

    if audience != "internal":
        raise IndicatorError("reliable-change.internal", hints=("hint.reliable-change-responders",))
    (definition, *more) = figuring.definitions(ids or (RESPONDERS,))
    reliable_change.scores_of(more[0] if more else definition)
    known = _norms(workspace, norms)
    begin, until = figuring.period(workspace, start, end or cut_off, as_of=as_of)
    question = Question(definition, begin, until, cut_off or workspace.on, (), instruments())
    found = reliable_change.tables(question, workspace.store.dataset(as_of), known)
    trail.note(workspace, "calculated", detail=reliable_change.METHOD)
    return ReliableChange(
        start=begin,
        end=until,
        cut_off=question.cut_off,
        indicator=definition.id,
        version=definition.version,
        tables=tuple(_told(one, language) for one in found),
        lacking=any(one.norms is None for one in found if one.instrument),
        method=next((one.improved.method for one in found if one.improved is not None), ""),
    )


def _norms(workspace: Workspace, given: Path | None) -> dict[str, Norms]:
    from exchange.indicators.norms import MAX_BYTES, read_norms

    file = given or workspace.folder / FILE
    if not file.is_file():
        if given is None:
            return {}
        raise IndicatorError("reliable-change.no-file", hints=("hint.reliable-change-responders",), file=given.name)
    return dict(read_norms(files.read(file, most=MAX_BYTES + 1)))


def _told(one: Table, language: str) -> ReliableTable:
    instrument = instruments().get(one.instrument)
    name = instrument.label[language] if instrument is not None else ""
    return ReliableTable(
        instrument=name or say("reliable-change.no-instrument", {}, language),
        basis=one.basis,
        classes=dict(one.counts),
        episodes=one.episodes,
        measured=one.measured,
        patients=one.patients,
        share=one.share,
        lower=one.improved.lower if one.improved is not None else None,
        upper=one.improved.upper if one.improved is not None else None,
        bounds=one.bounds,
        how=_how(one, instrument, language) if instrument is not None else "",
        verified=one.verified,
    )


def _how(one: Table, instrument: Instrument, language: str) -> str:
    """Say by what change on one instrument is called reliable, with its source; what is unverified says so."""
    if one.norms is not None:
        said = _by_norms(one.norms, instrument, language)
    elif one.error is not None:
        said = _by_error(one.error, instrument, language)
    else:
        return say("reliable-change.by-none", {"instrument": instrument.label[language]}, language)
    return said if one.verified else f"{said} {say('records.unverified', {}, language)}"


def _by_norms(norms: Norms, instrument: Instrument, language: str) -> str:
    params: dict[str, object] = {
        "instrument": instrument.label[language],
        "least": _points(1.96 * norms.error, instrument, language),
        "cut_off": _points(norms.cut_off, instrument, language),
        "reliability": number(norms.reliability, language, 2),
        "citation": norms.reliability_citation,
    }
    for name, group in (("ill", norms.dysfunctional), ("well", norms.functional)):
        params |= {
            name: group.name,
            f"{name}_mean": shortest(group.mean, language),
            f"{name}_sd": shortest(group.sd, language),
            f"{name}_citation": group.citation,
        }
    return say("reliable-change.by-norms", params, language)


def _by_error(error: MeasurementError, instrument: Instrument, language: str) -> str:
    form = {95: "by-error", None: "by-error-unstated"}.get(error.confidence, "by-error-converted")
    params = {
        "instrument": instrument.label[language],
        "least": _points(error.least, instrument, language),
        "confidence": error.confidence,
        "source": instrument.source,
    }
    return say(f"reliable-change.{form}", params, language)


def _points(value: float, instrument: Instrument, language: str) -> str:
    return f"{shortest(round(value, 6), language, instrument.decimals + 1)} {instrument.unit}".rstrip()
