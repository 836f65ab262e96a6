"""exchange doctor: it names what is wrong and changes nothing."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest


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


@pytest.mark.skipif(sys.platform == "win32", reason="modes mean nothing there")
@pytest.mark.parametrize(
    ("name", "mode"), [("outbox", 0o750), ("inbox", 0o707), ("store.db", 0o644), ("exchange.toml", 0o646)]
)
def test_what_others_can_reach_is_named(run: Any, town: Any, name: str, mode: int) -> None:
    (town["praktijk"] / "exchange.toml").chmod(0o644)  # whoever reads the settings learns no secret
    assert rules(run("doctor", "--json", workspace=town["praktijk"]))["doctor.permissions"]
    (town["praktijk"] / name).chmod(mode)
    ran = run("doctor", "--json", workspace=town["praktijk"])
    assert ran.code == 3
    assert [rule for rule, sound in rules(ran).items() if not sound] == ["doctor.permissions"]
    assert f"(niet in orde: {name})" in run("doctor", "--language", "nl", workspace=town["praktijk"]).out


def test_a_folder_that_leads_out_of_the_workspace_is_named(run: Any, town: Any, tmp_path: Path) -> None:
    outbox = town["praktijk"] / "outbox"
    outbox.rename(tmp_path / "elders")
    try:
        outbox.symlink_to(tmp_path / "elders", target_is_directory=True)
    except OSError:
        pytest.skip("no right to make links here")
    ran = run("doctor", "--json", workspace=town["praktijk"])
    assert [rule for rule, sound in rules(ran).items() if not sound] == ["doctor.permissions"]


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


def test_a_store_of_an_older_program_is_brought_up_to_date_when_a_person_asks(run: Any, tmp_path: Path) -> None:
    """Each migration that was ever shipped runs over a store that has something in it."""
    folder = tmp_path / "praktijk"
    made = run("init", str(folder), "--name", "Proef (verzonnen)", "--id", "agb:07999990", "--no-passphrase")
    assert made.code == 0
    aged(folder)
    refused = run("log", "show", "--json", workspace=folder)
    assert (refused.code, refused.json["error"]["rule"]) == (14, "store.other-version")
    assert "exchange doctor --upgrade" in refused.json["error"]["hints"][0]
    assert run("doctor", workspace=folder).code == 14
    ran = run("doctor", "--upgrade", "--language", "nl", workspace=folder)
    assert (ran.code, "✗" in ran.out) == (0, False)
    assert "0001" in ran.out
    events = run("log", "show", "--json", workspace=folder).json["entries"]
    assert [one["event"] for one in events] == ["store-upgraded"]
    assert run("doctor", "--upgrade", workspace=folder).code == 0
    assert len(run("log", "show", "--json", workspace=folder).json["entries"]) == 1


def test_a_store_of_a_newer_program_is_left_alone(run: Any, town: Any) -> None:
    with town.open("praktijk") as workspace, workspace.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for given in ([], ["--upgrade"]):
        ran = run("doctor", *given, "--json", workspace=town["praktijk"])
        assert (ran.code, ran.json["error"]["rule"]) == (14, "store.other-version")
        assert "--upgrade" not in ran.json["error"]["hints"][0]


def test_a_backup_of_an_older_program_is_restored_up_to_date(tmp_path: Path) -> None:
    """The program of then can't be run here; the same file is packed around a store of its version."""
    from exchange.operations import backups
    from exchange.operations.workspace import Workspace

    folder, file, now = tmp_path / "praktijk", tmp_path / "kopie.age", datetime(2026, 11, 3, 9, tzinfo=UTC)
    secret = "vijf gewone woorden als wachtzin"
    moment: Any = {"now": now, "on": now.date(), "user": "tester"}
    Workspace.create(folder, party="agb:07999990", name="Proef (verzonnen)", passphrase=secret, **moment).close()
    aged(folder, secret)
    with (
        Workspace.open(folder, passphrase=lambda _name: secret, **moment) as workspace,
        backups.packing(file, secret, 10) as packed,
    ):
        backups.add(packed.tar, backups.FIRST, backups.heading_of(workspace, backups.BACKUP))
        for name, path in backups.everything(workspace):
            backups.add_file(packed.tar, name, path)
        packed.before_publishing = lambda _digest: None
    assert backups.restore(file, tmp_path / "terug", passphrase=secret, **moment).kind == "backup"
    with Workspace.open(tmp_path / "terug", passphrase=lambda _name: secret, **moment) as again:
        assert [one.event.event for one in again.store.audit.show(after=0)] == ["store-upgraded", "restored"]


def aged(folder: Path, passphrase: str = "") -> None:
    """Put a store of the first version in the place of a workspace's own."""
    from exchange.operations.workspace import Workspace
    from exchange.store import opening

    now = datetime(2026, 11, 3, 9, tzinfo=UTC)
    with Workspace.open(folder, passphrase=lambda _name: passphrase, now=now, on=now.date(), user="t") as workspace:
        keys = workspace.keyring.store
    for file in folder.glob("store.db*"):
        file.unlink()
    engine = opening._engine(folder / "store.db", keys)
    opening._migrate(engine, to="0001")
    engine.dispose()
    (folder / "store.db").chmod(0o600)  # as `opening` makes it
