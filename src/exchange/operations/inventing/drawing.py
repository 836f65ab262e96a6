"""Draw an invented practice: about 400 episodes over three years, from one seed, the same every time.

Nothing here describes anybody. Clients are numbered, organisations say in their name that they are invented, BSNs lie
in the range 9999xxxxx that is used for tests, and AGB codes end a range that is not given out.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta

from exchange.records.codes import Answered, Counterfactual, Effect, EndReason, NextStep, Sex
from exchange.records.identifiers import bsn_valid
from exchange.records.instruments import instruments

PRACTICE = "agb:07999990"
THERAPISTS = ("07999991", "07999992")
GPS = ("agb:01999991", "agb:01999992", "agb:01999993")
HOSPITAL = "agb:06999994"
SOCIAL = "kvk:99999995"
NAMES = {
    PRACTICE: "Oefentherapie Voorbeeld (verzonnen)",
    GPS[0]: "Huisartsenpraktijk A (verzonnen)",
    GPS[1]: "Huisartsenpraktijk B (verzonnen)",
    GPS[2]: "Huisartsenpraktijk C (verzonnen)",
    HOSPITAL: "Ziekenhuis Voorbeeld, afdeling orthopedie (verzonnen)",
    SOCIAL: "Welzijn Voorbeeld (verzonnen)",
}

FIRST_DAY = date(2023, 11, 1)
TODAY = date(2026, 11, 2)

# DCSPH code, weight, mean number of sessions, disability instrument
_COMPLAINTS = (
    ("3427", 26, 13.0, "qbpds"),
    ("3026", 16, 11.0, "ndi"),
    ("4020", 12, 10.0, "quickdash"),
    ("7023", 14, 12.0, "lefs"),
    ("6223", 8, 12.0, "lefs"),
    ("9381", 16, 17.0, "psk"),
    ("3580", 8, 14.0, "qbpds"),
)


@dataclass(frozen=True, slots=True)
class Client:
    """An invented client; `name` is a number in words."""

    number: int
    bsn: str
    epd_number: str
    name: str
    born: date
    sex: Sex


@dataclass(frozen=True, slots=True)
class Moment:
    """An invented evaluation."""

    number: int
    day: date
    effect: Effect
    taken_up: Answered
    relatives: Answered
    decision: NextStep
    partner: str
    told: date | None


@dataclass(frozen=True, slots=True)
class Course:
    """An invented course of treatment, and what happened afterwards that only partners can know."""

    key: str
    client: Client
    diagnosis: str
    days: tuple[date, ...]
    therapist: str
    end: date | None
    end_reason: EndReason
    onward: Answered
    referrer: str
    referred_on: date | None
    counterfactual: Counterfactual | None
    recorded_on: date | None
    scores: tuple[tuple[str, date, int], ...]
    evaluations: tuple[Moment, ...]
    handed_over: bool
    specialist_on: date | None
    imaging_on: date | None
    left_on: date | None
    started_on: date | None
    still_active: bool
    answered: bool = field(default=True)


def draw(seed: int = 20231101, clients: int = 330, courses: int = 400) -> tuple[Course, ...]:
    """Return the invented courses in the order of their start."""
    source = random.Random(seed)
    people = [_client(source, number) for number in range(1, clients + 1)]
    span = (TODAY - FIRST_DAY).days - 7
    starts = sorted(FIRST_DAY + timedelta(days=source.randrange(span)) for _ in range(courses))
    busy: dict[int, date] = {}
    drawn = []
    for number, start in enumerate(starts, 1):
        person = source.choice(people)
        while busy.get(person.number, date.min) >= start:
            person = source.choice(people)
        course = _course(source, f"T{number:04d}", person, start)
        busy[person.number] = (course.end or TODAY) + timedelta(days=30)
        drawn.append(course)
    return tuple(drawn)


def _client(source: random.Random, number: int) -> Client:
    digits = 999900000 + number * 97
    while not bsn_valid(str(digits)):
        digits += 1
    born = date(1938, 1, 1) + timedelta(days=source.randrange(365 * 66))
    sex = Sex.FEMALE if source.random() < 0.68 else Sex.MALE
    return Client(number, str(digits), f"P{number:05d}", f"Proefcliënt {number:03d}", born, sex)


def _course(source: random.Random, key: str, client: Client, start: date) -> Course:
    code, _, mean, instrument = source.choices(_COMPLAINTS, [complaint[1] for complaint in _COMPLAINTS])[0]
    days = _days(source, start, mean)
    finished = days[-1] <= TODAY - timedelta(days=28)
    days = tuple(day for day in days if day < TODAY)
    reason = _reason(source) if finished else EndReason.UNKNOWN
    end = days[-1] if finished else None
    referrer = source.choices((*GPS, HOSPITAL, ""), (28, 20, 12, 9, 31))[0]
    asked = _counterfactual(source) if referrer and source.random() < 0.86 else None
    scores = _scores(source, instrument, days, finished, good=reason is EndReason.GOALS_REACHED)
    handed = code == "9381" and source.random() < 0.75 and len(days) > 4
    evaluations = _evaluations(source, days, finished, reason, handed=handed, referred=bool(referrer))
    until = TODAY - start
    return Course(
        key=key,
        client=client,
        diagnosis=code,
        days=days,
        therapist=THERAPISTS[source.random() < 0.4],
        end=end,
        end_reason=reason,
        onward=_onward(source, reason) if finished else Answered.UNKNOWN,
        referrer=referrer,
        referred_on=start - timedelta(days=source.randrange(2, 20)) if referrer else None,
        counterfactual=asked,
        recorded_on=start + timedelta(days=source.randrange(0, 6)) if asked else None,
        scores=scores,
        evaluations=evaluations,
        handed_over=handed,
        specialist_on=_later(source, start, until, 0.12 if asked is Counterfactual.HOSPITAL else 0.06),
        imaging_on=_later(source, start, until, 0.08),
        left_on=_later(source, start, until, 0.02),
        started_on=days[4] + timedelta(days=source.randrange(5, 50)) if handed and source.random() < 0.75 else None,
        still_active=source.random() < 0.7,
        answered=source.random() < 0.94,
    )


def _days(source: random.Random, start: date, mean: float) -> tuple[date, ...]:
    count = max(1, min(60, round(source.gammavariate(1.35, mean / 1.35))))
    days, day = [], start
    for _ in range(count):
        while day.weekday() >= 5:
            day += timedelta(days=1)
        days.append(day)
        day += timedelta(days=source.choice((5, 7, 7, 7, 9, 14)))
    return tuple(days)


def _reason(source: random.Random) -> EndReason:
    return source.choices(
        (
            EndReason.GOALS_REACHED,
            EndReason.STOPPED_BY_CLIENT,
            EndReason.NO_EFFECT,
            EndReason.REFERRED_ONWARD,
            EndReason.MOVED,
            EndReason.OTHER,
        ),
        (70, 13, 6, 5, 2, 4),
    )[0]


def _onward(source: random.Random, reason: EndReason) -> Answered:
    if reason is EndReason.REFERRED_ONWARD:
        return Answered.YES
    return source.choices((Answered.NO, Answered.YES, Answered.UNKNOWN), (90, 5, 5))[0]


def _counterfactual(source: random.Random) -> Counterfactual:
    return source.choices(tuple(Counterfactual), (52, 8, 5, 8, 14, 6, 7))[0]


def _scores(
    source: random.Random, instrument: str, days: tuple[date, ...], finished: bool, *, good: bool
) -> tuple[tuple[str, date, int], ...]:
    scores: list[tuple[str, date, int]] = []
    if source.random() > 0.72:
        return ()
    for name in ("nprs", instrument):
        about = instruments()[name]
        width = about.highest - about.lowest
        bad = source.uniform(0.45, 0.8)
        better = source.uniform(0.15, 0.6) if good else source.uniform(-0.1, 0.2)
        shares = [(days[0], bad), *([(days[-1], bad - better)] if finished and source.random() < 0.85 else [])]
        for day, share in shares:
            part = min(1.0, max(0.0, share if about.better == "lower" else 1 - share))
            scores.append((name, day, about.lowest + round(width * part)))
    return tuple(scores)


def _evaluations(
    source: random.Random, days: tuple[date, ...], finished: bool, reason: EndReason, *, handed: bool, referred: bool
) -> tuple[Moment, ...]:
    moments = []
    for number in (4, 8, 12):
        if len(days) < number or (source.random() > 0.8 and not (handed and number == 4)):
            continue
        last = finished and number + 4 > len(days)
        stopped = last and reason is EndReason.NO_EFFECT
        effect = Effect.NONE if stopped else source.choice((Effect.SUFFICIENT, Effect.SUFFICIENT, Effect.INSUFFICIENT))
        decision = NextStep.STOP if stopped else NextStep.CONTINUE if effect is Effect.SUFFICIENT else NextStep.ADJUST
        day = days[number - 1]
        moments.append(
            Moment(
                number,
                day,
                effect,
                source.choices(tuple(Answered), (68, 18, 14))[0],
                source.choices(tuple(Answered), (40, 40, 20))[0],
                NextStep.HAND_OVER if handed and number == 4 else decision,
                SOCIAL if handed and number == 4 else "",
                day + timedelta(days=3) if stopped and referred else None,
            )
        )
    return tuple(moments)


def _later(source: random.Random, start: date, until: timedelta, chance: float) -> date | None:
    if source.random() >= chance or until.days < 40:
        return None
    return start + timedelta(days=source.randrange(30, min(until.days, 480)))
