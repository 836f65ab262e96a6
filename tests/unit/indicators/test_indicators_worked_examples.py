"""The worked example of every shipped definition, as a small invented table and the figure it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from exchange.indicators import oracle
from exchange.indicators.figure import Figure
from exchange.indicators.figures import figure
from exchange.indicators.moments import add_months
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
    "falls-3": date(2024, 3, 1),
    "falls": date(2024, 6, 1),
    "analgesic-reduction": date(2024, 3, 1),
    "analgesic-reduction-6": date(2024, 6, 1),
    "work-regained": date(2024, 3, 1),
    "work-regained-6": date(2024, 6, 1),
    "returns-on-time": date(2023, 12, 1),
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


def counted(one: Episode, event: str, before: int | None, after: int | None, gap: int, days: int) -> list[Answer]:
    """Return a GP's or client's numbers for exactly the windows before and after; none is an explicit no."""
    assert one.end is not None
    first = one.start - timedelta(gap + days)
    windows = ((first, one.start - timedelta(gap), before), (one.end, one.end + timedelta(days), after))
    return [
        Answer(
            f"{event}-{one.episode_id}-{side}",
            "c",
            one.episode_id,
            f"answer.{event}",
            start,
            end,
            Answered.YES if number else Answered.NO,
            Evidence.SIGNED,
            count=number or None,
        )
        for side, (start, end, number) in enumerate(windows)
        if number is not None
    ]


def contacts() -> Dataset:
    """Six ended: maintenance, too recent, three with both numbers (one none since), one with a number for before."""
    episodes = [episode(i, date(2023, 3, 1)) for i in range(4)]
    episodes += [episode(4, date(2023, 12, 1)), episode(5, date(2023, 3, 1), EndReason.MAINTENANCE)]
    numbers = [(6, 4), (4, 2), (2, 0), (3, None)]
    answers = [
        each
        for one, (before, after) in zip(episodes, numbers, strict=False)
        for each in counted(one, "gp-contact", before, after, 90, 365)
    ]
    return Dataset(episodes=tuple(episodes), answers=tuple(answers), cases=opened(episodes))


def fallen(days: int) -> Dataset:
    """Five ended: one too recent, three with both numbers, and one who moved away in the time after."""
    episodes = [episode(i, date(2023, 3, 1)) for i in range(4)] + [episode(4, date(2023, 12, 31))]
    numbers = [(3, 1), (1, 1), (1, 0), (2, 0)]
    answers = [
        each
        for one, (before, after) in zip(episodes, numbers, strict=False)
        for each in counted(one, "fall", before, after, 90, days)
    ]
    answers.append(said(episodes[3], "left-list", Answered.YES, date(2023, 9, 1), date(2023, 5, 1)))
    return Dataset(episodes=tuple(episodes), answers=tuple(answers), cases=opened(episodes))


def stopped(event: str, months: int) -> Dataset:
    """Six ended: one without it at the start, one too recent, two without it since, one with, one without an answer."""
    episodes = [episode(i, date(2023, 2, 1)) for i in range(5)] + [episode(5, date(2023, 12, 31))]
    answers = []
    for i, one in enumerate(episodes):
        had = Answered.NO if i == 4 else Answered.YES
        answers.append(replace(said(one, event, had, one.start), start=add_months(one.start, -1)))
    for one, has in zip(episodes, (Answered.NO, Answered.NO, Answered.YES), strict=False):
        assert one.end is not None
        since = add_months(one.end, months - 1)
        later = replace(said(one, event, has, add_months(one.end, months)), start=since, answer_id=f"z{one.episode_id}")
        answers.append(later)
    return Dataset(episodes=tuple(episodes), answers=tuple(answers), cases=opened(episodes))


def taking_part(months: int) -> Dataset:
    """Five ended: one died, three from 8 to 3, 6 to 5 and 5 to 5, and one without a later score."""
    reasons = [*[EndReason.GOALS_REACHED] * 4, EndReason.DIED]
    episodes = [episode(i, date(2023, 2, 1), reason) for i, reason in enumerate(reasons)]
    pairs = [(80, 30), (60, 50), (50, 50), (70, None), (70, 10)]
    measured = [
        Measurement(f"m{i}{at}", one.episode_id, one.patient_id, "psk", day, score)
        for i, (one, pair) in enumerate(zip(episodes, pairs, strict=True))
        for at, (day, score) in enumerate(zip((one.start, add_months(date(2023, 2, 1), months)), pair, strict=True))
        if score is not None
    ]
    return Dataset(episodes=tuple(episodes), measurements=tuple(measured))


def returned() -> Dataset:
    """Five answers: two in time (one opened late), one a week late, one missing, and one that is not due yet."""
    episodes = [episode(i, date(2022, 6, 1)) for i in range(4)] + [episode(4, date(2022, 11, 15))]
    cases = [replace(one, opened_on=date(2023, 8, 1)) if i == 1 else one for i, one in enumerate(opened(episodes))]
    days = [date(2023, 7, 1), date(2023, 8, 31), date(2023, 7, 8)]
    answers = [
        replace(
            said(one, "specialist-referral", Answered.UNKNOWN, date(2023, 6, 1)), case_id=case.case_id, received_on=day
        )
        for one, case, day in zip(episodes, cases, days, strict=False)
    ]
    early = replace(answers[0], answer_id="early", case_id=cases[3].case_id, episode_id="e3", end=date(2023, 5, 1))
    return Dataset(episodes=tuple(episodes), answers=(*answers, early), cases=tuple(cases))


def against_plan() -> Dataset:
    """Three ended after 6, 12 and 27 sessions; a fourth became maintenance."""
    reasons = [*[EndReason.GOALS_REACHED] * 3, EndReason.MAINTENANCE]
    episodes = tuple(episode(i, date(2023, 12, 1), reason) for i, reason in enumerate(reasons))
    held = [one for i, count in enumerate((6, 12, 27, 40)) for one in treated(i, count)]
    return Dataset(episodes=episodes, sessions=tuple(held))


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
    "gp-contacts": contacts,
    "falls-3": lambda: fallen(92),
    "falls": lambda: fallen(183),
    "falls-12": lambda: fallen(365),
    "analgesic-reduction": lambda: stopped("analgesic", 3),
    "analgesic-reduction-6": lambda: stopped("analgesic", 6),
    "analgesic-reduction-12": lambda: stopped("analgesic", 12),
    "work-regained": lambda: stopped("work-days-lost", 3),
    "work-regained-6": lambda: stopped("work-days-lost", 6),
    "work-regained-12": lambda: stopped("work-days-lost", 12),
    "participation-regained": lambda: taking_part(3),
    "participation-regained-6": lambda: taking_part(6),
    "participation-regained-12": lambda: taking_part(12),
    "returns-on-time": returned,
    "sessions-against-plan": against_plan,
}


def test_every_shipped_definition_has_a_worked_example() -> None:
    assert set(TABLES) == set(shipped_definitions())


def worked(name: str) -> Figure:
    """Return the figure of a definition over its table; some examples need a case that is not old enough yet."""
    definition, cut_off = shipped_definitions()[name], EARLIER.get(name, CUT_OFF)
    cube = oracle.cube(
        definition,
        TABLES[name](),
        start=START,
        end=END,
        cut_off=cut_off,
        instruments=instruments(),
        reference=REFERENCE if definition.reference else None,
    )
    return figure(definition, cube.total, start=START, end=END, cut_off=cut_off)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_the_worked_example_gives_what_the_definition_says(name: str) -> None:
    definition, found = shipped_definitions()[name], worked(name)
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


def test_the_worked_examples_of_before_and_after_name_their_method_and_their_days() -> None:
    contacts = worked("gp-contacts")
    assert contacts.interval is not None
    # Fewer than ten events on a side: the exact conditional limits.
    assert (contacts.value, contacts.interval.method) == (0.5, "exact-conditional")
    assert (contacts.details["days-before"], contacts.details["days-after"]) == (3 * 365, 3 * 365)
    for months, days in (("-3", 92), ("", 183), ("-12", 365)):
        falls = worked(f"falls{months}")
        assert falls.value == pytest.approx(0.4)
        assert (falls.details["days-before"], falls.details["days-after"]) == (3 * days, 3 * days)
    for months in ("", "-6", "-12"):
        assert worked(f"participation-regained{months}").value == pytest.approx(2.0)


def test_the_worked_examples_of_answers_and_plans_name_what_is_late_and_what_was_saved() -> None:
    returns, plan = worked("returns-on-time"), worked("sessions-against-plan")
    assert (returns.parts["late"], returns.parts["missing"], returns.parts["not-due"]) == (1, 1, 1)
    assert (plan.value, plan.details["saved"]) == (pytest.approx(45 / 54), 9)
