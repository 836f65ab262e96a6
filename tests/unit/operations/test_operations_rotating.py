"""Rotation, revocation and destruction of keys between real workspaces: what still opens, what no longer does."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import CannotOpen, Locked, Refused, SealingError, WasChanged, WorkspaceError
from exchange.operations import (
    agreeing,
    backups,
    exporting,
    importing,
    partners,
    posting,
    retaining,
    rotating,
    standing,
    trail,
)
from exchange.sealing import keystore
from exchange.signing import cards, jws
from exchange.signing.keys import Keyring

PRACTICE, GP_A = "agb:07999990", "agb:01999991"
NOW = datetime.fromisoformat("2026-11-03T09:00:00+00:00")


def later(days: int) -> datetime:
    return NOW + timedelta(days=days)


def rotated(town: Any, name: str, *, days: int = 0, overlap: int = 30) -> rotating.Turned:
    with town.open(name, now=later(days)) as one:
        return rotating.rotate(one, passphrase=None, overlap_days=overlap)


def taken(town: Any, name: str, file: Path, *, days: int = 0) -> partners.Listed:
    with town.open(name, now=later(days)) as one:
        return partners.rotate(one, file)


def refuses(town: Any, name: str, file: Path, rule: str, *, days: int = 0) -> None:
    with town.open(name, now=later(days)) as one:
        before = one.store.partners.list()
        with pytest.raises(SealingError) as caught:
            partners.rotate(one, file)
        assert caught.value.rule == rule
        assert caught.value.hints
        assert one.store.partners.list() == before
        assert trail.show(one, last=1)[0].event == "rotation-refused"


def accepted(town: Any, name: str, fingerprint: str, *, party: str = GP_A, days: int = 0) -> None:
    with town.open(name, now=later(days)) as one:
        checked = partners.verify(one, party, fingerprint=fingerprint, how="telefonisch vergeleken")
        assert checked.state == "verified"


def sealed_by(town: Any, forger: Any, name: str, *, days: int = 0) -> Path:
    """Return a wrong but sealed file from somebody: it is opened, and only its content is refused."""
    with town.open(name, now=later(days)) as one:
        from exchange.sealing.manifest import AgreementRef, Kind
        from exchange.sealing.sealing import Content

        stored = one.store.agreements.find("huisartsen")
        named = AgreementRef(stored.agreement_id, stored.version, stored.digest)
        content = Content("messages.ndjson", "application/fhir+ndjson", 1, b"{}\n")
        to = PRACTICE if name != "praktijk" else GP_A
        return posting.post(
            one, kind=Kind.DATA, party=to, stream="huisartsen", contents=(content,), agreement=named
        ).file  # fmt: skip


def opens(town: Any, name: str, file: Path, tmp_path: Path, *, days: int = 0) -> Any:
    with town.open(name, now=later(days)) as one:
        return importing.opened(one, file, tmp_path)


# A rotation -----------------------------------------------------------------------------------------------------------


def test_in_the_overlap_both_keys_open_and_new_files_are_received_at_once(town, forger, tmp_path):
    before = sealed_by(town, forger, "praktijk")  # sealed to the old card of the GP
    turned = rotated(town, "huisarts-a")
    assert turned.serial == 2
    assert "Oefentherapie" in turned.partners[0]
    assert opens(town, "huisarts-a", before, tmp_path).manifest.sender == PRACTICE
    new = sealed_by(town, forger, "huisarts-a")
    with pytest.raises(SealingError) as caught:
        opens(town, "praktijk", new, tmp_path)
    assert caught.value.rule == "partners.other-card"
    assert caught.value.hints == ("hint.partners-rotate",)
    one = taken(town, "praktijk", turned.file)
    assert (one.state, one.serial, one.fingerprint) == ("rotated", 2, turned.fingerprint)
    assert opens(town, "praktijk", new, tmp_path).card.serial == 2


def test_patient_data_go_to_the_old_key_until_a_person_accepted_the_new_one(mailed, forger, tmp_path):
    turned = rotated(mailed, "huisarts-a")
    taken(mailed, "praktijk", turned.file)
    with mailed.open("praktijk") as practice:
        assert posting.card_of(practice, GP_A).serial == 1
    # after the overlap, nothing goes to either before somebody called
    with mailed.open("praktijk", now=later(31)) as practice:
        with pytest.raises(SealingError) as caught:
            posting.card_of(practice, GP_A)
        assert (caught.value.rule, caught.value.params["state"]) == ("partners.not-verified", "rotated")
    accepted(mailed, "praktijk", turned.fingerprint, days=31)
    with mailed.open("praktijk", now=later(31)) as practice:
        assert posting.card_of(practice, GP_A).serial == 2
        stored = agreeing.find(practice, "huisartsen")
        assert GP_A in agreeing.signed_by(practice, stored)  # the agreement of the old card still holds
    to_new = sealed_by(mailed, forger, "praktijk", days=31)
    assert opens(mailed, "huisarts-a", to_new, tmp_path, days=31).manifest.recipients


def test_after_overlap_and_time_underway_the_old_signature_counts_no_more(town, forger, tmp_path):
    turned = rotated(town, "huisarts-a")
    old = sealed_by_old_key(town, forger)
    taken(town, "praktijk", turned.file)
    assert opens(town, "praktijk", old, tmp_path, days=30 + 60).card.serial == 1
    with pytest.raises(SealingError) as caught:
        opens(town, "praktijk", sealed_by_old_key(town, forger, days=121), tmp_path, days=121)
    assert caught.value.rule == "partners.card-over"


def sealed_by_old_key(town: Any, forger: Any, *, days: int = 0) -> Path:
    """Seal as the thief of an old keystore would: with the GP's first keys, whatever day it is."""
    thief = town.folder / "dief"
    if not thief.exists():
        shutil.copytree(town["huisarts-a"], thief)
        shutil.copy(town["huisarts-a"] / "keys" / "cards" / "0001.card.jws", thief / "keys" / "card.jws")
        shutil.rmtree(thief / "keys" / "cards")
        shutil.copy(town.folder / "oud.json", thief / "keys" / "demo-keys.json")
    return sealed_by(town, forger, "dief", days=days)


