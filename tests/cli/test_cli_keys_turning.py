"""exchange keys and partner from the command line: rotate, revoke, back up, restore, join, destroy, remember."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

PRACTICE, GP_A = "agb:07999990", "agb:01999991"
PASSPHRASE = "paarse fiets in de regen 7"
NEW = "groene fiets in de zon 81"
CLOCK = datetime(2026, 11, 3, 9, tzinfo=UTC)  # where the program's clock stands in the tests


def descriptor(*lines: str) -> int:
    """Return a pipe with these lines on it."""
    reading, writing = os.pipe()
    os.write(writing, "".join(f"{line}\n" for line in lines).encode())
    os.close(writing)
    return reading


def refused(run: Any, *words: object, workspace: Path | None = None, code: int, rule: str) -> Any:
    said = run(*words, "--json", workspace=workspace)
    assert (said.code, said.json["exit"], said.json["error"]["rule"]) == (code, code, rule)
    assert said.json["error"]["hints"]
    return said.json["error"]


# Rotation and revocation ----------------------------------------------------------------------------------------------


def test_a_rotation_goes_round_in_two_languages(run, town, tmp_path):
    gp, practice, file = town["huisarts-a"], town["praktijk"], tmp_path / "wissel.json"
    turned = run("keys", "rotate", "--to", file, "--overlap", "14", "--language", "nl", workspace=gp)
    assert (turned.code, turned.err) == (0, "")
    assert "kaart 2" in turned.out
    assert "2026-11-17" in turned.out
    assert f"Geef {file} aan: Oefentherapie Voorbeeld" in turned.out
    taken = run("partner", "rotate", file, workspace=practice)
    assert taken.code == 0
    assert "nothing about a patient goes to it" in taken.out
    listed = run("partner", "list", "--language", "nl", workspace=practice)
    assert "nieuwe kaart, nog niet aanvaard" in listed.out
    assert "town 2023-12-15" in listed.out
    shown = run("keys", "show", "--json", workspace=gp).json
    assert [(one["serial"], one["state"], one["overlap_until"]) for one in shown["cards"]] == [
        (2, "current", None), (1, "overlap", "2026-11-17")
    ]  # fmt: skip
    assert "overgang" in run("keys", "show", "--language", "nl", workspace=gp).out
    words = ("--fingerprint", shown["fingerprint"], "--how", "gebeld")
    assert run("partner", "verify", GP_A, *words, "--json", workspace=practice).json["state"] == "verified"
    again = run("partner", "rotate", file, workspace=practice)
    assert "known already" in again.out


def test_a_wrong_rotation_or_revocation_is_refused_with_what_to_do(run, town, tmp_path):
    practice, card = town["praktijk"], town.folder / "kaarten" / "huisarts-a.json"
    refused(run, "partner", "rotate", card, workspace=practice, code=12, rule="partners.rotation-wrong")
    refused(run, "partner", "revoke", card, workspace=practice, code=12, rule="partners.revocation-wrong")
    refused(
        run, "partner", "revoke", "agb:01000001", "--how", "x", workspace=practice, code=14, rule="partners.unknown"
    )
    refused(run, "keys", "rotate", "--overlap", "0", workspace=practice, code=16, rule="rotating.overlap")
    assert run("partner", "revoke", GP_A, workspace=practice).code == 2
    assert run("partner", "rotate", tmp_path / "none", workspace=practice).code == 2


def test_a_revocation_says_which_agreements_stop(run, town, tmp_path):
    gp, practice, file = town["huisarts-a"], town["praktijk"], tmp_path / "intrekking.json"
    revoked = run("keys", "revoke", "--reason", "laptop gestolen", "--to", file, "--language", "nl", workspace=gp)
    assert "Kaart 1 is ingetrokken; nieuwe sleutels, kaart 2." in revoked.out
    assert "huisartsen" in revoked.out
    taken = run("partner", "revoke", file, "--language", "nl", workspace=practice)
    assert taken.code == 0
    assert "opnieuw zijn getekend: huisartsen" in taken.out
    by_word = run("partner", "revoke", "agb:01999992", "--how", "gebeld", "--json", workspace=practice)
    assert by_word.json["agreements"] == ["huisartsen"]
    refusal = run("export", "huisartsen", "--language", "nl", workspace=practice)
    assert refusal.code == 11
    assert "→" in refusal.err


# Backup, restore, join ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_backup_is_made_and_restored_and_a_second_laptop_joins(run, town, tmp_path):
    practice = town["praktijk"]
    file, invitation = tmp_path / "kopie.age", tmp_path / "tweede.age"
    made = run("keys", "backup", "--to", file, "--passphrase-fd", descriptor(PASSPHRASE), workspace=practice)
    assert (made.code, made.err) == (0, "")
    assert PASSPHRASE not in made.out
    refused(
        run, "keys", "backup", "--to", file, "--passphrase-fd", descriptor(PASSPHRASE), workspace=practice, code=16,
        rule="backups.exists",
    )  # fmt: skip
    refused(
        run, "keys", "restore", file, tmp_path / "terug", "--passphrase-fd", descriptor(NEW), code=12,
        rule="backups.wrong-passphrase",
    )  # fmt: skip
    assert not (tmp_path / "terug").exists()
    words = ("--passphrase-fd", descriptor(PASSPHRASE), "--language", "nl")
    back = run("keys", "restore", file, tmp_path / "terug", *words)
    assert (back.code, back.err) == (0, "")
    assert "begint opnieuw te tellen" in back.out
    assert run("doctor", workspace=tmp_path / "terug").code == 0
    open_still = run("consent", "restored", "--language", "nl", workspace=tmp_path / "terug")
    assert (open_still.code, "gaat er niets over cliënten naar buiten" in open_still.out) == (3, True)
    refused(run, "export", "huisartsen", workspace=tmp_path / "terug", code=11, rule="consenting.behind")
    assert run("consent", "restored", "--caught-up", workspace=tmp_path / "terug").code == 0
    assert run("consent", "restored", "--json", workspace=tmp_path / "terug").json == {"since": None, "caught_up": True}
    assert run("consent", "restored", workspace=practice).code == 0
    run("keys", "join", "--to", invitation, "--passphrase-fd", descriptor(PASSPHRASE), workspace=practice)
    joined = run("init", tmp_path / "tweede", "--from", invitation, "--passphrase-fd", descriptor(PASSPHRASE), "--json")
    assert (joined.code, joined.json["kind"], joined.json["partners"]) == (0, "invitation", 4)
    shown = [
        run("keys", "show", "--json", workspace=one).json["fingerprint"] for one in (practice, tmp_path / "tweede")
    ]
    assert shown[0] == shown[1]
    assert "consents-caught-up" in run("log", "show", "--last", "1", workspace=tmp_path / "terug").out


def test_a_key_is_destroyed_when_it_is_due_and_not_before(run, town):
    gp = town["huisarts-a"]
    run("keys", "rotate", workspace=gp)
    early = run("keys", "destroy", "--language", "nl", workspace=gp)
    assert "geen sleutel" in early.out
    late = CLOCK + timedelta(days=121)
    due = run("keys", "destroy", "--dry-run", "--json", workspace=gp, at=late)
    assert (due.json["serials"], due.json["record"]) == ([1], None)
    done = run("keys", "destroy", "--language", "nl", workspace=gp, at=late)
    assert "ondertekende verslag" in done.out
    assert run("keys", "destroy", "--json", workspace=gp, at=late).json["serials"] == []
    assert "vernietigd" in run("keys", "show", "--language", "nl", workspace=gp, at=late).out


# The passphrase -------------------------------------------------------------------------------------------------------


@pytest.fixture
def locked(run: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "echt"
    made = run("init", folder, "--name", "Praktijk", "--id", PRACTICE, "--passphrase-fd", descriptor(PASSPHRASE))
    assert made.code == 0, made.err
    return folder


@pytest.fixture
def file_keyring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let a real keyring backend, one that writes a file, be the system's; no keyring of this machine is touched."""
    kept = pytest.importorskip("keyrings.alt.file", reason="keyrings.alt is not here")
    import keyring

    class Backend(kept.PlaintextKeyring):  # type: ignore[name-defined, misc]  # of an untyped package
        file_path = str(tmp_path / "keyring.cfg")
        priority = 9

    before = keyring.get_keyring()
    keyring.set_keyring(Backend())
    monkeypatch.delenv("EXCHANGE_NO_KEYRING", raising=False)
    yield tmp_path / "keyring.cfg"
    keyring.set_keyring(before)


