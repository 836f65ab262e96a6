"""The table of which command unlocks which key is held against the code: every command runs with watched keys."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import pytest

from exchange.sealing import keystore
from exchange.signing.keys import EncryptionKey, Keyring, SigningKeys
from exchange_cli.program import program

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PASSPHRASE = "paarse fiets in de regen 7"
KEYS = {"store", "signing", "transport", "storage", "locks"}

# Whatever a key's secret half is used for is written down here, by the kind of key.
SEEN: set[str] = set()


class _Signer:
    """One signing key: its public half is anybody's, its signature is seen."""

    def __init__(self, key: Any) -> None:
        self._key = key

    def sign(self, data: bytes) -> bytes:
        SEEN.add("signing")
        signature: bytes = self._key.sign(data)
        return signature

    def public_key(self) -> Any:
        return self._key.public_key()


class _Signing(SigningKeys):
    @cached_property
    def signers(self) -> Any:
        return tuple(_Signer(key) for key in super().signers)


class _Encryption(EncryptionKey):
    kind = "transport"

    @property
    def private(self) -> Any:
        SEEN.add(self.kind)
        return EncryptionKey(self.seed).private


class _Storage(_Encryption):
    kind = "storage"


class Watched(Keyring):
    """A keyring of which every use of a secret is seen."""

    def __getattribute__(self, name: str) -> Any:
        if name == "store":
            SEEN.add("store")
        return super().__getattribute__(name)


def watched(keyring: Keyring) -> Watched:
    values = {one.name: object.__getattribute__(keyring, one.name) for one in fields(Keyring)}
    signing = values["signing"]
    values["signing"] = _Signing(signing.ed25519_seed, signing.ml_dsa_seed)
    values["encryption"] = _Encryption(values["encryption"].seed)
    values["retired"] = tuple(_Encryption(one.seed) for one in values["retired"])
    values["storage"] = _Storage(values["storage"].seed)
    return Watched(**values)


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    real_unlock, real_save = keystore.unlock, keystore.save

    def unlock(folder: Path, passphrase: str | None) -> Keyring:
        SEEN.add("opened")
        return watched(real_unlock(folder, passphrase))

    def save(folder: Path, keyring: Keyring, passphrase: str | None, **more: Any) -> None:
        SEEN.add("locks")
        real_save(folder, keyring, passphrase, **more)

    monkeypatch.setattr(keystore, "unlock", unlock)
    monkeypatch.setattr(keystore, "save", save)
    SEEN.clear()
    yield SEEN
    SEEN.clear()


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield " ".join((*path, name))


def table() -> dict[str, set[str]]:
    """Return what the document says: per command its keys, `opened` among them where the keystore is unlocked."""
    text = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")
    part = text.split("## Which command unlocks which key", 1)[1].split("\n## ", 1)[0]
    said: dict[str, set[str]] = {}
    for commands, opens, keys in re.findall(r"^\| (`[^|]+) \| (yes|no|makes it) \| ([^|]*) \|$", part, re.MULTILINE):
        for command in re.findall(r"`([^`]+)`", commands):
            assert command not in said, f"{command} stands twice"
            said[command] = set(re.findall(r"`([a-z]+)`", keys)) | ({"opened"} if opens == "yes" else set())
    return said


def descriptor() -> int:
    reading, writing = os.pipe()
    os.write(writing, f"{PASSPHRASE}\n".encode())
    os.close(writing)
    return reading


