"""A store of each kind: an encrypted file, and a database on a PostgreSQL server that lives as long as the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from exchange.signing.keys import StoreKeys
from exchange.store import tables
from exchange.store.opening import Store

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
INSTANCE = "1" * 32


def _server_programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    here = shutil.which("initdb")
    return found[-1].parent if found else (Path(here).parent if here else None)


def _as_postgres(*words: str) -> None:
    """Run a program of the server as an unprivileged user: it refuses to run as root."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    command = ["runuser", "-u", "postgres", "--", *words] if root else list(words)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Start a PostgreSQL on a socket in a folder of its own; give the part of a URL after the database's name."""
    programs = _server_programs()
    if programs is None:
        pytest.skip("the server programs of PostgreSQL are not here")
    pytest.importorskip("psycopg", reason="psycopg is not here")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    data = str(folder / "data")
    _as_postgres(str(programs / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-N", "--locale=C.UTF-8")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off -c full_page_writes=off -c max_connections=40"
    options += " -c min_wal_size=32MB -c max_wal_size=64MB"
    _as_postgres(str(programs / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"?host={folder}"
    finally:
        _as_postgres(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def database_names() -> Iterator[str]:
    """Give every test a database of its own."""
    return (f"store{number}" for number in range(10_000))


@pytest.fixture
def keys() -> StoreKeys:
    """Draw keys."""
    return StoreKeys.generate()


@pytest.fixture
def database_url(server: str, database_names: Iterator[str]) -> Iterator[str]:
    """Make an empty database on the server, for one test."""
    import psycopg

    name = next(database_names)
    with psycopg.connect(f"host={server.removeprefix('?host=')} user=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield f"postgresql+psycopg://postgres@/{name}{server}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(params=["sqlcipher", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Name a place for a store that is not there yet, of each kind."""
    if request.param == "sqlcipher":
        return tmp_path / "store.db"
    url: str = request.getfixturevalue("database_url")
    return url


@pytest.fixture
def store(target: Path | str, keys: StoreKeys) -> Iterator[Store]:
    """Make a store of each kind."""
    made = Store.create(target, keys, instance=INSTANCE, at=NOW)
    yield made
    made.close()


@pytest.fixture
def file_store(tmp_path: Path, keys: StoreKeys) -> Iterator[Store]:
    """Make an encrypted file only."""
    made = Store.create(tmp_path / "file.db", keys, instance=INSTANCE, at=NOW)
    yield made
    made.close()


# Workspaces on PostgreSQL ---------------------------------------------------------------------------------------------


@pytest.fixture
def on_server(server: str) -> Callable[[str], None]:
    """Return how to run one statement on the server itself."""

    def run(sql: str) -> None:
        import psycopg

        with psycopg.connect(f"host={server.removeprefix('?host=')} user=postgres", autocommit=True) as connection:
            connection.execute(sql.encode())

    return run


@pytest.fixture
def to_postgresql(server: str, on_server: Callable[[str], None]) -> Callable[[Path, str], None]:
    """Return how to move a demo workspace's store, row by row, to a database of that name."""

    def move(folder: Path, name: str) -> None:
        from exchange.operations.workspace import Workspace

        on_server(f"CREATE DATABASE {name}")
        url = f"postgresql+psycopg://postgres@/{name}{server}"
        with Workspace.open(folder, passphrase=lambda _: "", now=NOW, on=NOW.date(), user="tester") as workspace:
            instance, source = workspace.settings.instance, workspace.store
            with (
                Store.create(url, workspace.keyring.store, instance=instance) as goal,
                source.engine.connect() as old,
                goal.engine.begin() as new,
            ):
                for table in tables.metadata.sorted_tables:
                    _copy(table, old, new)
            workspace.change(store=url)
        (folder / "store.db").unlink()

    return move


@pytest.fixture
def pg_town(town: Any, to_postgresql: Callable[[Path, str], None], database_names: Iterator[str]) -> Path:
    """Return the town's folder, with the practice and GP A on PostgreSQL."""
    for name in ("praktijk", "huisarts-a"):
        to_postgresql(town[name], f"town_{next(database_names)}")
    folder: Path = town.folder
    return folder


def _copy(table: sa.Table, old: sa.Connection, new: sa.Connection) -> None:
    new.execute(sa.delete(table))
    rows = [dict(row) for row in old.execute(sa.select(table)).mappings()]
    if rows:
        new.execute(sa.insert(table), rows)
    keys = list(table.primary_key)
    if len(keys) == 1 and isinstance(keys[0].type, sa.Integer):
        # the next number is one that no copied row has
        new.execute(
            sa.text(
                f"SELECT setval(s, (SELECT COALESCE(MAX({keys[0].name}), 0) + 1 FROM {table.name}), false)"
                f" FROM pg_get_serial_sequence('{table.name}', '{keys[0].name}') s WHERE s IS NOT NULL"
            )
        )
