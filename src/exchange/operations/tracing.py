"""Trace a figure to its cases: who stands in which of its counts, with what status, and what settled it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exchange.operations.choosing import Asked
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.indicators.cohort import CaseResult, Question, Step
    from exchange.indicators.facts import Facts
    from exchange.indicators.figure import Figure


@dataclass(frozen=True, slots=True)
class Traced:
    """One unit of a figure: an episode, an evaluation that fell due (`number` its session) or a patient (`number`
    their sessions). `cells` are the counts of the figure it stands in: answered, numerator, parts.improved, …

    `step` settled it; None where every criterion holds.
    """

    patient_id: str
    episode_id: str
    status: str
    cells: frozenset[str]
    number: int | None = None
    step: Step | None = None


def trace(workspace: Workspace, asked: Asked, figure: Figure) -> tuple[Traced, ...]:
    """Return every unit that a figure looked at, by the plain-Python oracle; none for counts without patients."""
    from exchange.indicators.cohort import Question
    from exchange.indicators.facts import facts_of
    from exchange.records.instruments import instruments

    definition, group = asked.definition, tuple(figure.group)
    question = Question(
        definition, figure.start, figure.end, figure.cut_off, group, instruments(), asked.agreements, asked.agreements
    )
    facts = facts_of(workspace.store.dataset(figure.as_of_load))
    wanted = tuple(figure.group.values())
    if definition.kind == "mean":
        return tuple(_patients(question, facts, wanted))
    if definition.count == "moments":
        return tuple(_moments(question, facts, wanted))
    if definition.count == "returns":
        return tuple(_returns(question, facts, wanted))
    if definition.count == "aggregates" or definition.reference:
        return ()
    if definition.paired:
        return tuple(_pairs(question, facts, wanted))
    if definition.agreed:
        return tuple(_against_agreed(question, facts, wanted))
    return tuple(_cases(question, facts, wanted))


def members(traced: Sequence[Traced]) -> dict[str, frozenset[str]]:
    """Return the patients of each count."""
    found: dict[str, set[str]] = {}
    for one in traced:
        for cell in one.cells:
            found.setdefault(cell, set()).add(one.patient_id)
    return {cell: frozenset(patients) for cell, patients in found.items()}


def differs(figure: Figure, traced: Sequence[Traced]) -> tuple[str, ...]:
    """Return the counts of a figure that its cases do not add up to: () where query and cases agree."""
    counted = Counter(cell for one in traced for cell in one.cells)
    totals = ("eligible", "due", "answered", "unknown", "censored", "numerator")
    names = [name for name in totals if _adds(figure, name)]
    given = {name: getattr(figure, name) or 0 for name in names}
    given |= {f"parts.{name}": count for name, count in figure.parts.items()}
    return tuple(sorted(name for name, count in given.items() if counted[name] != count))


def _adds(figure: Figure, name: str) -> bool:
    from exchange.indicators.disclosure import COUNTING_PEOPLE

    # The numerator of a mean or of a ratio counts sessions or events, and its units are patients or episodes.
    return getattr(figure, name) is not None and (name != "numerator" or figure.kind in COUNTING_PEOPLE)


def _cases(question: Question, facts: Facts, wanted: tuple[str, ...]) -> Iterator[Traced]:
    from exchange.indicators.cohort import OUTSIDE, cases

    for one in cases(question, facts):
        if one.status != OUTSIDE and one.group == wanted:
            step = next((step for step in one.steps if step.decisive), None)
            yield Traced(one.patient_id, one.episode_id, one.status, _cells_of(one), step=step)


def _cells_of(one: CaseResult) -> frozenset[str]:
    from exchange.indicators.cohort import DUE, NO_AGREEMENT, NOT_DUE, WHERE_UNKNOWN

    found = {name for name, statuses in _counted().items() if one.status in statuses}
    if one.status in DUE:
        found |= {f"parts.{part}" for part in one.parts}
    if one.status in {NO_AGREEMENT, NOT_DUE, WHERE_UNKNOWN}:
        found.add(f"parts.{one.status}")
    return frozenset(found)


def _counted() -> Mapping[str, tuple[str, ...]]:
    """Return which statuses stand in which count; the complement is what a reader gets by subtraction."""
    from exchange.counting.folding import COUNTED

    counts = {name: statuses for name, statuses in COUNTED.items() if name not in {"refuted", "no_agreement"}}
    return counts | {"complement": COUNTED["refuted"]}


def _moments(question: Question, facts: Facts, wanted: tuple[str, ...]) -> Iterator[Traced]:
    from exchange.indicators.cohort import CONFIRMED, EXCLUDED, NOT_DUE, REFUTED, evaluations, group_of

    for one in evaluations(question, facts):
        if group_of(question.group_by, one.episode, facts, one.day) != wanted:
            continue
        if one.excluded:
            status, cells = EXCLUDED, {"excluded"}
        elif not one.due:
            status, cells = NOT_DUE, {"eligible", "parts.not-due"}
        else:
            status = CONFIRMED if one.done else REFUTED
            cells = {"eligible", "due", "answered", "numerator" if one.done else "complement"}
            cells |= {f"parts.{part}" for part in one.parts}
        yield Traced(one.episode.patient_id, one.episode.episode_id, status, frozenset(cells), one.number)


def _returns(question: Question, facts: Facts, wanted: tuple[str, ...]) -> Iterator[Traced]:
    from exchange.indicators.cohort import CONFIRMED, EXCLUDED, NOT_DUE, REFUTED, group_of
    from exchange.indicators.returning import returns

    for one in returns(question, facts):
        if group_of(question.group_by, one.episode, facts, one.day) != wanted:
            continue
        if one.episode.foreign:
            status, cells = EXCLUDED, {"excluded"}
        elif not one.due:
            status, cells = NOT_DUE, {"eligible", "parts.not-due"}
        else:
            status = CONFIRMED if one.on_time else REFUTED
            cells = {"eligible", "due", "answered", "numerator" if one.on_time else "complement"}
            cells |= {f"parts.{part}" for part in one.parts}
        yield Traced(one.episode.patient_id, one.episode.episode_id, status, frozenset(cells))


def _pairs(question: Question, facts: Facts, wanted: tuple[str, ...]) -> Iterator[Traced]:
    from exchange.indicators.cohort import NO_AGREEMENT, NOT_DUE, WHERE_UNKNOWN
    from exchange.indicators.pairing import pairs

    for one in pairs(question, facts):
        if one.group == wanted:
            cells = {name for name, statuses in _counted().items() if one.status in statuses} - {"numerator"}
            if one.status in {NO_AGREEMENT, NOT_DUE, WHERE_UNKNOWN}:
                cells.add(f"parts.{one.status}")
            step = next((step for step in one.steps if step.decisive), None)
            yield Traced(one.patient_id, one.episode_id, one.status, frozenset(cells), step=step)


def _against_agreed(question: Question, facts: Facts, wanted: tuple[str, ...]) -> Iterator[Traced]:
    from exchange.indicators.cohort import (
        CONFIRMED,
        EXCLUDED,
        OUTSIDE,
        UNKNOWN,
        admitted,
        group_of,
        in_period,
        period_day,
    )  # fmt: skip

    for one in facts.episodes:
        day = period_day(question.definition, one, facts)
        if not in_period(question, one, facts) or group_of(question.group_by, one, facts, day) != wanted:
            continue
        status, steps = admitted(question, one, facts)
        number = len(facts.sessions.get(one.episode_id, ()))
        if status == OUTSIDE:
            continue
        if status == EXCLUDED:
            cells = {"excluded"}
        elif status:
            cells = {f"parts.{status}"}
        else:
            status = CONFIRMED if number else UNKNOWN
            cells = {"eligible", "due", "answered"} if number else {"eligible", "parts.no-sessions"}
        step = next((step for step in steps if step.decisive), None)
        yield Traced(one.patient_id, one.episode_id, status, frozenset(cells), number or None, step)


def _patients(question: Question, facts: Facts, wanted: tuple[str, ...]) -> Iterator[Traced]:
    from exchange.indicators.cohort import CONFIRMED, EXCLUDED
    from exchange.indicators.oracle import patient_numbers

    found = patient_numbers(question, facts)
    for patient, number in sorted(found.numbers.get(wanted, {}).items()):
        cells = frozenset({"eligible", "due", "answered", *_classes(number)})
        yield Traced(patient, "", CONFIRMED, cells, number)
    for patient in sorted(found.foreign.get(wanted, ())):
        yield Traced(patient, "", EXCLUDED, frozenset({"excluded"}))


def _classes(number: int) -> tuple[str, ...]:
    from exchange.indicators.figures import SESSION_CLASSES

    return tuple(
        f"parts.{low}-{'' if high is None else high}"
        for low, high in SESSION_CLASSES
        if number >= low and (high is None or number <= high)
    )