@pytest.fixture(autouse=True)
def _old_keys_are_copied(request: pytest.FixtureRequest) -> None:
    """Keep a copy of the GP's first keys, as a thief or an old backup would have."""
    for name in ("town", "mailed"):
        if name in request.fixturenames:
            made = request.getfixturevalue(name)
            shutil.copy(made["huisarts-a"] / "keys" / "demo-keys.json", made.folder / "oud.json")


def test_a_rotation_taken_twice_changes_nothing_and_a_chain_is_followed_in_order(town):
    first, second = rotated(town, "huisarts-a"), rotated(town, "huisarts-a", days=1)
    with town.open("praktijk", now=later(1)) as practice, pytest.raises(SealingError) as caught:
        partners.rotate(practice, second.file)
    assert caught.value.rule == "partners.card-unknown"
    taken(town, "praktijk", first.file, days=1)
    assert taken(town, "praktijk", second.file, days=1).serial == 3
    with town.open("praktijk", now=later(1)) as practice:
        before = practice.store.partners.list()
        assert partners.rotate(practice, first.file).serial == 2
        assert partners.rotate(practice, second.file).serial == 3
        assert practice.store.partners.list() == before


def thief_rotation(town: Any, *, days: int = 0, **changes: Any) -> Path:
    """Cross-sign another card with the GP's first keys: what a thief of them can do."""
    stolen = keystore._demo((town.folder / "oud.json").read_bytes())
    own = town["huisarts-a"] / "keys"
    first = own / "cards" / "0001.card.jws"
    old = cards.read_card((first if first.exists() else own / "card.jws").read_bytes())
    day = (NOW + timedelta(days=days)).date()
    given = {"valid_from": day, "valid_until": day + timedelta(days=900)} | changes
    card = cards.make_card(
        Keyring.generate(demo=True), parties=old.parties, name=old.name, contact=old.contact, previous=old, **given
    )
    file: Path = town.folder / "dief.json"
    file.write_bytes(cards.rotate(old, card, stolen.signing, on=day, until=day + timedelta(days=30)))
    return file


