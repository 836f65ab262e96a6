"""Gathering, telling, posting and receiving from within: what the commands can't show on their own."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from exchange.errors import AgreementError, Refused, SealingError, WasChanged
from exchange.operations import (
    agreeing,
    catching_up,
    ending,
    exporting,
    form_questions,
    forms,
    gathering,
    importing,
    partners,
    posting,
    telling,
)
from exchange.records.codes import EndReason

GP_A, GP_B, HOSPITAL, PRACTICE = "agb:01999991", "agb:01999992", "agb:06999994", "agb:07999990"


# Gathering --------------------------------------------------------------------------------------------------------


def test_a_course_knows_its_sessions_phase_and_whom_it_belongs_to(town):
    with town.open("praktijk") as practice:
        courses = gathering.Courses(practice.store.dataset())
        every = courses.by_episode.values()
        assert {one.phase for one in every} <= {"start", "interim", "end"}
        for one in every:
            assert (one.phase == "end") == (one.episode.end is not None)
            assert one.stopped_without_effect == (one.episode.end_reason is EndReason.NO_EFFECT)
            assert one.first_day is None  # no claims were loaded, so no sessions
            assert not one.belongs_to("agb:01000001")
        listed = list(courses.of_party(GP_A))
        assert listed == sorted(listed, key=lambda one: (one.episode.start, one.episode.episode_id))
        assert all(one.belongs_to(GP_A) for one in listed)
        assert not {one.episode.episode_id for one in courses.of_party(GP_B)} & {
            one.episode.episode_id for one in listed
        }


def test_a_course_of_another_practice_is_never_told(town):
    with town.open("praktijk") as practice:
        data = practice.store.dataset()
        foreign = replace(data, episodes=tuple(replace(one, foreign=True) for one in data.episodes))
        assert list(gathering.Courses(foreign).of_party(GP_A)) == []


def test_an_agreement_without_us_in_it_gives_no_terms(town):
    with town.open("praktijk") as practice:
        stored = practice.store.agreements.find("welzijn")
    with town.open("huisarts-a") as gp:
        gp.store.agreements.save(stored, by="x", at=gp.now)
        with pytest.raises(AgreementError) as caught:
            gathering.terms_of(gp, "welzijn")
    assert caught.value.rule == "agreeing.no-party"


def test_terms_that_were_not_agreed_are_empty(town):
    with town.open("praktijk") as practice:
        terms = gathering.terms_of(practice, "welzijn")
        assert terms.flow_elements("outcome-report", "practice") == frozenset()
        assert terms.purpose("outcome-report", "practice") == ""
        assert [one.party for one in terms.others] == ["kvk:99999995"]


# Telling ----------------------------------------------------------------------------------------------------------


def test_every_text_of_a_message_is_looked_at_but_identifiers_of_the_message_itself():
    tree = {
        "resourceType": "Bundle",
        "id": "1",
        "entry": [
            {"fullUrl": "u", "resource": {"resourceType": "Patient", "identifier": [{"system": "s", "value": "v"}]}},
            {"resource": {"resourceType": "ServiceRequest", "reasonCode": [{"text": "t"}], "count": 3}},
        ],
    }
    assert list(telling.texts(tree)) == [
        ("Bundle.resourceType", "Bundle"),
        ("Patient.resourceType", "Patient"),
        ("Patient.identifier.value", "v"),
        ("ServiceRequest.resourceType", "ServiceRequest"),
        ("ServiceRequest.reasonCode.text", "t"),
    ]


def test_a_party_that_nobody_added_has_no_verified_card(town):
    from exchange.agreements.facts import CardState

    with town.open("praktijk") as practice:
        assert telling.card_state(practice, "agb:01000001") is CardState.UNVERIFIED
        assert telling.card_state(practice, HOSPITAL) is CardState.PAPER
        assert telling.card_state(practice, GP_A) is CardState.VERIFIED


def test_a_partner_tells_only_the_practice_that_asked_and_only_once(mailed):
    with mailed.open("huisarts-a") as gp:
        again = exporting.export(gp, "huisartsen")
        assert again.files == ()
        assert again.refused == ()


def test_a_partners_totals_go_without_patients_and_are_stored_as_its_own(mailed):
    from exchange.operations import loading
    from exchange.operations.inventing import tables

    file = mailed["bestanden"] / "totalen.csv"
    file.write_bytes(tables.totals(0))
    with mailed.open("huisarts-a") as gp:
        loading.load(gp, [file], mapping="partner-aggregates")
        asked = exporting.export(gp, "huisartsen", dry_run=True)
        (sent,) = exporting.export(gp, "huisartsen").files
    assert "partner-aggregates" in {one.event for one in asked.decisions}
    assert sent.messages == 1
    with mailed.open("praktijk") as practice:
        (taken,) = importing.take_in(practice, [sent.file])
        assert (taken.state, taken.answers) == ("done", 2)
        assert {one.partner for one in practice.store.answers.aggregates()} == {GP_A}


# Posting ----------------------------------------------------------------------------------------------------------


def test_a_card_nobody_verified_gets_no_file(town):
    with town.open("praktijk") as practice:
        with pytest.raises(SealingError) as unknown:
            posting.card_of(practice, "agb:01000001")
        with pytest.raises(SealingError) as paper:
            posting.card_of(practice, HOSPITAL)
    assert unknown.value.params["state"] == "unknown"
    assert paper.value.params["state"] == "paper"


def test_an_interrupted_passphrase_file_is_given_up_and_made_again(town, monkeypatch):
    from exchange.sealing import sealing

    goal = town.folder / "formulier.age"
    with town.open("praktijk") as practice:
        with monkeypatch.context() as patch:
            patch.setattr(sealing, "write", lambda *_a, **_n: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                forms.make(practice, "ziekenhuis", partner=HOSPITAL, to=goal)
        (left,) = practice.store.journal.unfinished()
        assert posting.resume(practice) == ()
        assert practice.store.journal.unfinished() == ()
        made = forms.make(practice, "ziekenhuis", partner=HOSPITAL, to=goal)
        assert goal.is_file()
        assert made.passphrase
        assert practice.store.journal.find(left.message_id, left.party).state.value == "refused"


def test_a_file_that_was_written_but_not_marked_is_finished_as_it_stands(town, monkeypatch):
    """The power goes after the file is there and before the journal knows: the same bytes go out, not new ones."""
    with town.open("praktijk") as practice:
        with monkeypatch.context() as patch:
            patch.setattr(type(practice.store.journal), "mark", lambda *_a, **_n: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                exporting.export(practice, "huisartsen")
        (left,) = practice.store.journal.unfinished()
        file = practice.folder / "outbox" / f"{left.message_id}.age"
        before = file.read_bytes()
        (posted,) = posting.resume(practice)
        assert posted.file == file
        assert file.read_bytes() == before


def test_a_store_from_a_backup_never_gives_a_number_twice(mailed):
    folder = mailed["praktijk"]
    shutil.copy(folder / "store.db", mailed.folder / "backup.db")
    with mailed.open("praktijk") as practice:
        before = {one.epoch for one in practice.store.journal.outgoing()}
        _say_something_new(practice)
        (later,) = exporting.export(practice, "huisartsen").files
    shutil.copy(mailed.folder / "backup.db", folder / "store.db")
    for rest in folder.glob("store.db-*"):
        rest.unlink()
    with mailed.open("praktijk") as practice:
        _say_something_new(practice, "Andere vraag")
        with pytest.raises(Refused, match="restored from a backup"):
            exporting.export(practice, "huisartsen")
        catching_up.caught_up(practice)
        (other,) = exporting.export(practice, "huisartsen").files
        newest = practice.store.journal.outgoing()[-1]
        assert newest.epoch not in before
        assert "epochs-renewed" in {one.event.event for one in practice.store.audit.show(after=0)}
    with mailed.open("huisarts-a") as gp:
        assert [one.state for one in importing.take_in(gp, [later.file])] == ["done"]
        assert [one.state for one in importing.take_in(gp, [other.file])] == ["done"]


def test_two_different_files_under_one_number_are_refused(mailed):
    """Without the mark beside the keys the number comes twice, and the partner says so."""
    folder = mailed["praktijk"]
    shutil.copy(folder / "store.db", mailed.folder / "backup.db")
    with mailed.open("praktijk") as practice:
        _say_something_new(practice)
        (first,) = exporting.export(practice, "huisartsen").files
    shutil.copy(mailed.folder / "backup.db", folder / "store.db")
    for rest in (*folder.glob("store.db-*"), folder / "keys" / "high-water.json"):
        rest.unlink(missing_ok=True)
    with mailed.open("praktijk") as practice:
        _say_something_new(practice, "Andere vraag")
        (second,) = exporting.export(practice, "huisartsen").files
    with mailed.open("huisarts-a") as gp:
        importing.take_in(gp, [first.file])
        with pytest.raises(WasChanged):
            importing.take_in(gp, [second.file])
        assert "message-replaced" in {one.event.event for one in gp.store.audit.show(after=0)}


def _say_something_new(practice, question="Nieuwe vraag"):
    """Change what an outcome report tells: the day on which the alternative was recorded."""
    (referral, *_) = [one for one in practice.store.dataset().referrals if one.referrer == GP_A and one.recorded_on]
    days = len(question)
    practice.store.record_referral(
        replace(referral, recorded_on=referral.recorded_on - timedelta(days=days % 5 + 1)), by="x", at=practice.now
    )


# Receiving --------------------------------------------------------------------------------------------------------


def test_an_expired_file_is_refused_by_its_own_date(mailed):
    late = mailed.open("praktijk", now=(posting.VALID + timedelta(days=2)) + _clock())
    with late as practice, pytest.raises(SealingError):
        importing.take_in(practice, [mailed["post"] / "from-a.age"])


def _clock():
    from datetime import UTC, datetime

    return datetime(2026, 11, 3, 9, tzinfo=UTC)


def test_what_a_report_tells_is_kept_at_the_partner_with_its_bytes(mailed):
    with mailed.open("huisarts-a") as gp:
        case = gp.store.cases.received()[0]
        kept = gp.store.received.of_case(case.case_id)
        assert {one.event for one in kept} >= {"case-opening"}
        assert all(json.loads(one.content)["resourceType"] == "Bundle" for one in kept)


def test_the_original_is_kept_sealed_to_our_own_key(mailed):
    from exchange.sealing import originals

    with mailed.open("huisarts-a") as gp:
        (kept,) = (gp.folder / "inbox").glob("*.age")
        assert kept.read_bytes() != (mailed["post"] / "to-a.age").read_bytes()
        originals.fetch(kept, mailed.folder / "original", gp.keyring.storage)
    assert (mailed.folder / "original").read_bytes().count(b"\n") == 19


def test_the_same_case_opened_twice_stays_one_case(mailed, forger):
    """A practice that lost its notes may open a case again: the partner keeps one patient and one case."""
    with mailed.open("huisarts-a") as gp:
        before = gp.store.cases.received()
    with mailed.open("praktijk") as practice:
        terms = gathering.terms_of(practice, "huisartsen")
        courses = gathering.Courses(practice.store.dataset())
        draft = telling.drafted(terms, terms.frozen.agreement.party(GP_A), courses, {}, release=False, progress=None)
    file = forger(mailed, "praktijk").seal(*draft.lines, party=GP_A)
    with mailed.open("huisarts-a") as gp:
        importing.take_in(gp, [file])
        assert gp.store.cases.received() == before


# Forms ------------------------------------------------------------------------------------------------------------


def test_a_question_asks_from_the_first_day_until_today_or_the_end_of_the_window(town):
    with town.open("praktijk") as practice:
        terms = gathering.terms_of(practice, "ziekenhuis")
        today = practice.on
        asked = form_questions.about_cases(
            terms,
            {
                "AAA": (date(2026, 1, 1), None),
                "BBB": (date(2024, 1, 1), date(2024, 3, 1)),
                "CCC": (None, None),
                "DDD": (today, None),
            },
        )
    spans = {(one.case_code, one.start, one.end) for one in asked}
    assert {code for code, _, _ in spans} == {"AAA", "BBB"}
    assert ("AAA", date(2026, 1, 1), today) in spans
    (closed,) = {end for code, _, end in spans if code == "BBB"}
    assert date(2024, 3, 1) < closed < today
    assert {one.element for one in asked if one.case_code == "AAA"} == {
        one.element for one in asked if one.case_code == "BBB"
    }


def test_a_case_of_a_client_who_refused_is_not_on_the_form(town):
    goal = town.folder / "f.xlsx"
    with town.open("praktijk") as practice:
        standing = practice.store.consents.all_standing(practice.on)
        made = forms.make(practice, "ziekenhuis", partner=HOSPITAL, to=goal)
        opened = {one.patient_id for one in practice.store.cases.of_agreement("ziekenhuis")}
        said = {who: one.state.value for (who, party, _), one in standing.items() if party == HOSPITAL}
        assert made.cases == len(practice.store.cases.of_agreement("ziekenhuis"))
        assert not [who for who in opened if said.get(who) in {"refused", "withdrawn"}]
        again = forms.make(practice, "ziekenhuis", partner=HOSPITAL, to=goal)
        assert again.cases == made.cases


def test_the_other_half_of_the_pair_refuses_a_form_for_a_party_that_has_keys(town):
    with town.open("praktijk") as practice, pytest.raises(AgreementError) as caught:
        forms.make(practice, "huisartsen", partner=GP_A, to=town.folder / "f.xlsx")
    assert caught.value.rule == "agreeing.not-on-paper"


# Partners and agreements ------------------------------------------------------------------------------------------


def test_only_verified_cards_speak_for_a_party(town):
    with town.open("praktijk") as practice:
        assert set(partners.cards_of(practice)) == {PRACTICE, GP_A, GP_B, "kvk:99999995"}
        known = practice.store.partners.find(GP_A)
        practice.store.partners.save(replace(known, state="unverified"), by="x", at=practice.now)
        assert GP_A not in partners.cards_of(practice)
        stored = agreeing.find(practice, "huisartsen")
        assert agreeing.signed_by(practice, stored) == {PRACTICE, GP_B}
        assert agreeing.state(practice, stored, GP_A) != "active"
        assert agreeing.state(practice, stored, GP_B) == "active"


def test_a_second_card_of_a_verified_partner_is_no_rotation(town, run, tmp_path):
    run("init", tmp_path / "n", "--name", "Huisartsenpraktijk A (verzonnen)", "--id", GP_A, "--no-passphrase")
    card = tmp_path / "n.json"
    run("partner", "card", "--to", card, workspace=tmp_path / "n")
    with town.open("praktijk") as practice, pytest.raises(SealingError) as caught:
        partners.add(practice, card, kind="gp")
    assert caught.value.rule in {"partners.two-cards", "partners.not-a-rotation"}


def test_an_export_that_the_gate_refuses_whole_carries_every_premise(town):
    with town.open("praktijk") as practice:
        practice.at(now=datetime(2024, 1, 2, 9, tzinfo=UTC), on=date(2024, 1, 2))
        ending.end(practice, "huisartsen", on=date(2024, 1, 2), ground="agreed")
        practice.at(now=datetime(2026, 11, 3, 9, tzinfo=UTC), on=date(2026, 11, 3))
        with pytest.raises(Refused) as caught:
            exporting.export(practice, "huisartsen")
    assert not caught.value.decision.allowed
    assert len(caught.value.decision.premises) > 8
    assert caught.value.params["clause"]
