"""Referrals: why the patient came, and what the referrer would have done otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from exchange.errors import StoreError
from exchange.operations import trail
from exchange.operations.gathering import Courses
from exchange.operations.workspace import Workspace
from exchange.records.codes import Counterfactual
from exchange.records.identifiers import Party
from exchange.records.model import Episode, Referral

IN_TIME = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Listed:
    """A referral as the practice sees it; `counts` says that the alternative was recorded in time."""

    epd_number: str
    referrer: str
    day: date | None
    otherwise: str
    recorded_on: date | None
    counts: bool


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
) -> Referral:
    """Record a referral of the client's current treatment; the alternative is recorded as of today."""
    require_past(workspace, day)
    episode = current_episode(workspace, epd_number)
    saved = workspace.store.record_referral(
        Referral(
            "", episode.episode_id, episode.patient_id, str(Party.parse(referrer)), day, question.strip(),
            Counterfactual(otherwise), answered_by.strip(), workspace.on,
        ),
        by=workspace.user,
        at=workspace.now,
    )  # fmt: skip
    trail.note(workspace, "referral-recorded", subject=episode.patient_id)
    return saved


def listed(workspace: Workspace) -> tuple[Listed, ...]:
    """Return the referrals of treatments that began in the last year, newest first."""
    since = workspace.on - timedelta(days=365)
    found = []
    for course in Courses(workspace.store.dataset()).by_episode.values():
        referral = course.referral
        if referral is None or course.episode.start < since:
            continue
        first = course.first_day.day if course.first_day is not None else course.episode.start
        in_time = referral.recorded_on is not None and referral.recorded_on <= first + IN_TIME
        identity = workspace.store.patient_identity(course.episode.patient_id)
        found.append(
            Listed(
                identity.epd_number or "", referral.referrer, referral.day, referral.counterfactual.value,
                referral.recorded_on, in_time,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (one.day or date.min, one.epd_number), reverse=True))
