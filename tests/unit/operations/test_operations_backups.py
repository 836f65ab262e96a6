"""Backups and invitations: everything comes back, nothing lies open on the way, and partners see no replay."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import CannotOpen, Locked, Refused, SealingError, WorkspaceError
from exchange.operations import (
    agreeing,
    backups,
    catching_up,
    exporting,
    forms,
    importing,
    joining,
    partners,
    resending,
    rotating,
    trail,
)
from exchange.operations.workspace import Workspace
from exchange.sealing import age
from exchange.sealing.recipients import PassphraseIdentity, PassphraseRecipient

PASSPHRASE = "paarse fiets in de regen 7"
PRACTICE, GP_A = "agb:07999990", "agb:01999991"
NOW = datetime.fromisoformat("2026-11-03T09:00:00+00:00")
LIGHT = 10


def kept(town: Any, name: str, to: str = "kopie.age") -> Path:
    with town.open(name) as one:
        made = backups.make(one, town.folder / to, passphrase=PASSPHRASE, work_factor=LIGHT)
    return made.file


def back(file: Path, folder: Path, *, now: datetime = NOW, passphrase: str = PASSPHRASE) -> backups.Restored:
    return backups.restore(file, folder, passphrase=passphrase, now=now, on=now.date(), user="tester")


def plain_of(file: Path) -> bytes:
    with file.open("rb") as source:
        stream = age.decrypt(source, [PassphraseIdentity(PASSPHRASE)]).stream
        data = bytearray()
        while part := stream.read(1 << 20):
            data += part
    return bytes(data)


def export_from(town: Any, name: str, to: str) -> list[Path]:
    with town.open(name) as one:
        return [shutil.copy(sent.file, town.folder / to) for sent in exporting.export(one, "huisartsen").files]


# What is in it --------------------------------------------------------------------------------------------------------


def test_everything_comes_back(mailed, snapshot):
    before = snapshot(mailed["praktijk"])
    file = kept(mailed, "praktijk")
    restored = back(file, mailed.folder / "terug")
    assert (restored.kind, restored.party) == ("backup", PRACTICE)
    assert restored.epochs > 0
    after = snapshot(mailed["terug"])
    names = {"keys/backups.json"}
    assert set(before.pop("files")) | names == set(after.pop("files")) | names
    assert after == before
    with mailed.open("terug") as again:
        assert again.store.integrity() == ()
        assert [one.event for one in trail.show(again, last=2)] == ["backup-made", "restored"]


def test_it_is_a_tar_in_an_age_file_that_others_open(mailed):
    file = kept(mailed, "praktijk")
    with tarfile.open(fileobj=io.BytesIO(plain_of(file))) as tar:
        names = tar.getnames()
    assert names[0] == "backup.json"
    assert {"exchange.toml", "keys/demo-keys.json", "keys/card.jws", "store.db"} <= set(names)


@pytest.mark.referee
def test_age_and_tar_get_everything_back(mailed, tmp_path):
    pyrage = pytest.importorskip("pyrage")
    file = kept(mailed, "praktijk")
    (tmp_path / "x.tar").write_bytes(pyrage.passphrase.decrypt(file.read_bytes(), PASSPHRASE))
    subprocess.run(["tar", "xf", tmp_path / "x.tar", "-C", tmp_path], check=True)
    assert (tmp_path / "exchange.toml").read_bytes() == (mailed["praktijk"] / "exchange.toml").read_bytes()


def test_nothing_of_a_patient_or_key_lies_open_in_the_file_or_beside_it(mailed):
    file = kept(mailed, "praktijk")
    data = file.read_bytes()
    secret = json.loads((mailed["praktijk"] / "keys" / "demo-keys.json").read_text())["keyring"]
    assert secret.encode()[40:80] not in data
    assert b"agb:07999990" not in data
    assert b"SQLite format 3" not in plain_of(file)  # the store goes in as it lies: locked
    assert [one.name for one in mailed.folder.glob(".*")] == []


@pytest.mark.skipif(os.name == "nt", reason="modes mean nothing on Windows")
def test_the_file_and_what_comes_out_are_for_the_owner_alone(mailed):
    file = kept(mailed, "praktijk")
    assert file.stat().st_mode & 0o077 == 0
    back(file, mailed.folder / "terug")
    assert (mailed["terug"] / "keys").stat().st_mode & 0o077 == 0
    assert (mailed["terug"] / "keys" / "demo-keys.json").stat().st_mode & 0o077 == 0
    assert (mailed["terug"] / "store.db").stat().st_mode & 0o077 == 0


def test_a_store_that_is_being_written_to_is_copied_as_of_one_moment(mailed):
    """Another process holds a reader and has written much into the log that no checkpoint moved."""
    with mailed.open("praktijk") as one, one.store.reading(), mailed.open("praktijk") as other:
        other.store.set_setting("canary", "x" * 200_000)
        assert (mailed["praktijk"] / "store.db-wal").stat().st_size > 100_000
        file = backups.make(other, mailed.folder / "k.age", passphrase=PASSPHRASE, work_factor=LIGHT).file
    back(file, mailed.folder / "terug")
    with mailed.open("terug") as again:
        assert again.store.setting("canary") == "x" * 200_000
        assert again.store.integrity() == ()


# Going on after a restore ---------------------------------------------------------------------------------------------


def test_a_restored_backup_goes_on_both_ways_without_false_alarm_or_lost_message(mailed, forger):
    """The laptop is lost after the backup: one file went out since, and one came in."""
    file = kept(mailed, "praktijk")
    with mailed.open("praktijk") as lost:
        (done,) = importing.take_in(lost, [mailed.folder / "post" / "from-a.age"])
        answers = done.answers
        assert answers > 0
        went = forger_file(mailed, "praktijk", forger)
    assert refused_content(mailed, "huisarts-a", went)
    shutil.rmtree(mailed["praktijk"])
    back(file, mailed["praktijk"])
    with mailed.open("praktijk") as practice:
        # what a partner sent after the backup is taken in again, as new
        (again,) = importing.take_in(practice, [mailed.folder / "post" / "from-a.age"])
        assert (again.state, again.answers, again.findings) == ("done", answers, ())
        assert importing.take_in(practice, [mailed.folder / "post" / "from-a.age"])[0].state == "already"
        assert practice.store.journal.gaps() == ()
    # what we send now has numbers of a new epoch: no replay, no gap, no broken link, no security event
    with mailed.open("praktijk") as practice:
        posted = one_file(mailed, practice)
    with mailed.open("huisarts-a") as gp:
        (got,) = importing.take_in(gp, [posted])
        assert (got.state, got.findings) == ("proposal", ())
        assert gp.store.journal.gaps() == ()
        replaced = [one for one in trail.show(gp, last=50) if one.event == "message-replaced"]
        assert replaced == []
        back_again = agreeing.accept(gp, "derde").files[0].file
    with mailed.open("praktijk") as practice:
        (answer,) = importing.take_in(practice, [back_again])
        assert (answer.state, answer.findings) == ("response", ())
        assert practice.store.journal.gaps() == ()


def one_file(town: Any, practice: Workspace, name: str = "derde") -> Path:
    """Post a real file: a proposal for the GP."""
    return agreeing.sign(practice, town.draft(practice, "gp", name, GP_A)).files[0].file


def forger_file(town: Any, name: str, forger: Any) -> Path:
    return forger(town, name).seal(b"{}", party=GP_A)


def refused_content(town: Any, name: str, file: Path) -> bool:
    """Show that a file of the lost laptop came through: its number is used, though its content is refused."""
    from exchange.errors import ExchangeError

    with town.open(name) as one:
        try:
            importing.take_in(one, [file])
        except ExchangeError:
            return True
    return False


def test_the_same_number_again_in_a_new_epoch_is_no_security_event(mailed, forger):
    """The lost laptop used number n after the backup; the restored one uses n again, for another message."""
    file = kept(mailed, "praktijk")
    with mailed.open("praktijk") as lost:
        first = one_file(mailed, lost)
    with mailed.open("huisarts-a") as gp:
        assert importing.take_in(gp, [first])[0].state == "proposal"
    shutil.rmtree(mailed["praktijk"])
    back(file, mailed["praktijk"])
    with mailed.open("praktijk", now=NOW + timedelta(minutes=1)) as practice:
        second = one_file(mailed, practice)
        assert second.name != first.name
    with mailed.open("huisarts-a") as gp:
        (got,) = importing.take_in(gp, [second])
        assert (got.state, got.findings) == ("proposal", ())


def test_nothing_about_clients_is_sent_until_withdrawals_since_the_backup_are_recorded(mailed, tmp_path):
    """A client withdrew after the backup; the store that came back does not know it."""
    file = kept(mailed, "praktijk")
    shutil.rmtree(mailed["praktijk"])
    back(file, mailed["praktijk"])
    with mailed.open("praktijk") as practice:
        assert catching_up.behind_since(practice) == NOW
        sent = practice.store.journal.outgoing()[0].sequence
        for send in (
            lambda: exporting.export(practice, "huisartsen"),
            lambda: resending.again(practice, "huisartsen", sent, party=GP_A),
            lambda: forms.make(practice, "ziekenhuis", partner="agb:06999994", to=tmp_path / "f.xlsx"),
        ):
            with pytest.raises(Refused) as refused:
                send()
            assert refused.value.rule == "consenting.behind"
        assert not (tmp_path / "f.xlsx").exists()
        assert exporting.export(practice, "huisartsen", dry_run=True).dry_run
        catching_up.caught_up(practice)
        assert catching_up.behind_since(practice) is None
        assert [one.event for one in trail.show(practice, last=1)] == ["consents-caught-up"]
        exporting.export(practice, "huisartsen")
        catching_up.caught_up(practice)  # saying it again changes nothing
        assert [one.event for one in trail.show(practice, last=20)].count("consents-caught-up") == 1


def test_an_invitation_holds_no_clients_and_stops_nothing(mailed):
    with mailed.open("praktijk") as one:
        joining.invite(one, mailed.folder / "twee.age", passphrase=PASSPHRASE, work_factor=LIGHT)
    back(mailed.folder / "twee.age", mailed.folder / "twee")
    moment = {"now": NOW, "on": NOW.date(), "user": "tester"}
    with Workspace.open(mailed.folder / "twee", passphrase=lambda _name: PASSPHRASE, **moment) as two:
        assert catching_up.behind_since(two) is None


# What is refused ------------------------------------------------------------------------------------------------------


def test_another_passphrase_or_a_changed_byte_leaves_nothing(mailed):
    file = kept(mailed, "praktijk")
    with pytest.raises(Locked) as caught:
        back(file, mailed.folder / "terug", passphrase="paarse fiets in de regen 8")
    assert caught.value.rule == "backups.wrong-passphrase"
    data = file.read_bytes()
    for place in (len(data) // 2, len(data) - 1):
        changed = mailed.folder / "changed.age"
        changed.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(CannotOpen):
            back(changed, mailed.folder / "terug")
    for cut in (len(data) - 1, len(data) // 2, 100, 0):
        changed.write_bytes(data[:cut])
        with pytest.raises(CannotOpen):
            back(changed, mailed.folder / "terug")
    assert not (mailed.folder / "terug").exists()
    assert [one.name for one in mailed.folder.glob(".*")] == []


def forged(folder: Path, *entries: tarfile.TarInfo, heading: object = None) -> Path:
    """Seal a tar of one's own: what somebody who knows the passphrase could put in."""
    made = {"format": backups.FORMAT, "kind": "backup", "party": "x", "name": "x", "made": NOW.isoformat(), "by": "x"}
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        first = tarfile.TarInfo("backup.json")
        data = json.dumps(made if heading is None else heading).encode()
        first.size = len(data)
        tar.addfile(first, io.BytesIO(data))
        for entry in entries:
            tar.addfile(entry, io.BytesIO(b"x" * entry.size))
    file = folder / "forged.age"
    with file.open("wb") as sink:
        stream = age.encrypt(sink, [PassphraseRecipient(PASSPHRASE, work_factor=LIGHT)])
        stream.write(plain.getvalue())
        stream.finish()
    return file


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, 1 if kind == tarfile.REGTYPE else 0
    return made


