"""Referrals: why the patient came, and what the referrer would have done otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from exchange.errors import StoreError
from exchange.operations import trail
from exchange.operations.gathering import Course, Courses
from exchange.operations.workspace import Workspace
from exchange.records.codes import Access, Counterfactual
from exchange.records.identifiers import Party
from exchange.records.model import Episode, Referral

IN_TIME = timedelta(days=7)
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Listed:
    """A referral as the practice sees it; `counts` says that the alternative was recorded in time.

    `until` is the last day on which it still counts: seven days after the first session.
    """

    epd_number: str
    referrer: str
    day: date | None
    otherwise: str
    recorded_on: date | None
    counts: bool
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """A treatment without a referral on record: by direct access, or nobody knows how."""

    epd_number: str
    start: date


@dataclass(frozen=True, slots=True)
class Listing:
    """The treatments that began in the last year: referred, by direct access, and of unknown origin."""

    referrals: tuple[Listed, ...]
    direct: tuple[Came, ...]
    unknown: tuple[Came, ...]


def current_episode(workspace: Workspace, epd_number: str) -> Episode:
    """Return the client's open treatment, else the latest one; StoreError where there is none."""
    found = workspace.store.episodes_of_epd_number(epd_number)
    if not found:
        raise StoreError("operations.unknown-epd", hints=("hint.epd-number",))
    return max(found, key=lambda one: (one.end is None, one.start, one.episode_id))


def require_past(workspace: Workspace, *days: date | None) -> None:
    """Refuse a day that has not come: nothing was seen or decided then."""
    if any(one is not None and one > workspace.on for one in days):
        raise StoreError("operations.day-ahead", hints=("hint.day-ahead",))


def record(
    workspace: Workspace,
    *,
    epd_number: str,
    referrer: str,
    day: date,
    question: str,
    otherwise: str,
    answered_by: str,
    answered_on: date | None = None,
) -> Referral:
    """Record a referral of the client's current treatment; without a day the alternative was answered today."""
    require_past(workspace, day, answered_on)
    if answered_on is not None and answered_on < day:
        raise StoreError("referring.answered-before", hints=("hint.referring-days",))
    episode = current_episode(workspace, epd_number)
    saved = workspace.store.record_referral(
        Referral(
            "", episode.episode_id, episode.patient_id, str(Party.parse(referrer)), day, question.strip(),
            Counterfactual(otherwise), answered_by.strip(), answered_on or workspace.on,
        ),
        by=workspace.user,
        at=workspace.now,
    )  # fmt: skip
    trail.note(workspace, "referral-recorded", subject=episode.patient_id)
    return saved


def last_day(course: Course) -> date:
    """Return the last day on which an answer still counts: seven days after the first session."""
    first = course.first_day.day if course.first_day is not None else course.episode.start
    return first + IN_TIME


def listed(workspace: Workspace) -> Listing:
    """Return the treatments that began in the last year, newest first; direct access stands apart."""
    since = workspace.on - _YEAR
    referrals: list[Listed] = []
    direct: list[Came] = []
    unknown: list[Came] = []
    for course in Courses(workspace.store.dataset()).by_episode.values():
        if course.episode.start < since or course.episode.foreign:
            continue
        number = workspace.store.patient_identity(course.episode.patient_id).epd_number or ""
        if course.referral is not None:
            referrals.append(_listed(course, course.referral, number))
        elif course.episode.access is not Access.REFERRED:
            home = direct if course.episode.access is Access.DIRECT else unknown
            home.append(Came(number, course.episode.start))
        else:
            referrals.append(Listed(number, "", None, Counterfactual.UNKNOWN.value, None, False, last_day(course)))
    return Listing(
        tuple(sorted(referrals, key=lambda one: (one.day or date.min, one.epd_number), reverse=True)),
        tuple(sorted(direct, key=lambda one: (one.start, one.epd_number), reverse=True)),
        tuple(sorted(unknown, key=lambda one: (one.start, one.epd_number), reverse=True)),
    )


def _listed(course: Course, referral: Referral, number: str) -> Listed:
    until = last_day(course)
    in_time = referral.recorded_on is not None and referral.recorded_on <= until
    return Listed(
        number, referral.referrer, referral.day, referral.counterfactual.value, referral.recorded_on, in_time, until
    )


def last_day_of(workspace: Workspace, episode_id: str) -> date:
    """Return the last day on which an answer about a treatment still counts."""
    return last_day(Courses(workspace.store.dataset()).by_episode[episode_id])
