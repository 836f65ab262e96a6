"""What is said when the disk under a store is full, gone or may only be read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from exchange.errors import StoreError
from exchange.records.codes import Sex
from exchange.signing.keys import StoreKeys
from exchange.sources.rows import PatientKey, PatientRow
from exchange.store.database import trouble
from exchange.store.opening import Store

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def load(store: Store, number: int) -> None:
    with store.loading(kind="table", file_name="p.csv", digest=f"{number:064}", by="t", at=NOW) as batch:
        for line in range(1, 2000):
            batch.add(PatientRow(line, PatientKey(epd_number=f"P{number}-{line}"), None, Sex.FEMALE, "Canary Kanarie"))


def set_pragma(store: Store, words: str) -> None:
    with store.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA {words}")


def patients(store: Store) -> int:
    with store.engine.connect() as connection:
        return int(connection.execute(sa.text("select count(*) from patient")).scalar_one())


@pytest.fixture
def small(tmp_path: Path, keys: StoreKeys) -> Store:
    store = Store.create(tmp_path / "store.db", keys, instance="a", at=NOW)
    load(store, 1)
    return store


def test_a_full_disk_is_said_to_be_full_and_stores_nothing(small: Store) -> None:
    with small.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    before = patients(small)
    set_pragma(small, f"max_page_count={pages}")  # SQLite's own word for no room left
    with pytest.raises(StoreError) as caught:
        load(small, 2)
    assert (caught.value.rule, caught.value.hints) == ("store.disk-full", ("hint.store-room",))
    assert patients(small) == before
    set_pragma(small, f"max_page_count={pages * 100}")
    load(small, 2)  # with room it goes on where it was
    assert patients(small) == 2 * before
    small.close()


def test_a_store_that_may_only_be_read_is_not_said_to_be_in_use(small: Store) -> None:
    set_pragma(small, "query_only=ON")
    with pytest.raises(StoreError) as caught:
        load(small, 2)
    assert (caught.value.rule, caught.value.hints) == ("store.no-access", ("hint.store-access",))
    small.close()


def test_a_store_that_can_not_be_opened_is_not_said_to_be_in_use(tmp_path: Path, keys: StoreKeys) -> None:
    Store.create(tmp_path / "store.db", keys, instance="a", at=NOW).close()
    (tmp_path / "store.db-wal").unlink(missing_ok=True)
    (tmp_path / "store.db-wal").mkdir()  # nobody can write a log there, not even an administrator
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path / "store.db", keys, instance="a")
    assert caught.value.rule == "store.no-access"


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("database is locked", "store.locked"),
        ("database table is locked: load", "store.locked"),
        ("database or disk is full", "store.disk-full"),
        ('could not extend file "base/1/2": No space left on device', "store.disk-full"),
        ("disk I/O error", "store.disk"),
        ("attempt to write a readonly database", "store.no-access"),
        ("unable to open database file", "store.no-access"),
        ("no such table: Canary", "store.failed"),
    ],
)
def test_what_a_driver_says_becomes_a_sentence_of_ours(said: str, rule: str) -> None:
    error = trouble(sa.exc.OperationalError("select", {}, ValueError(said)))
    assert error.rule == rule
    assert "Canary" not in str(error)
