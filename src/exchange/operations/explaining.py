"""Walk from a number back to what it rests on: definition, query, integers, loads, cases and messages.

For the practice's own eyes: patients stand in it by the number their own record system gives them. Nothing here writes
a file or seals a message, and the trail has an entry for each patient whose case was shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from exchange.findings import Finding, Severity, say
from exchange.indicators.cohort import (
    CENSORED,
    CONFIRMED,
    EXCLUDED,
    NO_AGREEMENT,
    NOT_DUE,
    REFUTED,
    UNKNOWN,
    WHERE_UNKNOWN,
)
from exchange.operations import choosing, figuring, tracing, trail
from exchange.operations.choosing import Asked
from exchange.operations.tracing import Traced
from exchange.operations.workspace import Workspace
from exchange.records.calendar import day_of
from exchange.records.model import Aggregate, Answer

if TYPE_CHECKING:
    from exchange.indicators.figure import Figure


_STATUSES = (CONFIRMED, REFUTED, UNKNOWN, CENSORED, NO_AGREEMENT, NOT_DUE, WHERE_UNKNOWN, EXCLUDED)


@dataclass(frozen=True, slots=True)
class Source:
    """One load that was there when the number was made: a file with its digest, or a command."""

    load: int
    kind: str
    file: str
    digest: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class ExplainedCase:
    """One unit of the figure: who (the EPD number, and the koppelcodes), what became of it, and what settled it.

    `number` is the session at which an evaluation fell due, or how many sessions a patient had. `messages` are the ids
    of the messages whose answers it rests on.
    """

    epd_number: str
    codes: tuple[str, ...]
    status: str
    criterion: str
    number: int | None = None
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplainedMessage:
    """One message or form that answers came in: its id, from whom, when it was sent, and how many answers it brought.

    A form bears no instant of its own: then `sent` is when a named person entered it.
    """

    id: str
    sender: str
    sent: datetime | None
    answers: int


@dataclass(frozen=True, slots=True)
class Explained:
    """A number with everything behind it; `counts` are the integers of the cube, before any division."""

    name: str
    figure: Figure
    sentence: str
    definition: str
    version: int
    clause: tuple[str, ...]
    sql: str
    counts: Mapping[str, int]
    parts: Mapping[str, int]
    load: int
    sources: tuple[Source, ...]
    cases: tuple[ExplainedCase, ...]
    messages: tuple[ExplainedMessage, ...]
    findings: tuple[Finding, ...] = ()


def explain(workspace: Workspace, figure: str, *, language: str = "nl") -> Explained:
    """Walk from a figure, named as ID or ID@AGREEMENT, back to records and messages; each patient's log says so."""
    from exchange.counting import counting
    from exchange.indicators.wording import counting as clause
    from exchange.reports import figures_text
    from exchange.reports.describing import describe

    asked = choosing.named(workspace, figure)
    definition = asked.definition
    (counted,) = choosing.count(workspace, asked)
    row = figuring.cube(
        workspace, definition, start=asked.start, end=asked.end, agreements=asked.agreements
    ).total  # fmt: skip
    traced = tracing.trace(workspace, asked, counted)
    behind = _Behind(workspace, asked)
    engine = "postgresql" if "://" in workspace.settings.store else "sqlite"
    differs = tracing.differs(counted, traced) if traced else ()
    _note(workspace, asked, traced)
    return Explained(
        name=asked.name,
        figure=counted,
        sentence=figures_text.sentence(counted, {definition.id: describe(definition)}, language),
        definition=definition.title[language],
        version=definition.version,
        clause=(definition.rationale[language], *clause(definition, language), definition.limits[language]),
        sql=counting.sql(definition, engine),
        counts=dict(row.counts),
        parts=dict(row.parts),
        load=counted.as_of_load or 0,
        sources=tuple(_sources(workspace, counted.as_of_load)),
        cases=tuple(sorted((behind.case(one, language) for one in traced), key=_order)),
        messages=tuple(behind.messages()),
        findings=(Finding("explaining.differs", asked.name, Severity.WARNING, params={"counts": ", ".join(differs)}),)
        if differs
        else (),
    )


def _order(case: ExplainedCase) -> tuple[int, str, int, tuple[str, ...]]:
    """Put what counts first, and within that the patients by number."""
    return (_STATUSES.index(case.status), case.epd_number, case.number or 0, case.codes)


