"""Claims and EPD rows of one patient become the episodes and sessions a practice owner would draw by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from exchange.episodes.rebuilding import Derived, EpisodeSource, Line, SessionSource, derive
from exchange.episodes.services import ServiceMap
from exchange.records.codes import Access, EndReason, SessionType, SourceKind

SERVICES = ServiceMap(
    {
        ("012", "2000"): SessionType.SESSION,
        ("074", "2000"): SessionType.SESSION,
        ("074", "2100"): SessionType.GROUP,
        ("074", "2200"): SessionType.SCREENING,
        ("074", "2300"): SessionType.SURCHARGE,
    },
    {"1": EndReason.GOALS_REACHED},
)
JANUARY = date(2024, 1, 1)


def pm304(number: int, day: int, **changes: object) -> Line:
    line = Line(
        f"L{number:03}",
        SourceKind.PM304,
        "patient",
        JANUARY + timedelta(days=day),
        f"R{number:03}",
        "",
        "07000001",
        False,
        False,
        "002000",
        "012",
        1,
        "3427",
        "",
        "07000002",
        "",
        None,
        "00",
    )
    return line._replace(**changes)


def gds801(number: int, day: int, **changes: object) -> Line:
    given: dict[str, object] = {
        "kind": SourceKind.GDS801,
        "code_list": "074",
        "service_code": "2000",
        "trajectory_start": JANUARY + timedelta(days=day),
        **changes,
    }
    return pm304(number, day, **given)


def epd(number: int, day: int, end: int | None = None, **changes: object) -> EpisodeSource:
    source = EpisodeSource(
        f"E{number:03}",
        SourceKind.EPD,
        "patient",
        JANUARY + timedelta(days=day),
        None if end is None else JANUARY + timedelta(days=end),
        "3427",
    )
    return replace(source, **changes)  # type: ignore[arg-type]


def held(day: int, source: str = "E001", **changes: object) -> SessionSource:
    session = SessionSource(
        source, "patient", JANUARY + timedelta(days=day), SessionType.SESSION, "07000002", False, SourceKind.EPD
    )
    return replace(session, **changes)  # type: ignore[arg-type]


def rebuilt(
    *lines: Line,
    episodes: tuple[EpisodeSource, ...] = (),
    sessions: tuple[SessionSource, ...] = (),
    gap: int = 90,
    declarant: str = "07000001",
) -> Derived:
    return derive(
        lines,
        episodes,
        sessions,
        gap_days=gap,
        services=SERVICES,
        declarant=declarant,
        session_id=lambda *parts: "|".join(str(part) for part in parts),
    )


def rules(derived: Derived) -> list[str]:
    return [finding.rule for finding in derived.differences]


def test_days_within_the_gap_are_one_episode_and_a_longer_gap_begins_another() -> None:
    derived = rebuilt(pm304(1, 0), pm304(2, 90), pm304(3, 181), gap=90)
    assert [(one.episode_id, one.start) for one in derived.episodes] == [
        ("L001", JANUARY),
        ("L003", JANUARY + timedelta(days=181)),
    ]
    assert derived.episodes[0].end == JANUARY + timedelta(days=90)
    assert derived.episodes[1].end is None
    assert all(one.rebuilt for one in derived.episodes)


def test_another_location_is_another_episode() -> None:
    derived = rebuilt(pm304(1, 0), pm304(2, 1, diagnosis="4020"), pm304(3, 2), pm304(4, 3, diagnosis="3423"))
    assert {one.location: one.episode_id for one in derived.episodes} == {"34": "L001", "40": "L002"}
    assert derived.episode_of_line["L004"] == "L001"


def test_a_line_without_a_diagnosis_goes_with_the_running_episode() -> None:
    derived = rebuilt(pm304(1, 0), pm304(2, 60, diagnosis=""), pm304(3, 120), gap=61)
    assert len(derived.episodes) == 1


def test_a_credit_cancels_its_debit_and_a_late_one_finds_it_again() -> None:
    credit = pm304(9, 0, credit=True, previous_reference="R001", reference="R009")
    derived = rebuilt(credit, pm304(1, 0), pm304(2, 7))
    assert [one.day for one in derived.sessions] == [JANUARY + timedelta(days=7)]
    assert dict(derived.aliases)["L001"] == derived.episodes[0].episode_id == "L002"
    assert derived.episode_of_line["L009"] == "L002"


def test_a_credit_without_its_debit_cancels_nothing_and_is_told() -> None:
    derived = rebuilt(pm304(1, 0), pm304(9, 0, credit=True, previous_reference="elsewhere"))
    assert len(derived.sessions) == 1
    assert rules(derived) == ["episodes.credit-without-debit"]


def test_a_rejected_line_does_not_count() -> None:
    derived = rebuilt(pm304(1, 0, rejected=True))
    assert derived.episodes == ()
    assert derived.sessions == ()


def test_rejected_and_resubmitted_counts_once_on_another_day_too() -> None:
    derived = rebuilt(pm304(1, 0), pm304(2, 1, previous_reference="R001"))
    assert [one.day for one in derived.sessions] == [JANUARY + timedelta(days=1)]


def test_a_credit_and_a_resubmission_find_their_line_across_the_change_of_format() -> None:
    old = (pm304(1, 0), pm304(2, 7), pm304(3, 14, rejected=True))
    credit = gds801(9, 0, credit=True, previous_reference="R001")
    again = gds801(8, 8, previous_reference="R002", trajectory_start=JANUARY)
    derived = rebuilt(*old, credit, again)
    assert [one.day for one in derived.sessions] == [JANUARY + timedelta(days=8)]
    assert rules(derived) == []
    # Where its own format has that reference too, the line of its own format is meant.
    own = rebuilt(pm304(1, 0), gds801(1, 0, line_id="G001"), credit, pm304(4, 3))
    assert [one.day.day for one in own.sessions] == [1, 4]


def test_one_patient_day_therapist_and_type_is_one_session() -> None:
    derived = rebuilt(pm304(1, 0), pm304(2, 0), pm304(3, 0, therapist="07000003"))
    assert len(derived.sessions) == 2


def test_a_gds801_trajectory_is_an_episode_of_its_own() -> None:
    start, later = JANUARY + timedelta(days=400), JANUARY + timedelta(days=420)
    derived = rebuilt(
        gds801(1, 400, trajectory_start=start),
        gds801(2, 425, trajectory_start=later),
        gds801(3, 430, trajectory_start=start),
    )
    assert [(one.start, one.rebuilt) for one in derived.episodes] == [(start, False), (later, False)]
    assert derived.episode_of_line["L003"] == "L001"


def test_two_complaints_that_began_on_one_day_are_two_trajectories() -> None:
    start = JANUARY + timedelta(days=400)
    derived = rebuilt(
        gds801(1, 400, trajectory_start=start),
        gds801(2, 401, trajectory_start=start, diagnosis="4020"),
        gds801(3, 402, trajectory_start=start, diagnosis=""),
    )
    assert len(derived.episodes) == 2


def test_care_that_went_on_while_the_format_changed_is_one_episode() -> None:
    derived = rebuilt(
        pm304(1, 340), pm304(2, 350), gds801(3, 370, trajectory_start=date(2025, 1, 1)), pm304(4, 340, diagnosis="4020")
    )
    merged = next(one for one in derived.episodes if one.location == "34")
    assert merged.episode_id == "L003"
    assert merged.source is SourceKind.GDS801
    assert merged.start == JANUARY + timedelta(days=340)
    assert dict(derived.aliases)["L001"] == "L003"
    assert len(derived.episodes) == 2


def test_two_trajectories_beside_one_pm304_run_stay_two() -> None:
    first, second = date(2025, 1, 2), date(2025, 1, 20)
    derived = rebuilt(pm304(1, 350), gds801(2, 367, trajectory_start=first), gds801(3, 390, trajectory_start=second))
    assert derived.episode_of_line["L001"] == derived.episode_of_line["L002"] == "L002"
    assert derived.episode_of_line["L003"] == "L003"


def test_a_run_without_a_diagnosis_takes_the_one_that_follows() -> None:
    derived = rebuilt(pm304(1, 0, diagnosis=""), pm304(2, 7))
    assert [(one.episode_id, one.diagnosis) for one in derived.episodes] == [("L001", "3427")]


def test_a_gds801_line_without_a_trajectory_is_rebuilt_as_pm304_is() -> None:
    derived = rebuilt(gds801(1, 400, trajectory_start=None), gds801(2, 420, trajectory_start=None))
    assert [(one.episode_id, one.rebuilt) for one in derived.episodes] == [("L001", True)]


def test_a_numbered_trajectory_goes_by_its_number() -> None:
    derived = rebuilt(gds801(1, 400, trajectory="Z1"), gds801(2, 407, trajectory="Z1"), gds801(3, 407, trajectory="Z2"))
    assert len(derived.episodes) == 2


def test_access_is_direct_in_gds801_and_unknown_in_pm304_without_a_referrer() -> None:
    assert rebuilt(gds801(1, 400)).episodes[0].access is Access.DIRECT
    assert rebuilt(gds801(1, 400, referral_day=JANUARY)).episodes[0].access is Access.REFERRED
    # type 07: somebody referred who has no AGB code
    assert rebuilt(gds801(1, 400, referrer="00000000")).episodes[0].access is Access.REFERRED
    assert rebuilt(pm304(1, 0)).episodes[0].access is Access.UNKNOWN
    assert rebuilt(pm304(1, 0), pm304(2, 1, referrer="01000001")).episodes[0].access is Access.REFERRED


def test_the_chronic_list_follows_from_entitlement_001() -> None:
    assert rebuilt(pm304(1, 0, entitlement="001")).episodes[0].chronic is True
    assert rebuilt(pm304(1, 0, entitlement="009")).episodes[0].chronic is False
    assert rebuilt(pm304(1, 0, entitlement="000")).episodes[0].chronic is None


def test_the_last_claim_may_end_the_episode_with_a_mapped_reason() -> None:
    ended = rebuilt(pm304(1, 0), pm304(2, 7, end_code="01")).episodes[0]
    assert (ended.end, ended.end_reason) == (JANUARY + timedelta(days=7), EndReason.GOALS_REACHED)


def test_claims_from_the_start_to_the_gap_after_the_end_join_the_epds_episode() -> None:
    derived = rebuilt(pm304(1, 0), pm304(2, 130), pm304(3, 131), episodes=(epd(1, 0, 40),))
    assert derived.episode_of_line["L002"] == "E001"
    assert [one.episode_id for one in derived.episodes] == ["E001", "L003"]
    assert derived.episodes[0].end == JANUARY + timedelta(days=40)
    assert derived.episodes[0].declarant == "07000001"
    assert len(derived.sessions) == 3


def test_the_latest_of_two_epd_episodes_takes_the_claim() -> None:
    derived = rebuilt(pm304(1, 50), episodes=(epd(1, 0, 40), epd(2, 45)))
    assert derived.episode_of_line["L001"] == "E002"


def test_a_trajectorys_days_before_the_epds_start_stay_with_it() -> None:
    start = JANUARY + timedelta(days=400)
    derived = rebuilt(
        gds801(1, 400, trajectory_start=start), gds801(2, 407, trajectory_start=start), episodes=(epd(1, 402),)
    )
    assert [one.episode_id for one in derived.episodes] == ["E001"]


def test_epd_sessions_are_primary_and_what_differs_is_told_not_added() -> None:
    derived = rebuilt(
        pm304(1, 0),
        pm304(2, 7),
        pm304(3, 14, therapist="07000009"),
        pm304(4, 28),
        episodes=(epd(1, 0),),
        sessions=(held(0), held(14), held(21), held(22, self_paid=True), held(35)),
    )
    assert [(one.day - JANUARY).days for one in derived.sessions] == [0, 14, 21, 22, 35]
    assert {finding.rule: finding.params["count"] for finding in derived.differences} == {
        "episodes.claimed-not-recorded": 2,
        "episodes.recorded-otherwise": 1,
        "episodes.recorded-not-claimed": 1,
    }


def test_an_epd_row_without_a_therapist_is_the_claimed_session() -> None:
    derived = rebuilt(pm304(1, 0), episodes=(epd(1, 0),), sessions=(held(0, therapist=""), held(0)))
    assert len(derived.sessions) == 1
    assert derived.differences == ()


def test_claims_give_the_sessions_of_an_epd_episode_that_recorded_none() -> None:
    derived = rebuilt(pm304(1, 0), pm304(2, 7), episodes=(epd(1, 0),))
    assert [one.episode_id for one in derived.sessions] == ["E001", "E001"]


def test_sessions_wait_for_their_episode_under_its_own_id() -> None:
    before = rebuilt(sessions=(held(3), held(9)))
    after = rebuilt(sessions=(held(3), held(9)), episodes=(epd(1, 0),))
    assert [one.episode_id for one in before.episodes] == [one.episode_id for one in after.episodes] == ["E001"]
    assert before.episodes[0].rebuilt
    assert before.episodes[0].end is None


def test_sessions_without_an_episode_key_go_by_their_day() -> None:
    derived = rebuilt(episodes=(epd(1, 0, 40),), sessions=(held(3, ""), held(300, ""), held(310, ""), held(500, "")))
    assert [len([s for s in derived.sessions if s.episode_id == e.episode_id]) for e in derived.episodes] == [1, 2, 1]


def test_a_fhir_episode_on_the_same_location_and_days_is_the_epds() -> None:
    fhir = epd(2, 5, 35, kind=SourceKind.FHIR, end_reason=EndReason.NO_EFFECT)
    derived = rebuilt(episodes=(fhir, epd(1, 0, 40)))
    assert [(one.episode_id, one.end_reason) for one in derived.episodes] == [("E001", EndReason.NO_EFFECT)]
    assert dict(derived.aliases) == {"E001": "E001", "E002": "E001"}


def test_a_screening_is_no_treatment_and_opens_no_episode() -> None:
    assert rebuilt(gds801(1, 400, service_code="2200")).episodes == ()
    start = JANUARY + timedelta(days=400)
    derived = rebuilt(
        gds801(1, 400, service_code="2200"),
        gds801(2, 400, trajectory_start=start),
        gds801(3, 401, service_code="2300", trajectory_start=start),
    )
    assert sorted(one.type for one in derived.sessions) == [SessionType.SCREENING, SessionType.SESSION]
    assert derived.episode_of_line["L003"] == "L002"


def test_an_unknown_service_is_listed_and_counts_nothing() -> None:
    derived = rebuilt(pm304(1, 0, service_code="009999"))
    assert derived.sessions == ()
    assert derived.differences[0].params == {"list": "012", "code": "009999", "count": 1}


def test_another_practices_claims_are_foreign_and_never_mix_with_ours() -> None:
    derived = rebuilt(pm304(1, 0), pm304(2, 1, declarant="07000009"))
    assert {one.declarant: one.foreign for one in derived.episodes} == {"07000001": False, "07000009": True}
    assert not any(one.foreign for one in rebuilt(pm304(1, 0), declarant="").episodes)
