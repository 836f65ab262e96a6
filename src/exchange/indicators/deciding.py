"""Decide one criterion of one episode: true, false or unknown; absence is never concluded from silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from exchange.indicators.classes import IMPROVED, change_class
from exchange.indicators.definition import Criterion, Happens, Has, Scores
from exchange.indicators.facts import Facts
from exchange.indicators.moments import Moment, add_days
from exchange.indicators.vocabulary import ATTRIBUTES, LASTING, LEFT_LIST, NEW_EPISODE, Attribute, answer_element
from exchange.records.codes import Answered, Counterfactual, Evidence
from exchange.records.instruments import Instrument
from exchange.records.model import Answer, Episode, Measurement

NOT_MEASURED = "not-measured"
NO_THRESHOLD = "no-threshold"
RANK = {Evidence.SIGNED: 1, Evidence.FORM: 2, Evidence.CLIENT: 3}


class State(IntEnum):
    """Three values; the numbers are those the engines use."""

    FALSE = 0
    TRUE = 1
    UNKNOWN = 2

    @staticmethod
    def of(known: bool) -> State:
        """Return true or false."""
        return State.TRUE if known else State.FALSE


@dataclass(frozen=True, slots=True)
class Decided:
    """A criterion's state, the evidence that settled it (1 signed, 2 form, 3 client, 0 our own), a class of change."""

    state: State
    evidence: int = 0
    change: str = ""


def day_of(moment: Moment, episode: Episode, facts: Facts) -> date | None:
    """Return the day a moment falls on for an episode; nothing where it has not ended or was not handed over."""
    handover = facts.handovers.get(episode.episode_id)
    anchors = {"start": episode.start, "end": episode.end, "handover": None if handover is None else handover.day}
    anchor = anchors[moment.anchor]
    return None if anchor is None else moment.on(anchor)


def decide(criterion: Criterion, episode: Episode, facts: Facts, instruments: Mapping[str, Instrument]) -> Decided:
    """Return whether a criterion holds for an episode."""
    if isinstance(criterion, Has):
        return Decided(_has(criterion, episode, facts))
    if isinstance(criterion, Scores):
        if criterion.wanted == "both":
            return Decided(State.of(_both(criterion, episode, facts, instruments)))
        return _improved(criterion, episode, facts, instruments)
    if criterion.event == NEW_EPISODE:
        return Decided(_wanted(_new_episode(criterion, episode, facts), criterion.wanted))
    return _answered(criterion, episode, facts)


def _has(condition: Has, episode: Episode, facts: Facts) -> State:
    attribute = ATTRIBUTES[condition.element]
    if attribute.record == "referral":
        value = _counterfactual(condition, episode, facts)
    elif attribute.record == "patient":
        patient = facts.patients.get(episode.patient_id)
        value = attribute.unknown if patient is None else str(patient.sex.value)
    elif attribute.record == "evaluation":
        value = _last_evaluated(attribute, episode, facts)
    else:
        value = str(getattr(episode, attribute.attribute).value)
    if value == attribute.unknown:
        return State.UNKNOWN
    return State.of(value in condition.values)


def _last_evaluated(attribute: Attribute, episode: Episode, facts: Facts) -> str:
    """Return what the last evaluation that recorded it says."""
    said = (
        getattr(each, attribute.attribute).value for each in reversed(facts.evaluations.get(episode.episode_id, ()))
    )
    return next((str(value) for value in said if value != attribute.unknown), attribute.unknown)


def _counterfactual(condition: Has, episode: Episode, facts: Facts) -> str:
    """Return the alternative first recorded in time; one recorded later is hindsight and does not count."""
    limit = None if condition.recorded_by is None else day_of(condition.recorded_by, episode, facts)
    in_time = [
        (referral.recorded_on, referral.referral_id, str(referral.counterfactual.value))
        for referral in facts.referrals.get(episode.episode_id, ())
        if referral.counterfactual is not Counterfactual.UNKNOWN
        and referral.recorded_on is not None
        and limit is not None
        and referral.recorded_on <= limit
    ]
    return min(in_time)[2] if in_time else "unknown"


def by_absence(criterion: Criterion, state: State) -> bool:
    """Say whether a state rests on something not having happened as far as a partner could see."""
    if not isinstance(criterion, Happens) or criterion.event == NEW_EPISODE:
        return False
    return state is State.of(not criterion.wanted)


def _wanted(happened: State, wanted: bool) -> State:
    if happened is State.UNKNOWN:
        return State.UNKNOWN
    return State.of((happened is State.TRUE) == wanted)


def _new_episode(criterion: Happens, episode: Episode, facts: Facts) -> State:
    start, end = (day_of(each, episode, facts) for each in (criterion.window.start, criterion.window.end))
    if start is None or end is None:
        return State.UNKNOWN
    places = [
        other.location
        for other in facts.by_patient[episode.patient_id]
        if other.episode_id != episode.episode_id and start <= other.start < end
    ]
    if episode.location and episode.location in places:
        return State.TRUE
    return State.UNKNOWN if places and ("" in places or not episode.location) else State.FALSE


