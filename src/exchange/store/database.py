"""The database under a store: SQLCipher by default or PostgreSQL by a URL, its transactions and its keyed ids."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import QueuePool

from exchange.errors import StoreError
from exchange.signing.keys import StoreKeys
from exchange.signing.pseudonyms import LocalPseudonymiser, Pseudonymiser
from exchange.store import tables

# Ids are keyed hashes, so rows come in random order: with SQLite's 2 MiB a page would be decrypted for every row.
CACHE = "cache_size=-32768"

# While a file is loaded: indexes of a million lines are written in no order, and what falls out is encrypted each time.
LOADING_CACHE = "cache_size=-159744"

# One number for all writers of one PostgreSQL store; "exchange" in ASCII.
WRITERS_LOCK = int.from_bytes(b"exchange", "big") >> 1


class Database:
    """An engine with its keys. Every other module of this room is handed one; only `opening` makes one."""

    def __init__(self, engine: Engine, keys: StoreKeys, pseudonymiser: Pseudonymiser | None = None) -> None:
        """Keep the engine; a national pseudonym service may stand in for our own."""
        self.engine = engine
        self.pseudonymiser = pseudonymiser or LocalPseudonymiser(keys)
        self._joined = threading.local()

    @property
    def postgresql(self) -> bool:
        """Tell whether several people share this store."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def together(self, *, by: str, at: datetime) -> Iterator[int]:
        """Do several things of one operation in one transaction and one load: all of them or none.

        Inside the block everything that this thread does with the store joins in, reading too.
        """
        with self.changing(by=by, at=at) as held:
            before, self._joined.held = self._held, held
            try:
                yield held[1]
            finally:
                self._joined.held = before

    @contextmanager
    def at_once(self, *, savepoints: bool = True) -> Iterator[None]:
        """Do several things in one transaction as `together` does, without a load of their own.

        A savepoint keeps every page it changes in memory. Without them a large load stays flat, and whatever fails
        inside must be let through: it undoes all.
        """
        with self.writing() as connection:
            before, self._joined.held = self._held, self._held or (connection, None)
            plain, self._joined.plain = self._plain, not savepoints
            try:
                yield
            finally:
                self._joined.held, self._joined.plain = before, plain

    @property
    def _plain(self) -> bool:
        return bool(getattr(self._joined, "plain", False))

    @property
    def _held(self) -> tuple[Connection, int | None] | None:
        held: tuple[Connection, int | None] | None = getattr(self._joined, "held", None)
        return held

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the store."""
        if self._held is not None:
            yield self._held[0]
            return
        options = {"isolation_level": "REPEATABLE READ"} if self.postgresql else {}
        with translated(), self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that no other writer is in: all or nothing, one at a time."""
        if self._held is not None and self._plain:
            yield self._held[0]
            return
        if self._held is not None:
            # A savepoint: what fails here is undone here, even where the caller goes on with the rest.
            with translated(), self._held[0].begin_nested():
                yield self._held[0]
            return
        opened = self.engine.connect().execution_options(exchange_writes=True)
        with translated(), opened as connection, connection.begin():
            if self.postgresql:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITERS_LOCK)))
            yield connection

    @contextmanager
    def roomy(self, connection: Connection) -> Iterator[None]:
        """Give a load more memory for the time it takes."""
        if self.postgresql:
            yield
            return
        connection.exec_driver_sql(f"PRAGMA {LOADING_CACHE}")
        try:
            yield
        finally:
            connection.exec_driver_sql(f"PRAGMA {CACHE}")
            connection.exec_driver_sql("PRAGMA shrink_memory")

    @contextmanager
    def changing(self, *, by: str, at: datetime) -> Iterator[tuple[Connection, int]]:
        """Open a writing transaction and the load of one command, so that its versions say who and when."""
        held = self._held
        with self.writing() as connection:
            load = held[1] if held else None
            yield connection, load if load is not None else new_load(connection, "command", by=by, at=at)

    def id_of(self, kind: str, *parts: object) -> str:
        """Return the surrogate id of a natural key: a keyed index, 32 hex digits."""
        joined = "|".join(map(str, parts))
        if "\\" in joined or joined.count("|") != len(parts) - 1:
            # Keep ("a|b", "c") apart from ("a", "b|c").
            joined = "|".join(str(part).replace("\\", "\\\\").replace("|", "\\|") for part in parts)
        return self.pseudonymiser.index(kind, joined)

    def seal(self, column: str, index: str, value: str) -> bytes:
        """Seal an identity for one column and its own index; anywhere else it does not open."""
        return self.pseudonymiser.seal(column, index, value)

    def unseal(self, column: str, index: str | None, sealed: bytes | None) -> str | None:
        """Open a sealed identity, where there is one."""
        return None if sealed is None or index is None else self.pseudonymiser.open(column, index, sealed)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the database says into a StoreError that repeats no value: drivers quote rows in their messages."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise trouble(error) from None


