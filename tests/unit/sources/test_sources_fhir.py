"""FHIR records of another system give the episodes of exercise therapy, and nobody else's data."""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import SourceError
from exchange.records.codes import Access, Counterfactual, SourceKind
from exchange.sources.fhir_records import rows
from exchange.sources.reading import read
from exchange.sources.rows import EpisodeRow, MeasurementRow, PatientRow, ReferralRow, Rejected, SessionRow

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "999990019"}],
    "name": [{"use": "official", "given": ["A."], "family": "Voorbeeld"}],
    "gender": "female",
    "birthDate": "1970-01-01",
}
THERAPIST = {
    "resourceType": "Practitioner",
    "id": "t1",
    "identifier": [{"system": "http://fhir.nl/fhir/NamingSystem/agb-z", "value": "07000002"}],
}
CONDITION = {
    "resourceType": "Condition",
    "id": "c1",
    "code": {"coding": [{"system": "https://example.invalid/CodeSystem/dcsph", "code": "3427"}]},
    "subject": {"reference": "Patient/p1"},
}
EPISODE = {
    "resourceType": "EpisodeOfCare",
    "id": "e1",
    "status": "finished",
    "patient": {"reference": "Patient/p1"},
    "diagnosis": [{"condition": {"reference": "Condition/c1"}}],
    "period": {"start": "2024-01-08", "end": "2024-03-15"},
    "careManager": {"reference": "Practitioner/t1"},
}
ENCOUNTER = {
    "resourceType": "Encounter",
    "id": "v1",
    "status": "finished",
    "class": {"code": "AMB"},
    "subject": {"reference": "Patient/p1"},
    "episodeOfCare": [{"reference": "EpisodeOfCare/e1"}],
    "participant": [{"individual": {"reference": "Practitioner/t1"}}],
    "period": {"start": "2024-01-08T23:30:00Z"},
}
OBSERVATION = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "code": {"coding": [{"system": LOINC, "code": "72514-3"}]},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2024-01-09",
    "valueQuantity": {"value": 7.0489, "unit": "{score}"},
}
REQUEST = {
    "resourceType": "ServiceRequest",
    "id": "r1",
    "status": "active",
    "intent": "order",
    "code": {"coding": [{"system": SNOMED, "code": "229065009"}]},
    "subject": {"reference": "Patient/p1"},
    "authoredOn": "2024-01-02",
    "requester": {"reference": "Practitioner/t1"},
    "reasonCode": [{"text": "lage rugpijn"}],
    "extension": [
        {"url": "https://example.invalid/StructureDefinition/counterfactual", "valueCode": "hospital"},
        {"url": "https://example.invalid/StructureDefinition/recorded-on", "valueDate": "2024-01-02"},
    ],
}
ALL = (PATIENT, THERAPIST, CONDITION, EPISODE, ENCOUNTER, OBSERVATION, REQUEST)


def bundle(*resources: Any) -> bytes:
    entries = [{"fullUrl": f"urn:uuid:{one.get('id')}", "resource": one} for one in resources]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def found(data: bytes) -> list[Any]:
    return list(rows(io.BytesIO(data)))


def refused(data: bytes) -> str:
    with pytest.raises(SourceError) as error:
        found(data)
    return error.value.rule


def changed(resource: Any, **changes: Any) -> Any:
    return {**resource, **changes}


def test_a_bundle_gives_patient_episode_session_measurement_and_referral() -> None:
    patient, episode, session, measurement, referral = found(bundle(*ALL))
    assert isinstance(patient, PatientRow)
    assert (patient.patient.bsn, patient.name) == ("999990019", "A. Voorbeeld")
    assert isinstance(episode, EpisodeRow)
    assert (episode.kind, episode.key, episode.diagnosis, episode.therapist) == (
        SourceKind.FHIR,
        "EpisodeOfCare/e1",
        "3427",
        "07000002",
    )
    # Half past midnight in Amsterdam.
    assert isinstance(session, SessionRow)
    assert (session.episode_key, session.day) == ("EpisodeOfCare/e1", date(2024, 1, 9))
    assert isinstance(measurement, MeasurementRow)
    assert (measurement.instrument, measurement.score, measurement.episode_key) == ("nprs", 70, "EpisodeOfCare/e1")
    assert isinstance(referral, ReferralRow)
    assert (referral.referrer, referral.counterfactual, referral.recorded_on, referral.question) == (
        "agb:07000002",
        Counterfactual.HOSPITAL,
        date(2024, 1, 2),
        "lage rugpijn",
    )