def _answered(criterion: Happens, episode: Episode, facts: Facts) -> Decided:
    """Let the strongest evidence decide; at equal strength one event outweighs any number of denials."""
    start, end = (day_of(each, episode, facts) for each in (criterion.window.start, criterion.window.end))
    if start is None or end is None:
        return Decided(State.UNKNOWN)
    began, lasting = _began(criterion, episode, facts), criterion.event in LASTING
    element = answer_element(criterion.event)
    settled = [
        (RANK[answer.evidence], 0 if hit else 1)
        for answer in facts.answers.get(episode.episode_id, ())
        if answer.element == element
        for hit in _says(answer, start, end, began, lasting=lasting)
    ]
    if not settled:
        return Decided(State.UNKNOWN)
    rank, clear = min(settled)
    return Decided(_wanted(State.of(not clear), criterion.wanted), rank)


def _began(criterion: Happens, episode: Episode, facts: Facts) -> date | None:
    if not criterion.leave_out_start:
        return None
    days = [each.day for each in facts.referrals.get(episode.episode_id, ()) if each.day is not None]
    return min(days, default=None)


def _says(answer: Answer, start: date, end: date, began: date | None, *, lasting: bool) -> Iterator[bool]:
    """Yield True for an event in the window, False for its certain absence, nothing where the answer leaves it open."""
    covers = answer.start <= start and answer.end >= end
    first = answer.first_day
    if answer.status is Answered.NO:
        if covers:
            yield False
    elif answer.status is Answered.YES and first is None:
        if start <= answer.start < answer.end <= end:
            yield True
    elif answer.status is Answered.YES and first is not None:
        left_out = first == began
        if start <= first < end and not left_out:
            yield True
        elif covers and (first >= end or (answer.count == 1 and not lasting)):
            # The first event comes after the window, or the only one before it or at the very start: none is in it.
            # What lasts may have begun before the window and still go on in it.
            yield False


def left_on(episode: Episode, facts: Facts) -> date | None:
    """Return the first day on which the patient was no longer known to who answers; the earliest day if undated."""
    days = [
        answer.first_day or date.min
        for answer in facts.answers.get(episode.episode_id, ())
        if answer.element == LEFT_LIST and answer.status is Answered.YES
    ]
    return min(days, default=None)


def _pair(scores: Sequence[Measurement], episode: Episode, within: int) -> tuple[Measurement, Measurement] | None:
    """Return the first score around the start and the last around the end, where the last is on a later day."""
    if episode.end is None:
        return None
    first = next(iter(_near(scores, episode.start, within)), None)
    last = next(iter(_near(reversed(scores), episode.end, within)), None)
    return None if first is None or last is None or last.day <= first.day else (first, last)


def _near(scores: Sequence[Measurement] | Iterator[Measurement], day: date, within: int) -> Iterator[Measurement]:
    return (each for each in scores if add_days(day, -within) <= each.day <= add_days(day, within))


def _of(instrument: str) -> Callable[[Measurement], bool]:
    return lambda measurement: measurement.instrument == instrument


def _both(criterion: Scores, episode: Episode, facts: Facts, instruments: Mapping[str, Instrument]) -> bool:
    scores = facts.measurements.get(episode.episode_id, ())
    named = criterion.named(episode.instrument)
    names = {each.instrument for each in scores} if criterion.instrument == "any" else {named}
    # What a prognostic list says at the start and the end is no measurement of effect.
    names = {name for name in names if name not in instruments or instruments[name].effect}
    return any(_pair(list(filter(_of(name), scores)), episode, criterion.within) is not None for name in names if name)


def score_pair(criterion: Scores, episode: Episode, facts: Facts) -> tuple[Measurement, Measurement] | None:
    """Return an episode's start and end score on the one instrument that is looked at; nothing where one is missing."""
    name = criterion.named(episode.instrument)
    scores = list(filter(_of(name), facts.measurements.get(episode.episode_id, ())))
    return _pair(scores, episode, criterion.within) if name else None


def _improved(criterion: Scores, episode: Episode, facts: Facts, instruments: Mapping[str, Instrument]) -> Decided:
    instrument = instruments.get(criterion.named(episode.instrument))
    pair = score_pair(criterion, episode, facts)
    if pair is None:
        return Decided(State.UNKNOWN, change=NOT_MEASURED)
    if instrument is None or not has_threshold(instrument):
        return Decided(State.UNKNOWN, change=NO_THRESHOLD)
    change = classify(instrument, pair[0].score, pair[1].score)
    return Decided(State.of(change == IMPROVED), change=change)


def has_threshold(instrument: Instrument) -> bool:
    """Say whether change on an instrument may be called an effect: not a prognostic list, and its MIC is known."""
    return instrument.effect and (instrument.mic is not None or instrument.mic_percent is not None)


def classify(instrument: Instrument, start: int, end: int) -> str:
    """Return the class of change; a MIC in percent of the start score is compared by cross-multiplication."""
    best = instrument.highest if instrument.better == "higher" else instrument.lowest
    mdc = instrument.mdc95 or 0
    if instrument.mic is not None:
        return change_class(start, end, instrument.mic, mdc, best, instrument.better)
    percent = max(1, (instrument.mic_percent or 0) * start)
    return change_class(100 * start, 100 * end, percent, 100 * mdc, 100 * best, instrument.better)