def test_a_thief_of_a_revoked_card_can_not_rotate_it(town):
    with town.open("praktijk") as practice:
        gone = partners.revoke_by_word(practice, GP_A, how="de huisarts belde: laptop gestolen")
        assert gone.agreements == ("huisartsen",)
    refuses(town, "praktijk", thief_rotation(town), "partners.rotation-revoked")


def test_two_cards_with_one_serial_block_every_card_until_a_person_called(town, forger, tmp_path):
    turned = rotated(town, "huisarts-a")
    taken(town, "praktijk", turned.file)
    with town.open("praktijk") as practice:
        with pytest.raises(SealingError) as caught:
            partners.rotate(practice, thief_rotation(town))
        assert (caught.value.rule, caught.value.hints) == ("partners.two-cards-blocked", ("hint.partners-two-cards",))
        assert {one.state for one in practice.store.partners.cards(GP_A)} == {"blocked"}
        assert len(practice.store.partners.cards(GP_A)) == 3
        with pytest.raises(SealingError):
            posting.card_of(practice, GP_A)
    with pytest.raises(SealingError) as caught:
        opens(town, "praktijk", sealed_by(town, forger, "huisarts-a"), tmp_path)
    assert caught.value.params["state"] == "blocked"
    accepted(town, "praktijk", turned.fingerprint)
    with town.open("praktijk") as practice:
        states = {one.fingerprint: one.state for one in practice.store.partners.cards(GP_A)}
        assert states.pop(turned.fingerprint) == "verified"
        assert set(states.values()) == {"revoked"}
        assert posting.card_of(practice, GP_A).serial == 2


def test_a_rotation_never_goes_back(town):
    for days in (0, 1):
        taken(town, "praktijk", rotated(town, "huisarts-a", days=days).file, days=days)
    refuses(town, "praktijk", thief_rotation(town, days=2), "partners.rotation-older", days=2)


def test_an_expired_card_neither_rotates_nor_is_rotated_to(town):
    expired = thief_rotation(town, valid_from=date(2025, 1, 1), valid_until=date(2025, 2, 1))
    refuses(town, "praktijk", expired, "signing.card-not-valid")
    years = 5 * 366
    with town.open("huisarts-a", now=later(years)) as gp, pytest.raises(SealingError) as caught:
        rotating.rotate(gp, passphrase=None)
    assert caught.value.rule == "rotating.expired"
    refuses(town, "praktijk", thief_rotation(town, days=years), "signing.card-not-valid", days=years)


@pytest.mark.parametrize("data", [b"", b"{}", b"not a rotation", b"\xff" * 300])
def test_what_is_no_rotation_is_refused(town, data):
    file = town.folder / "x.json"
    file.write_bytes(data)
    refuses(town, "praktijk", file, "partners.rotation-wrong")


def test_a_rotation_of_somebody_unknown_or_changed_on_the_way_is_refused(town):
    turned = rotated(town, "huisarts-a")
    refuses(town, "welzijn", turned.file, "partners.card-unknown")
    changed = bytearray(turned.file.read_bytes())
    changed[-40] ^= 1
    (town.folder / "x.json").write_bytes(changed)
    refuses(town, "praktijk", town.folder / "x.json", "partners.rotation-wrong")


def test_a_card_that_nobody_verified_is_not_rotated(town):
    with town.open("praktijk") as practice:
        known = practice.store.partners.find(GP_A)
        practice.store.partners.save(replace(known, state="unverified"), by="x", at=practice.now)
    refuses(town, "praktijk", rotated(town, "huisarts-a").file, "partners.not-verified")


def test_the_overlap_has_bounds(town):
    with town.open("huisarts-a") as gp:
        for days in (0, 366):
            with pytest.raises(WorkspaceError):
                rotating.rotate(gp, passphrase=None, overlap_days=days)
        assert rotating.cards(gp)[0].serial == 1


