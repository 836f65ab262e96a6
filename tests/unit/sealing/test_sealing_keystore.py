"""The keystore: opens with its passphrase, for its owner, from a plain private file, and otherwise not."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.errors import Locked
from exchange.sealing import keystore, permissions
from exchange.signing.keys import EncryptionKey, Keyring

LIGHT = 4
PASSPHRASE = "een lange zin vol café"

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes mean nothing on Windows")


@pytest.fixture(scope="module")
def keyring() -> Keyring:
    full = replace(Keyring.generate(), backups={"2026-03": EncryptionKey.generate()})
    return full.rotated()


@pytest.fixture
def folder(tmp_path: Path, keyring: Keyring) -> Path:
    keystore.create(tmp_path / "keys", keyring, PASSPHRASE, work_factor=LIGHT)
    return tmp_path / "keys"


def locked(folder: Path, passphrase: str | None = PASSPHRASE) -> str:
    with pytest.raises(Locked) as raised:
        keystore.unlock(folder, passphrase)
    assert raised.value.__cause__ is None
    return raised.value.rule


def test_every_key_comes_back(folder: Path, keyring: Keyring) -> None:
    assert keystore.exists(folder)
    assert not keystore.is_demo(folder)
    assert keystore.unlock(folder, PASSPHRASE) == keyring


def test_no_secret_stands_in_the_file_or_in_what_is_printed(folder: Path, keyring: Keyring) -> None:
    file = (folder / keystore.FILE).read_bytes()
    seeds = (
        keyring.encryption.seed,
        keyring.storage.seed,
        keyring.signing.ed25519_seed,
        keyring.signing.ml_dsa_seed,
        keyring.store.database,
        keyring.store.index,
        keyring.store.fields,
        keyring.retired[0].seed,
        keyring.backups["2026-03"].seed,
    )
    shown = repr(keyring) + str(keyring)
    for seed in seeds:
        assert seed not in file
        assert seed.hex() not in shown
        assert repr(seed)[2:-1] not in shown
        assert "AGE-SECRET" not in shown


@pytest.mark.parametrize("wrong", ["", "een lange zin vol cafe", PASSPHRASE + " ", PASSPHRASE.upper()])
def test_another_passphrase_does_not_open(folder: Path, wrong: str) -> None:
    assert locked(folder, wrong) == "sealing.wrong-passphrase"
    assert locked(folder, None) == "sealing.passphrase-needed"


def test_the_same_passphrase_from_another_keyboard_opens(folder: Path, keyring: Keyring) -> None:
    assert keystore.unlock(folder, PASSPHRASE.replace("é", "e\u0301")) == keyring


def test_the_passphrase_can_be_changed(folder: Path, keyring: Keyring) -> None:
    keystore.change_passphrase(folder, PASSPHRASE, "een andere lange zin", work_factor=LIGHT)
    assert locked(folder) == "sealing.wrong-passphrase"
    assert keystore.unlock(folder, "een andere lange zin") == keyring
    assert [path.name for path in folder.iterdir()] == [keystore.FILE]


def test_a_short_passphrase_is_refused(tmp_path: Path, keyring: Keyring) -> None:
    with pytest.raises(Locked) as raised:
        keystore.create(tmp_path / "keys", keyring, "kort", work_factor=LIGHT)
    assert raised.value.rule == "sealing.passphrase-short"


def test_a_keystore_is_never_overwritten(folder: Path, keyring: Keyring) -> None:
    with pytest.raises(Locked) as raised:
        keystore.create(folder, keyring, PASSPHRASE, work_factor=LIGHT)
    assert raised.value.rule == "sealing.keystore-exists"


def test_no_keystore_is_said_plainly(tmp_path: Path) -> None:
    assert locked(tmp_path) == "sealing.keystore-missing"
    assert not keystore.exists(tmp_path)


def test_a_damaged_keystore_is_said_plainly(folder: Path) -> None:
    file = folder / keystore.FILE
    whole = file.read_bytes()
    for damaged in (whole[:-1], whole[:40], b"", whole[:-1] + bytes([whole[-1] ^ 1])):
        file.write_bytes(damaged)
        assert locked(folder) == "sealing.keystore-damaged"


def test_a_keystore_sealed_to_a_key_instead_of_a_passphrase_is_damaged(folder: Path, keyring: Keyring) -> None:
    from exchange.sealing import age
    from exchange.sealing.recipients import HybridRecipient

    with (folder / keystore.FILE).open("wb") as file:
        age.encrypt(file, [HybridRecipient(keyring.encryption.recipient)]).finish()
    assert locked(folder) == "sealing.keystore-damaged"


@posix
def test_folder_and_file_are_for_their_owner_alone(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / keystore.FILE).stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o644])
def test_a_file_that_others_can_reach_is_refused(folder: Path, mode: int) -> None:
    (folder / keystore.FILE).chmod(mode)
    assert locked(folder) == "sealing.loose-permissions"


@posix
@pytest.mark.parametrize("mode", [0o750, 0o705, 0o755])
def test_a_folder_that_others_can_reach_is_refused(folder: Path, keyring: Keyring, mode: int) -> None:
    folder.chmod(mode)
    assert locked(folder) == "sealing.loose-permissions"
    (folder / keystore.FILE).unlink()
    with pytest.raises(Locked):
        keystore.create(folder, keyring, PASSPHRASE, work_factor=LIGHT)


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(folder: Path) -> None:
    os.chown(folder / keystore.FILE, 12345, 12345)
    assert locked(folder) == "sealing.loose-permissions"


@posix
def test_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere"
    (folder / keystore.FILE).rename(real)
    (folder / keystore.FILE).symlink_to(real)
    assert locked(folder) == "sealing.symbolic-link"
    linked = tmp_path / "linked"
    linked.symlink_to(folder)
    assert locked(linked) == "sealing.symbolic-link"


def test_a_crash_while_writing_leaves_the_old_keystore(
    folder: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        keystore.save(folder, keyring.rotated(), PASSPHRASE, work_factor=LIGHT)
    monkeypatch.undo()
    assert keystore.unlock(folder, PASSPHRASE) == keyring
    assert [path.name for path in folder.iterdir()] == [keystore.FILE]


def test_demo_keys_lie_in_a_file_that_says_so(tmp_path: Path) -> None:
    demo = Keyring.generate(demo=True)
    keystore.create(tmp_path / "keys", demo, None)
    assert keystore.is_demo(tmp_path / "keys")
    assert "demo" in json.loads((tmp_path / "keys" / "demo-keys.json").read_text())["warning"]
    assert keystore.unlock(tmp_path / "keys", None) == demo


def test_real_keys_are_never_kept_without_a_passphrase(tmp_path: Path, keyring: Keyring) -> None:
    with pytest.raises(Locked) as raised:
        keystore.create(tmp_path / "keys", keyring, None)
    assert raised.value.rule == "sealing.passphrase-needed"
    permissions.write(
        tmp_path / "keys" / keystore.DEMO_FILE, json.dumps({"keyring": keyring.to_bytes().decode()}).encode()
    )
    assert locked(tmp_path / "keys", None) == "sealing.keystore-damaged"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keyring": 1}', '{"keyring": "{}"}', '{"keyring": "é"}'])
def test_a_damaged_demo_keystore_is_said_plainly(tmp_path: Path, text: str) -> None:
    permissions.make_folder(tmp_path / "keys")
    permissions.write(tmp_path / "keys" / keystore.DEMO_FILE, text.encode())
    assert locked(tmp_path / "keys", None) == "sealing.keystore-damaged"


_KILLED = """
import os, signal, sys
from pathlib import Path
from exchange.sealing import keystore, permissions
real = getattr(permissions if sys.argv[2] == "publish" else os, sys.argv[2])
def killed(*given):
    if sys.argv[3] == "after":
        real(*given)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(permissions if sys.argv[2] == "publish" else os, sys.argv[2], killed)
