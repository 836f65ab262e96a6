"""What the pages are made from: plain values that the operations floor fills and that nothing here looks up.

Every text that a user or a partner wrote is plain text; the pages escape it. A `Words` mapping holds one text per
language; where a language is missing the Dutch one is printed. `start` and `end` of a period are as in
`exchange.indicators.figure.Figure`: the end is the first day after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from exchange.indicators.charts_over_time import ChartPoint
from exchange.indicators.figure import Figure
from exchange.reports.reliable import ReliableChange

Words = Mapping[str, str]


class Audience(StrEnum):
    """Who will read a page: the practice itself, or an insurer and beyond."""

    INTERNAL = "internal"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Organisation:
    """The practice as it signs: name, `party` as scheme:value, and the lines of its letterhead."""

    name: str
    party: str = ""
    address: tuple[str, ...] = ()
    signatory: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class DefinitionText:
    """An indicator's own words: title, the clause of the agreement, what it can't show and where it comes from."""

    id: str
    version: int
    title: Words
    paragraph: Words = field(default_factory=dict)
    cannot_show: Words = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """An agreed evaluation moment: whether it has passed, and when it was held with what `result`.

    A moment may pass without an evaluation, and one may be held before its day.
    """

    on: date
    what: str = ""
    passed: bool = False
    held_on: date | None = None
    result: str = ""

    @property
    def missed(self) -> bool:
        """Tell whether it passed and nobody recorded an evaluation."""
        return self.passed and self.held_on is None

    @property
    def coming(self) -> bool:
        """Tell whether it is still to come."""
        return not self.passed and self.held_on is None


@dataclass(frozen=True, slots=True)
class Loop:
    """How far the exchange under one agreement has come, in cases; None is a count that may not be shown."""

    sent: int | None = None
    due: int | None = None
    answered: int | None = None
    unanswered: int | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """One indicator in each complete period; `limits` are those of ordinary variation, where there are periods enough.

    `left_out` is the id under reports.trend.left-out of why nothing is drawn; then there are no points.
    """

    step: str = "half-year"  # quarter, half-year or year
    points: tuple[Figure, ...] = ()
    limits: tuple[ChartPoint, ...] = ()
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """One agreement: who with, what was agreed, when it is looked at, how far the exchange is and what it gave."""

    id: str
    version: int
    title: str
    partners: tuple[str, ...]
    kind: str  # gp, specialist, social, client, insurer or other
    state: str  # an id under reports.state
    start: date | None = None
    end: date | None = None
    terms: tuple[str, ...] = ()
    funding: str = ""
    primary: str | None = None  # the id of the one indicator that is judged
    moments: tuple[Moment, ...] = ()
    loop: Loop = Loop()
    figures: tuple[Figure, ...] = ()
    revision: str = ""
    trends: Mapping[str, Trend] = field(default_factory=dict)  # by indicator


@dataclass(frozen=True, slots=True)
class IndexPoint:
    """One official treatment index: the insurer's or Vektis' figure for a year, with its bounds and edition."""

    year: int
    value: float
    lower: float | None = None
    upper: float | None = None
    edition: str = ""
    observed: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """What an insurer allows in a year; `bound` says which published number it sets against it."""

    insurer: str
    year: int
    upper: float
    lower: float | None = None
    bound: str = "lower"  # lower, value or upper
    source: str = ""


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """The treatment index and the way to the target, from one official figure; `own` is the practice's estimate.

    `basis` says which published number the way and the plan start from: value, or lower where the target is set on
    the lower bound. A point estimate and a bound are never mixed, so then there is no `expected`.
    """

    points: tuple[IndexPoint, ...] = ()
    band: Band | None = None
    target: float | None = None
    observed: int | None = None
    expected: float | None = None
    to_save: float | None = None
    reached_by_plan: float | None = None
    shows_from: tuple[tuple[str, date], ...] = ()  # the edition's label and the date on which it comes out
    own: Figure | None = None
    basis: str = "value"


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """One diagnosis group's mean sessions per patient and what the plan makes of it; `rule` is fewer or fixed."""

    group: str
    patients: int | None
    mean: float | None
    planned: float | None = None
    rule: str = "fewer"
    warnings: tuple[str, ...] = ()  # ids under reports.plan-warning


