"""What rebuilding is told of one patient, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from exchange.findings import Finding
from exchange.records.codes import Access, Answered, EndReason, SessionType, SourceKind
from exchange.records.model import Episode, Session


class Line(NamedTuple):
    """One claimed line with all that decides whether it counts; `rejected` is what PM305 or GDS802 answered.

    A tuple: a practice has millions, and a frozen dataclass takes five times as long to make.
    """

    line_id: str
    kind: SourceKind
    patient_id: str
    day: date
    reference: str
    previous_reference: str
    declarant: str
    credit: bool
    rejected: bool
    service_code: str
    code_list: str
    quantity: int
    diagnosis: str
    entitlement: str
    therapist: str
    referrer: str
    referral_day: date | None
    end_code: str
    trajectory: str = ""
    trajectory_start: date | None = None

    @property
    def location(self) -> str:
        """Return the DCSPH body location, two digits, or nothing."""
        return self.diagnosis[:2]


@dataclass(frozen=True, slots=True)
class EpisodeSource:
    """What an EPD's table or a FHIR source says of one episode."""

    source_id: str
    kind: SourceKind
    patient_id: str
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

    @property
    def location(self) -> str:
        """Return the DCSPH body location, two digits, or nothing."""
        return self.diagnosis[:2]


@dataclass(frozen=True, slots=True)
class SessionSource:
    """One session of an EPD or a FHIR source; `source_id` is its episode's, empty where the file names none."""

    source_id: str
    patient_id: str
    day: date
    type: SessionType
    therapist: str
    self_paid: bool
    kind: SourceKind


@dataclass(frozen=True, slots=True)
class Derived:
    """What follows from all that is known of one patient, sorted, whatever order it came in.

    `aliases` leads every id an episode has or could have had to the one it has now. `episode_of_line` places
    lines that no longer count too, so that what was recorded under them keeps its parent. `differences` say
    where claims and EPD disagree and which service codes the map lacks; they hold counts, never a patient's data.
    """

    episodes: tuple[Episode, ...]
    sessions: tuple[Session, ...]
    aliases: tuple[tuple[str, str], ...]
    episode_of_line: Mapping[str, str]
    differences: tuple[Finding, ...]