keystore.change_passphrase(Path(sys.argv[1]), sys.argv[4], "een nieuwe lange zin", work_factor=4)
"""


@posix
@pytest.mark.parametrize(
    ("what", "when", "opens"),
    [("fsync", "before", PASSPHRASE), ("publish", "before", PASSPHRASE), ("publish", "after", "een nieuwe lange zin")],
)
def test_a_change_of_passphrase_that_is_killed_leaves_one_of_both_whole(
    folder: Path, keyring: Keyring, what: str, when: str, opens: str
) -> None:
    words = [sys.executable, "-c", _KILLED, str(folder), what, when, PASSPHRASE]
    done = subprocess.run(words, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert keystore.unlock(folder, opens) == keyring
    other = "een nieuwe lange zin" if opens == PASSPHRASE else PASSPHRASE
    assert locked(folder, other) == "sealing.wrong-passphrase"
    # what a kill leaves is sealed too, and is swept by whoever opens the store next
    secret = keyring.to_bytes()[20:60]
    assert all(secret not in file.read_bytes() for file in folder.iterdir())
    assert {file.name.split(".")[-1] for file in folder.iterdir()} <= {"age", "part"}


def test_a_junction_is_a_link_too() -> None:
    class Found:
        st_mode, st_reparse_tag = stat.S_IFDIR | 0o700, 0xA0000003

    assert permissions._leads_elsewhere(Found())  # type: ignore[arg-type]  # what Windows says of a junction
    Found.st_reparse_tag = 0x9000001A  # a placeholder of OneDrive
    assert not permissions._leads_elsewhere(Found())  # type: ignore[arg-type]  # the same
