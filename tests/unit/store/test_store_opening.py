"""Making, opening and refusing a store."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from exchange.errors import StoreError
from exchange.records.codes import Sex
from exchange.signing.keys import StoreKeys
from exchange.sources.rows import PatientKey, PatientRow
from exchange.store.opening import VERSION, Store
from exchange.store.tables import metadata

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def put_a_patient(store: Store, name: str = "Canary Kanarie") -> None:
    with store.loading(kind="table", file_name="p.csv", digest="d" * 64, by="t", at=NOW) as batch:
        batch.add(PatientRow(1, PatientKey(bsn="999990019", epd_number="P-17"), None, Sex.FEMALE, name))


def test_the_models_are_what_the_migrations_make(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_version_that_is_asked_for_is_the_newest_migration() -> None:
    from alembic.script import ScriptDirectory

    import exchange.store.opening as opening

    scripts = ScriptDirectory(str(Path(opening.__file__).parent / "migrations"))
    assert scripts.get_current_head() == VERSION


def test_what_was_stored_is_there_after_opening_again(target: Path | str, keys: StoreKeys) -> None:
    with Store.create(target, keys, instance="a", at=NOW) as made:
        put_a_patient(made)
    with Store.open(target, keys, instance="a") as again:
        patient = again.patient_named(PatientKey(bsn="999990019"))
        assert patient is not None
        identity = again.patient_identity(patient)
        assert (identity.bsn, identity.epd_number, identity.name) == ("999990019", "P-17", "Canary Kanarie")


def test_plain_sqlite_can_not_read_the_file(tmp_path: Path, keys: StoreKeys) -> None:
    path = tmp_path / "store.db"
    with Store.create(path, keys) as store:
        put_a_patient(store)
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.DatabaseError):
        connection.execute("SELECT * FROM patient").fetchall()
    connection.close()
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        assert b"SQLite format 3" not in content
        assert b"999990019" not in content
        assert b"Kanarie" not in content


def test_even_with_the_file_key_identities_stay_sealed(tmp_path: Path, keys: StoreKeys) -> None:
    path = tmp_path / "store.db"
    with Store.create(path, keys) as store:
        put_a_patient(store)
        with store.engine.connect() as connection:
            everything = repr([connection.execute(sa.select(table)).all() for table in metadata.tables.values()])
    assert "Kanarie" not in everything
    assert "999990019" not in everything
    assert "P-17" not in everything


def test_only_the_owner_may_read_the_file(tmp_path: Path, keys: StoreKeys) -> None:
    path = tmp_path / "store.db"
    with Store.create(path, keys) as store:
        put_a_patient(store)
        for file in tmp_path.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_another_key_does_not_open_it(tmp_path: Path, keys: StoreKeys, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "store.db"
    Store.create(path, keys).close()
    with pytest.raises(StoreError) as caught:
        Store.open(path, StoreKeys.generate())
    assert caught.value.rule == "store.cannot-open"
    assert capfd.readouterr() == ("", "")


def test_a_file_that_is_something_else_is_no_store(tmp_path: Path, keys: StoreKeys) -> None:
    plain = tmp_path / "plain.db"
    connection = sqlite3.connect(plain)
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    with pytest.raises(StoreError) as caught:
        Store.open(plain, keys)
    assert caught.value.rule == "store.cannot-open"
    empty = tmp_path / "empty.db"
    empty.touch()
    with pytest.raises(StoreError) as caught:
        Store.open(empty, keys)
    assert caught.value.rule == "store.not-a-store"


def test_a_missing_store_is_said_to_be_missing(tmp_path: Path, keys: StoreKeys) -> None:
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path / "nothing.db", keys)
    assert caught.value.rule == "store.missing"
    assert not (tmp_path / "nothing.db").exists()


def test_a_store_is_never_made_over_another(store: Store, target: Path | str, keys: StoreKeys) -> None:
    with pytest.raises(StoreError) as caught:
        Store.create(target, keys)
    assert caught.value.rule == "store.exists"
    assert store.last_load() == 0


def test_a_store_of_another_version_is_refused_until_it_is_upgraded(target: Path | str, keys: StoreKeys) -> None:
    with Store.create(target, keys) as store, store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(StoreError) as caught:
        Store.open(target, keys)
    assert caught.value.rule == "store.other-version"
    assert caught.value.params["found"] == "0000"


def test_upgrading_a_store_of_this_version_changes_nothing(target: Path | str, keys: StoreKeys) -> None:
    with Store.create(target, keys) as store:
        put_a_patient(store)
    Store.upgrade(target, keys)
    with Store.open(target, keys) as store:
        assert len(store.dataset().patients) == 1


def test_a_target_that_is_neither_is_refused(keys: StoreKeys) -> None:
    with pytest.raises(StoreError) as caught:
        Store.open("mysql://somewhere/x", keys)
    assert caught.value.rule == "store.bad-target"


def test_a_server_that_is_not_there_is_said_so_without_its_password(keys: StoreKeys, tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not here")
    with pytest.raises(StoreError) as caught:
        Store.open(f"postgresql+psycopg://me:secret@/x?host={tmp_path}", keys)
    assert caught.value.rule == "store.cannot-connect"
    assert "secret" not in str(caught.value)


def test_two_workspaces_live_in_one_process(tmp_path: Path) -> None:
    one = Store.create(tmp_path / "one.db", StoreKeys.generate(), instance="a")
    two = Store.create(tmp_path / "two.db", StoreKeys.generate(), instance="b")
    put_a_patient(one)
    assert (len(one.dataset().patients), len(two.dataset().patients)) == (1, 0)
    put_a_patient(two)
    assert one.dataset().patients[0].patient_id != two.dataset().patients[0].patient_id
    one.close()
    two.close()


def test_a_database_error_repeats_no_value(store: Store) -> None:
    with pytest.raises(StoreError) as caught, store.audit._database.writing() as connection:
        connection.execute(sa.text("INSERT INTO setting (name, value) VALUES ('Kanarie', NULL)"))
    assert "Kanarie" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_sound_store_has_no_findings(store: Store) -> None:
    put_a_patient(store)
    assert store.integrity() == ()


def test_a_changed_page_is_found(tmp_path: Path, keys: StoreKeys) -> None:
    path = tmp_path / "store.db"
    with Store.create(path, keys) as store:
        put_a_patient(store)
    content = bytearray(path.read_bytes())
    # The last page, so that the schema can still be read.
    content[-2000] ^= 1
    path.write_bytes(content)
    with Store.open(path, keys) as store:
        assert [finding.rule for finding in store.integrity()][:1] == ["store.damaged"]


def test_a_setting_is_kept_and_replaced(store: Store) -> None:
    assert store.setting("gap", "90") == "90"
    store.set_setting("gap", "120")
    store.set_setting("gap", "60")
    assert store.setting("gap") == "60"


KILLED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from exchange.records.codes import Sex
from exchange.signing.keys import StoreKeys
from exchange.sources.rows import PatientKey, PatientRow
from exchange.store import loading
from exchange.store.opening import Store

loading.BUFFER = 50
target = sys.argv[1]
keys = StoreKeys(*(bytes.fromhex(key) for key in sys.argv[2:5]))
store = Store.open(Path(target) if "://" not in target else target, keys)
with store.loading(kind="table", file_name="x", digest="e" * 64, by="t", at=datetime(2026, 3, 2, tzinfo=UTC)) as batch:
    for number in range(500):
        batch.add(PatientRow(number, PatientKey(epd_number=str(number)), None, Sex.MALE, "x"))
    os.kill(os.getpid(), 9)
"""


def test_a_kill_in_the_middle_of_a_batch_leaves_nothing(target: Path | str, keys: StoreKeys) -> None:
    with Store.create(target, keys) as store:
        put_a_patient(store)
    words = [
        sys.executable,
        "-c",
        KILLED,
        str(target),
        *(key.hex() for key in (keys.database, keys.index, keys.fields)),
    ]
    killed = subprocess.run(words, check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr
    with Store.open(target, keys) as store:
        assert len(store.dataset().patients) == 1
        assert [load.digest[:1] for load in store.loads()] == ["d"]
        assert store.integrity() == ()
        put_a_patient(store)
