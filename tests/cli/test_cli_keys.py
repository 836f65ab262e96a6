"""exchange keys: what they are, without a secret, and another passphrase for them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

OLD, NEW = "een lange oude wachtzin", "een nog langere nieuwe wachtzin"


@pytest.fixture
def descriptor() -> Any:
    """Give a function that puts lines on a pipe of which the writing end stays open, as a password manager might."""
    opened: list[int] = []

    def lines(*texts: str) -> int:
        reading, writing = os.pipe()
        opened.extend((reading, writing))
        os.write(writing, "".join(f"{text}\n" for text in texts).encode())
        return reading

    yield lines
    for one in opened:
        os.close(one)


@pytest.fixture
def locked(run: Any, tmp_path: Path, descriptor: Callable[..., int]) -> Path:
    folder = tmp_path / "met wachtzin"
    ran = run("init", folder, "--name", "Praktijk", "--id", "agb:07999990", "--passphrase-fd", descriptor(OLD))
    assert ran.code == 0, ran.err
    return folder


@pytest.mark.slow
def test_the_passphrase_changes(run: Any, locked: Path, descriptor: Callable[..., int]) -> None:
    changed = run(
        "keys", "passphrase", "--passphrase-fd", descriptor(OLD, NEW), "--language", "nl", workspace=locked
    )  # fmt: skip
    assert (changed.code, changed.err) == (0, "")
    assert OLD not in changed.out
    assert NEW not in changed.out
    old = run("doctor", "--passphrase-fd", descriptor(OLD), "--json", workspace=locked)
    assert old.code == 12
    assert old.json["error"]["rule"] == "sealing.wrong-passphrase"
    assert run("doctor", "--passphrase-fd", descriptor(NEW), workspace=locked).code == 0
    logged = run("log", "show", "--last", "1", "--passphrase-fd", descriptor(NEW), "--json", workspace=locked)
    assert logged.json["entries"][0]["event"] == "passphrase-changed"


def test_a_wrong_old_or_missing_new_passphrase_changes_nothing(
    run: Any, locked: Path, descriptor: Callable[..., int]
) -> None:
    before = {file.name: file.read_bytes() for file in (locked / "keys").iterdir()}
    wrong = run("keys", "passphrase", "--passphrase-fd", descriptor("verkeerd geraden zin", NEW), "--json",
                workspace=locked)  # fmt: skip
    assert wrong.code == 12
    alone = run("keys", "passphrase", "--passphrase-fd", descriptor_at_end(OLD), "--json", workspace=locked)
    assert alone.code == 1
    assert alone.json["error"]["rule"] == "program.passphrase-lines"
    short = run("keys", "passphrase", "--passphrase-fd", descriptor(OLD, "kort"), "--json", workspace=locked)
    assert short.code == 12
    assert short.json["error"]["rule"] == "sealing.passphrase-short"
    assert {file.name: file.read_bytes() for file in (locked / "keys").iterdir()} == before


def descriptor_at_end(text: str) -> int:
    """Return a pipe that ends after one line."""
    reading, writing = os.pipe()
    os.write(writing, f"{text}\n".encode())
    os.close(writing)
    return reading


def test_nobody_to_ask_is_said_with_a_hint(run: Any, locked: Path) -> None:
    ran = run("doctor", "--json", workspace=locked)
    assert ran.code == 1
    assert ran.json["error"]["rule"] == "program.no-passphrase"
    assert ran.json["error"]["hints"]
    closed = run("doctor", "--passphrase-fd", "999", "--json", workspace=locked)
    assert closed.json["error"]["rule"] == "program.passphrase-unreadable"


def test_a_demo_workspace_has_no_passphrase_to_change(run: Any, town: Any) -> None:
    ran = run("keys", "passphrase", "--passphrase-fd", descriptor_at_end(f"{OLD}\n{NEW}"), "--json",
              workspace=town["praktijk"])  # fmt: skip
    assert ran.code == 12
    assert ran.json["error"]["rule"] == "keeping.demo"


def test_show_never_prints_a_secret(run: Any, town: Any) -> None:
    practice = town["praktijk"]
    secrets = _strings((practice / "keys" / "demo-keys.json").read_text(encoding="utf-8"))
    assert secrets
    shown = [run("keys", "show", "--language", "nl", workspace=practice), run("keys", "show", "--json",
             workspace=practice)]  # fmt: skip
    for ran in shown:
        assert ran.code == 0
        assert not any(secret in ran.out for secret in secrets)
    assert "vingerafdruk" in shown[0].out
    assert shown[0].out.rstrip().endswith("ja")
    assert shown[1].json["recipient"].startswith("age1")
    assert shown[1].json["demo"] is True


def _strings(text: str) -> set[str]:
    """Return every long text of the keystore file but what is public."""
    import json

    found: set[str] = set()

    def walk(value: object) -> None:
        if isinstance(value, dict):
            for one in value.values():
                walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)
        elif isinstance(value, str) and len(value) >= 32 and not value.startswith("age1"):
            found.add(value)

    walk(json.loads(text))
    return found