@pytest.mark.slow
def test_the_system_keyring_keeps_the_passphrase_on_request_only(run, locked, file_keyring):
    assert run("doctor", workspace=locked).code == 1  # nobody to ask
    told = run("keys", "passphrase", "--remember", "--passphrase-fd", descriptor(PASSPHRASE), workspace=locked)
    assert (told.code, told.err) == (0, "")
    assert file_keyring.exists()
    assert run("doctor", workspace=locked).code == 0
    # a wrong one is not kept, and a changed one is kept in its place
    words = ("keys", "passphrase", "--remember", "--passphrase-fd", descriptor(NEW))
    refused(run, *words, workspace=locked, code=12, rule="sealing.wrong-passphrase")
    assert run("keys", "passphrase", "--passphrase-fd", descriptor(PASSPHRASE, NEW), workspace=locked).code == 0
    assert run("doctor", workspace=locked).code == 0
    assert run("keys", "passphrase", "--forget", "--language", "nl", workspace=locked).code == 0
    assert run("doctor", workspace=locked).code == 1


def test_a_system_without_a_keyring_says_so(run, locked, monkeypatch):
    import keyring
    from keyring.backends import fail, null

    for backend in (fail.Keyring(), null.Keyring()):
        monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
        words = ("keys", "passphrase", "--remember", "--passphrase-fd", descriptor(PASSPHRASE))
        refused(run, *words, workspace=locked, code=1, rule="keeping.not-remembered")