def test_the_order_of_the_entries_does_not_matter() -> None:
    kinds = Counter(type(row) for row in found(bundle(*ALL)))
    assert Counter(type(row) for row in found(bundle(*reversed(ALL)))) == kinds


def test_ndjson_gives_the_same_rows_by_line() -> None:
    data = b"\n".join(json.dumps(one).encode() for one in ALL) + b"\n"
    assert [row.line for row in found(data)] == [1, 4, 5, 6, 7]


def test_references_by_urn_are_led_to_what_they_name() -> None:
    episode = changed(EPISODE, patient={"reference": "urn:uuid:p1"})
    assert len(found(bundle(episode, PATIENT))) == 2


def test_a_patient_without_a_citizen_service_number_goes_by_their_id() -> None:
    patient = found(bundle(changed(PATIENT, identifier=[]), EPISODE))[0]
    assert (patient.patient.system, patient.patient.key) == ("fhir", "Patient/p1")


def test_ids_of_two_servers_are_kept_apart_without_their_address() -> None:
    def of(server: str) -> str:
        entry = {"fullUrl": f"https://{server}.invalid/fhir/EpisodeOfCare/e1", "resource": EPISODE}
        return found(json.dumps({"resourceType": "Bundle", "entry": [entry, {"resource": PATIENT}]}).encode())[0].system

    assert of("one") != of("two")
    assert "invalid" not in of("one")


def test_who_has_no_exercise_therapy_is_left_out() -> None:
    other = changed(PATIENT, id="p2")
    pain = changed(OBSERVATION, subject={"reference": "Patient/p2"})
    assert len(found(bundle(PATIENT, EPISODE, other, pain))) == 2


def test_a_score_far_from_any_episode_is_left_out() -> None:
    for day, count in [("2023-12-11", 1), ("2023-12-10", 0), ("2024-04-12", 1), ("2024-04-13", 0)]:
        made = found(bundle(PATIENT, EPISODE, changed(OBSERVATION, effectiveDateTime=day)))
        assert sum(isinstance(row, MeasurementRow) for row in made) == count


def test_a_care_plan_of_exercise_therapy_is_an_episode_and_another_is_not() -> None:
    plan = {
        "resourceType": "CarePlan",
        "id": "k1",
        "status": "completed",
        "category": [{"coding": [{"system": SNOMED, "code": "91251008"}]}],
        "subject": {"reference": "Patient/p1"},
        "addresses": [{"reference": "Condition/c1"}],
        "period": {"start": "2024-01-08T10:00:00+01:00"},
    }
    diet = changed(plan, id="k2", category=[])
    assert [row.key for row in found(bundle(PATIENT, CONDITION, plan, diet)) if isinstance(row, EpisodeRow)] == [
        "CarePlan/k1"
    ]


def test_a_procedure_of_exercise_therapy_is_a_session_of_its_days() -> None:
    procedure = {
        "resourceType": "Procedure",
        "id": "b1",
        "status": "completed",
        "code": {"coding": [{"system": SNOMED, "code": "229065009"}]},
        "subject": {"reference": "Patient/p1"},
        "performedPeriod": {"start": "2024-02-01"},
        "performer": [{"actor": {"reference": "Practitioner/t1"}}],
    }
    (session,) = (row for row in found(bundle(PATIENT, THERAPIST, EPISODE, procedure)) if isinstance(row, SessionRow))
    assert (session.day, session.therapist) == (date(2024, 2, 1), "07000002")


def test_a_questionnaires_total_is_a_score() -> None:
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": "https://example.invalid/Questionnaire/qbpds|1",
        "subject": {"reference": "Patient/p1"},
        "authored": "2024-01-08",
        "item": [{"linkId": "1"}, {"linkId": "total", "answer": [{"valueInteger": 41}]}],
    }
    made = found(bundle(PATIENT, EPISODE, response))[-1]
    assert (made.instrument, made.score) == ("qbpds", 41)