class _Behind:
    """Whose answers stand behind the cases of one figure."""

    def __init__(self, workspace: Workspace, asked: Asked) -> None:
        from exchange.operations.passing import elements

        self._workspace = workspace
        self._wanted = elements(asked.definition)
        dataset = workspace.store.dataset()
        self._answers: dict[str, list[Answer]] = {}
        for answer in dataset.answers:
            if answer.element in self._wanted and answer.message_id:
                self._answers.setdefault(answer.episode_id, []).append(answer)
        self._codes: dict[str, list[str]] = {}
        for case in dataset.cases:
            if not asked.agreement or case.agreement_id == asked.agreement:
                self._codes.setdefault(case.episode_id, []).append(case.code)
        self._totals: list[Aggregate] = [
            one for one in dataset.aggregates if one.element in self._wanted and one.message_id
        ]
        self._numbers: dict[str, str] = {}
        self._used: list[Answer] = []

    def case(self, one: Traced, language: str) -> ExplainedCase:
        """Return a unit as the therapist knows it."""
        from exchange.indicators.wording import step_text

        answers = self._answers.get(one.episode_id, []) if one.episode_id else []
        self._used += answers
        decided = ""
        if one.step is not None:
            decided = f"{say(f'figuring.step-{one.step.outcome}', {}, language)}: {step_text(one.step, language)}"
        elif one.status == CONFIRMED and one.number is None:
            decided = say("explaining.every-criterion", {}, language)
        return ExplainedCase(
            epd_number=self._number(one.patient_id),
            codes=tuple(sorted(self._codes.get(one.episode_id, ()))),
            status=one.status,
            criterion=decided,
            number=one.number,
            messages=tuple(sorted({answer.message_id for answer in answers})),
        )

    def messages(self) -> Iterator[ExplainedMessage]:
        """Yield the messages and forms behind the cases, by sender and moment."""
        brought: dict[tuple[str, str], int] = {}
        rested_on: list[Answer | Aggregate] = [*self._used, *self._totals]
        for answer in rested_on:
            key = (answer.message_id, answer.partner)
            brought[key] = brought.get(key, 0) + 1
        forms = self._forms()
        found = [
            ExplainedMessage(id_, partner, forms.get(id_) or self._sent(id_), count)
            for (id_, partner), count in brought.items()
        ]
        yield from sorted(found, key=lambda one: (one.sender, one.sent.isoformat() if one.sent else "", one.id))

    def _number(self, patient: str) -> str:
        if patient not in self._numbers:
            self._numbers[patient] = self._workspace.store.patient_identity(patient).epd_number or ""
        return self._numbers[patient]

    def _sent(self, message: str) -> datetime | None:
        """Return when a message says that it was sent, from the bytes that came."""
        from exchange.messages.parsing import parse

        for one in self._workspace.store.received.of_message(message):
            stated = parse(one.content).get("timestamp")
            if isinstance(stated, str):
                return datetime.fromisoformat(stated)
        return None

    def _forms(self) -> dict[str, datetime]:
        entered = (one for one in self._workspace.store.audit.show() if one.event.event == "form-received")
        return {one.event.object: one.at for one in entered}


def _sources(workspace: Workspace, load: int | None) -> Iterator[Source]:
    """Yield the files that were loaded up to then; commands and messages have no file and stand in the trail."""
    for one in workspace.store.loads():
        if one.file_name and (load is None or one.load_id <= load):
            yield Source(one.load_id, one.kind, one.file_name, one.digest, one.at, one.by)


def _note(workspace: Workspace, asked: Asked, traced: Sequence[Traced]) -> None:
    """Write in the trail whose case was looked into: one entry a patient, in one transaction."""
    trail.note_each(
        workspace, "explained", ["", *sorted({one.patient_id for one in traced})], object=f"figure:{asked.name}"
    )


def lines(told: Explained, language: str) -> Iterator[str]:
    """Yield what people read of it, from the number to the messages."""
    from exchange.reports.numbers import day, period

    def said(rule: str, **params: object) -> str:
        return say(f"explaining.{rule}", params, language)

    yield told.sentence
    yield said("period", period=period(told.figure.start, told.figure.end, language))
    yield ""
    yield said("definition", title=told.definition, id=told.figure.indicator, version=told.version)
    yield from (f"  {sentence}" for sentence in told.clause)
    yield ""
    yield said("counts", load=told.load)
    yield from (f"  {name} = {count}" for name, count in (*told.counts.items(), *told.parts.items()))
    yield ""
    yield said("sources", number=len(told.sources))
    for source in told.sources:
        loaded = day(day_of(source.at), language)
        yield said("source", load=source.load, file=source.file, digest=source.digest[:12], at=loaded, by=source.by)
    yield ""
    yield said("cases", number=len(told.cases)) if told.cases else said("no-cases")
    for case in told.cases:
        yield "  " + "; ".join(part for part in _case(case, language) if part)
    yield ""
    yield said("messages", number=len(told.messages)) if told.messages else said("no-messages")
    for message in told.messages:
        sent = day(day_of(message.sent), language) if message.sent is not None else "–"
        yield said("message", id=message.id, sender=message.sender, sent=sent, answers=message.answers)
    yield ""
    yield said("query")
    yield told.sql


def _case(case: ExplainedCase, language: str) -> Iterator[str]:
    yield case.epd_number or say("explaining.no-number", {}, language)
    yield " ".join(case.codes)
    if case.number is not None:
        yield say("explaining.number", {"number": case.number}, language)
    yield say(f"figuring.status-{case.status}", {}, language)
    yield case.criterion
    yield ", ".join(case.messages)