# What SQLite and PostgreSQL say of the disk and of each other's locks; their words, so in English on every computer.
_TROUBLE = (
    (("database is locked", "database table is locked", "is busy"), "store.locked", "hint.store-wait"),
    (("disk is full", "No space left on device"), "store.disk-full", "hint.store-room"),
    (("readonly database", "unable to open database file"), "store.no-access", "hint.store-access"),
    # With a full disk SQLite can't make its log and says only this.
    (("disk I/O error",), "store.disk", "hint.store-disk"),
)


def trouble(error: sa.exc.DBAPIError) -> StoreError:
    """Return what went wrong in words of ours: what a driver says is looked at and never repeated."""
    if isinstance(error, sa.exc.OperationalError):
        said = str(error.orig)
        for signs, rule, hint in _TROUBLE:
            if any(sign in said for sign in signs):
                return StoreError(rule, hints=(hint,))
    return StoreError("store.failed", what=type(error.orig).__name__)


def new_load(connection: Connection, kind: str, *, by: str, at: datetime, file_name: str = "", digest: str = "") -> int:
    """Open a load and return its number."""
    inserted = connection.execute(
        sa.insert(tables.load).values(kind=kind, file_name=file_name, digest=digest, at=at, by=by, counts="{}")
    )
    key = inserted.inserted_primary_key
    assert key is not None  # noqa: S101 - an insert of one row always has one
    return int(key[0])


def sqlcipher_engine(path: Path, key: bytes) -> Engine:
    """Make an engine on an encrypted file; the key goes in raw, so that opening costs no key derivation."""
    from sqlcipher3 import dbapi2

    def connect() -> Any:
        connection = dbapi2.connect(str(path), isolation_level=None, check_same_thread=False, timeout=30)
        # SQLCipher would write to stderr of its own accord; what went wrong is an error of ours.
        connection.execute("PRAGMA cipher_log_level = NONE")
        # A PRAGMA takes no parameters; the key is 64 hex digits and nothing else.
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        try:
            for pragma in ("secure_delete=ON", "temp_store=MEMORY", "foreign_keys=ON", "journal_mode=WAL", CACHE):
                connection.execute(f"PRAGMA {pragma}").fetchall()
        except dbapi2.DatabaseError:
            connection.close()
            raise
        return connection

    engine = sa.create_engine(
        "sqlite+pysqlite://", module=dbapi2, creator=connect, poolclass=QueuePool, hide_parameters=True
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # The driver is in autocommit, so that a writer takes the lock before it reads what it will change.
        writes = connection.get_execution_options().get("exchange_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def postgresql_engine(url: str) -> Engine:
    """Make an engine on a PostgreSQL of the organisation's own."""
    return sa.create_engine(url, hide_parameters=True, pool_pre_ping=True)


def private_file(path: Path) -> None:
    """Make an empty file that only its owner can read; refuse an existing one."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise StoreError("store.exists", path=str(path)) from None
    except OSError as error:
        raise StoreError("store.cannot-create", path=str(path), reason=error.strerror or "") from error
