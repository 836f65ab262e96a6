"""exchange export: only what the agreement lets through, sealed; a refusal changes nothing."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

GP_A, GP_B = "agb:01999991", "agb:01999992"


def export(run, town, *more, agreement="huisartsen", name="praktijk", **rest):
    return run("export", agreement, *more, workspace=town[name], **rest)


def lines_for(town, name, file) -> list[dict]:
    """Return the messages in a file as its receiver reads them."""
    from exchange.operations import importing

    (town.folder / "open").mkdir(exist_ok=True)
    with town.open(name) as workspace:
        read = importing.opened(workspace, file, town.folder / "open")
        return [json.loads(line) for line in read.contents["messages.ndjson"].read_bytes().splitlines()]


def epd_of_first_case(town, party=GP_A) -> tuple[str, str]:
    """Return EPD number and BSN of a client whom this party referred and who gave consent."""
    with town.open("praktijk") as practice:
        standing = practice.store.consents.all_standing(practice.on)
        referred = {one.patient_id for one in practice.store.dataset().referrals if one.referrer == party}
        patients = {
            who for who, partner, _ in standing if partner == party and who in referred
            and standing[who, partner, "effect"].state.value == "given"
        }  # fmt: skip
        # ids are drawn anew in each run, EPD numbers are not
        first = min((practice.store.patient_identity(who) for who in patients), key=lambda known: known.epd_number)
        return first.epd_number, first.bsn


def end(run, town, at):
    """End the agreement by mutual consent at that moment."""
    said = run(
        "agreement", "end", "huisartsen", "--on", f"{at:%Y-%m-%d}", "--ground", "agreed",
        workspace=town["praktijk"], at=at,
    )  # fmt: skip
    assert said.code == 0, said.err


def withdraw(run, town, epd, party=GP_A):
    """Record that a client no longer wants this party to be told how the treatment goes."""
    said = run(
        "consent", "record", "--epd", epd, "--partner", party, "--purpose", "treatment", "--state", "withdrawn",
        "--evidence", "brief", workspace=town["praktijk"],
    )  # fmt: skip
    assert said.code == 0


# What goes out ----------------------------------------------------------------------------------------------------


def test_one_sealed_file_for_each_partner_with_what_is_new(run, town):
    said = export(run, town, "--json")
    files = said.json["files"]
    assert said.code == 0
    assert [one["party"] for one in files] == [GP_A, GP_B]
    assert all(Path(one["file"]).read_bytes().startswith(b"age-encryption.org/v1") for one in files)
    assert all(Path(one["file"]).parent == town["praktijk"] / "outbox" for one in files)
    assert sum(one["cases"] for one in files) == 13


def test_a_second_export_has_nothing_new(run, mailed, snapshot):
    before = snapshot(mailed["praktijk"])
    english, dutch = export(run, mailed), export(run, mailed, "--language", "nl")
    assert (english.code, english.out) == (0, "There is nothing new to send.\n")
    assert "niets nieuws" in dutch.out
    assert snapshot(mailed["praktijk"]) == before


def test_a_folder_that_is_not_there_is_refused_before_anything_is_sealed(refused, town, tmp_path):
    refused(town, "--to", tmp_path / "none", code=16, rule="transports.no-folder")


def test_the_files_are_dropped_where_it_is_asked(run, town, tmp_path):
    (tmp_path / "mail").mkdir()
    said = export(run, town, "--to", tmp_path / "mail", "--json")
    dropped = sorted(one.name for one in (tmp_path / "mail").iterdir() if one.suffix == ".age")
    assert dropped == sorted(Path(one["file"]).name for one in said.json["files"])


def test_a_message_carries_agreed_elements_only_and_the_bsn_in_its_place_only(run, town):
    said = export(run, town, "--json")
    file = Path(next(one["file"] for one in said.json["files"] if one["party"] == GP_A))
    epd, bsn = epd_of_first_case(town)
    messages = lines_for(town, "huisarts-a", file)
    text = json.dumps(messages)
    assert bsn in text
    assert epd not in text
    assert "07999991" not in text  # the therapist is no agreed element


def test_a_dry_run_shows_every_decision_with_its_premises_and_changes_nothing(run, town, snapshot):
    before, trail = snapshot(town["praktijk"]), entries(run, town)
    said = export(run, town, "--dry-run", "--json")
    document = said.json
    assert said.code == 0
    assert document["dry_run"] is True
    assert document["files"] == []
    assert {one["event"] for one in document["decisions"]} >= {"case-opening", "outcome-report"}
    assert all(one["allowed"] and len(one["premises"]) > 8 for one in document["decisions"])
    spoken = export(run, town, "--dry-run", "--language", "nl")
    assert spoken.out.count("case-opening") == sum(one["event"] == "case-opening" for one in document["decisions"])
    assert spoken.out.count("  ✓ ") == sum(len(one["premises"]) for one in document["decisions"])
    assert snapshot(town["praktijk"]) == before
    assert entries(run, town) == trail


def test_a_dry_run_of_what_is_refused_notes_nothing_either(run, town, snapshot):
    end(run, town, datetime(2024, 1, 2, 9, tzinfo=UTC))
    before, trail = snapshot(town["praktijk"]), entries(run, town)
    assert export(run, town, "--dry-run").code == 11
    assert snapshot(town["praktijk"]) == before
    assert entries(run, town) == trail


def entries(run, town):
    return run("log", "show", "--last", "1000", "--json", workspace=town["praktijk"]).json["entries"]


def test_an_export_stands_in_the_trail_by_who_and_to_whom(run, town):
    export(run, town)
    sent = [one for one in entries(run, town) if one["event"] == "sent" and one["ground"] == "huisartsen"]
    assert [one["counterparty"] for one in sent[-2:]] == [GP_A, GP_B]
    assert {one["user"] for one in sent[-2:]} == {"tester"}


# What does not go out ---------------------------------------------------------------------------------------------


@pytest.fixture
def refused(run, snapshot):
    def tried(town, *more, code: int, rule: str, agreement="huisartsen"):
        before = snapshot(town["praktijk"])
        said = export(run, town, *more, "--json", agreement=agreement)
        assert (said.code, said.json["error"]["rule"], said.json["exit"]) == (code, rule, code)
        assert said.json["error"]["hints"]
        for language in ("nl", "en"):
            spoken = export(run, town, *more, "--language", language, agreement=agreement)
            assert (spoken.code, spoken.out) == (code, "")
            assert "\n  → " in spoken.err
        assert snapshot(town["praktijk"]) == before
        return said.json["error"]

    return tried


def test_under_an_agreement_that_is_over_nothing_goes_out(refused, town, run):
    end(run, town, datetime(2024, 1, 2, 9, tzinfo=UTC))
    error = refused(town, code=11, rule="gate.in-time.refused")
    assert error["premises"]


def test_an_agreement_that_is_over_says_so_where_there_is_no_case_to_ask_about(refused, town, run, tmp_path):
    with town.open("welzijn") as social:
        social.store.agreements.save(
            replace(social.store.agreements.find("welzijn"), ended_on=social.on.replace(year=2024)),
            by="x",
            at=social.now,
        )
    said = export(run, town, "--json", agreement="welzijn", name="welzijn")
    assert (said.code, said.json["error"]["rule"]) == (11, "gate.in-time.refused")


def test_in_the_tail_of_an_agreement_no_new_case_is_opened(refused, town, run):
    end(run, town, datetime(2026, 11, 1, 9, tzinfo=UTC))
    refused(town, code=11, rule="gate.tail.refused")


def test_nothing_goes_to_a_card_that_nobody_verified(refused, town):
    with town.open("praktijk") as practice:
        for party in (GP_A, GP_B):
            known = practice.store.partners.find(party)
            practice.store.partners.save(replace(known, state="unverified"), by="x", at=practice.now)
    refused(town, code=11, rule="gate.card.refused")


def test_one_card_that_nobody_verified_holds_up_that_partner_only(run, town):
    with town.open("praktijk") as practice:
        known = practice.store.partners.find(GP_A)
        practice.store.partners.save(replace(known, state="unverified"), by="x", at=practice.now)
    said = export(run, town, "--json")
    assert said.code == 3
    assert [one["party"] for one in said.json["files"]] == [GP_B]
    (withheld,) = said.json["refused"]
    assert withheld["party"] == GP_A
    assert [one["rule"] for one in withheld["premises"]] == ["gate.card.refused", "gate.signed.refused"]
    assert [one["detail"] for one in entries(run, town) if one["event"] == "withheld"] == [
        "9: gate.card.refused, gate.signed.refused"
    ]


def test_an_agreement_that_is_not_here_is_refused(refused, town):
    error = refused(town, code=11, rule="agreeing.unknown", agreement="nergens")
    assert "nergens" in error["text"]


def test_an_unsigned_agreement_lets_nothing_out(refused, town):
    from exchange.operations import agreeing

    with town.open("praktijk") as practice:
        agreeing.sign(practice, town.draft(practice, "gp", "nieuw", GP_A))
    refused(town, code=11, rule="gate.signed.refused", agreement="nieuw")


def test_consent_that_is_withdrawn_stops_the_next_export_of_that_client_only(run, town):
    epd, bsn = epd_of_first_case(town)
    withdraw(run, town, epd)
    said = export(run, town, "--json")
    assert said.code == 3
    (withheld,) = said.json["refused"]
    assert [one["rule"] for one in withheld["premises"]] == ["gate.consent.refused"]
    file = Path(next(one["file"] for one in said.json["files"] if one["party"] == GP_A))
    assert bsn not in json.dumps(lines_for(town, "huisarts-a", file))
    assert epd not in said.out


def test_consent_that_is_withdrawn_after_a_case_was_opened_stops_what_is_new_about_it(run, mailed):
    epd, _ = epd_of_first_case(mailed)
    withdraw(run, mailed, epd)
    with mailed.open("praktijk") as practice:
        (episode, *_) = [
            one for one in practice.store.episodes_of_epd_number(epd)
            if any(case.partner == GP_A for case in practice.store.cases.of_episode(one.episode_id))
        ]  # fmt: skip
        referral = next(one for one in practice.store.dataset().referrals if one.episode_id == episode.episode_id)
        practice.store.record_referral(
            replace(referral, day=referral.day.replace(day=1 if referral.day.day > 1 else 2)), by="x", at=practice.now
        )
    said = export(run, mailed, "--json")
    events = [
        one["entry"][0]["resource"]["eventCoding"]["code"]
        for file in said.json["files"]
        for one in lines_for(mailed, "huisarts-a", Path(file["file"]))
    ]
    assert set(events) <= {"consent-withdrawn"}  # that it was withdrawn is told; nothing else about the client is


# A citizen service number where it may not be ---------------------------------------------------------------------


def ask_with(town, epd, question):
    """Write another referral question, and another answer to what would have happened otherwise."""
    from exchange.records.codes import Counterfactual

    others = {Counterfactual.HOSPITAL: Counterfactual.GP}
    with town.open("praktijk") as practice:
        referral = next(
            one for one in practice.store.dataset().referrals
            if one.patient_id == practice.store.episodes_of_epd_number(epd)[0].patient_id and one.referrer == GP_A
        )  # fmt: skip
        practice.store.record_referral(
            replace(
                referral, question=question,
                counterfactual=others.get(referral.counterfactual, Counterfactual.HOSPITAL),
            ),
            by="x", at=practice.now,
        )  # fmt: skip


@pytest.mark.parametrize("release", [False, True])
def test_a_clients_number_in_a_referral_question_is_caught_and_never_released(run, town, release):
    epd, bsn = epd_of_first_case(town)
    dotted = f"{bsn[:3]}.{bsn[3:6]}.{bsn[6:]}"
    ask_with(town, epd, f"Graag behandelen, bsn {dotted}, groet")
    said = export(run, town, *(["--release"] if release else []), "--json")
    document = said.json
    assert said.code == 3
    assert {one["rule"] for one in document["findings"]} == {"records.bsn-known"}
    file = Path(next(one["file"] for one in document["files"] if one["party"] == GP_A))
    assert dotted not in json.dumps(lines_for(town, "huisarts-a", file))
    assert bsn not in said.out + said.err
    assert dotted not in said.out + said.err


def test_nine_digits_of_nobody_go_out_only_when_a_person_releases_them_and_that_is_logged(run, town):
    epd, _ = epd_of_first_case(town)
    ask_with(town, epd, "Ons dossier 111222333")
    held = export(run, town, "--json")
    assert held.code == 3
    assert {one["rule"] for one in held.json["findings"]} == {"records.bsn-candidate"}
    assert not [one for one in entries(run, town) if one["event"] == "released"]
    released = export(run, town, "--release", "--json")
    assert (released.code, released.json["findings"]) == (0, [])
    (file,) = released.json["files"]
    assert "111222333" in json.dumps(lines_for(town, "huisarts-a", Path(file["file"])))
    (entry,) = [one for one in entries(run, town) if one["event"] == "released"]
    assert (entry["counterparty"], entry["user"]) == (GP_A, "tester")
    assert "111222333" not in json.dumps(entry)


# When it stops half-way -------------------------------------------------------------------------------------------


def test_what_a_crash_left_between_reserving_and_publishing_goes_out_with_the_same_number(run, town, monkeypatch):
    from exchange.sealing import sealing

    def crash(*_args, **_named):
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(sealing, "write", crash)
        said = export(run, town, "--json")
    assert (said.code, said.json["error"]["rule"]) == (1, "program.unexpected")
    before = set((town["praktijk"] / "outbox").iterdir())
    with town.open("praktijk") as practice:
        (reserved,) = practice.store.journal.unfinished()
        assert reserved.state.value == "reserved"
    again = export(run, town, "--json")
    assert again.code == 0
    (late,) = again.json["resumed"]
    assert (late["message_id"], late["party"]) == (reserved.message_id, GP_A)
    assert Path(late["file"]) not in before
    assert [one["party"] for one in again.json["files"]] == [GP_B]
    assert len(lines_for(town, "huisarts-a", Path(late["file"]))) == 19
    taken = run("import", late["file"], "--json", workspace=town["huisarts-a"])
    assert (taken.code, taken.json["files"][0]["cases"]) == (0, 9)
    with town.open("praktijk") as practice:
        assert practice.store.journal.unfinished() == ()
        assert len(practice.store.cases.of_agreement("huisartsen")) == 13


def test_what_went_late_is_said_in_words(run, town, monkeypatch):
    from exchange.sealing import sealing

    with monkeypatch.context() as patch:
        patch.setattr(sealing, "write", lambda *_a, **_n: 1 / 0)
        export(run, town)
    assert "interruption" in export(run, town).out


def test_a_crash_before_anything_was_reserved_leaves_nothing(run, town, monkeypatch, snapshot):
    from exchange.sealing import sealing

    before = snapshot(town["praktijk"])
    with monkeypatch.context() as patch:
        patch.setattr(sealing, "prepare", lambda *_a, **_n: 1 / 0)
        assert export(run, town).code == 1
    assert snapshot(town["praktijk"]) == before


def test_a_store_put_back_from_a_backup_begins_a_new_series_that_partners_accept(run, mailed):
    """The number that was given out must not be given out twice: the mark beside the keys knows better."""
    backup = (mailed["praktijk"] / "store.db").read_bytes()
    epd, _ = epd_of_first_case(mailed)
    ask_with(mailed, epd, "Nieuwe vraag")
    assert len(export(run, mailed, "--json").json["files"]) == 1
    (mailed["praktijk"] / "store.db").write_bytes(backup)
    for rest in mailed["praktijk"].glob("store.db-*"):
        rest.unlink()
    ask_with(mailed, epd, "Andere vraag")
    said = export(run, mailed, "--json")
    assert (said.code, said.json["error"]["rule"]) == (11, "consenting.behind")
    assert run("consent", "restored", "--caught-up", workspace=mailed["praktijk"]).code == 0
    said = export(run, mailed, "--json")
    assert (said.code, len(said.json["files"])) == (0, 1)
    assert "epochs-renewed" in {one["event"] for one in entries(run, mailed)}


# Who can read it --------------------------------------------------------------------------------------------------


def test_the_store_is_unreadable_without_its_key(town):
    connection = sqlite3.connect(town["praktijk"] / "store.db")
    with pytest.raises(sqlite3.DatabaseError):
        connection.execute("select count(*) from sqlite_master").fetchone()
    connection.close()
    data = (town["praktijk"] / "store.db").read_bytes()
    assert not data.startswith(b"SQLite format 3")
    _, bsn = epd_of_first_case(town)
    assert bsn.encode() not in data
    assert b"Proefcli" not in data