def test_terms_signed_by_a_card_that_nobody_accepted_are_not_taken(town, forger):
    turned = rotated(town, "praktijk")
    taken(town, "huisarts-a", turned.file)
    with town.open("praktijk") as practice:
        draft = town.draft(practice, "gp", "tweede", GP_A)
        (posted,) = agreeing.sign(practice, draft).files
    with town.open("huisarts-a") as gp:
        with pytest.raises(SealingError) as caught:
            importing.take_in(gp, [posted.file])
        assert (caught.value.rule, caught.value.params["state"]) == ("partners.not-verified", "rotated")
    accepted(town, "huisarts-a", turned.fingerprint, party=PRACTICE)
    with town.open("huisarts-a") as gp:
        assert importing.take_in(gp, [posted.file])[0].state == "proposal"
        agreeing.accept(gp, "tweede")


def test_our_own_agreements_hold_after_our_own_rotation(town):
    rotated(town, "praktijk")
    with town.open("praktijk") as practice:
        stored = agreeing.find(practice, "huisartsen")
        assert PRACTICE in agreeing.signed_by(practice, stored)
        assert agreeing.state(practice, stored, GP_A) == "active"


# Crashes --------------------------------------------------------------------------------------------------------------


def test_a_crash_between_keystore_and_card_is_mended_when_the_keys_are_opened(town):
    first = (town["huisarts-a"] / "keys" / "card.jws").read_bytes()
    turned = rotated(town, "huisarts-a")
    (town["huisarts-a"] / "keys" / "card.jws").write_bytes(first)
    with town.open("huisarts-a") as gp:
        assert gp.card.serial == 1
        assert gp.keyring.signing.public == gp.card.public  # opening the keys put the card right
        assert gp.card.fingerprint == turned.fingerprint


def test_a_crash_before_the_keystore_leaves_the_old_keys_and_the_next_try_counts(town):
    kept = town.folder / "kept"
    shutil.copytree(town["huisarts-a"] / "keys", kept)
    lost = rotated(town, "huisarts-a")
    for name in ("card.jws", "demo-keys.json"):
        shutil.copy(kept / name, town["huisarts-a"] / "keys" / name)
    with town.open("huisarts-a") as gp:
        assert gp.card.public == gp.keyring.signing.public
        assert gp.card.serial == 1
    again = rotated(town, "huisarts-a")
    assert again.fingerprint != lost.fingerprint
    assert taken(town, "praktijk", again.file).fingerprint == again.fingerprint


# Revocation -----------------------------------------------------------------------------------------------------------


def test_a_revoked_card_opens_nothing_new_and_what_came_before_stays(mailed, forger, tmp_path):
    with mailed.open("praktijk") as practice:
        (done,) = importing.take_in(practice, [mailed.folder / "post" / "from-a.age"])
        assert done.answers
        kept = len(
            practice.store.answers.of_cases(one.case_id for one in practice.store.cases.of_agreement("huisartsen"))
        )
    late = sealed_by(mailed, forger, "huisarts-a")
    with mailed.open("huisarts-a") as gp:
        turned = rotating.revoke(gp, reason="laptop gestolen", passphrase=None)
    assert turned.agreements == ("huisartsen",)
    with mailed.open("praktijk") as practice:
        gone = partners.revoke(practice, turned.file)
        assert (gone.party, gone.agreements) == (GP_A, ("huisartsen",))
        with pytest.raises(SealingError) as caught:
            importing.opened(practice, late, tmp_path)
        assert (caught.value.rule, caught.value.hints) == ("partners.revoked", ("hint.partners-anew",))
        stored = agreeing.find(practice, "huisartsen")
        assert GP_A not in agreeing.signed_by(practice, stored)
        answers = practice.store.answers.of_cases(
            one.case_id for one in practice.store.cases.of_agreement("huisartsen")
        )  # fmt: skip
        assert len(answers) == kept > 0
        with pytest.raises(SealingError):
            posting.card_of(practice, GP_A)


def test_a_revocation_without_a_successor_lets_no_older_card_speak(town):
    turned = rotated(town, "huisarts-a")
    taken(town, "praktijk", turned.file)
    accepted(town, "praktijk", turned.fingerprint)
    with town.open("huisarts-a") as gp:
        revoked = rotating.revoke(gp, reason="", passphrase=None)
    with town.open("praktijk") as practice:
        partners.revoke(practice, revoked.file)
        assert practice.store.partners.find(GP_A).state == "revoked"
        with pytest.raises(SealingError):
            posting.card_of(practice, GP_A)