@pytest.mark.parametrize(
    "wrong",
    [
        entry("../out"), entry("/out"), entry("a/../../out"), entry("./x"), entry("a//b"), entry("c:/x"), entry("a\\b"),
        entry("keys/link", tarfile.SYMTYPE, "/etc/passwd"), entry("keys/link", tarfile.LNKTYPE, "backup.json"),
        entry("dev", tarfile.CHRTYPE), entry("folder", tarfile.DIRTYPE), entry("a\nb"),
    ],
    ids=lambda one: repr(one.name),
)  # fmt: skip
def test_nothing_is_written_outside_the_new_folder(tmp_path, wrong):
    with pytest.raises(CannotOpen):
        back(forged(tmp_path, wrong), tmp_path / "terug")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["forged.age"]


@pytest.mark.parametrize("heading", [[], {}, {"format": "other/1"}, {"format": backups.FORMAT, "kind": "other"}, "x"])
def test_another_heading_is_refused(tmp_path, heading):
    with pytest.raises(CannotOpen):
        back(forged(tmp_path, heading=heading), tmp_path / "terug")


def test_a_file_without_a_workspace_in_it_is_refused(tmp_path):
    with pytest.raises(WorkspaceError):
        back(forged(tmp_path, entry("exchange.toml")), tmp_path / "terug")
    assert not (tmp_path / "terug").exists()


