"""Trace a figure to its cases: who stands in which of its counts, with what status, and what settled it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exchange.errors import IndicatorError
from exchange.operations import figuring
from exchange.operations.choosing import Asked
from exchange.operations.workspace import Workspace
from exchange.records.model import Dataset

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

    definition = asked.definition
    question = Question(definition, figure.start, figure.end, figure.cut_off, (), instruments(), asked.agreements)
    facts = facts_of(_within(workspace.store.dataset(figure.as_of_load), figure))
    if definition.kind == "mean":
        return tuple(_patients(question, facts))
    if definition.count == "moments":
        return tuple(_moments(question, facts))
    if definition.kind in {"rate-ratio", figuring.NEEDS_TABLE}:
        return ()
    return tuple(_cases(question, facts))


def _within(dataset: Dataset, figure: Figure) -> Dataset:
    """Keep what one group of a split is about; documents split by body location only."""
    if not figure.group:
        return dataset
    if set(figure.group) != {"location"}:
        raise IndicatorError("indicators.group-unknown", group=", ".join(figure.group))
    episodes = (one for one in dataset.episodes if one.location == figure.group["location"])
    return replace(dataset, episodes=tuple(episodes))


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
    # The numerator of a mean counts sessions, and its units are patients.
    return getattr(figure, name) is not None and not (figure.kind == "mean" and name == "numerator")


def _cases(question: Question, facts: Facts) -> Iterator[Traced]:
    from exchange.indicators.cohort import OUTSIDE, cases

    for one in cases(question, facts):
        if one.status != OUTSIDE:
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


def _moments(question: Question, facts: Facts) -> Iterator[Traced]:
    from exchange.indicators.cohort import CONFIRMED, EXCLUDED, NOT_DUE, REFUTED, evaluations

    for one in evaluations(question, facts):
        if one.excluded:
            status, cells = EXCLUDED, {"excluded"}
        elif not one.due:
            status, cells = NOT_DUE, {"eligible", "parts.not-due"}
        else:
            status = CONFIRMED if one.done else REFUTED
            cells = {"eligible", "due", "answered", "numerator" if one.done else "complement"}
            cells |= {f"parts.{part}" for part in one.parts}
        yield Traced(one.episode.patient_id, one.episode.episode_id, status, frozenset(cells), one.number)


def _patients(question: Question, facts: Facts) -> Iterator[Traced]:
    from exchange.indicators.cohort import CONFIRMED, EXCLUDED

    counted: Counter[str] = Counter()
    foreign: set[str] = set()
    for episode in facts.episodes:
        days = [one.day for one in facts.sessions.get(episode.episode_id, ())]
        within = sum(question.start <= day < question.end for day in days)
        if within and episode.foreign:
            foreign.add(episode.patient_id)
        elif within:
            counted[episode.patient_id] += within
    for patient, sessions in sorted(counted.items()):
        cells = {"eligible", "due", "answered", f"parts.{_class(sessions)}"}
        yield Traced(patient, "", CONFIRMED, frozenset(cells), sessions)
    for patient in sorted(foreign):
        yield Traced(patient, "", EXCLUDED, frozenset({"excluded"}))


def _class(sessions: int) -> str:
    from exchange.indicators.figures import SESSION_CLASSES

    low, high = next(
        (low, high) for low, high in SESSION_CLASSES if sessions >= low and (high is None or sessions <= high)
    )
    return f"{low}-{'' if high is None else high}"