def test_after_a_revocation_the_new_card_is_added_and_compared_anew(town):
    with town.open("huisarts-a") as gp:
        turned = rotating.revoke(gp, reason="laptop gestolen", passphrase=None)
        card = partners.own_card(gp, to=town.folder / "nieuw.json")
        assert [one.state for one in rotating.cards(gp)] == ["current", "revoked"]
        assert agreeing.signed_by(gp, agreeing.find(gp, "huisartsen")) == {PRACTICE}
    with town.open("praktijk") as practice:
        with pytest.raises(SealingError) as caught:
            partners.add(practice, town.folder / "nieuw.json", kind="gp")
        assert caught.value.rule == "partners.not-a-rotation"
        partners.revoke(practice, turned.file)
        assert partners.add(practice, town.folder / "nieuw.json", kind="gp").state == "unverified"
        with pytest.raises(SealingError):
            posting.card_of(practice, GP_A)
        ours = practice.card.fingerprint
        partners.verify(practice, GP_A, fingerprint=card.fingerprint, ours=ours, how="gebeld")
        assert posting.card_of(practice, GP_A).serial == 2
        # the text that the revoked keys signed is not in force again by that
        assert GP_A not in agreeing.signed_by(practice, agreeing.find(practice, "huisartsen"))


def test_an_export_under_an_agreement_of_a_revoked_card_is_refused(town):
    with town.open("praktijk") as practice:
        for party in (GP_A, "agb:01999992"):
            partners.revoke_by_word(practice, party, how="gebeld")
        with pytest.raises(Refused) as caught:
            exporting.export(practice, "huisartsen")
        assert caught.value.rule.startswith("gate.card")


def test_a_signature_that_is_not_the_cards_own_revokes_nothing(town):
    with town.open("huisarts-a") as gp:
        content = jws.payload(cards.revoke(gp.card, gp.keyring.signing, on=gp.on, reason=""))
    with town.open("huisarts-b") as other:
        forged = town.folder / "forged.json"
        forged.write_bytes(jws.sign(content, "revocation", other.keyring.signing))
    with town.open("praktijk") as practice:
        with pytest.raises(SealingError) as caught:
            partners.revoke(practice, forged)
        assert caught.value.rule == "partners.revocation-wrong"
        with pytest.raises(SealingError):
            partners.revoke_by_word(practice, GP_A, how=" ")
        assert practice.store.partners.find(GP_A).state == "verified"


def test_a_revocation_outlives_an_older_store_that_is_put_back(town):
    for name in ("store.db-wal", "store.db-shm"):
        (town["praktijk"] / name).unlink(missing_ok=True)
    shutil.copy(town["praktijk"] / "store.db", town.folder / "kept.db")
    with town.open("praktijk") as practice:
        partners.revoke_by_word(practice, GP_A, how="gebeld")
    for name in ("store.db-wal", "store.db-shm"):
        (town["praktijk"] / name).unlink(missing_ok=True)
    shutil.copy(town.folder / "kept.db", town["praktijk"] / "store.db")
    with town.open("praktijk") as practice:
        assert practice.store.partners.find(GP_A).state == "revoked"


def test_revoked_cards_are_not_compared_back_to_life(town):
    with town.open("praktijk") as practice:
        known = practice.store.partners.find(GP_A)
        partners.revoke_by_word(practice, GP_A, how="gebeld")
        with pytest.raises(SealingError) as caught:
            partners.verify(practice, GP_A, fingerprint=known.fingerprint, ours=practice.card.fingerprint, how="x")
        assert caught.value.rule == "partners.revoked"


# Destruction ----------------------------------------------------------------------------------------------------------


