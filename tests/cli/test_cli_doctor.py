"""exchange doctor: it names what is wrong and changes nothing."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import Any


def rules(ran: Any) -> dict[str, bool]:
    return {one["rule"]: one["sound"] for one in ran.json["checks"]}


def test_a_sound_workspace_is_sound(run: Any, town: Any) -> None:
    ran = run("doctor", "--language", "nl", workspace=town["praktijk"])
    assert (ran.code, ran.err) == (0, "")
    assert "✗" not in ran.out
    assert ran.out.count("✓") == len(run("doctor", "--json", workspace=town["praktijk"]).json["checks"])


def test_a_missing_folder_is_named(run: Any, town: Any) -> None:
    shutil.rmtree(town["praktijk"] / "quarantine")
    ran = run("doctor", "--json", workspace=town["praktijk"])
    assert ran.code == 3
    assert [rule for rule, sound in rules(ran).items() if not sound] == ["doctor.folders"]
    said = run("doctor", "--language", "nl", workspace=town["praktijk"])
    assert "✗" in said.out
    assert "quarantine" in said.out
    assert not (town["praktijk"] / "quarantine").exists()


def test_what_is_half_sent_is_named(run: Any, town: Any) -> None:
    from exchange.store.journal import Outgoing

    with town.open("praktijk") as workspace:
        outgoing = Outgoing("ab" * 16, "messages", workspace.settings.party, "huisartsen", "agb:01999991")
        workspace.store.journal.reserve(outgoing, at=workspace.now, sign=lambda _slot: (b"jws", "0" * 64))
    ran = run("doctor", "--json", workspace=town["praktijk"])
    assert ran.code == 3
    assert rules(ran)["doctor.outbox"] is False


def test_an_expired_card_is_named(run: Any, town: Any) -> None:
    ran = run("doctor", "--json", workspace=town["praktijk"], at=datetime(2040, 1, 1, tzinfo=UTC))
    assert rules(ran)["doctor.card"] is False


def test_settings_that_no_one_can_read_are_an_error_with_a_hint(run: Any, town: Any) -> None:
    (town["praktijk"] / "exchange.toml").write_text("[workspace\n", encoding="utf-8")
    ran = run("doctor", "--json", workspace=town["praktijk"])
    assert ran.code == 16
    assert ran.json["error"]["rule"] == "workspace.settings"
    assert ran.json["error"]["hints"]


def test_a_missing_store_or_card_is_an_error_that_says_so(run: Any, town: Any) -> None:
    (town["praktijk"] / "keys" / "card.jws").unlink()
    ran = run("doctor", "--json", workspace=town["praktijk"])
    assert ran.code == 16
    assert ran.json["error"]["rule"] == "workspace.no-card"
    for file in town["welzijn"].glob("store.db*"):
        file.unlink()
    assert run("doctor", "--json", workspace=town["welzijn"]).code == 14
    assert not list(town["welzijn"].glob("store.db*"))
