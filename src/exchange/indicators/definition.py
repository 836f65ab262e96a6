"""A definition: one indicator as two partners agree on it, in the few words of the vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from exchange.indicators.moments import Moment, Window


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

    `primary`: only on the instrument fixed at the start, else on any. `within`: days around start and end.
    """

    wanted: str
    primary: bool
    within: int


Criterion = Has | Happens | Scores


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

    `count` is the unit: episodes, patients, moments (evaluations that were due) or aggregates. `period` says
    which day puts a case in a period: the episode's `start` or `end`, its `handover` to a partner (then only episodes
    that were handed over are counted), the `session`'s or the `moment`'s.
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
    where: tuple[Has, ...] = ()
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
        return tuple(dict.fromkeys(found))

    @property
    def asks_partner(self) -> bool:
        """Say whether a partner or client must answer something for each case."""
        return any(isinstance(each, Happens) and each.event != "new-episode" for each in self.outcome)

    def knowable(self, start: date) -> date:
        """Return the first day on which the figure can exist under an agreement that starts on `start`.

        A case that begins and ends on the first day is the earliest there can be; with real treatments it is later.
        """
        moments = (*self.follow_up, *([self.after.end] if self.after else []))
        return max((moment.on(start) for moment in moments), default=start)