@dataclass(frozen=True, slots=True)
class SessionsFacts:
    """Sessions per patient in the seven published classes; a None is a class that may not be shown."""

    classes: tuple[int | None, ...]
    patients: int | None = None
    mean: float | None = None
    sd: float | None = None
    median: float | None = None
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """Change on one instrument by responder class: improved, within-error, unchanged, deteriorated, cannot-improve.

    `source` says each instrument's threshold and where it was found; `verified` that every one of them was.
    """

    instrument: str
    classes: Mapping[str, int | None]
    threshold: float | None = None
    mic: float | None = None
    mdc: float | None = None
    higher_is_better: bool = True
    unit: str = ""
    measured: int | None = None
    all_closed: int | None = None
    source: str = ""
    verified: bool = True


@dataclass(frozen=True, slots=True)
class ImprovementPoint:
    """One improvement point as plan, do, check and act, with its baseline, goal and what was realised."""

    title: str
    plan: str = ""
    do: str = ""
    check: str = ""
    act: str = ""
    owner: str = ""
    baseline: str = ""
    goal: str = ""
    realised: str = ""
    check_on: tuple[date, ...] = ()
    state: str = "open"  # an id under reports.point
    measured: Figure | None = None  # its indicator as it stands now


@dataclass(frozen=True, slots=True)
class Charts:
    """The series that are drawn; what is None or empty is not drawn."""

    index: IndexFacts | None = None
    sessions: SessionsFacts | None = None
    changes: tuple[ChangeFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class SummaryFacts:
    """All of the indicator summary; `on` is its date and the only clock."""

    organisation: Organisation
    on: date
    start: date
    end: date
    agreements: tuple[AgreementFacts, ...] = ()
    figures: tuple[Figure, ...] = ()
    definitions: Mapping[str, DefinitionText] = field(default_factory=dict)
    charts: Charts = Charts()
    improvement_points: tuple[ImprovementPoint, ...] = ()
    next_steps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    audience: Audience = Audience.INTERNAL
    load: int | None = None
    program: str = ""
    trends: Mapping[str, Trend] = field(default_factory=dict)  # of the practice's figures, by indicator
    reliable: ReliableChange | None = None  # only in the internal edition


@dataclass(frozen=True, slots=True)
class Insurer:
    """Who the letter goes to and the contract it is about."""

    name: str
    address: tuple[str, ...] = ()
    contract_year: int | None = None


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner by kind (gp, specialist, social, other); `agreed` when an agreement is in force."""

    name: str
    kind: str
    agreed: bool = False


@dataclass(frozen=True, slots=True)
class Prem:
    """Aggregate results of a patient experience survey; quotations are the ones that were approved."""

    source: str
    start: date | None = None
    end: date | None = None
    invited: int | None = None
    respondents: int | None = None
    grade: float | None = None
    nps: float | None = None
    questions: tuple[tuple[str, float, int], ...] = ()
    quotations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GoodPractice:
    """Sensible care as the insurer calls it: what changed, since when, with whom, and what shows it."""

    name: str
    changed: str
    since: date | None = None
    partner: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """All of the improvement plan; `answers` are those of `plan --ask` by the ids of plan-questions.json."""

    organisation: Organisation
    on: date
    start: date
    end: date
    insurer: Insurer | None = None
    index: IndexFacts | None = None
    groups: tuple[GroupPlan, ...] = ()
    sessions: SessionsFacts | None = None
    partners: tuple[Partner, ...] = ()
    prem: Prem | None = None
    outcome: tuple[Figure, ...] = ()  # klinimetrie: measured, responders
    changes: tuple[ChangeFacts, ...] = ()
    durable: tuple[Figure, ...] = ()
    substitution: tuple[Figure, ...] = ()
    process: tuple[Figure, ...] = ()  # evaluation moments, advice taken up, sessions to partner
    definitions: Mapping[str, DefinitionText] = field(default_factory=dict)
    agreements: tuple[AgreementFacts, ...] = ()
    improvement_points: tuple[ImprovementPoint, ...] = ()
    good_practices: tuple[GoodPractice, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    audience: Audience = Audience.OUTSIDE
    load: int | None = None
    program: str = ""
    warnings: tuple[str, ...] = ()
