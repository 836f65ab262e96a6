"""What a message is built from, and what reading one gives back.

`CaseFacts` holds whole records, as the store has them. `Told` holds only what may be told: each field that the
agreement does not allow is None or empty, and no surrogate id of the store is in it. Building goes from `CaseFacts`
through `Told` to bytes; reading gives the same `Told` again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from exchange.records.codes import (
    Access,
    Answered,
    ConsentState,
    Counterfactual,
    Effect,
    EndReason,
    NextStep,
    SessionType,
    Sex,
)
from exchange.records.instruments import instruments
from exchange.records.model import (
    Aggregate,
    Answer,
    Consent,
    Episode,
    Evaluation,
    Measurement,
    Patient,
    Referral,
    Session,
)


@dataclass(frozen=True, slots=True)
class Organisation:
    """A party (`scheme:value`) and the name it goes by."""

    party: str
    name: str


@dataclass(frozen=True, slots=True)
class AgreementReference:
    """The agreement a message is sent under: id, version and SHA-256 of its payload bytes."""

    agreement_id: str
    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The message that is answered; an acknowledgement says whether it was accepted, and which rules it broke."""

    message_id: str
    accepted: bool
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """All that is known of one case, before the agreement decides what of it is told.

    `phase` is `start`, `interim` or `end` for an outcome report and empty elsewhere; an interim report says by itself
    after which session it is, where that may be told. `case_id` is empty for partner aggregates, indicators over all
    patients and acknowledgements. `indicators` are MeasureReports as `indicators.measure` writes them. `reply` is what
    an acknowledgement says, and which opening a partner's return answers.
    """

    agreement: AgreementReference
    sender: Organisation
    receiver: Organisation
    case_id: str = ""
    code: str = ""
    phase: str = ""
    patient: Patient | None = None
    episode: Episode | None = None
    referral: Referral | None = None
    session_count: int | None = None
    sessions: tuple[Session, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    answers: tuple[Answer, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    indicators: tuple[Mapping[str, Any], ...] = ()
    consent: Consent | None = None
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """What is told of the person; `born` is an ISO date, or a year alone where only the year is allowed."""

    bsn: str | None = None
    name: str | None = None
    born: str | None = None
    sex: Sex | None = None


@dataclass(frozen=True, slots=True)
class EpisodeFacts:
    """What is told of the treatment; `end_weeks` counts whole weeks since the start."""

    start: date | None = None
    end: date | None = None
    end_weeks: int | None = None
    diagnosis: str | None = None
    location: str | None = None
    access: Access | None = None
    end_reason: EndReason | None = None
    onward_advice: Answered | None = None
    chronic: bool | None = None
    therapist: str | None = None
    instrument: str | None = None


@dataclass(frozen=True, slots=True)
class ReferralFacts:
    """What is told of the referral."""

    referrer: str | None = None
    day: date | None = None
    question: str | None = None
    counterfactual: Counterfactual | None = None
    recorded_on: date | None = None


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What is told of one session."""

    day: date | None = None
    weeks: int | None = None
    type: SessionType | None = None


@dataclass(frozen=True, slots=True)
class MeasurementFacts:
    """What is told of one measurement; `value` is in the instrument's own scale (7.5, not 75)."""

    instrument: str | None = None
    day: date | None = None
    weeks: int | None = None
    value: Decimal | None = None

    @property
    def score(self) -> int | None:
        """Return the value as the integer that records use, or None where the instrument or its scale is unknown."""
        known = instruments().get(self.instrument or "")
        if known is None or self.value is None:
            return None
        scaled = self.value.scaleb(known.decimals)
        return int(scaled) if scaled == scaled.to_integral_value() else None


@dataclass(frozen=True, slots=True)
class EvaluationFacts:
    """What is told of one evaluation moment."""

    session_number: int | None = None
    day: date | None = None
    effect: Effect | None = None
    decision: NextStep | None = None
    advice_taken_up: Answered | None = None
    told_referrer_on: date | None = None


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """One answer over one half-open window [start, end), as in `records.model.Answer`."""

    element: str
    start: date
    end: date
    status: Answered
    count: int | None = None
    first_day: date | None = None


@dataclass(frozen=True, slots=True)
class AggregateFacts:
    """One count over a half-open period [start, end), without patients."""

    element: str
    start: date
    end: date
    value: int
    population: int | None = None


TOLD_OF_REPORT = ("extension", "type", "measure", "date", "period", "improvementNotation", "group")
"""What a message says of an indicator's MeasureReport; its reporter and patient are entries of the message."""


@dataclass(frozen=True, slots=True)
class ConsentFacts:
    """That consent stands, was refused or was withdrawn, for which purpose, as of which day."""

    purpose: str
    state: ConsentState
    day: date


@dataclass(frozen=True, slots=True)
class Told:
    """The body of one message: exactly what the receiver learns."""

    case_id: str = ""
    code: str | None = None
    business_status: str = ""
    patient: PatientFacts = field(default_factory=PatientFacts)
    episode: EpisodeFacts = field(default_factory=EpisodeFacts)
    referral: ReferralFacts = field(default_factory=ReferralFacts)
    session_count: int | None = None
    sessions: tuple[SessionFacts, ...] = ()
    measurements: tuple[MeasurementFacts, ...] = ()
    evaluations: tuple[EvaluationFacts, ...] = ()
    answers: tuple[AnswerFacts, ...] = ()
    aggregates: tuple[AggregateFacts, ...] = ()
    indicators: tuple[Mapping[str, Any], ...] = ()
    consent: ConsentFacts | None = None
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was read: its envelope, and what it tells."""

    message_id: str
    event: str
    sent_at: datetime
    agreement: AgreementReference
    sender: Organisation
    receiver: Organisation
    told: Told

    @property
    def case_id(self) -> str:
        """Return the case the message is about, or nothing."""
        return self.told.case_id

    @property
    def phase(self) -> str:
        """Return `start`, `interim`, `interim-4` … or `end` of an outcome report, else the business status."""
        return self.told.business_status