@pytest.mark.parametrize(
    ("resource", "field", "rule"),
    [
        (changed(EPISODE, period={"start": "2024"}), "EpisodeOfCare.start", "sources.day"),
        (changed(EPISODE, period={"start": "2024-02-01", "end": "2024-01-01"}), "EpisodeOfCare.end", None),
        (changed(EPISODE, patient={"reference": "Patient/none"}), "EpisodeOfCare.patient", "sources.patient-missing"),
        (changed(OBSERVATION, valueQuantity={"value": 12}), "Observation.score", "sources.score"),
        (changed(OBSERVATION, valueQuantity={"value": "7"}), "Observation.score", "sources.score"),
        (changed(OBSERVATION, valueQuantity={}), "Observation.score", "sources.score"),
    ],
)
def test_a_bad_resource_is_rejected_by_its_place(resource: Any, field: str, rule: str | None) -> None:
    rejected = [row for row in found(bundle(PATIENT, EPISODE, resource)) if isinstance(row, Rejected)]
    assert [(one.line, one.field) for one in rejected] == [(3, field)]
    assert rule is None or rejected[0].rule == rule


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"{", "sources.json"),
        (b"[]", "sources.not-fhir"),
        (b'{"a": 1}', "sources.not-fhir"),
        (b'{"resourceType": "Patient", "id": "1", "id": "2"}', "sources.json"),
        (b'{"resourceType": "Patient", "a": NaN}', "sources.json"),
        (b'{"resourceType": "Patient", "a": ' + b"[" * 100 + b"]" * 100 + b"}", "sources.json-limits"),
        (b'{"resourceType": "Bundle", "entry": {}}', "sources.not-fhir"),
    ],
)
def test_what_is_no_fhir_json_is_refused(data: bytes, rule: str) -> None:
    assert refused(data) == rule


@pytest.mark.shared
def test_forty_records_of_another_maker_load_with_their_therapy_and_pain_scores(shared: Path, tmp_path: Path) -> None:
    folder = shared / "synthea"
    if not folder.is_dir():
        pytest.skip("../shared/synthea is not here")
    counts: Counter[str] = Counter()
    file = tmp_path / "record.json"
    for packed in sorted(folder.glob("*.json.gz")):
        file.write_bytes(gzip.decompress(packed.read_bytes()))
        made = list(read(file).rows())
        counts.update(type(row).__name__ for row in made)
        assert all(row.instrument == "nprs" for row in made if isinstance(row, MeasurementRow))
    assert counts["PatientRow"] == 40
    assert counts["EpisodeRow"] == 48
    assert counts["MeasurementRow"] >= 40
    assert counts["Rejected"] == 0


def lines(*resources: dict[str, Any] | bytes, end: bytes = b"\n") -> bytes:
    return end.join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in resources)


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (json.dumps(PATIENT).encode()[:60], "sources.line-json"),
        (b'{"resourceType": "Patient", "id": "1", "id": "2"}', "sources.line-json"),
        (b"Kanarie", "sources.line-json"),
        (b'{"id": "p1"}', "sources.line-not-fhir"),
        (b'{"resourceType": "Bundle", "entry": {}}', "sources.line-not-fhir"),
        (b'{"resourceType": "Patient", "a": ' + b"[" * 100 + b"]" * 100 + b"}", "sources.line-limits"),
    ],
)
def test_a_broken_line_goes_to_the_rejects_and_the_others_load(broken: bytes, rule: str) -> None:
    good = [PATIENT, CONDITION, EPISODE, ENCOUNTER]
    for place in range(len(good) + 1):
        data = lines(*good[:place], broken, *good[place:])
        found = list(rows(io.BytesIO(data)))
        assert [row for row in found if isinstance(row, Rejected)] == [Rejected(place + 1, "record", rule)]
        assert [type(row) for row in found if not isinstance(row, Rejected)] == [PatientRow, EpisodeRow, SessionRow]


