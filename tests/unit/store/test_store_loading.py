"""Loading: natural keys, versions, credits, settlements, merging of patients, attachment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from exchange.episodes.services import ServiceMap
from exchange.records.codes import (
    Access,
    Answered,
    Counterfactual,
    Effect,
    EndReason,
    NextStep,
    SessionType,
    Sex,
    SourceKind,
)
from exchange.signing.keys import StoreKeys
from exchange.sources.rows import (
    ClaimRow,
    EpisodeRow,
    EvaluationRow,
    MeasurementRow,
    PatientKey,
    PatientRow,
    ReferralRow,
    Rejected,
    Row,
    SessionRow,
    SettledRow,
)
from exchange.store.deriving import Rebuilding
from exchange.store.loading import Batch
from exchange.store.opening import Store
from exchange.store.tables import metadata

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SERVICES = ServiceMap({("012", "2000"): SessionType.SESSION, ("074", "2000"): SessionType.SESSION})
SETTINGS = Rebuilding(gap_days=90, services=SERVICES, declarant="07000001")
ANNA = PatientKey(bsn="999990019")
KEYS = StoreKeys(b"d" * 32, b"i" * 32, b"f" * 32)


def load(store: Store, *rows: Row | Rejected, kind: str = "table", digest: str = "", dry_run: bool = False) -> Batch:
    with store.loading(
        kind=kind, file_name="f", digest=digest, by="tester", at=NOW, settings=SETTINGS, dry_run=dry_run
    ) as batch:
        for row in rows:
            batch.add(row)
    return batch


def claim(reference: str, day: date, patient: PatientKey = ANNA, **changes: object) -> ClaimRow:
    row = ClaimRow(
        1, SourceKind.PM304, patient, "07000001", reference, "", False, day, "012", "2000", 1, 4500, "3427",
        "", "07100001", "", None, "", "3311",
    )  # fmt: skip
    return row._replace(**changes)  # type: ignore[arg-type]  # of the fields named


def episode(key: str, start: date, patient: PatientKey = ANNA, **changes: object) -> EpisodeRow:
    row = EpisodeRow(
        1, SourceKind.EPD, "epd", key, patient, start, None, "3427", Access.DIRECT, EndReason.UNKNOWN,
        Answered.UNKNOWN, None, "", "07000001", "07100001",
    )  # fmt: skip
    return replace(row, **changes)  # type: ignore[arg-type]  # of the fields named


def session(key: str, day: date, patient: PatientKey = ANNA) -> SessionRow:
    return SessionRow(1, SourceKind.EPD, "epd", key, patient, day, SessionType.SESSION, "07100001", False)


def measurement(key: str, day: date, score: int, patient: PatientKey = ANNA) -> MeasurementRow:
    return MeasurementRow(1, "epd", key, patient, "nprs", day, score)


def versions(store: Store, name: str) -> int:
    with store.engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(metadata.tables[name])).scalar_one()


def test_claims_become_patients_episodes_and_sessions(store: Store) -> None:
    batch = load(
        store,
        PatientRow(1, ANNA, date(1980, 5, 1), Sex.FEMALE),
        claim("1", date(2024, 1, 8)),
        claim("2", date(2024, 1, 15)),
        Rejected(7, "date", "sources.x"),
        kind="pm304",
    )
    assert batch.counts == {"patients": 1, "episodes": 1, "sessions": 2, "measurements": 0, "rejected": 1}
    data = store.dataset()
    assert [one.start for one in data.episodes] == [date(2024, 1, 8)]
    assert {one.day for one in data.sessions} == {date(2024, 1, 8), date(2024, 1, 15)}
    assert data.patients[0].birth_date == date(1980, 5, 1)
    assert data.patients[0].bsn is None


def test_the_same_bytes_again_change_nothing_and_say_so(store: Store) -> None:
    first = load(store, claim("1", date(2024, 1, 8)), kind="pm304", digest="a" * 64)
    again = load(store, claim("1", date(2024, 1, 8)), kind="pm304", digest="a" * 64)
    assert (first.already, again.already) == (False, True)
    assert again.counts == first.counts
    assert again.load_id == first.load_id
    assert store.last_load() == first.load_id


def test_the_same_rows_in_another_file_write_no_versions(store: Store) -> None:
    rows: tuple[Row, ...] = (
        PatientRow(1, ANNA._replace(epd_number="P1"), date(1980, 5, 1), Sex.FEMALE, "Naam"),
        claim("1", date(2024, 1, 8)),
        episode("E1", date(2024, 1, 8)),
        session("E1", date(2024, 1, 8)),
        measurement("E1", date(2024, 1, 8), 7),
    )
    load(store, *rows)
    before = {name: versions(store, name) for name in metadata.tables if name != "load"}
    batch = load(store, *rows)
    assert {name: versions(store, name) for name in metadata.tables if name != "load"} == before
    assert batch.counts == {"patients": 0, "episodes": 0, "sessions": 0, "measurements": 0, "rejected": 0}


def test_a_changed_row_supersedes_and_the_old_one_can_still_be_read(store: Store) -> None:
    first = load(store, episode("E1", date(2024, 1, 8)), measurement("E1", date(2024, 1, 8), 7))
    load(store, episode("E1", date(2024, 1, 8), end=date(2024, 3, 1)), measurement("E1", date(2024, 1, 8), 5))
    assert [one.end for one in store.dataset().episodes] == [date(2024, 3, 1)]
    assert [one.score for one in store.dataset().measurements] == [5]
    then = store.dataset(as_of=first.load_id)
    assert [one.end for one in then.episodes] == [None]
    assert [one.score for one in then.measurements] == [7]
    assert store.dataset(as_of=0).episodes == ()


def test_a_dry_run_counts_and_changes_nothing(store: Store) -> None:
    batch = load(store, claim("1", date(2024, 1, 8)), digest="b" * 64, dry_run=True)
    assert batch.counts["sessions"] == 1
    assert store.dataset().sessions == ()
    assert store.loads() == ()


def test_an_exception_in_the_middle_leaves_nothing(store: Store) -> None:
    def broken() -> None:
        with store.loading(kind="pm304", file_name="f", digest="c" * 64, by="t", at=NOW, settings=SETTINGS) as batch:
            batch.add(claim("1", date(2024, 1, 8)))
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        broken()
    assert store.dataset().patients == ()
    assert store.loads() == ()


def test_a_late_credit_cancels_whichever_comes_first(store: Store) -> None:
    credit = claim("9", date(2024, 1, 8), credit=True, previous_reference="1")
    load(store, credit, kind="pm304")
    load(store, claim("1", date(2024, 1, 8)), claim("2", date(2024, 1, 15)), kind="pm304")
    assert [one.day for one in store.dataset().sessions] == [date(2024, 1, 15)]


def test_a_rejected_line_does_not_count_whichever_comes_first(store: Store) -> None:
    settled = SettledRow(1, SourceKind.PM304, "07000001", "1", True)
    load(store, settled, kind="pm304")
    load(store, claim("1", date(2024, 1, 8)), claim("2", date(2024, 1, 15)), kind="pm304")
    load(store, replace(settled, reference="2"), kind="pm304")
    assert store.dataset().sessions == ()
    load(store, replace(settled, reference="2", rejected=False), kind="pm304")
    assert [one.day for one in store.dataset().sessions] == [date(2024, 1, 15)]


def test_files_that_name_a_patient_in_different_ways_meet_in_a_third(store: Store) -> None:
    load(store, claim("1", date(2024, 1, 8)), kind="pm304")
    load(store, episode("E1", date(2024, 1, 2), PatientKey(epd_number="P1")))
    assert len(store.dataset().patients) == 2
    old = store.patient_named(PatientKey(epd_number="P1"))
    assert old is not None
    load(store, PatientRow(1, PatientKey(bsn="999990019", epd_number="P1"), date(1980, 5, 1), Sex.FEMALE, "Naam"))
    data = store.dataset()
    assert len(data.patients) == 1
    assert [one.episode_id for one in data.episodes] == [data.sessions[0].episode_id]
    assert store.patient_identity(old).bsn == "999990019"
    assert store.episodes_of_epd_number("P1") == data.episodes
    assert store.knows_bsn("999990019")
    assert not store.knows_bsn("999990020")


def test_a_number_beside_two_citizens_merges_nobody(store: Store) -> None:
    bella = PatientKey(bsn="999990020")
    load(store, claim("1", date(2024, 1, 8)), claim("2", date(2024, 1, 9), bella), kind="pm304")
    load(store, episode("E1", date(2025, 1, 2), PatientKey(epd_number="P1")))
    load(store, PatientRow(1, ANNA._replace(epd_number="P1"), None, Sex.FEMALE))
    assert len(store.dataset().patients) == 2
    batch = load(store, PatientRow(1, bella._replace(epd_number="P1"), None, Sex.MALE))
    assert [finding.rule for finding in batch.findings] == ["store.patient-ambiguous"]
    data = store.dataset()
    owners = {one.episode_id: one.patient_id for one in data.episodes}
    assert len(data.patients) == 3
    assert len(set(owners.values())) == 3


def test_an_epd_word_on_a_patient_goes_before_a_claim_s(store: Store) -> None:
    load(store, PatientRow(1, ANNA, date(1980, 1, 1), Sex.UNKNOWN, "Naam"), kind="table")
    load(store, PatientRow(1, ANNA, date(1981, 1, 1), Sex.FEMALE), kind="pm304")
    patient = store.dataset().patients[0]
    assert (patient.birth_date, patient.sex) == (date(1980, 1, 1), Sex.FEMALE)


def test_rows_that_name_only_their_episode_find_its_patient_in_any_order(store: Store) -> None:
    nobody = PatientKey()
    load(store, measurement("E1", date(2024, 1, 9), 7, nobody), session("E1", date(2024, 1, 9), nobody))
    assert store.dataset().measurements == ()
    load(store, episode("E1", date(2024, 1, 8)))
    data = store.dataset()
    assert data.measurements[0].episode_id == data.episodes[0].episode_id == data.sessions[0].episode_id
    assert data.measurements[0].patient_id == data.patients[0].patient_id
    batch = load(store, replace(measurement("", date(2024, 1, 9), 7, nobody), line=4))
    assert tuple(batch.rejected) == (Rejected(4, "patient", "store.patient-not-named"),)


def test_what_names_no_episode_goes_to_the_one_of_its_day(store: Store) -> None:
    batch = load(
        store,
        measurement("", date(2024, 2, 1), 6),
        ReferralRow(
            1, "epd", "", ANNA, "agb:01000001", date(2024, 1, 2), "?", Counterfactual.HOSPITAL, "arts", date(2024, 1, 9)
        ),
        EvaluationRow(
            1, "epd", "", ANNA, 4, date(2024, 2, 1), "nprs", Effect.SUFFICIENT, Answered.YES, Answered.NO, "",
            NextStep.CONTINUE, None,
        ),
    )  # fmt: skip
    assert [finding.rule for finding in batch.findings] == ["store.not-attached"]
    load(store, episode("E1", date(2024, 1, 8), end=date(2024, 3, 1)), episode("E2", date(2024, 6, 1)))
    data = store.dataset()
    first = data.episodes[[one.start for one in data.episodes].index(date(2024, 1, 8))].episode_id
    assert [one.episode_id for one in data.measurements] == [first]
    assert [one.episode_id for one in data.referrals] == [first]
    assert [one.episode_id for one in data.evaluations] == [first]


def test_an_old_episode_id_leads_to_the_episode_it_became(store: Store) -> None:
    load(store, claim("1", date(2024, 1, 8)), kind="pm304")
    old = store.dataset().episodes[0].episode_id
    load(store, episode("E1", date(2024, 1, 2)))
    new = store.dataset().episodes[0].episode_id
    assert old != new
    assert store.resolve_episode(old) == new
    assert len(store.sessions_of_episode(old)) == 1


def test_another_practice_s_claims_are_marked(store: Store) -> None:
    load(store, claim("1", date(2024, 1, 8), declarant="07999999"), kind="pm304")
    assert [one.foreign for one in store.dataset().episodes] == [True]


def test_a_new_map_of_codes_takes_effect_on_what_was_loaded(store: Store) -> None:
    load(store, claim("1", date(2024, 1, 8), service_code="2999"), kind="pm304")
    assert store.dataset().sessions == ()
    wider = ServiceMap({**SERVICES.types, ("012", "2999"): SessionType.GROUP})
    store.rebuild(replace(SETTINGS, services=wider), by="tester", at=NOW)
    assert [one.type for one in store.dataset().sessions] == [SessionType.GROUP]


def test_unknown_service_codes_are_counted_over_all_patients(store: Store) -> None:
    rows = [claim(str(n), date(2024, 1, 8), PatientKey(epd_number=str(n)), service_code="2999") for n in range(3)]
    batch = load(store, *rows, kind="pm304")
    assert [(one.rule, one.params["count"]) for one in batch.findings] == [("episodes.service-unknown", 3)]


def test_a_line_without_a_reference_is_known_by_what_it_says(store: Store) -> None:
    rows = [claim("", date(2024, 1, 8)), claim("", date(2024, 1, 15))]
    load(store, *rows, kind="pm304")
    load(store, *rows, kind="pm304")
    assert len(store.dataset().sessions) == 2


def test_loads_say_what_who_and_when(store: Store) -> None:
    load(store, claim("1", date(2024, 1, 8)), kind="pm304", digest="a" * 64)
    (one,) = store.loads()
    assert (one.kind, one.file_name, one.by, one.at, one.counts["sessions"]) == ("pm304", "f", "tester", NOW, 1)


def test_more_rows_than_are_written_at_once_are_the_same_rows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from exchange.store import loading

    monkeypatch.setattr(loading, "BUFFER", 3)
    rows = [claim(str(n), date(2024, 1, 1 + n), PatientKey(epd_number=str(n % 4))) for n in range(20)]
    batch = load(store, *rows, kind="pm304")
    assert (batch.counts["patients"], batch.counts["sessions"]) == (4, 20)


def test_no_finding_repeats_a_value_of_a_record(store: Store) -> None:
    canary = PatientKey(bsn="999990019", epd_number="KANARIE")
    batch = load(
        store,
        PatientRow(1, canary, None, Sex.FEMALE, "Kanarie"),
        claim("KANARIE", date(2024, 1, 8), canary, service_code="2999", therapist="KANARIE"),
        PatientRow(1, canary._replace(bsn="999990020"), None, Sex.FEMALE, "Kanarie"),
        measurement("", date(2020, 1, 1), 7, canary),
    )
    assert batch.findings
    assert "KANARIE" not in repr(batch.findings).upper()


def test_a_session_that_names_somebody_elses_episode_stays_apart_in_every_order(tmp_path: Path) -> None:
    episode = EpisodeRow(
        1, SourceKind.EPD, "epd", "E2", PatientKey(bsn="999990019"), date(2024, 2, 14), date(2024, 3, 25), "3427",
        Access.DIRECT, EndReason.UNKNOWN, Answered.UNKNOWN, None, "", "07000001", "t1",
    )  # fmt: skip
    session = SessionRow(
        1, SourceKind.EPD, "epd", "E2", PatientKey(bsn="999990020"), date(2024, 2, 4), SessionType.SESSION, "t1", False
    )
    found = []
    for number, rows in enumerate(([[episode], [session]], [[session], [episode]], [[episode, session]])):
        with Store.create(tmp_path / f"apart-{number}.db", KEYS) as store:
            for some in rows:
                with store.loading(kind="table", file_name="f", digest="", by="t", at=NOW) as batch:
                    for row in some:
                        batch.add(row)
            found.append(store.dataset())
    assert found[0] == found[1] == found[2]
    assert len({one.episode_id for one in found[0].episodes}) == len(found[0].episodes) == 2


def test_an_episode_that_nothing_describes_belongs_to_one_of_the_patients_who_name_it(tmp_path: Path) -> None:
    bella = PatientKey(bsn="999990020")
    rows = [session("E1", date(2024, 3, 13), bella), session("E1", date(2024, 1, 1))]
    kept = []
    for number, files in enumerate((([rows[0]], [rows[1]]), ([rows[1]], [rows[0]]))):
        with Store.create(tmp_path / f"{number}.db", KEYS) as store:
            for file in files:
                load(store, *file)
            kept.append(store.dataset())
    assert kept[0] == kept[1]
    assert len({one.episode_id for one in kept[0].episodes}) == len(kept[0].episodes) == 2


def test_a_new_way_of_naming_is_seen_to_be_somebody_known_even_while_their_description_changes(store: Store) -> None:
    number = PatientKey(epd_number="P2")
    load(store, claim("1", date(2024, 1, 7), number))
    known = ANNA._replace(epd_number="P2")
    load(store, *(PatientRow(1, key, date(1980, 5, 1), Sex.FEMALE, "Naam") for key in (number, known)))
    data = store.dataset()
    assert len(data.patients) == 1
    assert {one.patient_id for one in data.episodes} == {data.patients[0].patient_id}


def test_a_patient_who_comes_back_in_the_file_is_the_same_as_one_whose_lines_stand_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bella = PatientKey(bsn="999990020")
    rows = [claim(str(n), date(2024, 1, n + 1), ANNA if n % 2 else bella) for n in range(12)]
    rows += [claim("c", date(2024, 1, 4), credit=True, previous_reference="3")]
    kept = []
    for at_once in (2, 3, 100):
        monkeypatch.setattr("exchange.store.loading.BUFFER", at_once)
        with Store.create(tmp_path / f"{at_once}.db", KEYS) as store:
            batch = load(store, *rows, kind="pm304")
            kept.append((store.dataset(), batch.counts, batch.findings))
    assert kept[0] == kept[1] == kept[2]
