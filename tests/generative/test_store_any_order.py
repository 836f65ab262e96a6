"""Loading every file in every order, twice, with overlaps and late credits, gives the same current rows."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.episodes.services import ServiceMap
from exchange.records.codes import Access, Answered, EndReason, SessionType, Sex, SourceKind
from exchange.records.model import Dataset
from exchange.signing.keys import StoreKeys
from exchange.sources.rows import (
    ClaimRow,
    EpisodeRow,
    MeasurementRow,
    PatientKey,
    PatientRow,
    Row,
    SessionRow,
    SettledRow,
)
from exchange.store import loading, tables
from exchange.store.deriving import Rebuilding
from exchange.store.opening import Store

KEYS = StoreKeys(b"d" * 32, b"i" * 32, b"f" * 32)
SETTINGS = Rebuilding(60, ServiceMap({("012", "1"): SessionType.SESSION}), "07000001")
NOW = datetime(2026, 3, 2, tzinfo=UTC)
FIRST = date(2024, 1, 1)

# Two people; the last two ways of naming tie the EPD's numbers to them, so that merges come early, late or never.
PEOPLE = (
    PatientKey(bsn="999990019"),
    PatientKey(bsn="999990020"),
    PatientKey(epd_number="P1"),
    PatientKey(epd_number="P2"),
    PatientKey(system="fhir", key="x"),
    PatientKey(bsn="999990019", epd_number="P1"),
    PatientKey(bsn="999990020", epd_number="P2", system="fhir", key="x"),
    PatientKey(bsn="999990020", epd_number="P1"),
)
DAYS = st.integers(0, 200).map(lambda number: FIRST + timedelta(days=number))


@st.composite
def claims(draw: st.DrawFn) -> list[Row]:
    """Claims with one content per reference, some of them credited or rejected."""
    rows: list[Row] = []
    for reference in draw(st.sets(st.sampled_from("abcdef"), max_size=5)):
        row = ClaimRow(
            1, SourceKind.PM304, draw(st.sampled_from(PEOPLE)), "07000001", reference, "", False, draw(DAYS),
            "012", draw(st.sampled_from(["1", "9"])), 1, 4500, draw(st.sampled_from(["3427", "4020"])), "",
            draw(st.sampled_from(["t1", ""])), "", None, "", "",
        )  # fmt: skip
        rows.append(row)
        if draw(st.integers(0, 3)) == 0:
            rows.append(row._replace(reference=f"c{reference}", previous_reference=reference, credit=True))
        if draw(st.integers(0, 3)) == 0:
            rows.append(SettledRow(1, SourceKind.PM304, "07000001", reference, draw(st.booleans())))
    return rows


@st.composite
def recorded(draw: st.DrawFn) -> list[Row]:
    """Rows of an EPD, episodes with one content per key."""
    rows: list[Row] = []
    for key in draw(st.sets(st.sampled_from(["E1", "E2", "E3"]), max_size=3)):
        who, start = draw(st.sampled_from(PEOPLE)), draw(DAYS)
        end = draw(st.sampled_from([None, start + timedelta(days=40)]))
        rows.append(
            EpisodeRow(
                1,
                SourceKind.EPD,
                "epd",
                key,
                who,
                start,
                end,
                "3427",
                Access.DIRECT,
                EndReason.UNKNOWN,
                Answered.UNKNOWN,
                None,
                "",
                "07000001",
                "t1",
            )
        )
    for _ in range(draw(st.integers(0, 4))):
        key = draw(st.sampled_from(["E1", "E2", "", "E9"]))
        who = PatientKey() if key and draw(st.booleans()) else draw(st.sampled_from(PEOPLE))
        day = draw(DAYS)
        rows.append(
            draw(
                st.sampled_from(
                    [
                        SessionRow(1, SourceKind.EPD, "epd", key, who, day, SessionType.SESSION, "t1", False),
                        MeasurementRow(1, "epd", key, who, "nprs", day, day.toordinal() % 11),
                    ]
                )
            )
        )
    rows += [PatientRow(1, who, FIRST, Sex.FEMALE, "n") for who in draw(st.sets(st.sampled_from(PEOPLE), max_size=3))]
    return rows


def one_fact_each(rows: Sequence[Row]) -> list[Row]:
    """Keep one row per natural key: two contents of one key is a correction, where the last file rightly wins."""
    kept: dict[object, Row] = {}
    for row in rows:
        if isinstance(row, MeasurementRow):
            kept.setdefault(("m", row.episode_key or row.patient, row.day), row)
        elif isinstance(row, SessionRow):
            kept.setdefault(("s", row.episode_key or row.patient, row.day), row)
        else:
            kept.setdefault(row, row)
    return list(kept.values())


def stored(files: Sequence[Sequence[Row]], *, at_once: int = loading.BUFFER) -> tuple[Dataset, object]:
    with (
        pytest.MonkeyPatch.context() as patched,
        tempfile.TemporaryDirectory() as folder,
        Store.create(Path(folder) / "s.db", KEYS) as store,
    ):
        patched.setattr(loading, "BUFFER", at_once)
        for rows in files:
            with store.loading(kind="table", file_name="f", digest="", by="t", at=NOW, settings=SETTINGS) as batch:
                for row in rows:
                    batch.add(row)
        line = tables.claim_line
        query = sa.select(line.c.line_id, line.c.patient_id, line.c.episode_id, line.c.rejected)
        with store.engine.connect() as connection:
            lines = connection.execute(query.where(line.c.load_to.is_(None)).order_by(line.c.line_id)).all()
        data = store.dataset()
        identities = [store.patient_identity(patient.patient_id) for patient in data.patients]
        return data, (lines, identities)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_every_order_of_files_gives_the_same_current_rows(data: st.DataObject) -> None:
    rows = one_fact_each([*data.draw(claims()), *data.draw(recorded())])
    cuts = data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))
    files = [[row for row, cut in zip(rows, cuts, strict=True) if cut == number] for number in range(4)]
    # Files overlap, and come twice.
    files[1] = [*files[1], *files[0][: len(files[0]) // 2]]
    order = data.draw(st.permutations(files))
    again = data.draw(st.permutations(files))
    assert stored([*order, *again]) == stored(files) == stored([rows])
    # A patient's rows come in one piece or in several.
    assert stored([rows], at_once=2) == stored([rows])
