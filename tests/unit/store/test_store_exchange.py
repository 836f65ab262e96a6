"""Partners, agreements, consents, cases, answers, what a person records, and retention."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from exchange.episodes.services import ServiceMap
from exchange.errors import StoreError
from exchange.records.codes import (
    Access,
    Answered,
    ConsentState,
    Counterfactual,
    Effect,
    EndReason,
    Evidence,
    NextStep,
    PartnerKind,
    SessionType,
    Sex,
    SourceKind,
)
from exchange.records.model import (
    Aggregate,
    Answer,
    Case,
    Consent,
    Evaluation,
    ImprovementPoint,
    IndexFigure,
    Prem,
    Referral,
)
from exchange.signing.keys import StoreKeys
from exchange.sources.rows import (
    AggregateRow,
    AnswerRow,
    ClaimRow,
    EpisodeRow,
    IndexRow,
    PatientKey,
    PatientRow,
    PremRow,
    Rejected,
    Row,
)
from exchange.store import tables
from exchange.store.agreements import StoredAgreement
from exchange.store.audit import Event
from exchange.store.deriving import Rebuilding
from exchange.store.opening import Store
from exchange.store.partners import BLOCKED, PAPER, REVOKED, ROTATED, VERIFIED, Partner
from exchange.store.received import ReceivedMessage
from exchange.store.retention import Due, Kind, Terms

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
WHO: dict[str, Any] = {"by": "tester", "at": NOW}
SETTINGS = Rebuilding(90, ServiceMap({("012", "2000"): SessionType.SESSION}))
ANNA = PatientKey(bsn="999990019", epd_number="P1")
GP = Partner("agb:01000001", "Huisartsen (verzonnen)", PartnerKind.GP, "HAGRO", b"card-1", "11", 1)


def load(store: Store, *rows: Row) -> tuple[Rejected, ...]:
    with store.loading(kind="table", file_name="f", digest="", by="tester", at=NOW, settings=SETTINGS) as batch:
        for row in rows:
            batch.add(row)
    return tuple(batch.rejected)


def episode(key: str, start: date, end: date | None = None, patient: PatientKey = ANNA) -> EpisodeRow:
    return EpisodeRow(
        1, SourceKind.EPD, "epd", key, patient, start, end, "3427", Access.DIRECT, EndReason.UNKNOWN,
        Answered.UNKNOWN, None, "", "07000001", "07100001",
    )  # fmt: skip


@pytest.fixture
def episode_id(store: Store) -> str:
    """Load one episode of one patient."""
    load(store, PatientRow(1, ANNA, date(1980, 5, 1), Sex.FEMALE, "Naam"), episode("E1", date(2024, 1, 8)))
    return store.dataset().episodes[0].episode_id


def case(store: Store, episode_id: str, number: int = 1) -> Case:
    patient = store.dataset().episodes[0].patient_id
    return Case(f"{number:032x}", f"AAAA-BBBB-{number:04}", "a1", GP.party, episode_id, patient, date(2024, 2, 1))


def answer(status: Answered, **changes: object) -> Answer:
    one = Answer(
        "", f"{1:032x}", "", "referral-to-hospital", date(2024, 1, 8), date(2025, 1, 8), status, Evidence.SIGNED,
        GP.party, message_id="m",
    )  # fmt: skip
    return replace(one, **changes)  # type: ignore[arg-type]  # of the fields named


def test_a_partner_s_cards_are_all_kept_and_the_newest_verified_one_counts(store: Store) -> None:
    store.partners.save(replace(GP, state=VERIFIED, verified_by="tester", verified_on=date(2026, 1, 1)), **WHO)
    store.partners.save(replace(GP, card=b"card-2", fingerprint="22", serial=2), **WHO)
    assert [one.serial for one in store.partners.cards(GP.party)] == [2, 1]
    assert store.partners.get(GP.party).serial == 1
    store.partners.save(replace(GP, card=b"card-2", fingerprint="22", serial=2, state=VERIFIED), **WHO)
    assert store.partners.get(GP.party).card == b"card-2"
    store.partners.save(replace(GP, card=b"card-3", fingerprint="33", serial=3, state=ROTATED), **WHO)
    assert store.partners.get(GP.party).serial == 2
    store.partners.save(replace(GP, card=b"card-2", fingerprint="22", serial=2, state=REVOKED), **WHO)
    assert store.partners.get(GP.party).state == REVOKED
    store.partners.save(replace(GP, card=b"card-3", fingerprint="33", serial=3, state=BLOCKED), **WHO)
    assert store.partners.get(GP.party).state == BLOCKED
    found = store.partners.by_fingerprint("22")
    assert found is not None
    assert found.state == REVOKED
    assert store.partners.find("agb:01000009") is None
    with pytest.raises(StoreError):
        store.partners.get("agb:01000009")
    store.partners.save(Partner("kvk:1", "Wijkteam (verzonnen)", PartnerKind.SOCIAL, state=PAPER), **WHO)
    assert {one.party for one in store.partners.list()} == {GP.party, "kvk:1"}


def test_an_agreement_s_bytes_are_given_back_untouched(store: Store) -> None:
    payload = b'{"b":1,\n "a":"\xc3\xab\x00"}'
    draft = StoredAgreement("a1", 1, "d1", b"{}")
    store.agreements.save(draft, **WHO)
    signed = StoredAgreement("a1", 1, "d2", payload, ({"party": GP.party, "jws": "x"},), "active")
    store.agreements.save(signed, **WHO)
    assert store.agreements.get("a1") == signed
    with pytest.raises(StoreError) as caught:
        store.agreements.save(replace(signed, payload=b"[]"), **WHO)
    assert caught.value.rule == "store.agreement-exists"
    ended = replace(signed, state="ended", ended_on=date(2026, 6, 1), superseded_on=date(2026, 5, 1))
    store.agreements.save(ended, **WHO)
    store.agreements.save(replace(draft, version=2, digest="d3"), **WHO)
    assert store.agreements.versions("a1")[0] == ended
    assert store.agreements.get("a1").version == 2
    assert store.agreements.get("a1", 1).payload == payload
    assert store.agreements.by_digest("d2") == ended
    assert store.agreements.find("a2") is None
    with pytest.raises(StoreError):
        store.agreements.get("a1", 9)
    assert [one.state for one in store.agreements.list(as_of=2)] == ["active"]


def test_the_last_word_of_a_patient_counts_and_a_withdrawal_wins_its_day(store: Store, episode_id: str) -> None:
    patient = store.dataset().patients[0].patient_id
    given = Consent(patient, GP.party, "evaluation", ConsentState.GIVEN, date(2024, 2, 1), "paper", "self")
    for state, day in ((ConsentState.WITHDRAWN, 9), (ConsentState.GIVEN, 9), (ConsentState.GIVEN, 1)):
        store.consents.save(replace(given, state=state, day=date(2024, 2, day)), **WHO)

    def standing(day: int) -> Consent | None:
        return store.consents.standing(patient, GP.party, "evaluation", date(2024, 2, day))

    before, after = standing(8), standing(9)
    assert before is not None
    assert after is not None
    assert (before.state, after.state) == (ConsentState.GIVEN, ConsentState.WITHDRAWN)
    assert store.consents.standing(patient, GP.party, "research", date(2024, 3, 1)) is None
    assert standing(1) == given


def test_what_a_patient_said_is_found_under_the_id_they_have_later(store: Store) -> None:
    load(store, episode("E1", date(2024, 1, 8), patient=PatientKey(epd_number="P1")))
    old = store.dataset().patients[0].patient_id
    said = Consent(old, GP.party, "evaluation", ConsentState.GIVEN, date(2024, 2, 1), "paper", "self")
    store.consents.save(said, **WHO)
    store.audit.append(Event("read", "tester", "agb:07000001", subject=old), at=NOW)
    load(store, PatientRow(1, ANNA, None, Sex.FEMALE))
    new = store.dataset().patients[0].patient_id
    assert new != old
    assert store.consents.of_patient(new) == (said,)
    assert store.consents.of_patient(old) == (said,)
    assert len(store.audit.of_patient(new)) == 1


def test_a_case_is_found_by_all_that_names_it(store: Store, episode_id: str) -> None:
    one = store.cases.open(case(store, episode_id), **WHO)
    assert store.cases.open(one, **WHO) == one
    assert store.cases.get(one.case_id) == one
    assert store.cases.by_code(one.code) == one
    assert store.cases.of_agreement("a1") == store.cases.of_partner(GP.party) == (one,)
    assert store.cases.of_episode(episode_id) == store.dataset().cases == (one,)
    assert store.cases.received() == ()
    with pytest.raises(StoreError) as caught:
        store.cases.open(replace(one, agreement_id="a2"), **WHO)
    assert caught.value.rule == "store.case-exists"
    for unknown in (lambda: store.cases.get("x"), lambda: store.cases.of_episode("x")):
        with pytest.raises(StoreError):
            unknown()


def test_a_case_and_its_answers_move_along_with_their_episode(store: Store) -> None:
    claimed = ClaimRow(
        1, SourceKind.PM304, ANNA, "07000001", "1", "", False, date(2024, 1, 8), "012", "2000", 1, 4500, "3427",
        "", "07100001", "", None, "", "3311",
    )  # fmt: skip
    load(store, claimed)
    opened = store.cases.open(case(store, store.dataset().episodes[0].episode_id), **WHO)
    store.answers.save([answer(Answered.NO)], epoch_order=0, sequence=1, **WHO)
    load(store, episode("E1", date(2024, 1, 2)))
    data = store.dataset()
    now = data.episodes[0].episode_id
    assert now != opened.episode_id
    assert data.cases[0].episode_id == data.answers[0].episode_id == now
    assert store.cases.get(opened.case_id).episode_id == now
    assert store.cases.of_episode(now)[0].case_id == opened.case_id
    with store.engine.connect() as connection:
        for table in (tables.case_opened, tables.answer):
            current = sa.select(table.c.episode_id).where(table.c.load_to.is_(None))
            assert connection.execute(current).scalars().all() == [now]


def test_answers_win_by_their_place_in_the_series_not_by_arrival(store: Store, episode_id: str) -> None:
    store.cases.open(case(store, episode_id), **WHO)

    def save(status: Answered, epoch: int, sequence: int, **changes: object) -> int:
        return store.answers.save([answer(status, **changes)], epoch_order=epoch, sequence=sequence, **WHO)

    assert save(Answered.YES, 0, 1) == 1
    assert save(Answered.YES, 0, 3) == 1
    assert save(Answered.NO, 0, 2) == 0
    assert store.dataset().answers[0].status is Answered.YES
    assert save(Answered.NO, 1, 1) == 1
    assert save(Answered.YES, 9, 9, evidence=Evidence.FORM) == 0
    (stored,) = store.dataset().answers
    assert (stored.status, stored.evidence, stored.episode_id) == (Answered.NO, Evidence.SIGNED, episode_id)
    assert store.answers.of_cases([stored.case_id]) == (stored,)
    assert store.answers.own("a1") == ()


def test_a_signed_answer_replaces_a_form(store: Store, episode_id: str) -> None:
    store.cases.open(case(store, episode_id), **WHO)
    form = answer(Answered.YES, evidence=Evidence.FORM)
    store.answers.save([form], epoch_order=0, sequence=None, **WHO)
    store.answers.save([replace(form, status=Answered.NO)], epoch_order=0, sequence=None, **WHO)
    assert store.dataset().answers[0].status is Answered.NO
    store.answers.save([answer(Answered.YES)], epoch_order=0, sequence=1, **WHO)
    assert store.dataset().answers[0].evidence is Evidence.SIGNED


def test_aggregates_follow_the_same_rule(store: Store) -> None:
    one = Aggregate(GP.party, "referrals", date(2024, 1, 1), date(2025, 1, 1), 12, 300)
    store.answers.save([], aggregates=[replace(one, value=15)], epoch_order=0, sequence=2, **WHO)
    store.answers.save([], aggregates=[one], epoch_order=0, sequence=1, **WHO)
    assert store.answers.aggregates() == store.dataset().aggregates == (replace(one, value=15),)


def test_a_partner_answers_by_koppelcode(store: Store) -> None:
    opened = Case("c" * 32, "AAAA-BBBB-0001", "a1", "agb:07000001", "", "", date(2024, 2, 1))
    store.cases.open(opened, received=True, **WHO)
    assert store.cases.received() == (opened,)
    row = AnswerRow(3, opened.code, "referral-to-hospital", date(2024, 1, 1), date(2025, 1, 1), Answered.NO, None, None)
    counted = AggregateRow(5, "referrals", date(2024, 1, 1), date(2025, 1, 1), 12, 300)
    assert load(store, row, replace(row, line=4, case_code="XXXX"), counted) == (
        Rejected(4, "case_code", "store.unknown-case-code"),
    )
    load(store, row)
    load(store, replace(row, status=Answered.YES))
    assert [(one.status, one.case_id) for one in store.answers.own("a1")] == [(Answered.YES, opened.case_id)]
    assert store.answers.aggregates()[0].value == 12


def test_received_messages_are_kept_as_they_came(store: Store) -> None:
    message = ReceivedMessage("m1", "c" * 32, "report", b'{"resourceType":"Bundle"}\n', GP.party)
    store.received.save(message, **WHO)
    store.received.save(message, **WHO)
    assert store.received.of_case("c" * 32) == store.received.of_message("m1") == (message,)


def test_an_evaluation_is_recorded_once_per_session_number(store: Store, episode_id: str) -> None:
    evaluation = Evaluation("", episode_id, 4, date(2024, 2, 1), "nprs", Effect.INSUFFICIENT, decision=NextStep.ADJUST)
    first = store.record_evaluation(evaluation, **WHO)
    second = store.record_evaluation(replace(evaluation, effect=Effect.SUFFICIENT), **WHO)
    store.record_evaluation(replace(evaluation, session_number=8), **WHO)
    assert first.evaluation_id == second.evaluation_id
    assert [(one.session_number, one.effect) for one in store.evaluations_of_episode(episode_id)] == [
        (4, Effect.SUFFICIENT),
        (8, Effect.INSUFFICIENT),
    ]
    with pytest.raises(StoreError):
        store.record_evaluation(replace(evaluation, episode_id="x"), **WHO)


def test_what_was_recorded_keeps_its_parent_when_the_patient_and_episode_change(store: Store) -> None:
    load(store, episode("E1", date(2024, 1, 8), patient=PatientKey(epd_number="P1")))
    episode_id = store.dataset().episodes[0].episode_id
    store.record_referral(
        Referral(
            "", episode_id, "", GP.party, date(2024, 1, 2), "rug?", Counterfactual.HOSPITAL, "arts", date(2024, 1, 9)
        ),
        **WHO,
    )
    store.record_evaluation(Evaluation("", episode_id, 4, date(2024, 2, 1)), **WHO)
    load(store, PatientRow(1, ANNA, None, Sex.FEMALE))
    data = store.dataset()
    assert data.referrals[0].patient_id == data.patients[0].patient_id
    assert data.referrals[0].episode_id == data.evaluations[0].episode_id == data.episodes[0].episode_id
    again = replace(data.referrals[0], counterfactual=Counterfactual.NOTHING)
    store.record_referral(again, **WHO)
    assert store.dataset().referrals == (again,)


def test_official_figures_and_prem_results_are_given_back(store: Store) -> None:
    year = (date(2024, 1, 1), date(2025, 1, 1))
    index = IndexRow(1, 2024, "v3", "VGZ", 131.0, 122.0, 140.0, *year, "Vektis", 210)
    prem = PremRow(1, "Bureau (verzonnen)", *year, 80, 8.9, None, "export", ("Fijn geholpen", "Prima"))
    load(store, index, prem)
    load(store, replace(index, value=130.0), prem)
    assert store.figures.index() == (IndexFigure(2024, "v3", "VGZ", 130.0, 122.0, 140.0, *year, "Vektis", 210),)
    waiting = store.figures.comments_waiting()
    assert sorted(text for _, text in waiting) == ["Fijn geholpen", "Prima"]
    approved = next(comment for comment, text in waiting if text == "Prima")
    store.figures.approve_comment(approved, **WHO)
    load(store, prem)
    assert store.figures.prem() == (Prem("Bureau (verzonnen)", *year, 80, 8.9, None, "export", ("Prima",)),)
    with pytest.raises(StoreError):
        store.figures.approve_comment("x", **WHO)


def test_an_improvement_point_keeps_its_earlier_versions(store: Store) -> None:
    point = ImprovementPoint("p1", "Titel", "i1", "131", "118", "doen", "T.", (date(2026, 6, 1), date(2026, 9, 1)))
    store.figures.save_improvement(point, **WHO)
    then = store.last_load()
    store.figures.save_improvement(replace(point, realised="125", act="door"), **WHO)
    assert store.figures.improvements() == (replace(point, realised="125", act="door"),)
    assert store.figures.improvements(as_of=then) == (point,)


def test_identities_go_when_nothing_needs_them_and_files_still_match(store: Store, episode_id: str) -> None:
    patient = store.dataset().patients[0].patient_id
    assert store.retention.due(Terms()) == ()
    assert store.retention.due(Terms(needed=[patient])) == ()
    assert store.retention.run(Terms(needed=[])) == (Due(Kind.IDENTITY, 1),)
    identity = store.patient_identity(patient)
    assert (identity.bsn, identity.epd_number, identity.name) == (None, None, None)
    assert store.patient_named(PatientKey(bsn="999990019")) == patient
    with store.engine.connect() as connection:
        for table in (tables.patient, tables.patient_source):
            assert connection.execute(sa.select(table.c.bsn_sealed)).scalars().all() == [None]
    load(store, PatientRow(1, ANNA, None, Sex.FEMALE, "Naam"))
    assert store.patient_identity(patient).name == "Naam"
    assert store.patient_identity(patient).bsn == "999990019"


def test_care_past_its_term_goes_with_all_that_hangs_on_it(store: Store) -> None:
    load(
        store,
        episode("OLD", date(2004, 1, 8), date(2004, 3, 1)),
        episode("NEW", date(2024, 1, 8)),
    )
    old = store.dataset().episodes[[one.start.year for one in store.dataset().episodes].index(2004)].episode_id
    store.record_evaluation(Evaluation("", old, 4, date(2004, 2, 1)), **WHO)
    store.received.save(ReceivedMessage("m1", "c" * 32, "report", b"{}"), **WHO)
    store.audit.append(Event("read", "tester", "agb:07000001", detail={"x": 1}), at=NOW)
    terms = Terms(care_before=date(2006, 3, 2), received_before=date(2026, 3, 3), log_before=date(2026, 3, 3))
    assert store.retention.due(terms) == (Due(Kind.CARE, 1), Due(Kind.RECEIVED, 1), Due(Kind.LOG, 1))
    assert store.retention.run(terms) == (Due(Kind.CARE, 1), Due(Kind.RECEIVED, 1), Due(Kind.LOG, 1))
    assert store.retention.due(terms) == ()
    data = store.dataset()
    assert [one.start.year for one in data.episodes] == [2024]
    assert data.evaluations == ()
    assert store.received.of_message("m1") == ()
    assert store.audit.verify() == ()
    store.rebuild(SETTINGS, **WHO)
    assert [one.start.year for one in store.dataset().episodes] == [2024]


def test_what_was_destroyed_is_in_no_file_any_more(tmp_path: Path, keys: StoreKeys) -> None:
    path = tmp_path / "store.db"
    with Store.create(path, keys) as store:
        load(store, PatientRow(1, ANNA, None, Sex.FEMALE, "Naam"), episode("E1", date(2004, 1, 8), date(2004, 2, 8)))
        store.retention.run(Terms(care_before=date(2026, 1, 1), needed=[]))
        assert (tmp_path / "store.db-wal").stat().st_size == 0
        with store.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA freelist_count").scalar() == 0
            assert connection.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