def test_a_retired_key_is_destroyed_after_overlap_and_retention_under_a_signed_record(town, forger, tmp_path):
    before = sealed_by(town, forger, "praktijk")
    rotated(town, "huisarts-a")
    with town.open("huisarts-a", now=later(120)) as gp:
        assert rotating.due(gp) == ()
        assert rotating.destroy(gp, passphrase=None).record is None
        assert len(gp.keyring.retired) == 1
    with town.open("huisarts-a", now=later(121)) as gp:
        assert [one.serial for one in rotating.due(gp)] == [1]
        done = rotating.destroy(gp, passphrase=None)
        assert done.serials == (1,)
        assert gp.keyring.retired == ()
        record = json.loads(jws.verify(done.record.read_bytes(), "destruction", gp.card))
        assert record["format"] == retaining.FORMAT
        (told,) = retaining.records(gp)
        assert (told.sound, told.by, [(one.kind, one.law) for one in told.items]) == (
            True, "tester", [("transport-key", "rotation")]
        )  # fmt: skip
        assert (record["by"], record["on"], record["items"][0]["serial"]) == ("tester", "2027-03-04", 1)
        assert [one.destroyed for one in rotating.cards(gp)] == [False, True]
        assert trail.show(gp, last=1)[0].event == "keys-destroyed"
        assert rotating.destroy(gp, passphrase=None).serials == ()
    with town.open("huisarts-a", now=later(121)) as gp:
        assert gp.keyring.retired == ()
        with pytest.raises(CannotOpen):
            importing.opened(gp, before, tmp_path)


def test_backups_that_hold_a_key_stop_its_destruction_until_a_person_says_they_are_gone(town):
    with town.open("huisarts-a") as gp:
        backups.make(gp, town.folder / "kopie.age", passphrase="een lange wachtzin", work_factor=10)
    rotated(town, "huisarts-a")
    with town.open("huisarts-a", now=later(121)) as gp:
        with pytest.raises(SealingError) as caught:
            rotating.destroy(gp, passphrase=None)
        assert caught.value.rule == "rotating.backups-hold"
        assert "kopie.age" in str(caught.value.params["files"])
        assert len(gp.keyring.retired) == 1
        done = rotating.destroy(gp, passphrase=None, backups_gone=True)
        assert len(done.backups) == 1
        assert json.loads(jws.payload(done.record.read_bytes()))["backups"] == list(done.backups)
        assert backups.holding(gp, frozenset({gp.card.recipient_digest})) == ()


def test_a_crash_after_the_record_destroys_at_the_next_run(town):
    rotated(town, "huisarts-a")
    keys = town["huisarts-a"] / "keys"
    kept = (keys / "demo-keys.json").read_bytes()
    with town.open("huisarts-a", now=later(121)) as gp:
        rotating.destroy(gp, passphrase=None)
    (keys / "demo-keys.json").write_bytes(kept)
    with town.open("huisarts-a", now=later(121)) as gp:
        assert rotating.destroy(gp, passphrase=None).serials == (1,)
        assert gp.keyring.retired == ()


# Our own history ------------------------------------------------------------------------------------------------------


def test_a_changed_history_is_seen(town):
    rotated(town, "huisarts-a")
    with town.open("huisarts-b") as other:
        shutil.copyfile(other.folder / "keys" / "card.jws", town["huisarts-a"] / "keys" / "cards" / "0001.card.jws")
    with town.open("huisarts-a") as gp, pytest.raises(WasChanged):
        rotating.cards(gp)


@pytest.mark.slow
def test_new_keys_are_locked_with_the_passphrase_that_opened_the_old_ones(tmp_path):
    from exchange.operations.workspace import Workspace

    moment = {"now": NOW, "on": NOW.date(), "user": "tester"}
    Workspace.create(
        tmp_path / "p", party=PRACTICE, name="P", passphrase="een lange wachtzin", **moment
    ).close()  # fmt: skip
    with Workspace.open(tmp_path / "p", passphrase=lambda _n: "een lange wachtzin", **moment) as one:
        with pytest.raises(Locked):
            rotating.rotate(one, passphrase="een andere wachtzin")
        assert one.card.serial == 1
        rotating.rotate(one, passphrase="een lange wachtzin")
    with Workspace.open(tmp_path / "p", passphrase=lambda _n: "een lange wachtzin", **moment) as one:
        assert one.keyring.signing.public == one.card.public
        assert one.card.serial == 2
        assert not list((tmp_path / "p" / "keys").rglob("*.part"))


def test_standing_says_which_card_counts(town):
    with town.open("praktijk") as practice:
        assert standing.partner(practice, "agb:01000001") is None
        assert standing.partner(practice, "agb:06999994").state == "paper"
        assert standing.partner(practice, GP_A).state == "verified"