def test_a_backup_is_never_overwritten_nor_put_inside_the_workspace(mailed):
    file = kept(mailed, "praktijk")
    with mailed.open("praktijk") as one:
        for to, rule in (
            (file, "backups.exists"),
            (one.folder / "reports" / "k.age", "backups.inside"),
            (mailed.folder / "none" / "k.age", "transports.no-folder"),
        ):
            with pytest.raises(WorkspaceError) as caught:
                backups.make(one, to, passphrase=PASSPHRASE, work_factor=LIGHT)
            assert caught.value.rule == rule
        with pytest.raises(Locked):
            backups.make(one, mailed.folder / "short.age", passphrase="kort", work_factor=LIGHT)
        assert not (mailed.folder / "short.age").exists()


def test_a_full_disk_leaves_no_half_backup(mailed, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with mailed.open("praktijk") as one, pytest.raises(WorkspaceError) as caught:
        backups.make(one, mailed.folder / "k.age", passphrase=PASSPHRASE, work_factor=LIGHT)
    assert caught.value.rule == "files.disk-full"
    assert not list(mailed.folder.glob("*k.age*"))


def test_it_is_restored_into_a_new_or_empty_folder_only(mailed):
    file = kept(mailed, "praktijk")
    with pytest.raises(WorkspaceError) as caught:
        back(file, mailed["huisarts-a"])
    assert caught.value.rule == "workspace.not-empty"
    (mailed.folder / "leeg").mkdir()
    assert back(file, mailed.folder / "leeg").folder.is_dir()


# A second laptop ------------------------------------------------------------------------------------------------------


def invited(town: Any, name: str, to: str = "uitnodiging.age") -> Path:
    with town.open(name) as one:
        return joining.invite(one, town.folder / to, passphrase=PASSPHRASE, work_factor=LIGHT).file


def test_an_invitation_holds_keys_partners_and_agreements_and_no_patient(mailed):
    file = invited(mailed, "praktijk")
    with tarfile.open(fileobj=io.BytesIO(plain_of(file))) as tar:
        names = tar.getnames()
    assert not any(name.startswith(("store", "inbox", "outbox", "reports", "quarantine")) for name in names)
    made = back(file, mailed.folder / "tweede")
    assert made.kind == "invitation"
    with mailed.open("praktijk") as first, mailed.open("tweede") as second:
        assert first.settings.instance != second.settings.instance
        assert first.card == second.card
        assert second.store.partners.list() == first.store.partners.list()
        assert second.store.agreements.list() == first.store.agreements.list()
        assert second.store.dataset().episodes == ()
        assert second.store.instance == second.settings.instance


def test_two_laptops_send_beside_each_other_without_alarm_and_the_journal_names_each(mailed):
    back(invited(mailed, "praktijk"), mailed.folder / "tweede")
    sent = []
    for number, name in enumerate(("praktijk", "tweede", "praktijk", "tweede")):
        with mailed.open(name) as one:
            sent.append(one_file(mailed, one, f"ronde-{number}"))
    with mailed.open("huisarts-a") as gp:
        for file in sent:
            (got,) = importing.take_in(gp, [file])
            assert (got.state, got.findings) == ("proposal", ())
        assert gp.store.journal.gaps() == ()
    for name in ("praktijk", "tweede"):
        with mailed.open(name) as one:
            assert {entry.instance for entry in one.store.journal.outgoing()} == {one.settings.instance}


def test_two_laptops_under_one_agreement_count_each_for_themselves(mailed):
    """Both laptops post in the stream of the same agreement: two epochs side by side, and no alarm at the partner."""
    from exchange.operations import posting
    from exchange.sealing.manifest import Kind
    from exchange.sealing.sealing import Content

    back(invited(mailed, "praktijk"), mailed.folder / "tweede")
    findings = []
    for name in ("praktijk", "tweede", "praktijk", "tweede"):
        with mailed.open(name) as one:
            jws = agreeing.signatures(agreeing.find(one, "huisartsen"))[0].jws
            content = Content("proposal.jws.json", "application/jose+json", 1, jws)
            file = posting.post(
                one, kind=Kind.CONTROL, party=GP_A, stream="huisartsen", contents=(content,), agreement=None
            ).file  # fmt: skip
        with mailed.open("huisarts-a") as gp:
            findings += importing.take_in(gp, [file])[0].findings
    assert findings == []


def test_earlier_cards_and_revocations_go_along(mailed):
    with mailed.open("praktijk") as one:
        rotating.rotate(one, passphrase=None)
        partners.revoke_by_word(one, "agb:01999992", how="gebeld")
    back(invited(mailed, "praktijk"), mailed.folder / "tweede")
    with mailed.open("tweede") as second:
        assert [one.serial for one in rotating.cards(second)] == [2, 1]
        assert second.store.partners.find("agb:01999992").state == "revoked"
        assert PRACTICE in agreeing.signed_by(second, agreeing.find(second, "huisartsen"))


def test_a_laptop_that_joined_takes_newer_keys_and_only_newer_ones_of_its_own(mailed):
    back(invited(mailed, "praktijk"), mailed.folder / "tweede")
    early = invited(mailed, "praktijk", "vroeg.age")
    with mailed.open("praktijk") as first:
        rotating.rotate(first, passphrase=None)
        rotating.rotate(first, passphrase=None)
    file = invited(mailed, "praktijk", "nieuw.age")
    with mailed.open("tweede") as second:
        data = second.store.last_load()
        with pytest.raises(SealingError) as caught:
            joining.renew(second, early, passphrase=None, opens=PASSPHRASE)
        assert caught.value.rule == "joining.not-newer"
        assert second.card.serial == 1
        assert joining.renew(second, file, passphrase=None, opens=PASSPHRASE) == 3
        assert second.keyring.signing.public == second.card.public
        assert len(second.keyring.retired) == 2
        assert [one.serial for one in rotating.cards(second)] == [3, 2, 1]
        assert second.store.last_load() == data
        with pytest.raises(SealingError):
            joining.renew(second, file, passphrase=None, opens=PASSPHRASE)
    with mailed.open("tweede") as again:
        assert again.card.serial == 3
        assert not list((mailed["tweede"] / "keys").glob(".*"))
    with mailed.open("huisarts-a") as gp:
        for other, rule in ((file, "joining.not-ours"), (kept(mailed, "huisarts-a"), "joining.not-ours")):
            with pytest.raises(WorkspaceError) as refused:
                joining.renew(gp, other, passphrase=None, opens=PASSPHRASE)
            assert refused.value.rule == rule
        with pytest.raises(Locked):
            joining.renew(gp, file, passphrase=None, opens="een andere lange zin")
        assert not list((mailed["huisarts-a"] / "keys").glob(".*"))


def test_somebody_elses_keys_under_our_number_are_not_taken(mailed, tmp_path):
    """An invitation by a workspace that only says to be the same organisation: its store keys and card are others."""
    moment = {"now": NOW, "on": NOW.date(), "user": "dief"}
    Workspace.create(mailed.folder / "dief", party=PRACTICE, name="Dief", passphrase=None, **moment).close()
    with mailed.open("dief") as thief:
        rotating.rotate(thief, passphrase=None)
    file = invited(mailed, "dief", "dief.age")
    with mailed.open("praktijk") as practice, pytest.raises(SealingError) as caught:
        joining.renew(practice, file, passphrase=None, opens=PASSPHRASE)
    assert caught.value.rule == "joining.not-newer"
