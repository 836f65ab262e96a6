"""Making and opening a store: an encrypted file, or a PostgreSQL database that several people share."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from exchange.errors import StoreError
from exchange.findings import Finding
from exchange.records.model import Dataset, Episode, Evaluation, Patient, Referral, Session
from exchange.signing.keys import StoreKeys
from exchange.signing.pseudonyms import Pseudonymiser
from exchange.sources.rows import PatientKey
from exchange.store import reading, recording, tables
from exchange.store.agreements import Agreements
from exchange.store.answers import Answers
from exchange.store.audit import Audit
from exchange.store.cases import Cases
from exchange.store.consents import Consents
from exchange.store.database import Database, new_load, postgresql_engine, private_file, sqlcipher_engine, translated
from exchange.store.figures import Figures
from exchange.store.journal import Journal
from exchange.store.partners import Partners
from exchange.store.receipts import Receipts
from exchange.store.received import Received, Sent
from exchange.store.releases import Releases
from exchange.store.retention import Retention
from exchange.store.reviews import Reviews

# What few commands do is imported where it happens: the others start sooner without.
if TYPE_CHECKING:
    from exchange.store import loading
    from exchange.store.deriving import Rebuilding
    from exchange.store.surveying import Survey

# The newest migration; a test holds it to be so.
VERSION = "0006"

_POSTGRESQL = "postgresql+psycopg://"


@dataclass(frozen=True, slots=True)
class Load:
    """One load: a file, or a command that changed something."""

    load_id: int
    kind: str
    file_name: str
    digest: str
    at: datetime
    by: str
    counts: dict[str, int]


class Store:
    """An open store. What belongs together hangs under one name: `partners`, `agreements`, `cases`, `journal`, …"""

    def __init__(self, engine: Engine, keys: StoreKeys, instance: str, pseudonymiser: Pseudonymiser | None) -> None:
        """Use `create` or `open`."""
        self.engine = engine
        self.instance = instance
        database = Database(engine, keys, pseudonymiser)
        self._database = database
        self.partners = Partners(database)
        self.agreements = Agreements(database)
        self.reviews = Reviews(database)
        self.consents = Consents(database)
        self.cases = Cases(database)
        self.answers = Answers(database)
        self.received = Received(database)
        self.sent = Sent(database)
        self.figures = Figures(database)
        self.journal = Journal(database, instance)
        self.receipts = Receipts(database, instance)
        self.audit = Audit(database)
        self.releases = Releases(database)
        self.retention = Retention(database)

    @cached_property
    def survey(self) -> Survey:
        """What a practice looks at before it trusts its figures."""
        from exchange.store.surveying import Survey

        return Survey(self._database)

    @classmethod
    def create(
        cls,
        target: Path | str,
        keys: StoreKeys,
        *,
        instance: str = "",
        at: datetime | None = None,
        pseudonymiser: Pseudonymiser | None = None,
    ) -> Store:
        """Make a store where there is none; `at` is kept as its beginning, `instance` names this workspace."""
        if isinstance(target, Path):
            private_file(target)
        engine = _engine(target, keys)
        try:
            _require_version(engine, target, None)
            _migrate(engine)
            if at is not None:
                with translated(), engine.connect() as connection, connection.begin():
                    connection.execute(sa.insert(tables.setting).values(name="created", value=at.isoformat()))
        except BaseException:
            engine.dispose()
            if isinstance(target, Path):
                _remove(target)
            raise
        return cls(engine, keys, instance, pseudonymiser)

    @classmethod
    def open(
        cls, target: Path | str, keys: StoreKeys, *, instance: str = "", pseudonymiser: Pseudonymiser | None = None
    ) -> Store:
        """Open a store; StoreError when it is missing, locked with another key, no store, or of another version."""
        engine = _opened(target, keys)
        try:
            _require_version(engine, target, VERSION)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, keys, instance, pseudonymiser)

    @classmethod
    def upgrade(cls, target: Path | str, keys: StoreKeys) -> str:
        """Bring an older store to this version, whole or not at all; return the version it had.

        Raises StoreError where it is no store, or one of a program newer than this.
        """
        engine = _opened(target, keys)
        try:
            found = _version(engine, target)
            if found is None or found > VERSION:
                _require_version(engine, target, VERSION)
            _migrate(engine)
        finally:
            engine.dispose()
        return str(found)

    def close(self) -> None:
        """Let go of the file or the server."""
        self.engine.dispose()

    def __enter__(self) -> Store:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def loading(
        self,
        *,
        kind: str,
        file_name: str,
        digest: str,
        by: str,
        at: datetime,
        settings: Rebuilding | None = None,
        dry_run: bool = False,
    ) -> AbstractContextManager[loading.Batch]:
        """Load one file, all of it or nothing: see `loading.loading`."""
        from exchange.store import loading

        return loading.loading(
            self._database,
            kind=kind,
            file_name=file_name,
            digest=digest,
            by=by,
            at=at,
            settings=settings,
            dry_run=dry_run,
        )

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a connection that sees one state of the store: what an engine counts on."""
        return self._database.reading()

    def together(self, *, by: str, at: datetime) -> AbstractContextManager[int]:
        """Do several things in one transaction and one load: see `Database.together`."""
        joined: AbstractContextManager[int] = self._database.together(by=by, at=at)
        return joined

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nobody write while a backup copies the file and, after it, its write-ahead log.

        A checkpoint may still move pages from the log into the file; they stay in the log, which is copied after it.
        """
        if self._database.postgresql:
            yield
            return
        with self._database.writing():
            yield

    def at_once(self, *, savepoints: bool = True) -> AbstractContextManager[None]:
        """Do several things in one transaction, without a load of their own: see `Database.at_once`."""
        joined: AbstractContextManager[None] = self._database.at_once(savepoints=savepoints)
        return joined

    def rebuild(self, settings: Rebuilding, *, by: str, at: datetime) -> tuple[Finding, ...]:
        """Derive every episode and session anew, after the map of service codes or the gap changed."""
        from exchange.store.deriving import derive_patients

        with self._database.writing() as connection:
            load = new_load(connection, "rebuild", by=by, at=at)
            query = sa.select(tables.patient.c.patient_id).where(tables.patient.c.load_to.is_(None))
            return derive_patients(
                connection, self._database, list(connection.execute(query).scalars()), load, settings
            )

    def loads(self) -> tuple[Load, ...]:
        """Return every load, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(tables.load).order_by(tables.load.c.load_id)).all()
        return tuple(
            Load(row.load_id, row.kind, row.file_name, row.digest, row.at, row.by, json.loads(row.counts))
            for row in rows
        )

    def last_load(self) -> int:
        """Return the number of the last load, 0 before the first: what a figure is as of."""
        with self._database.reading() as connection:
            return int(connection.execute(sa.select(sa.func.max(tables.load.c.load_id))).scalar() or 0)

    def dataset(self, as_of: int | None = None) -> Dataset:
        """Return all that an indicator may look at, now or as of a load; no identities."""
        return reading.dataset(self._database, as_of)

    def instruments_named(self, as_of: int | None = None) -> frozenset[str]:
        """Return the instruments that episodes name as theirs."""
        return reading.instruments_named(self._database, as_of)

    def patient_identity(self, patient_id: str) -> Patient:
        """Return one patient with BSN, EPD number and name, opened."""
        return reading.patient_identity(self._database, patient_id)

    def patient_named(self, key: PatientKey) -> str | None:
        """Return the id of the patient that a file would name so."""
        return reading.patient_named(self._database, key)

    def knows_bsn(self, digits: str) -> bool:
        """Tell whether a number is the BSN of a patient here: what the BSN detector asks."""
        return self.patient_named(PatientKey(bsn=digits)) is not None

    def resolve_episode(self, episode_id: str) -> str:
        """Return the id an episode has now, from any it ever had."""
        with self._database.reading() as connection:
            return reading.resolve_episode(connection, episode_id)

    def episodes_of_patient(self, patient_id: str) -> tuple[Episode, ...]:
        """Return a patient's episodes, by start."""
        with self._database.reading() as connection:
            return reading.episodes_of_patients(connection, [reading.resolve_patient(connection, patient_id)])

    def episodes_of_epd_number(self, epd_number: str) -> tuple[Episode, ...]:
        """Return the episodes of the patient with an EPD number; none when nobody has it."""
        patient = self.patient_named(PatientKey(epd_number=epd_number))
        return () if patient is None else self.episodes_of_patient(patient)

    def sessions_of_episode(self, episode_id: str) -> tuple[Session, ...]:
        """Return an episode's sessions, by day."""
        with self._database.reading() as connection:
            return reading.sessions_of_episode(connection, reading.resolve_episode(connection, episode_id))

    def evaluations_of_episode(self, episode_id: str) -> tuple[Evaluation, ...]:
        """Return an episode's evaluations, by session number."""
        with self._database.reading() as connection:
            return reading.evaluations_of(connection, reading.resolve_episode(connection, episode_id))

    def record_evaluation(self, evaluation: Evaluation, *, by: str, at: datetime) -> Evaluation:
        """Write an evaluation; one for the same session of the episode supersedes it."""
        return recording.record_evaluation(self._database, evaluation, by=by, at=at)

    def record_referral(self, referral: Referral, *, by: str, at: datetime) -> Referral:
        """Write why the patient of an episode came; it supersedes what was recorded of that episode."""
        return recording.record_referral(self._database, referral, by=by, at=at)

    def changed_in(self, loads: Collection[int]) -> dict[str, int]:
        """Return how many patients, episodes, sessions and measurements some loads together made or changed."""
        from exchange.store import loading

        with self._database.reading() as connection:
            return loading.changed_in(connection, loads)

    def setting(self, name: str, default: str = "") -> str:
        """Return a setting kept in the store."""
        with self._database.reading() as connection:
            query = sa.select(tables.setting.c.value).where(tables.setting.c.name == name)
            found = connection.execute(query).scalar()
        return default if found is None else str(found)

    def set_setting(self, name: str, value: str) -> None:
        """Keep a setting in the store."""
        table = tables.setting
        with self._database.writing() as connection:
            if not connection.execute(sa.update(table).where(table.c.name == name).values(value=value)).rowcount:
                connection.execute(sa.insert(table).values(name=name, value=value))

    def integrity(self) -> tuple[Finding, ...]:
        """Check the file's own integrity (every page's HMAC too), and where that is sound the audit chain."""
        broken = 0 if self._database.postgresql else self._broken()
        return (Finding("store.damaged", params={"count": broken}),) if broken else self.audit.verify()

    def _broken(self) -> int:
        with self._database.reading() as connection:
            pages = connection.exec_driver_sql("PRAGMA cipher_integrity_check").all()
            # A page that can't be decrypted can't be looked into either.
            rows = [] if pages else connection.exec_driver_sql("PRAGMA integrity_check").all()
        return len(pages) + len([row for row in rows if row[0] != "ok"])


