"""What was scored from its items says so in the store, and in a store of before it came as a total."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import sqlalchemy as sa

import exchange.store.opening as opening
from exchange.records.codes import Access, Answered, EndReason, Sex, SourceKind
from exchange.sources.rows import EpisodeRow, MeasurementRow, PatientKey, PatientRow
from exchange.store import tables
from exchange.store.opening import Store

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ANNA = PatientKey(bsn="999990019", epd_number="P1")
COURSE = (
    PatientRow(1, ANNA, date(1980, 5, 1), Sex.FEMALE),
    EpisodeRow(
        1, SourceKind.EPD, "epd", "T1", ANNA, date(2024, 1, 2), None, "3427", Access.DIRECT, EndReason.UNKNOWN,
        Answered.UNKNOWN, None, "odi", "07000001", "07100001",
    ),
)  # fmt: skip


def put(store: Store, *rows: MeasurementRow, digest: str = "d") -> dict[str, int]:
    with store.loading(kind="table", file_name="m.csv", digest=digest * 64, by="t", at=NOW) as batch:
        for course in COURSE:
            batch.add(course)
        for row in rows:
            batch.add(row)
    return batch.counts


def odi(day: int, score: int, *, from_items: bool) -> MeasurementRow:
    return MeasurementRow(1, "epd", "T1", ANNA, "odi", date(2024, 1, day), score, from_items)


def test_a_measurement_says_whether_it_was_scored_from_items(store: Store) -> None:
    put(store, odi(8, 32, from_items=True), odi(9, 30, from_items=False))
    held = {one.day.day: (one.score, one.from_items) for one in store.dataset().measurements}
    assert held == {8: (32, True), 9: (30, False)}


def test_the_same_items_again_change_nothing_and_the_total_alone_is_a_new_version(store: Store) -> None:
    put(store, odi(8, 32, from_items=True))
    assert put(store, odi(8, 32, from_items=True), digest="e")["measurements"] == 0
    assert put(store, odi(8, 32, from_items=False), digest="f")["measurements"] == 1
    assert [one.from_items for one in store.dataset().measurements] == [False]


def test_a_score_of_before_the_column_came_as_a_total() -> None:
    from alembic import command
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(Path(opening.__file__).parent / "migrations"))
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0001")
        connection.exec_driver_sql(
            "INSERT INTO measurement (measurement_id, source_id, episode_id, named_as, patient_id, instrument, day,"
            " score, load_from) VALUES ('m', '', 'e', '', 'p', 'odi', '2024-01-08', 32, 1)"
        )
        command.upgrade(configuration, "0002")
        assert connection.execute(sa.select(tables.measurement.c.score, tables.measurement.c.from_items)).all() == [
            (32, False)
        ]
    engine.dispose()
