"""The worked example of every shipped definition, as a small invented table and the figure it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from exchange.indicators import oracle
from exchange.indicators.figures import figure
from exchange.indicators.reading import shipped_definitions
from exchange.indicators.reference import ReferenceTable
from exchange.records.codes import (
    Answered,
    Counterfactual,
    Effect,
    EndReason,
    Evidence,
    NextStep,
    SessionType,
    Sex,
    SourceKind,
)
from exchange.records.instruments import instruments
from exchange.records.model import (
    Aggregate,
    Answer,
    Case,
    Dataset,
    Episode,
    Evaluation,
    Measurement,
    Patient,
    Referral,
    Session,
)

START, END, CUT_OFF = date(2023, 1, 1), date(2024, 1, 1), date(2024, 9, 30)
EARLIER = {
    "durable-discharge-6": date(2024, 6, 15),
    "warm-handover": date(2024, 2, 1),
    "warm-handover-active": date(2024, 4, 1),
}
REFERENCE = ReferenceTable(
    "invented", "1", "trajectory", "invented", ("chronic",), (), {("yes",): 14_000, ("no",): 10_000}
)


def episode(number: int, end: date, reason: EndReason = EndReason.GOALS_REACHED, **more: object) -> Episode:
    """Return an episode of a patient of its own that lasted two months."""
    values: dict[str, object] = {"patient_id": f"p{number}", "start": end - timedelta(60), "diagnosis": "3427"}
    return Episode(f"e{number}", source=SourceKind.EPD, end=end, end_reason=reason, **{**values, **more})  # type: ignore[arg-type]  # a test's shorthand


def substitution() -> Dataset:
    """Six with "otherwise to the hospital", one of them too recent; one with another alternative."""
    ends = [date(2023, 3, 1)] * 5 + [date(2023, 12, 1), date(2023, 3, 1)]
    episodes = [episode(i, end) for i, end in enumerate(ends)]
    alternatives = [Counterfactual.HOSPITAL] * 6 + [Counterfactual.GP]
    referrals = [
        Referral(f"r{i}", each.episode_id, each.patient_id, "", each.start, "", what, "", each.start + timedelta(7))
        for i, (each, what) in enumerate(zip(episodes, alternatives, strict=True))
    ]
    said = [Answered.NO, Answered.NO, Answered.NO, Answered.YES]
    answers = [
        Answer(
            f"a{i}",
            f"c{i}",
            f"e{i}",
            "answer.specialist-referral",
            episodes[i].start,
            date(2024, 3, 1),
            status,
            Evidence.SIGNED,
        )
        for i, status in enumerate(said)
    ]
    cases = [Case(f"c{i}", "", "a", "agb:01000001", f"e{i}", f"p{i}", START) for i in range(7)]
    return Dataset(episodes=tuple(episodes), referrals=tuple(referrals), answers=tuple(answers), cases=tuple(cases))


def alternative(what: Counterfactual, episodes: list[Episode]) -> tuple[Referral, ...]:
    """Return what would have been done otherwise for every episode, recorded on its first day."""
    return tuple(
        Referral(f"r{each.episode_id}", each.episode_id, each.patient_id, "", None, "", what, "", each.start)
        for each in episodes
    )


def said(one: Episode, event: str, status: Answered, until: date, first: date | None = None) -> Answer:
    """Return a signed answer about an episode from its first day on."""
    ident = f"{event}-{one.episode_id}"
    element = f"answer.{event}"
    return Answer(ident, "c", one.episode_id, element, one.start, until, status, Evidence.SIGNED, first_day=first)


def opened(episodes: list[Episode]) -> tuple[Case, ...]:
    """Return a case per episode."""
    return tuple(
        Case(f"c{one.episode_id}", "", "a", "agb:01000001", one.episode_id, one.patient_id, START) for one in episodes
    )


def imaging() -> Dataset:
    """Six with "otherwise imaging", one too recent: three without, one with a scan, one without an answer."""
    episodes = [episode(i, date(2023, 3, 1)) for i in range(5)] + [episode(5, date(2023, 12, 1))]
    answers = [said(one, "imaging", Answered.NO, date(2024, 3, 1)) for one in episodes[:3]]
    answers.append(said(episodes[3], "imaging", Answered.YES, date(2024, 3, 1), date(2023, 9, 9)))
    return Dataset(
        episodes=tuple(episodes),
        referrals=alternative(Counterfactual.IMAGING, episodes),
        answers=tuple(answers),
        cases=opened(episodes),
    )


def intervention() -> Dataset:
    """Five with "otherwise an intervention", one too recent: two without either, one injection, one half answered."""
    episodes = [episode(i, date(2023, 3, 1)) for i in range(4)] + [episode(4, date(2023, 12, 1))]
    until = date(2024, 3, 1)
    answers = [said(one, "surgery", Answered.NO, until) for one in episodes[:4]]
    answers += [said(one, "injection", Answered.NO, until) for one in episodes[:2]]
    answers.append(said(episodes[2], "injection", Answered.YES, until, date(2023, 5, 5)))
    return Dataset(
        episodes=tuple(episodes),
        referrals=alternative(Counterfactual.INTERVENTION, episodes),
        answers=tuple(answers),
        cases=opened(episodes),
    )


HANDED_OVER = date(2023, 4, 10)


def handed_over(days: list[date]) -> tuple[list[Episode], tuple[Evaluation, ...]]:
    """Return episodes, each handed over on its day, the first one twice, and one that was not."""
    episodes = [episode(i, date(2023, 6, 1)) for i in range(len(days) + 1)]
    decided = [Evaluation(f"v{i}", f"e{i}", 4, day, decision=NextStep.HAND_OVER) for i, day in enumerate(days)]
    again = Evaluation("v", "e0", 8, days[0] + timedelta(28), decision=NextStep.HAND_OVER)
    other = Evaluation("w", f"e{len(days)}", 4, days[0], decision=NextStep.ADJUST)
    return episodes, (*decided, again, other)


def started() -> Dataset:
    """Six handed over, one too recent: three began in time, one after eight weeks, one is not known."""
    episodes, evaluations = handed_over([*[HANDED_OVER] * 5, date(2023, 12, 31)])
    after = [0, 20, 41, 56]
    answers = [
        said(one, "programme-start", Answered.YES, date(2023, 9, 1), HANDED_OVER + timedelta(days))
        for one, days in zip(episodes, after, strict=False)
    ]
    return Dataset(episodes=tuple(episodes), evaluations=evaluations, answers=tuple(answers), cases=opened(episodes))


def active() -> Dataset:
    """Five handed over, one too recent: two still take part, one does not, and one moved away in the meantime."""
    episodes, evaluations = handed_over([*[HANDED_OVER] * 4, date(2023, 12, 31)])
    until = date(2023, 9, 15)
    answers = [said(one, "programme-active", Answered.YES, until, date(2023, 7, 20)) for one in episodes[:2]]
    answers += [said(one, "programme-active", Answered.NO, until) for one in episodes[2:4]]
    answers.append(said(episodes[3], "left-list", Answered.YES, until, date(2023, 5, 1)))
    return Dataset(episodes=tuple(episodes), evaluations=evaluations, answers=tuple(answers), cases=opened(episodes))


def brought_in() -> Dataset:
    """Three handed over at session 4, 4 and 10, the first one again later, and one who was not."""
    episodes, evaluations = handed_over([HANDED_OVER] * 3)
    numbers = {"v2": 10}
    changed = (replace(one, session_number=numbers.get(one.evaluation_id, one.session_number)) for one in evaluations)
    return Dataset(episodes=tuple(episodes), evaluations=tuple(changed))


def taken_up() -> Dataset:
    """Four ended: yes, first no and then yes, no, and not recorded."""
    given = [[Answered.YES], [Answered.NO, Answered.YES], [Answered.NO, Answered.UNKNOWN], [Answered.UNKNOWN]]
    day = date(2023, 4, 20)
    return Dataset(
        episodes=tuple(episode(i, date(2023, 6, 1)) for i in range(4)),
        evaluations=tuple(
            Evaluation(f"v{i}{n}", f"e{i}", 4 * n, day + timedelta(7 * n), advice_taken_up=what)
            for i, answers in enumerate(given)
            for n, what in enumerate(answers, 1)
        ),
    )


def advice() -> Dataset:
    """Five ended; one died; two without advice, one with, one not recorded."""
    said = [Answered.NO, Answered.NO, Answered.YES, Answered.UNKNOWN, Answered.NO]
    reasons = [EndReason.GOALS_REACHED] * 4 + [EndReason.DIED]
    return Dataset(
        episodes=tuple(
            episode(i, date(2023, 6, 1), reason, onward_advice=what)
            for i, (what, reason) in enumerate(zip(said, reasons, strict=True))
        )
    )


def durable(recent: date) -> Dataset:
    """Six ended: maintenance, too recent, came back, did not (two), reason unknown; and the return itself."""
    reasons = [EndReason.MAINTENANCE, *[EndReason.GOALS_REACHED] * 4, EndReason.UNKNOWN]
    ends = [date(2023, 2, 1), recent, *[date(2023, 2, 1)] * 4]
    episodes = [episode(i, end, reason) for i, (end, reason) in enumerate(zip(ends, reasons, strict=True))]
    back = episode(9, date(2024, 8, 1), patient_id="p2", start=date(2023, 5, 1))
    elsewhere = episode(8, date(2024, 8, 1), patient_id="p3", start=date(2023, 5, 1), diagnosis="7023")
    return Dataset(episodes=(*episodes, back, elsewhere))


def rates() -> Dataset:
    """Three practices with both years, one with one."""
    before, after, end = date(2022, 1, 1), date(2023, 1, 1), date(2024, 1, 1)
    element = "aggregate.specialist-referrals"
    numbers = {"agb:1": (80, 60, 500), "agb:2": (50, 40, 300), "agb:3": (20, 10, 200)}
    both = [
        Aggregate(partner, element, first, last, value, people)
        for partner, (old, new, people) in numbers.items()
        for first, last, value in ((before, after, old), (after, end, new))
    ]
    return Dataset(aggregates=(*both, Aggregate("agb:4", element, after, end, 12, 100)))


def scores() -> Dataset:
    """NPRS from 7 to 3, 6 to 5, 4 to 8, 1 to 0, and one not measured."""
    episodes = tuple(episode(i, date(2023, 6, 1), instrument="nprs") for i in range(5))
    pairs = [(70, 30), (60, 50), (40, 80), (10, 0)]
    measured = [
        Measurement(f"m{i}{j}", f"e{i}", f"p{i}", "nprs", day, score)
        for i, pair in enumerate(pairs)
        for j, (day, score) in enumerate(zip((episodes[i].start, date(2023, 6, 1)), pair, strict=True))
    ]
    return Dataset(episodes=episodes, measurements=tuple(measured))


def coverage() -> Dataset:
    """Two measured at both ends, one at the start only, one with its last score 40 days before the end."""
    episodes = tuple(episode(i, date(2023, 6, 1)) for i in range(4))
    end = date(2023, 6, 1)
    days = {0: (0, 60), 1: (3, 45), 2: (0,), 3: (0, 20)}
    measured = [
        Measurement(f"m{i}{day}", f"e{i}", f"p{i}", "psk", end - timedelta(60 - day), 50)
        for i, at in days.items()
        for day in at
    ]
    return Dataset(episodes=episodes, measurements=tuple(measured))


def treated(number: int, count: int, kind: SessionType = SessionType.SESSION) -> list[Session]:
    """Return weekly sessions of an episode from the first of February."""
    first = date(2023, 2, 1)
    return [
        Session(f"s{number}-{i}-{kind}", f"e{number}", f"p{number}", first + timedelta(7 * i), kind)
        for i in range(count)
    ]


def sessions() -> Dataset:
    """Three patients with 4, 6 and 11 sessions, one of them screened as well."""
    held = [*treated(0, 4), *treated(1, 6), *treated(2, 11), *treated(0, 1, SessionType.SCREENING)]
    return Dataset(episodes=tuple(episode(i, date(2023, 6, 1)) for i in range(3)), sessions=tuple(held))


def moments() -> Dataset:
    """Nine sessions evaluated at 4 and 8, five sessions not evaluated; at 8 without effect, stopped and told."""
    day = date(2023, 4, 1)
    done = (
        Evaluation("v1", "e0", 4, day, effect=Effect.SUFFICIENT),
        Evaluation("v2", "e0", 8, day, effect=Effect.INSUFFICIENT, decision=NextStep.STOP, told_referrer_on=day),
    )
    episodes = tuple(episode(i, date(2023, 6, 1)) for i in range(2))
    return Dataset(episodes=episodes, sessions=(*treated(0, 9), *treated(1, 5)), evaluations=done)


def index() -> Dataset:
    """Thirty patients with 1 to 30 sessions, of whom 1, 4, ..., 28 are on the chronic list."""
    numbers = range(1, 31)
    return Dataset(
        patients=tuple(Patient(f"p{i}", None, Sex.FEMALE) for i in numbers),
        episodes=tuple(episode(i, date(2023, 12, 1), chronic=i % 3 == 1) for i in numbers),
        sessions=tuple(one for i in numbers for one in treated(i, i)),
    )


TABLES: dict[str, Callable[[], Dataset]] = {
    "substitution-net": substitution,
    "no-imaging": imaging,
    "no-intervention": intervention,
    "warm-handover": started,
    "warm-handover-active": active,
    "advice-taken-up": taken_up,
    "sessions-to-partner": brought_in,
    "onward-advice": advice,
    "durable-discharge-6": lambda: durable(date(2023, 12, 31)),
    "durable-discharge-12": lambda: durable(date(2023, 11, 1)),
    "specialist-referral-rate": rates,
    "responders": scores,
    "measured": coverage,
    "sessions-per-patient": sessions,
    "evaluation-moments": moments,
    "treatment-index": index,
}


def test_every_shipped_definition_has_a_worked_example() -> None:
    assert set(TABLES) == set(shipped_definitions())


@pytest.mark.parametrize("name", sorted(TABLES))
def test_the_worked_example_gives_what_the_definition_says(name: str) -> None:
    definition = shipped_definitions()[name]
    # Some examples need a case that is not old enough yet.
    cut_off = EARLIER.get(name, CUT_OFF)
    cube = oracle.cube(
        definition,
        TABLES[name](),
        start=START,
        end=END,
        cut_off=cut_off,
        instruments=instruments(),
        reference=REFERENCE if definition.reference else None,
    )
    found = figure(definition, cube.total, start=START, end=END, cut_off=cut_off)
    assert {key: getattr(found, key) for key in definition.expect} == definition.expect
    if name == "substitution-net":
        assert (found.value, found.bounds) == (0.75, (0.6, 0.8))
        assert found.evidence == {"signed": 4, "form": 0, "client": 0}
    if name == "responders":
        assert found.bounds == (0.2, 0.4)
        wanted = {"improved": 1, "unchanged": 1, "deteriorated": 1, "cannot-improve": 1, "not-measured": 1}
        assert {key: count for key, count in found.parts.items() if count} == wanted
    if name == "sessions-per-patient":
        assert (found.value, found.details["median"]) == (7, 6)
    if name == "sessions-to-partner":
        assert (found.value, found.details["median"]) == (6, 4)
    if name == "evaluation-moments":
        assert (found.parts["without-effect"], found.parts["stopped"], found.parts["stopped-and-told"]) == (1, 1, 1)
    if name == "specialist-referral-rate":
        assert found.value == pytest.approx(0.7333, abs=1e-4)
    if name == "treatment-index":
        # Published check of indicators.md: 136.76 (109.08 to 171.48).
        assert found.interval is not None
        limits = (found.value, found.interval.lower, found.interval.upper)
        assert limits == pytest.approx((136.76, 109.08, 171.48), abs=0.01)