def _shown(target: Path | str) -> str:
    """Return a target without a password."""
    return str(target) if isinstance(target, Path) else sa.make_url(target).render_as_string(hide_password=True)


def _engine(target: Path | str, keys: StoreKeys) -> Engine:
    if isinstance(target, Path):
        return sqlcipher_engine(target, keys.database)
    if not target.startswith(_POSTGRESQL):
        raise StoreError("store.bad-target")
    try:
        return postgresql_engine(target)
    except ImportError:
        raise StoreError("store.no-driver", hints=("hint.store-driver",)) from None


def _opened(target: Path | str, keys: StoreKeys) -> Engine:
    if isinstance(target, Path) and not target.is_file():
        raise StoreError("store.missing", path=str(target), hints=("hint.store-create",))
    return _engine(target, keys)


def _version(engine: Engine, target: Path | str) -> str | None:
    """Return the version of the store behind an engine, None where there are no tables of ours."""
    try:
        with engine.connect() as connection, connection.begin():
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())
    except sa.exc.OperationalError:
        if engine.dialect.name == "postgresql":
            raise StoreError("store.cannot-connect", hints=("hint.store-connect",)) from None
        with translated():  # another program, or the disk
            raise
    except sa.exc.DatabaseError:
        raise StoreError("store.cannot-open", path=_shown(target), hints=("hint.store-key",)) from None


def _require_version(engine: Engine, target: Path | str, wanted: str | None) -> None:
    found = _version(engine, target)
    if found == wanted:
        return
    if wanted is None:
        raise StoreError("store.exists", path=_shown(target))
    if found is None:
        raise StoreError("store.not-a-store", path=_shown(target), hints=("hint.store-create",))
    hint = "hint.store-upgrade" if found < wanted else "hint.store-newer"
    raise StoreError("store.other-version", found=found, wanted=wanted, hints=(hint,))


def _migrate(engine: Engine, to: str = "head") -> None:
    """Run the migrations in one transaction."""
    from alembic import command
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with translated(), engine.connect() as connection:
        writing: Connection = connection.execution_options(exchange_writes=True)
        with writing.begin():
            configuration.attributes["connection"] = writing
            command.upgrade(configuration, to)


def _remove(path: Path) -> None:
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        name.unlink(missing_ok=True)
