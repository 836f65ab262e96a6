"""The release ledger: every count that left for outsiders, by whom it is about, so that two of them tell no third.

A final edition, and a summary that is released, write each count they publish with the keyed digests of its patients.
A later one is refused where a count of the same indicator and the same part holds an earlier one, or lies within it,
and 1 to 9 patients are the difference: subtracting would tell about them. Drafts write nothing; a person who sends a
draft goes round this.

What it does not cover: counts of different indicators set against each other; two counts that overlap without one
lying within the other; what three or more counts together tell; means, medians and intervals beyond their counts;
totals that partners count themselves, of which nobody here knows the patients; what others publish about the same
people; and a patient whom two files named apart at the first release and who is one person now. One release by itself
is the work of disclosure control (`indicators.protecting`), not of the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exchange.errors import ReportError
from exchange.findings import say
from exchange.operations import tracing, trail
from exchange.operations.choosing import Asked
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.indicators.disclosure import Published
    from exchange.indicators.figure import Figure
    from exchange.store.releases import ReleasedCell

_COUNTS = ("eligible", "due", "answered", "unknown", "censored", "excluded")
_LONGEST = 64


@dataclass(frozen=True, slots=True)
class _Cell:
    """One count as it will be published: the figure's name and part in the ledger, and its patients' digests."""

    asked: Asked
    figure: Figure
    part: str
    cell: ReleasedCell


def differs_too_little(workspace: Workspace, published: Iterable[tuple[Asked, Figure, Figure]]) -> bool:
    """Say whether the ledger would refuse these cells: for what a document can also leave out."""
    from exchange.indicators.disclosure import refuse_differencing

    earlier = _earlier(workspace.store.releases.all())
    for one in _cells(workspace, published) if earlier else ():
        before = earlier.get((one.asked.definition.id, one.part), ())
        if not one.cell.members or any(one.cell.members == cell.members for _, cell in before):
            continue
        if refuse_differencing(one.cell.members, (known for known, _ in before), key=one.cell.cell):
            return True
    return False


def require_new(
    workspace: Workspace, published: Iterable[tuple[Asked, Figure, Figure]], language: str
) -> tuple[ReleasedCell, ...]:
    """Return the cells that a document would publish and that outsiders don't have yet.

    Raises ReportError, naming the first cell, where one differs too little from what was released before.
    """
    from exchange.indicators.disclosure import THRESHOLD, refuse_differencing

    earlier = _earlier(workspace.store.releases.all())
    new = []
    for one in _cells(workspace, published):
        before = earlier.get((one.asked.definition.id, one.part), ())
        if not one.cell.members or any(one.cell.members == cell.members for _, cell in before):
            continue
        findings = refuse_differencing(one.cell.members, (known for known, _ in before), key=one.cell.cell)
        if findings:
            document = next(cell for known, cell in before if known.key == findings[0].params["earlier"])
            trail.note(workspace, "document-refused", outcome="refused", detail=one.cell.cell)
            raise ReportError(
                "releasing.differencing",
                hints=("hint.releasing",),
                figure=_said(one, language),
                document=document.document,
                least=THRESHOLD,
            )
        new.append(one.cell)
    return tuple(new)


def record(workspace: Workspace, document: str, cells: Sequence[ReleasedCell]) -> None:
    """Write in the ledger what a document published; the trail names document and number of counts."""
    named = f"{document} {workspace.on.isoformat()}"[:_LONGEST]
    written = workspace.store.releases.save(named, cells, at=workspace.now)
    trail.note(workspace, "released", object=document, detail=str(written))


def _earlier(
    released: Iterable[ReleasedCell],
) -> dict[tuple[str, str], list[tuple[Published, ReleasedCell]]]:
    """Return what outsiders have, by indicator and part: all outsiders are one."""
    from exchange.indicators.disclosure import Published

    found: dict[tuple[str, str], list[tuple[Published, ReleasedCell]]] = {}
    for one in released:
        name = json.loads(one.cell)
        found.setdefault((name["indicator"], name["part"]), []).append((Published(one.cell, one.members), one))
    return found


def _cells(workspace: Workspace, published: Iterable[tuple[Asked, Figure, Figure]]) -> Iterator[_Cell]:
    from exchange.store.releases import ReleasedCell

    digests: dict[str, str] = {}
    for asked, counted, shown in published:
        parts = published_parts(shown)
        if not parts:
            continue
        members = tracing.members(tracing.trace(workspace, asked, counted))
        for part in parts:
            patients = members.get(part, frozenset())
            for patient in patients - digests.keys():
                digests[patient] = workspace.store.releases.member(patient)
            cell = ReleasedCell(
                _name(asked, shown, part), len(patients), frozenset(digests[patient] for patient in patients)
            )
            yield _Cell(asked, shown, part, cell)


def published_parts(shown: Figure) -> tuple[str, ...]:
    """Return the counts of people that a figure tells as its readers see it."""
    from exchange.indicators.disclosure import COUNTING_PEOPLE

    if shown.masked is not None:
        return ("answered",) if "bound-of" in shown.details else ()
    found = [name for name in _COUNTS if getattr(shown, name) is not None]
    if shown.denominator is not None and "answered" not in found:
        found.append("answered")  # the denominator is who was answered about
    if shown.kind in COUNTING_PEOPLE and shown.numerator is not None:
        found += ["numerator", "complement"]
    return (*found, *(f"parts.{name}" for name in shown.parts))


def _name(asked: Asked, figure: Figure, part: str) -> str:
    named = {
        "agreement": asked.agreement,
        "end": figure.end.isoformat(),
        "group": dict(figure.group),
        "indicator": figure.indicator,
        "part": part,
        "start": figure.start.isoformat(),
        "version": figure.version,
    }
    return json.dumps(named, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _said(one: _Cell, language: str) -> str:
    """Name a cell as people read it: title, group, part and period."""
    from exchange.reports.numbers import period

    figure, family = one.figure, one.part.removeprefix("parts.")
    title = ", ".join((one.asked.definition.title[language], *figure.group.values()))
    within = period(figure.start, figure.end, language)
    return say("releasing.cell", {"title": title, "part": _part(family, language), "period": within}, language)


def _part(name: str, language: str) -> str:
    from exchange.findings.wording import catalogue

    for rule in (f"releasing.part.{name}", f"reports.class.{name}"):
        if rule in catalogue():
            return say(rule, {}, language)
    return name
