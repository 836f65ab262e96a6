"""A second laptop on the same PostgreSQL server: one store, two instances, one series of numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import StoreError
from exchange.operations import backups, joining
from exchange.operations.workspace import Workspace
from exchange.store.journal import Outgoing, State

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
MOMENT: dict[str, Any] = {"now": NOW, "on": NOW.date(), "user": "tester"}
PASSPHRASE = "paarse fiets in de regen 7"


@pytest.mark.postgresql
def test_two_laptops_share_a_server_and_each_finishes_its_own(tmp_path: Path, database_url: str) -> None:
    Workspace.create(
        tmp_path / "een", party="agb:07999990", name="Praktijk", passphrase=None, store=database_url, **MOMENT
    ).close()
    with Workspace.open(tmp_path / "een", passphrase=lambda _name: "", **MOMENT) as first:
        made = joining.invite(first, tmp_path / "u.age", passphrase=PASSPHRASE, work_factor=10)
        copy = backups.make(first, tmp_path / "k.age", passphrase=PASSPHRASE, work_factor=10)
        assert not copy.store
        first.store.set_setting("canary", "shared")
    backups.restore(made.file, tmp_path / "twee", passphrase=PASSPHRASE, **MOMENT)
    with (
        Workspace.open(tmp_path / "een", passphrase=lambda _name: "", **MOMENT) as first,
        Workspace.open(tmp_path / "twee", passphrase=lambda _name: "", **MOMENT) as second,
    ):
        assert second.store.setting("canary") == "shared"
        assert first.settings.instance != second.settings.instance
        entries = [
            one.store.journal.reserve(
                Outgoing(f"m{number}", "data", "agb:07999990", "a", "agb:01000001"),
                at=NOW,
                sign=lambda slot: (b"{}", f"digest-{slot.sequence}"),
            )
            for number, one in enumerate((first, second, first, second))
        ]
        assert [one.sequence for one in entries] == [1, 2, 3, 4]
        assert len({one.epoch for one in entries}) == 1
        assert [one.instance for one in entries[:2]] == [first.settings.instance, second.settings.instance]
        assert [one.message_id for one in second.store.journal.unfinished()] == ["m1", "m3"]
        with pytest.raises(StoreError) as caught:
            second.store.journal.mark(entries[0].entry_id, State.WRITTEN, at=NOW)
        assert caught.value.rule == "store.other-instance"


@pytest.mark.postgresql
def test_a_restored_folder_finds_its_server_again_and_begins_no_new_epochs(tmp_path: Path, database_url: str) -> None:
    Workspace.create(
        tmp_path / "een", party="agb:07999990", name="Praktijk", passphrase=None, store=database_url, **MOMENT
    ).close()
    with Workspace.open(tmp_path / "een", passphrase=lambda _name: "", **MOMENT) as one:
        copy = backups.make(one, tmp_path / "k.age", passphrase=PASSPHRASE, work_factor=10)
    back = backups.restore(copy.file, tmp_path / "terug", passphrase=PASSPHRASE, **MOMENT)
    assert back.epochs == 0
    with Workspace.open(tmp_path / "terug", passphrase=lambda _name: "", **MOMENT) as again:
        assert again.store.audit.verify() == ()