def test_a_demo_workspace_has_no_passphrase_to_remember(run, town):
    words = ("keys", "passphrase", "--remember")
    refused(run, *words, workspace=town["praktijk"], code=12, rule="keeping.demo")


@pytest.mark.slow
def test_a_passphrase_is_in_no_argument_environment_log_or_error(run, locked, monkeypatch, capfd):
    """Everything the program says on the way, and everything it leaves on disk in the clear, is searched."""
    outputs = []
    for words, lines in (
        (("keys", "passphrase"), (PASSPHRASE, NEW)),
        (("keys", "passphrase"), (PASSPHRASE, NEW)),  # wrong by now
        (("keys", "rotate"), (NEW,)),
        (("keys", "backup", "--to", locked.parent / "k.age"), (NEW,)),
        (("log", "show"), (NEW,)),
    ):
        ran = run(*words, "--passphrase-fd", descriptor(*lines), workspace=locked)
        outputs += [ran.out, ran.err]
    for secret in (PASSPHRASE, NEW):
        assert not any(secret in text for text in outputs)
        assert not any(secret in value for value in os.environ.values())
        files = [file for file in locked.parent.rglob("*") if file.is_file()]
        assert not any(secret.encode() in file.read_bytes() for file in files)


# Who else can reach the keys ------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="modes mean nothing on Windows")
@pytest.mark.parametrize(("name", "mode"), [("", 0o750), ("", 0o701), ("keystore", 0o640), ("keystore", 0o602)])
def test_loose_permissions_are_refused_with_what_to_do(run, town, name, mode):
    keys = town["praktijk"] / "keys"
    loose = keys / "demo-keys.json" if name else keys
    loose.chmod(mode)
    error = refused(run, "doctor", workspace=town["praktijk"], code=12, rule="sealing.loose-permissions")
    assert "chmod" in error["hints"][0]


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
@pytest.mark.parametrize("name", ["keys", "keys/demo-keys.json"])
def test_a_link_in_place_of_the_keys_is_refused(run, town, tmp_path, name):
    place = town["praktijk"] / name
    shutil.move(place, tmp_path / "moved")
    place.symlink_to(tmp_path / "moved")
    error = refused(run, "doctor", workspace=town["praktijk"], code=12, rule="sealing.symbolic-link")
    assert "link" in error["hints"][0]  # not: try another passphrase


@pytest.mark.slow
def test_a_joined_laptop_takes_newer_keys(run, town, tmp_path):
    practice, second = town["praktijk"], tmp_path / "tweede"
    for name in ("een.age", "twee.age"):
        words = ("--to", tmp_path / name, "--passphrase-fd", descriptor(PASSPHRASE))
        assert run("keys", "join", *words, workspace=practice).code == 0
        if name == "een.age":
            run("init", second, "--from", tmp_path / name, "--passphrase-fd", descriptor(PASSPHRASE))
            run("keys", "rotate", workspace=practice)
    words = ("keys", "join", "--from", tmp_path / "twee.age", "--passphrase-fd")
    taken = run(*words, descriptor(PASSPHRASE), "--language", "nl", workspace=second)
    assert (taken.code, taken.err) == (0, "")
    assert "kaart 2" in taken.out
    refused(run, *words, descriptor(PASSPHRASE), workspace=second, code=12, rule="joining.not-newer")
    assert run("keys", "join", workspace=second).code == 2
