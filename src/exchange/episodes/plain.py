"""The patient that most are: claims of one complaint, all alike, nothing to settle and no EPD's rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from operator import attrgetter, itemgetter

from exchange.episodes.facts import Line
from exchange.episodes.grouping import Group, has_trajectory
from exchange.episodes.services import TREATMENTS, ServiceMap
from exchange.records.codes import SessionType
from exchange.records.model import Session

# What differs between the lines of one complaint is the day, the reference and perhaps the therapist.
_ALIKE = itemgetter(
    *(
        Line._fields.index(name)
        for name in Line._fields
        if name
        not in {"line_id", "day", "reference", "therapist", "entitlement", "referrer", "referral_day", "end_code"}
    )
)
_IN_ORDER = itemgetter(Line._fields.index("day"), Line._fields.index("line_id"))
_DAY = attrgetter("day")


def one_complaint(lines: Sequence[Line], gap_days: int, services: ServiceMap) -> tuple[Group, SessionType] | None:
    """Return the lines in order and what each is, where they are one episode at a glance.

    The rules are those of `settling`, `grouping` and `reconciling`; a generated test holds both ways equal.
    """
    if not lines or len(set(map(_ALIKE, lines))) > 1:
        return None
    line = lines[0]
    if line.credit or line.rejected or line.previous_reference or line.quantity <= 0:
        return None
    kind = services.type_of(line.code_list, line.service_code)
    if kind not in TREATMENTS or kind is None:
        return None
    ordered = tuple(sorted(lines, key=_IN_ORDER))
    if not has_trajectory(line):
        days = [day.toordinal() for day in map(_DAY, ordered)]
        if any(later - day > gap_days for day, later in pairwise(days)):
            return None
    return ordered, kind


def sessions_of(lines: Group, kind: SessionType, episode_id: str) -> tuple[Session, ...]:
    """Return a session per day and therapist, known by its first line."""
    first: dict[tuple[object, str], Line] = {}
    for line in lines:
        first.setdefault((line.day, line.therapist), line)
    made = [
        Session(line.line_id, episode_id, line.patient_id, line.day, kind, line.therapist, line.kind)
        for line in first.values()
    ]
    return tuple(sorted(made, key=lambda one: (one.day, one.therapist)))
