"""The words everything is about: patient, episode, session, measurement, referral, evaluation, answer.

Every record is a frozen value. Days are calendar dates in Europe/Amsterdam. A score is an integer in the
instrument's own scale: score 7.5 on an instrument with one decimal is 75. Ids are surrogates of this store
(32 hex digits), never derived from an unkeyed identifier.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from exchange.records.codes import (
    Access,
    Answered,
    ConsentState,
    Counterfactual,
    Effect,
    EndReason,
    Evidence,
    NextStep,
    SessionType,
    Sex,
    SourceKind,
)


@dataclass(frozen=True, slots=True)
class Patient:
    """A person as the practice knows them; `bsn`, `epd_number` and `name` are filled only where they are needed."""

    patient_id: str
    birth_date: date | None
    sex: Sex
    bsn: str | None = None
    epd_number: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """One course of treatment (behandeltraject). `diagnosis` is a DCSPH code of four digits or empty."""

    episode_id: str
    patient_id: str
    source: SourceKind
    start: date
    end: date | None = None
    diagnosis: str = ""
    access: Access = Access.UNKNOWN
    end_reason: EndReason = EndReason.UNKNOWN
    onward_advice: Answered = Answered.UNKNOWN
    chronic: bool | None = None
    instrument: str = ""
    declarant: str = ""
    therapist: str = ""
    rebuilt: bool = False
    foreign: bool = False

    @property
    def location(self) -> str:
        """Return the DCSPH body location, two digits, or nothing: the diagnosis group of the indicators."""
        return self.diagnosis[:2]


class Session(NamedTuple):
    """One session: patient, day, therapist and type code make it one, whatever file it came from."""

    session_id: str
    episode_id: str
    patient_id: str
    day: date
    type: SessionType = SessionType.SESSION
    therapist: str = ""
    source: SourceKind = SourceKind.EPD
    self_paid: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """One score of one instrument on one day; `score` in units of 10**-decimals of the instrument.

    `from_items` says that it was worked out here from the answers to its items, not given as a total.
    """

    measurement_id: str
    episode_id: str
    patient_id: str
    instrument: str
    day: date
    score: int
    from_items: bool = False


@dataclass(frozen=True, slots=True)
class Referral:
    """Why the patient came, and what would have happened otherwise; `recorded_on` decides whether it counts."""

    referral_id: str
    episode_id: str
    patient_id: str
    referrer: str
    day: date | None
    question: str
    counterfactual: Counterfactual
    answered_by: str
    recorded_on: date | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was seen and decided at session 4, 8, 12 or later."""

    evaluation_id: str
    episode_id: str
    session_number: int
    day: date
    instrument: str = ""
    effect: Effect = Effect.UNKNOWN
    advice_taken_up: Answered = Answered.UNKNOWN
    relatives_involved: Answered = Answered.UNKNOWN
    partner_involved: str = ""
    decision: NextStep = NextStep.CONTINUE
    told_referrer_on: date | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a partner or client says of one case: one element over one half-open window [start, end).

    `count` is the number of events where the partner counts them, `first_day` the first one's date. `received_on` is
    the day on which an answer to this question first came in, nothing for our own.
    """

    answer_id: str
    case_id: str
    episode_id: str
    element: str
    start: date
    end: date
    status: Answered
    evidence: Evidence
    partner: str = ""
    count: int | None = None
    first_day: date | None = None
    message_id: str = ""
    received_on: date | None = None


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A partner's count over a period, without patients: `value` events among `population` patients."""

    partner: str
    element: str
    start: date
    end: date
    value: int
    population: int
    evidence: Evidence = Evidence.SIGNED
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """An episode under an agreement: the only link between two parties' records.

    `case_id` is 128 random bits as 32 hex digits; `code` (koppelcode) its short printable form.
    On the partner's side `episode_id` is empty and `patient_id` the partner's own patient, where known.
    """

    case_id: str
    code: str
    agreement_id: str
    partner: str
    episode_id: str
    patient_id: str
    opened_on: date


@dataclass(frozen=True, slots=True)
class Consent:
    """Consent of one patient for one partner and one purpose, as of a day."""

    patient_id: str
    partner: str
    purpose: str
    state: ConsentState
    day: date
    evidence: str
    given_by: str


@dataclass(frozen=True, slots=True)
class IndexFigure:
    """An official treatment index as an insurer or Vektis published it; bounds as published, never computed by us."""

    year: int
    version: str
    insurer: str
    value: float
    lower: float | None
    upper: float | None
    period_start: date
    period_end: date
    source: str
    patients: int | None = None


@dataclass(frozen=True, slots=True)
class Prem:
    """The aggregate that a certified bureau returned; comments carry a person's approval before they may be quoted."""

    bureau: str
    period_start: date
    period_end: date
    respondents: int
    mean: float | None
    nps: float | None
    source: str
    approved_comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImprovementPoint:
    """A point of the improvement plan: Plan (goal), Do (actions), Check (realised), Act (what follows)."""

    point_id: str
    title: str
    indicator: str
    baseline: str
    goal: str
    actions: str
    owner: str
    check_on: tuple[date, ...]
    realised: str = ""
    act: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """All that an indicator may look at, as plain values: the oracle's input."""

    patients: tuple[Patient, ...] = ()
    episodes: tuple[Episode, ...] = ()
    sessions: tuple[Session, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    referrals: tuple[Referral, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    answers: tuple[Answer, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    cases: tuple[Case, ...] = ()