def test_a_line_without_an_end_is_passed_over_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.sources.json_records.LINE_LIMIT", 1000)
    data = lines(PATIENT, b'{"resourceType": "' + b"x" * 5000, EPISODE)
    found = list(rows(io.BytesIO(data)))
    assert found[0] == Rejected(2, "record", "sources.line-limits")
    assert [type(row) for row in found[1:]] == [PatientRow, EpisodeRow]


def test_a_bundle_over_several_lines_is_not_taken_for_lines() -> None:
    inner = json.dumps(PATIENT)
    data = '{"resourceType": "Bundle", "entry": [{"resource":\n' + inner + '\n},{"resource":\n' + json.dumps(EPISODE)
    assert [type(row) for row in rows(io.BytesIO((data + "\n}]}").encode()))] == [PatientRow, EpisodeRow]
    assert refused((data + "\n").encode()) == "sources.json"


def test_an_episode_of_nobody_is_rejected_beside_a_patient_without_an_id() -> None:
    nobody = {name: value for name, value in EPISODE.items() if name != "patient"}
    nameless = {name: value for name, value in PATIENT.items() if name != "id"}
    assert list(rows(io.BytesIO(lines(nameless, nobody)))) == [
        Rejected(2, "EpisodeOfCare.patient", "sources.patient-missing")
    ]


def test_a_visit_that_says_it_was_exercise_therapy_goes_by_its_day() -> None:
    therapy = [{"coding": [{"system": SNOMED, "code": "229065009"}]}]
    visit = {name: value for name, value in ENCOUNTER.items() if name != "episodeOfCare"}
    assert not [row for row in rows(io.BytesIO(lines(PATIENT, EPISODE, visit))) if isinstance(row, SessionRow)]
    for place in ("type", "serviceType"):
        found = rows(io.BytesIO(lines(PATIENT, EPISODE, {**visit, place: therapy})))
        assert [row.episode_key for row in found if isinstance(row, SessionRow)] == ["EpisodeOfCare/e1"]
    late = {**visit, "type": therapy, "period": {"start": "2025-01-08"}}
    assert not [row for row in rows(io.BytesIO(lines(PATIENT, EPISODE, late))) if isinstance(row, SessionRow)]


def test_an_episode_that_names_its_request_was_referred_by_it_whatever_the_request_says() -> None:
    request = {name: value for name, value in REQUEST.items() if name not in {"code", "authoredOn"}}
    episode = {**EPISODE, "referralRequest": [{"reference": "ServiceRequest/r1"}]}
    found = list(rows(io.BytesIO(lines(PATIENT, THERAPIST, episode, request))))
    assert [row.access for row in found if isinstance(row, EpisodeRow)] == [Access.REFERRED]
    assert [(row.episode_key, row.referrer) for row in found if isinstance(row, ReferralRow)] == [
        ("EpisodeOfCare/e1", "agb:07000002")
    ]


def test_a_score_may_be_named_in_words_only() -> None:
    words = {"text": "NPRS"}, {"coding": [{"display": "Pijnscore (NPRS)"}]}, {"coding": [{"code": "x"}]}
    found = [rows(io.BytesIO(lines(PATIENT, EPISODE, {**OBSERVATION, "code": code}))) for code in words]
    assert [[type(row) for row in some][2:] for some in found] == [[MeasurementRow], [MeasurementRow], []]


def test_a_bundle_whose_resources_have_no_ids_but_addresses_is_read() -> None:
    urns = {name: f"urn:uuid:00000000-0000-4000-8000-00000000000{number}" for number, name in enumerate("pec")}
    patient, episode, visit = (
        {name: value for name, value in one.items() if name != "id"} for one in (PATIENT, EPISODE, ENCOUNTER)
    )
    episode |= {"patient": {"reference": urns["p"]}, "diagnosis": []}
    visit |= {"subject": {"reference": urns["p"]}, "episodeOfCare": [{"reference": urns["e"]}]}
    entries = [{"fullUrl": urns[name], "resource": one} for name, one in (("c", visit), ("e", episode), ("p", patient))]
    data = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()
    found = list(rows(io.BytesIO(data)))
    assert [type(row) for row in found] == [SessionRow, EpisodeRow, PatientRow]
    assert found[0].episode_key == found[1].key
    assert found[0].patient == found[1].patient == found[2].patient
