"""A definition: one indicator as two partners agree on it, in the few words of the vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from exchange.indicators.moments import Moment, Window, add_days


@dataclass(frozen=True, slots=True)
class Has:
    """An element has one of these values, recorded on a day no later than `recorded_by` where that is asked.

    Of an element that every evaluation asks again, the last one that recorded it counts.
    """

    element: str
    values: tuple[str, ...]
    recorded_by: Moment | None = None


@dataclass(frozen=True, slots=True)
class Happens:
    """An event of a partner (or a new episode) exists in a window, or is absent from it.

    Absence is known only under an explicit "no" whose own window covers this one. With `leave_out_start` the
    referral that began the episode is no event.
    """

    event: str
    wanted: bool
    window: Window
    same_location: bool = False
    leave_out_start: bool = False


@dataclass(frozen=True, slots=True)
class Scores:
    """A start and an end score exist (`both`), or the change between them is an improvement (`improved`).

    `instrument`: `primary`, the one fixed at the start; `any`; or one by its id. `within`: days around start and end.
    """

    wanted: str
    instrument: str
    within: int

    def named(self, primary: str) -> str:
        """Return the one instrument that is looked at, given the episode's primary one; nothing where any will do."""
        return {"primary": primary, "any": ""}.get(self.instrument, self.instrument)


Criterion = Has | Happens | Scores


@dataclass(frozen=True, slots=True)
class Returns:
    """An answer is asked about every case that was opened: it must reach `until`, and be here `within` days of it.

    A case that was opened after `until` is due so many days after it was opened.
    """

    until: Moment
    within: int


@dataclass(frozen=True, slots=True)
class Supplier:
    """Who can know it, from which system, in how many minutes per case, at which level and on what ground."""

    who: str
    system: Mapping[str, str]
    minutes: int
    level: str
    ground: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a definition comes from."""

    text: str
    doi: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """One version of one indicator; `raw` is the file's content, which is what an agreement pins by id and version.

    `count` is the unit: episodes, patients, moments (evaluations that were due), returns (answers that were due) or
    aggregates. `period` says which day puts a case in a period: the episode's `start` or `end`, its `handover` to a
    partner (then only episodes that were handed over are counted), the `session`'s, the `moment`'s, or the day on
    which an answer was `due`. `before` and `after` are compared: partners' totals, one episode's events, or the scores
    of one `instrument`. `agreed` is the number of sessions per episode that partners agreed on.
    """

    id: str
    version: int
    kind: str
    count: str
    improvement: str
    title: Mapping[str, str]
    rationale: Mapping[str, str]
    limits: Mapping[str, str]
    sources: tuple[Source, ...]
    suppliers: tuple[Supplier, ...]
    example: Mapping[str, str]
    expect: Mapping[str, int]
    aggregate_form: Mapping[str, str]
    period: str = ""
    where: tuple[Criterion, ...] = ()
    exclude: tuple[Has, ...] = ()
    outcome: tuple[Criterion, ...] = ()
    moments: tuple[int, ...] = ()
    measure: str = ""
    unit: str = ""
    reference: tuple[str, ...] = ()
    before: Window | None = None
    after: Window | None = None
    events: str = ""
    population: str = ""
    instrument: str = ""
    agreed: int = 0
    returns: Returns | None = None
    raw: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """Return `id@version`, as agreements pin it."""
        return f"{self.id}@{self.version}"

    @property
    def follow_up(self) -> tuple[Moment, ...]:
        """Return the moments that must have passed before a case is due, derived from the windows of the outcome."""
        found: list[Moment] = []
        for criterion in self.outcome:
            if isinstance(criterion, Happens):
                found.append(criterion.window.end)
            elif isinstance(criterion, Scores):
                found.append(Moment("end", criterion.within))
        if self.paired and self.after is not None:
            found.append(self.after.end)
        return tuple(dict.fromkeys(found))

    @property
    def paired(self) -> bool:
        """Say whether each episode is compared with itself, before and after."""
        return self.before is not None and self.count == "episodes"

    @property
    def asks_partner(self) -> bool:
        """Say whether the result of each case rests on something that a partner or client must answer."""
        asked = any(isinstance(each, Happens) and each.event != "new-episode" for each in self.outcome)
        return asked or (self.paired and bool(self.events))

    def knowable(self, start: date) -> date:
        """Return the first day on which the figure can exist under an agreement that starts on `start`.

        A case that begins and ends on the first day is the earliest there can be; with real treatments it is later.
        """
        moments = (*self.follow_up, *([self.after.end] if self.after else []))
        days = [moment.on(start) for moment in moments]
        if self.returns is not None:
            days.append(add_days(self.returns.until.on(start), self.returns.within))
        return max(days, default=start)
