"""Evaluations at session 4, 8, 12 and after: what is due, what was seen and decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from exchange.errors import StoreError
from exchange.operations import trail
from exchange.operations.gathering import WITHOUT_EFFECT, Course, Courses
from exchange.operations.referring import current_episode, require_past
from exchange.operations.workspace import Workspace
from exchange.records.codes import Access, Answered, Effect, NextStep
from exchange.records.identifiers import Party
from exchange.records.model import Dataset, Evaluation

_FEEDBACK = "feedback-to-referrer"


@dataclass(frozen=True, slots=True)
class Due:
    """An open treatment with an evaluation to do: overdue since a day, or at the next session."""

    epd_number: str
    sessions: int
    moment: int
    since: date | None
    what: str


@dataclass(frozen=True, slots=True)
class Counted:
    """How many evaluations were due and done at one moment."""

    moment: int
    due: int
    done: int


@dataclass(frozen=True, slots=True)
class Done:
    """A recorded evaluation as the practice sees it; `to_tell` says that the referrer is still to hear of it.

    `sent_on` is the day on which feedback about the treatment went to the referrer in a message.
    """

    epd_number: str
    session_number: int
    day: date
    instrument: str
    effect: str
    advice_taken_up: str
    relatives_involved: str
    partner_involved: str
    decision: str
    told_referrer_on: date | None
    to_tell: bool
    sent_on: date | None = None


def due(workspace: Workspace) -> tuple[Due, ...]:
    """Return what is overdue and what comes at the next session, of open treatments, the longest overdue first."""
    from exchange.episodes import evaluating

    settings, found = workspace.settings, []
    every = settings.every or None
    for course in Courses(workspace.store.dataset()).by_episode.values():
        if course.episode.end is not None or not course.sessions:
            continue
        number = workspace.store.patient_identity(course.episode.patient_id).epd_number or ""
        held = len(course.sessions)
        open_moments = [
            one
            for one in evaluating.due(course.sessions, course.evaluations, moments=settings.moments, every=every)
            if not one.done
        ]
        found += [Due(number, held, one.session_number, one.day_reached, "overdue") for one in open_moments[-1:]]
        if evaluating.next_moment(held, moments=settings.moments, every=every) == held + 1:
            found.append(Due(number, held, held + 1, None, "next"))
    return tuple(sorted(found, key=lambda one: (one.since or date.max, one.epd_number)))


def counted(workspace: Workspace) -> tuple[Counted, ...]:
    """Return per moment how many evaluations were due and done, over all treatments."""
    from exchange.episodes import evaluating

    settings = workspace.settings
    totals: dict[int, list[int]] = {}
    for course in Courses(workspace.store.dataset()).by_episode.values():
        for one in evaluating.due(
            course.sessions, course.evaluations, moments=settings.moments, every=settings.every or None
        ):
            row = totals.setdefault(one.session_number, [0, 0])
            row[0] += 1
            row[1] += one.done
    return tuple(Counted(moment, *row) for moment, row in sorted(totals.items()))


def recorded(workspace: Workspace, *, epd_number: str = "", to_tell: bool = False) -> tuple[Done, ...]:
    """Return the recorded evaluations, newest first: of one client, or those of which a referrer is still to hear."""
    episode = current_episode(workspace, epd_number).episode_id if epd_number else ""
    found = []
    dataset = workspace.store.dataset()
    sent = _sent(workspace, dataset)
    for course in Courses(dataset).by_episode.values():
        if episode and course.episode.episode_id != episode:
            continue
        number = epd_number or workspace.store.patient_identity(course.episode.patient_id).epd_number or ""
        told = sent.get(course.episode.episode_id)
        found += [_done(course, one, number, told) for one in course.evaluations]
    kept = (one for one in found if one.to_tell or not to_tell)
    return tuple(sorted(kept, key=lambda one: (one.day, one.epd_number, one.session_number), reverse=True))


def _sent(workspace: Workspace, dataset: Dataset) -> dict[str, date]:
    """Return when feedback about a treatment last went out, by episode."""
    episodes = {case.case_id: case.episode_id for case in dataset.cases}
    found: dict[str, date] = {}
    for (case, event), (moment, _) in workspace.store.sent.at().items():
        if event == _FEEDBACK and case in episodes:
            found[episodes[case]] = max(moment.date(), found.get(episodes[case], moment.date()))
    return found


def _done(course: Course, one: Evaluation, number: str, sent_on: date | None) -> Done:
    referred = course.referral is not None or course.episode.access is Access.REFERRED
    stopped = one.decision is NextStep.STOP and one.effect in WITHOUT_EFFECT
    return Done(
        number, one.session_number, one.day, one.instrument, one.effect.value, one.advice_taken_up.value,
        one.relatives_involved.value, one.partner_involved, one.decision.value, one.told_referrer_on,
        referred and stopped and one.told_referrer_on is None and (sent_on is None or sent_on < one.day),
        sent_on if stopped else None,
    )  # fmt: skip


def record(
    workspace: Workspace,
    *,
    epd_number: str,
    session_number: int,
    day: date | None,
    instrument: str,
    effect: str,
    advice_taken_up: str,
    relatives_involved: str,
    partner_involved: str,
    decision: str,
    told_referrer_on: date | None,
) -> Evaluation:
    """Record an evaluation of the client's current treatment; one of the same session supersedes it."""
    from exchange.records.instruments import find_instrument

    require_past(workspace, day, told_referrer_on)
    episode = current_episode(workspace, epd_number)
    known = find_instrument(instrument) if instrument else None
    if known is not None and not known.effect and Effect(effect) is not Effect.UNKNOWN:
        raise StoreError("evaluating.prognostic", hints=("hint.effect-instrument",), instrument=known.id)
    saved = workspace.store.record_evaluation(
        Evaluation(
            "",
            episode.episode_id,
            session_number,
            day or workspace.on,
            known.id if known is not None else instrument.strip(),
            Effect(effect),
            Answered(advice_taken_up),
            Answered(relatives_involved),
            str(Party.parse(partner_involved)) if partner_involved else "",
            NextStep(decision),
            told_referrer_on,
        ),
        by=workspace.user,
        at=workspace.now,
    )
    trail.note(workspace, "evaluation-recorded", subject=episode.patient_id)
    return saved