def recipes(town: Any) -> dict[str, list[tuple[object, ...]]]:
    """Return for each command how it is run so that it does its work; what is not here is run bare."""
    top, post, given = town.folder, town.folder / "post", town["bestanden"]
    card = top / "kaarten" / "huisarts-a.json"
    draft = next(iter((town["praktijk"] / "agreements").glob("*.yaml")), Path("x"))
    fd = ("--passphrase-fd", descriptor)
    return {
        "demo": [],  # twenty seconds, and workspaces of its own
        "init": [("init", top / "nieuw", "--name", "N", "--id", "agb:07000009", "--no-passphrase")],
        "load": [("load", given / "metingen.csv")],
        "partner add": [("partner", "add", card, "--kind", "gp")],
        "partner card": [("partner", "card")],
        "partner list": [("partner", "list")],
        "partner paper": [("partner", "paper", "agb:06000004", "--name", "N", "--kind", "gp")],
        "partner verify": [("partner", "verify", "agb:01999991", "--ours", "1", "--how", "x")],
        "partner rotate": [("partner", "rotate", card)],
        "partner revoke": [("partner", "revoke", "kvk:99999995", "--how", "gebeld")],
        "agreement list": [("agreement", "list")],
        "agreement show": [("agreement", "show", "huisartsen")],
        "agreement check": [("agreement", "check", draft)],
        "agreement sign": [("agreement", "sign", draft)],
        "agreement calendar": [("agreement", "calendar", "huisartsen", "--to", top / "k.ics")],
        "agreement form": [
            ("agreement", "form", "ziekenhuis", "--partner", "agb:06999994", "--to", top / "f.age"),
        ],
        "agreement asked": [("agreement", "asked", "huisartsen", "--to", top / "asked.csv")],
        "agreement end": [("agreement", "end", "welzijn", "--on", "2026-11-03")],
        "consent load": [("consent", "load", given / "toestemming.csv")],
        "consent withdrawals": [("consent", "withdrawals")],
        "referral list": [("referral", "list")],
        "export": [("export", "welzijn")],
        "import": [("import", post / "from-a.age")],
        "inspect": [("inspect", post / "from-a.age")],
        "check": [("check", card)],
        "evaluate due": [("evaluate", "due")],
        "improve list": [("improve", "list")],
        "indicators": [("indicators", "durable-discharge-12")],
        "summary": [("summary", "--to", top / "s.json")],
        "plan": [("plan", "--to", top / "p.md")],
        "log show": [("log", "show")],
        "log sent": [("log", "sent")],
        "log verify": [("log", "verify")],
        "log witness": [("log", "witness", "agb:01999991", "--to", top / "w.json")],
        "keys show": [("keys", "show")],
        "keys rotate": [("keys", "rotate")],
        "keys revoke": [("keys", "revoke", "--reason", "x")],
        "keys destroy": [],  # beneath: it uses keys only when one is due
        "keys backup": [("keys", "backup", "--to", top / "b.age", *fd)],
        "keys join": [("keys", "join", "--to", top / "j.age", *fd)],
        "keys restore": [("keys", "restore", top / "b.age", top / "terug", *fd)],
        "retention due": [("retention", "due")],
        "retention list": [("retention", "list")],
        "doctor": [("doctor",)],
    }


def test_every_command_stands_in_the_table_once() -> None:
    said = table()
    assert set(said) == set(leaves(program))
    for keys in said.values():
        assert keys - {"opened"} <= KEYS


@pytest.mark.slow
def test_no_command_unlocks_or_uses_more_than_the_table_says(run: Any, mailed: Any, watching: set[str]) -> None:
    said, wrong, silent = table(), [], []
    pristine = mailed.folder.parent / "pristine"
    shutil.copytree(mailed.folder, pristine)
    ways = recipes(mailed)
    backup = ways["keys backup"][0]
    for command in sorted(said):
        for words in ways.get(command, [tuple(command.split())]):
            shutil.rmtree(mailed.folder)
            shutil.copytree(pristine, mailed.folder)
            if command == "keys restore":
                assert run(*_piped(backup), workspace=mailed["praktijk"]).code == 0
            watching.clear()
            ran = run(*_piped(words), workspace=None if command == "init" else mailed["praktijk"])
            if ran.code in {0, 3}:
                if watching != said[command]:
                    wrong.append(f"{command}: uses {sorted(watching)}, the table says {sorted(said[command])}")
            elif not watching <= said[command]:
                wrong.append(f"{command}: uses {sorted(watching)}, the table says {sorted(said[command])} ({ran.err})")
            else:
                silent.append((command, ran.code))
    assert wrong == []
    # Most commands do their work here, so that what they use is all that they use.
    assert len(silent) < len(said) / 2, silent


def _piped(words: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(word() if callable(word) else word for word in words)


def test_destroying_signs_and_locks_when_a_key_is_due(run: Any, town: Any, watching: set[str]) -> None:
    run("keys", "rotate", workspace=town["huisarts-a"])
    watching.clear()
    late = datetime(2027, 4, 1, 9, tzinfo=UTC)
    assert run("keys", "destroy", "--json", workspace=town["huisarts-a"], at=late).json["serials"] == [1]
    assert watching == table()["keys destroy"]


def test_a_use_that_the_table_does_not_know_is_seen(run: Any, mailed: Any, watching: set[str]) -> None:
    run("import", mailed.folder / "post" / "from-a.age", workspace=mailed["praktijk"])
    assert {"opened", "store", "transport"} <= watching
    watching.clear()
    run("export", "welzijn", workspace=mailed["praktijk"])
    assert "signing" in watching
    assert "transport" not in watching
