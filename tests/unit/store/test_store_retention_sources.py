"""When a treatment is destroyed nothing of what any source said of it stays, for it would come back when derived."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from exchange.episodes.services import ServiceMap
from exchange.records.codes import Access, Answered, EndReason, SessionType, SourceKind
from exchange.signing.keys import StoreKeys
from exchange.sources.rows import EpisodeRow, PatientKey, Row, SessionRow
from exchange.store import tables
from exchange.store.deriving import Rebuilding
from exchange.store.opening import Store
from exchange.store.retention import Terms

ANNA, BELLA = PatientKey(bsn="999990019"), PatientKey(bsn="999990020")
SETTINGS = Rebuilding(60, ServiceMap({}), "07000001")
WHO = {"by": "tester", "at": datetime(2026, 3, 2, tzinfo=UTC)}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "s.db", StoreKeys.generate()) as made:
        yield made


def load(store: Store, *rows: Row) -> None:
    with store.loading(kind="table", file_name="f", digest="", settings=SETTINGS, **WHO) as batch:  # type: ignore[arg-type]
        for row in rows:
            batch.add(row)


def episode(kind: SourceKind, key: str, start: date, end: date, patient: PatientKey = ANNA) -> EpisodeRow:
    return EpisodeRow(1, kind, kind.value, key, patient, start, end, "3427", Access.DIRECT, EndReason.UNKNOWN,
                      Answered.UNKNOWN, None, "", "07000001", "t1")  # fmt: skip


def session(kind: SourceKind, key: str, day: date, patient: PatientKey = ANNA) -> SessionRow:
    return SessionRow(1, kind, kind.value, key, patient, day, SessionType.SESSION, "t1", False)


def left(store: Store) -> dict[str, int]:
    """Count the rows of what sources and derivation say, of any version."""
    with store.engine.connect() as connection:
        return {
            table.name: int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
            for table in (tables.episode_source, tables.session_source, tables.episode, tables.session)
        }


@pytest.mark.parametrize("together", [True, False])
def test_what_a_second_source_said_of_the_same_treatment_goes_too(store: Store, together: bool) -> None:
    start, end = date(2010, 1, 4), date(2010, 3, 1)
    rows = [
        episode(SourceKind.EPD, "E1", start, end),
        session(SourceKind.EPD, "E1", date(2010, 1, 11)),
        episode(SourceKind.FHIR, "F1", start, end),
        session(SourceKind.FHIR, "F1", date(2010, 1, 18)),
    ]
    for some in [rows] if together else [rows[:2], rows[2:]]:
        load(store, *some)
    # The patient came back later: the new treatment stays, and the patient with it.
    new = date(2025, 1, 6)
    load(store, episode(SourceKind.EPD, "E9", new, date(2025, 3, 1)), session(SourceKind.EPD, "E9", new))
    assert len(store.dataset().episodes) == 2
    store.retention.run(Terms(care_before=date(2020, 1, 1)))
    assert left(store) == {"episode_source": 1, "session_source": 1, "episode": 1, "session": 1}
    store.rebuild(SETTINGS, **WHO)  # type: ignore[arg-type]
    assert [one.start for one in store.dataset().episodes] == [new]


def test_sessions_that_named_somebody_elses_treatment_go_with_the_one_they_became(store: Store) -> None:
    old, new = date(2010, 2, 4), date(2025, 2, 14)
    load(
        store,
        episode(SourceKind.EPD, "E2", date(2025, 1, 6), date(2025, 3, 1)),
        session(SourceKind.EPD, "E2", new),
        session(SourceKind.EPD, "E2", old, BELLA),
        episode(SourceKind.EPD, "E3", date(2025, 1, 6), date(2025, 3, 1), BELLA),
        session(SourceKind.EPD, "E3", new, BELLA),
    )
    assert len(store.dataset().episodes) == 3
    store.retention.run(Terms(care_before=date(2020, 1, 1)))
    assert left(store) == {"episode_source": 2, "session_source": 2, "episode": 2, "session": 2}
    store.rebuild(SETTINGS, **WHO)  # type: ignore[arg-type]
    assert [one.day for one in store.dataset().sessions] == [new, new]
