"""The oracle's edges: silence, windows that touch, who left, what evidence weighs, and why a case counts as it does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from exchange.errors import IndicatorError
from exchange.indicators import explaining, oracle
from exchange.indicators.deciding import classify
from exchange.indicators.reading import shipped_definitions
from exchange.indicators.reference import AgeBand, read_reference
from exchange.indicators.wording import step_text
from exchange.records.codes import Answered, Counterfactual, EndReason, Evidence, NextStep, SourceKind
from exchange.records.instruments import instruments
from exchange.records.model import Answer, Case, Dataset, Episode, Evaluation, Referral

NET = shipped_definitions()["substitution-net"]
DURABLE = shipped_definitions()["durable-discharge-12"]
START, END, CUT_OFF = date(2023, 1, 1), date(2024, 1, 1), date(2025, 1, 1)
EPISODE = Episode(
    "e", "p", SourceKind.EPD, date(2023, 1, 31), date(2023, 2, 28), "3427", end_reason=EndReason.GOALS_REACHED
)
REFERRAL = Referral("r", "e", "p", "", date(2023, 1, 30), "", Counterfactual.HOSPITAL, "", date(2023, 1, 31))
CASE = Case("c", "", "agreed", "agb:01000001", "e", "p", date(2023, 2, 1))
LAST = date(2024, 2, 28)
NO = Answer("a", "c", "e", "answer.specialist-referral", EPISODE.start, LAST, Answered.NO, Evidence.SIGNED)
YES = replace(NO, answer_id="b", status=Answered.YES)


def status(*answers: Answer, episode: Episode = EPISODE, cases: tuple[Case, ...] = (CASE,), **more: Any) -> str:
    """Return what net substitution says of one episode."""
    data = Dataset(episodes=(episode,), referrals=more.pop("referrals", (REFERRAL,)), answers=answers, cases=cases)
    asked: dict[str, Any] = {"start": START, "end": END, "cut_off": CUT_OFF, "instruments": instruments(), **more}
    return explaining.explain(NET, data, "e", **asked).status


def test_silence_is_unknown_and_only_a_no_over_the_whole_window_confirms() -> None:
    assert status() == "unknown"
    assert status(NO) == "confirmed"
    assert status(replace(NO, end=LAST - timedelta(1))) == "unknown"
    assert status(replace(NO, start=EPISODE.start + timedelta(1))) == "unknown"
    assert status(replace(NO, status=Answered.UNKNOWN)) == "unknown"


def test_a_window_is_half_open() -> None:
    assert status(replace(YES, first_day=LAST - timedelta(1))) == "refuted"
    assert status(replace(YES, first_day=LAST)) == "confirmed"
    assert status(replace(YES, first_day=EPISODE.start)) == "refuted"


def test_an_undated_event_counts_only_where_the_whole_answer_lies_in_the_window() -> None:
    assert status(YES) == "refuted"
    assert status(replace(YES, end=LAST + timedelta(1))) == "unknown"


def test_the_referral_that_began_the_episode_is_left_out() -> None:
    began = replace(REFERRAL, day=EPISODE.start)
    first = replace(YES, first_day=EPISODE.start)
    assert status(replace(first, count=1), referrals=(began,)) == "confirmed"
    assert status(replace(first, count=2), referrals=(began,)) == "unknown"


def test_the_strongest_evidence_decides_and_at_equal_strength_an_event_does() -> None:
    client = replace(YES, evidence=Evidence.CLIENT)
    assert status(NO, client) == "confirmed"
    assert status(NO, replace(client, evidence=Evidence.SIGNED)) == "refuted"


def test_whoever_left_before_the_window_closed_is_censored_unless_already_refuted() -> None:
    left = replace(YES, answer_id="l", element="answer.left-list", first_day=date(2023, 6, 1))
    assert status(NO, left) == "censored"
    assert status(YES, left) == "refuted"
    assert status(NO, replace(left, first_day=LAST)) == "confirmed"
    assert status(NO, replace(left, first_day=None)) == "censored"
    assert status(NO, episode=replace(EPISODE, end_reason=EndReason.MOVED)) == "censored"


DAY = date(2023, 2, 10)
HANDOVER = Evaluation("v", "e", 4, DAY, decision=NextStep.HAND_OVER)
STARTED = replace(YES, element="answer.programme-start", end=date(2023, 12, 1), first_day=DAY)


def handed(*answers: Answer, name: str = "warm-handover", **more: Any) -> str:
    """Return what an indicator of handovers says of one episode."""
    data = Dataset(
        episodes=(more.pop("episode", EPISODE),),
        evaluations=more.pop("evaluations", (HANDOVER,)),
        answers=answers,
        cases=(CASE,),
    )
    asked: dict[str, Any] = {"start": START, "end": END, "cut_off": CUT_OFF, "instruments": instruments(), **more}
    return explaining.explain(shipped_definitions()[name], data, "e", **asked).status


def test_a_handover_counts_from_its_first_day_also_in_an_episode_that_has_not_ended() -> None:
    going_on = replace(EPISODE, end=None)
    assert handed(STARTED, episode=going_on) == "confirmed"
    assert handed(replace(STARTED, first_day=DAY + timedelta(41)), episode=going_on) == "confirmed"
    assert handed(replace(STARTED, first_day=DAY + timedelta(42)), episode=going_on) == "refuted"
    assert handed(replace(STARTED, status=Answered.NO, first_day=None)) == "refuted"
    assert handed() == "unknown"
    later = replace(HANDOVER, evaluation_id="w", day=date(2023, 2, 20))
    assert handed(replace(STARTED, first_day=DAY + timedelta(45)), evaluations=(later, HANDOVER)) == "refuted"
    assert handed(STARTED, cut_off=DAY + timedelta(41)) == "not-due"
    assert handed(STARTED, start=DAY + timedelta(1)) == "outside"
    assert handed(STARTED, evaluations=(replace(HANDOVER, decision=NextStep.STOP),)) == "outside"


def test_who_began_before_leaving_did_begin_and_who_did_not_is_censored() -> None:
    left = replace(STARTED, answer_id="l", element="answer.left-list", first_day=date(2023, 3, 1))
    no = replace(STARTED, status=Answered.NO, first_day=None)
    assert handed(STARTED, left) == "confirmed"
    assert handed(no, left) == "censored"
    assert handed(left) == "censored"
    assert handed(no, replace(left, first_day=DAY + timedelta(42))) == "refuted"
    assert handed(STARTED, episode=replace(EPISODE, end_reason=EndReason.DIED)) == "confirmed"
    died = replace(EPISODE, end=DAY + timedelta(41), end_reason=EndReason.DIED)
    assert handed(no, episode=died) == "censored"
    # Who died when the six weeks were over had been in sight all the while.
    assert handed(no, episode=replace(died, end=DAY + timedelta(42))) == "refuted"
    assert handed(no, episode=replace(died, end=None)) == "censored"


def test_taking_part_since_before_the_window_leaves_open_whether_it_went_on() -> None:
    still = replace(STARTED, element="answer.programme-active", first_day=date(2023, 5, 10), count=1)
    assert handed(still, name="warm-handover-active") == "confirmed"
    assert handed(replace(still, first_day=DAY), name="warm-handover-active") == "unknown"
    assert handed(replace(still, first_day=date(2023, 7, 10)), name="warm-handover-active") == "refuted"
    # A start is over once it has happened, so the only one cannot come again in a later window.
    assert handed(replace(STARTED, first_day=DAY - timedelta(1), count=1)) == "refuted"


def test_of_two_interventions_one_is_enough_to_refute_and_both_must_be_ruled_out() -> None:
    definition = shipped_definitions()["no-intervention"]
    referral = replace(REFERRAL, counterfactual=Counterfactual.INTERVENTION)
    no = {event: replace(NO, answer_id=event, element=f"answer.{event}") for event in ("injection", "surgery")}

    def of(*answers: Answer) -> str:
        data = Dataset(episodes=(EPISODE,), referrals=(referral,), answers=answers, cases=(CASE,))
        asked: dict[str, Any] = {"start": START, "end": END, "cut_off": CUT_OFF, "instruments": instruments()}
        return explaining.explain(definition, data, "e", **asked).status

    assert of(*no.values()) == "confirmed"
    assert of(no["surgery"]) == "unknown"
    assert of(no["surgery"], replace(no["injection"], status=Answered.YES, first_day=date(2023, 6, 1))) == "refuted"


def test_the_last_evaluation_that_recorded_it_says_whether_advice_was_taken_up() -> None:
    definition = shipped_definitions()["advice-taken-up"]

    def of(*said: Answered) -> str:
        evaluations = tuple(
            Evaluation(f"v{i}", "e", 4 * i, DAY + timedelta(i), advice_taken_up=each) for i, each in enumerate(said, 1)
        )
        data = Dataset(episodes=(EPISODE,), evaluations=evaluations)
        asked: dict[str, Any] = {"start": START, "end": END, "cut_off": CUT_OFF, "instruments": instruments()}
        return explaining.explain(definition, data, "e", **asked).status

    assert of() == "unknown"
    assert of(Answered.NO, Answered.YES, Answered.UNKNOWN) == "confirmed"
    assert of(Answered.YES, Answered.NO) == "refuted"


def test_without_an_agreement_with_who_can_know_a_case_is_its_own_category() -> None:
    assert status(cases=()) == "no-agreement"
    assert status(agreements=frozenset({"other"})) == "no-agreement"
    assert status(agreements=frozenset({"agreed"})) == "unknown"


def test_an_alternative_recorded_after_seven_days_is_hindsight() -> None:
    late = replace(REFERRAL, recorded_on=EPISODE.start + timedelta(8))
    assert status(NO, referrals=(late,)) == "where-unknown"
    assert status(NO, referrals=(replace(REFERRAL, counterfactual=Counterfactual.GP),)) == "outside"


def test_the_newest_discharges_are_not_due() -> None:
    assert status(NO, cut_off=LAST) == "confirmed"
    assert status(NO, cut_off=LAST - timedelta(1)) == "not-due"


def test_a_return_for_an_unknown_place_can_not_be_ruled_out() -> None:
    def of(*others: Episode) -> str:
        data = Dataset(episodes=(EPISODE, *others))
        asked: dict[str, Any] = {"start": START, "end": END, "cut_off": CUT_OFF, "instruments": instruments()}
        return explaining.explain(DURABLE, data, "e", **asked).status

    back = replace(EPISODE, episode_id="f", start=date(2024, 2, 27), end=None)
    assert of() == "confirmed"
    assert of(back) == "refuted"
    assert of(replace(back, start=LAST)) == "confirmed"
    assert of(replace(back, diagnosis="7023")) == "confirmed"
    assert of(replace(back, diagnosis="")) == "unknown"
    assert of(replace(back, patient_id="q")) == "confirmed"


def test_why_lists_every_criterion_until_the_decisive_one() -> None:
    data = Dataset(episodes=(replace(EPISODE, foreign=True),), referrals=(REFERRAL,))
    asked: dict[str, Any] = {"start": START, "end": END, "cut_off": CUT_OFF, "instruments": instruments()}
    found = explaining.explain(NET, data, "e", **asked)
    assert found.status == "excluded"
    assert [step.outcome for step in found.steps] == ["true", "true", "false", *["not-reached"] * 4]
    for language in ("nl", "en"):
        texts = [step_text(step, language) for step in found.steps]
        assert all(text and "indicators." not in text for text in texts)
    outside = explaining.explain(NET, data, "e", **{**asked, "start": END, "end": CUT_OFF})
    assert (outside.status, outside.steps[0].outcome) == ("outside", "false")
    with pytest.raises(IndicatorError):
        explaining.explain(NET, data, "nobody", **asked)
    with pytest.raises(IndicatorError):
        explaining.explain(shipped_definitions()["specialist-referral-rate"], data, "e", **asked)


def test_a_cube_without_cases_has_one_row_of_zeros_and_a_split_one_none() -> None:
    asked: dict[str, Any] = {"start": START, "end": END, "cut_off": CUT_OFF, "instruments": instruments()}
    for definition in shipped_definitions().values():
        if not definition.reference:
            assert set(oracle.cube(definition, Dataset(), **asked).total.counts.values()) == {0}
    split = oracle.cube(NET, Dataset(), **asked, group_by=("location",))
    assert split.rows == ()
    with pytest.raises(KeyError):
        _ = split.total
    with pytest.raises(IndicatorError):
        oracle.cube(NET, Dataset(), **asked, group_by=("partner",))


def test_a_threshold_in_percent_is_compared_in_whole_numbers() -> None:
    percent = replace(instruments()["qbpds"], mic=None, mic_percent=20, mdc=3)
    assert classify(percent, 50, 40) == "improved"
    assert classify(percent, 51, 41) == "unchanged"
    assert classify(percent, 50, 60) == "deteriorated"
    assert classify(percent, 5, 4) == "within-error"
    assert classify(percent, 0, 0) == "cannot-improve"


TABLE = b"""{"id": "t", "version": "1", "unit": "%s", "source": "invented",
"characteristics": ["age-band", "%s"],
"bands": [{"label": "0-17", "from": 0, "to": 18}, {"label": "18-", "from": 18, "to": null}],
"rows": [{"age-band": "18-", "%s": "female", "expected-thousandths": 9500}]}"""


def test_a_reference_table_is_read_and_refused_where_it_does_not_fit() -> None:
    table = read_reference(TABLE % (b"trajectory", b"sex", b"sex"))
    assert table.rows == {("18-", "female"): 9500}
    index = shipped_definitions()["treatment-index"]
    asked: dict[str, Any] = {"start": START, "end": END, "cut_off": CUT_OFF, "instruments": instruments()}
    wrong = {
        "indicators.reference-missing": None,
        "indicators.reference-unit": read_reference(TABLE % (b"patient-year", b"sex", b"sex")),
        "indicators.reference-characteristic": read_reference(
            TABLE % (b"trajectory", b"socio-economic", b"socio-economic")
        ),
    }
    for rule, given in wrong.items():
        with pytest.raises(IndicatorError) as caught:
            oracle.cube(index, Dataset(), **asked, reference=given)
        assert caught.value.rule == rule
    for broken in (b"", b"[]", b"{}", TABLE.replace(b"9500", b"-1") % (b"t", b"sex", b"sex"), b" " * 5_000_000):
        with pytest.raises(IndicatorError):
            read_reference(broken)
    overlapping = TABLE.replace(b'"from": 18', b'"from": 17') % (b"t", b"sex", b"sex")
    with pytest.raises(IndicatorError):
        read_reference(overlapping)


def test_an_age_band_counts_completed_years_also_for_who_was_born_on_a_leap_day() -> None:
    band = AgeBand("18-", 18, None)
    born = date(2004, 2, 29)
    assert not band.holds(born, date(2022, 2, 27))
    assert band.holds(born, date(2022, 2, 28))
    assert not AgeBand("0-17", 0, 18).holds(born, date(2022, 2, 28))
