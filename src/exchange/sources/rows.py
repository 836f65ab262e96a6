"""What a reader yields: rows by natural key, not yet records of a store, and what it had to reject.

A reader never knows surrogate ids; the store gives them. Empty text means "not in the file"; None means
"no date, no number". `line` is 1-based in the file the row came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from exchange.records.codes import (
    Access,
    Answered,
    Counterfactual,
    Effect,
    EndReason,
    NextStep,
    SessionType,
    Sex,
    SourceKind,
)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not taken: where and why, never what."""

    line: int
    field: str
    rule: str


class PatientKey(NamedTuple):
    """How a file names a patient: BSN, the EPD's number, or a foreign system's id; at least one is filled."""

    bsn: str = ""
    epd_number: str = ""
    system: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class PatientRow:
    """A patient as a file describes them; empty fields say nothing and overwrite nothing.

    `number` is the practice's own patient number on a claim: lists show it, but nobody is known or joined by it.
    """

    line: int
    patient: PatientKey
    birth_date: date | None
    sex: Sex
    name: str = ""
    number: str = ""


class ClaimRow(NamedTuple):
    """One claimed line: PM304 record 04 or one GDS801 Prestatie. Cents, always positive; `credit` says which.

    A tuple, for there are millions.
    """

    line: int
    kind: SourceKind
    patient: PatientKey
    declarant: str
    reference: str
    previous_reference: str
    credit: bool
    day: date
    code_list: str
    service_code: str
    quantity: int
    amount_cents: int
    diagnosis: str
    entitlement: str
    therapist: str
    referrer: str
    referral_day: date | None
    end_code: str
    insurer: str
    trajectory: str = ""
    trajectory_start: date | None = None


@dataclass(frozen=True, slots=True)
class SettledRow:
    """The insurer's answer to one claimed line (PM305, GDS802): rejected or paid."""

    line: int
    kind: SourceKind
    declarant: str
    reference: str
    rejected: bool


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """One course of treatment as an EPD or a FHIR system describes it; `system` and `key` are its natural key."""

    line: int
    kind: SourceKind
    system: str
    key: str
    patient: PatientKey
    start: date
    end: date | None
    diagnosis: str
    access: Access
    end_reason: EndReason
    onward_advice: Answered
    chronic: bool | None
    instrument: str
    declarant: str
    therapist: str


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session as an EPD or FHIR system describes it."""

    line: int
    kind: SourceKind
    system: str
    episode_key: str
    patient: PatientKey
    day: date
    type: SessionType
    therapist: str
    self_paid: bool
    payer: str = ""  # a code of Payer; empty where no column says it


@dataclass(frozen=True, slots=True)
class MeasurementRow:
    """One score; `score` in units of 10**-decimals of the instrument, `from_items` where we worked it out."""

    line: int
    system: str
    episode_key: str
    patient: PatientKey
    instrument: str
    day: date
    score: int
    from_items: bool = False


@dataclass(frozen=True, slots=True)
class ReferralRow:
    """Why the patient came and what would have happened otherwise."""

    line: int
    system: str
    episode_key: str
    patient: PatientKey
    referrer: str
    day: date | None
    question: str
    counterfactual: Counterfactual
    answered_by: str
    recorded_on: date | None


@dataclass(frozen=True, slots=True)
class EvaluationRow:
    """An evaluation at a session."""

    line: int
    system: str
    episode_key: str
    patient: PatientKey
    session_number: int
    day: date
    instrument: str
    effect: Effect
    advice_taken_up: Answered
    relatives_involved: Answered
    partner_involved: str
    decision: NextStep
    told_referrer_on: date | None


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A partner's own answer on a case, before it is sent: by koppelcode, one element over [start, end)."""

    line: int
    case_code: str
    element: str
    start: date
    end: date
    status: Answered
    count: int | None
    first_day: date | None


@dataclass(frozen=True, slots=True)
class AggregateRow:
    """A partner's own count over a period without patients."""

    line: int
    element: str
    start: date
    end: date
    value: int
    population: int


@dataclass(frozen=True, slots=True)
class IndexRow:
    """An official treatment index with the published bounds."""

    line: int
    year: int
    version: str
    insurer: str
    value: float
    lower: float | None
    upper: float | None
    period_start: date
    period_end: date
    source: str
    patients: int | None


@dataclass(frozen=True, slots=True)
class PremRow:
    """The aggregate of a certified bureau, with its comments not yet approved."""

    line: int
    bureau: str
    period_start: date
    period_end: date
    respondents: int
    mean: float | None
    nps: float | None
    source: str
    comments: tuple[str, ...]


Row = (
    PatientRow
    | ClaimRow
    | SettledRow
    | EpisodeRow
    | SessionRow
    | MeasurementRow
    | ReferralRow
    | EvaluationRow
    | AnswerRow
    | AggregateRow
    | IndexRow
    | PremRow
)
