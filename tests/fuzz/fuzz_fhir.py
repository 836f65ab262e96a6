"""FHIR R4 as one Bundle, as one resource, and as NDJSON."""

from __future__ import annotations

import io
import json
from typing import Any

from consuming import consumed

from exchange.sources import fhir_records

_THERAPY = {"coding": [{"system": "http://snomed.info/sct", "code": "229065009"}]}
_SUBJECT = {"reference": "Patient/p1"}
_RESOURCES: tuple[dict[str, Any], ...] = (
    {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "999990019"}],
        "name": [{"text": "Kanarie"}],
        "birthDate": "1970-01-01",
        "gender": "female",
    },
    {"resourceType": "Organization", "id": "o1", "identifier": [{"system": "x/agb-z", "value": "07000001"}]},
    {"resourceType": "Condition", "id": "c1", "code": {"coding": [{"system": "x/dcsph", "code": "3427"}]}},
    {
        "resourceType": "EpisodeOfCare",
        "id": "e1",
        "status": "finished",
        "patient": _SUBJECT,
        "period": {"start": "2024-01-08", "end": "2024-03-08"},
        "diagnosis": [{"condition": {"reference": "Condition/c1"}}],
        "managingOrganization": {"reference": "Organization/o1"},
    },
    {
        "resourceType": "Encounter",
        "id": "n1",
        "status": "finished",
        "subject": _SUBJECT,
        "episodeOfCare": [{"reference": "EpisodeOfCare/e1"}],
        "period": {"start": "2024-01-08T10:00:00+01:00"},
    },
    {"resourceType": "CarePlan", "id": "l1", "status": "active", "subject": _SUBJECT, "category": [_THERAPY],
     "period": {"start": "2024-05-01"}},
    {"resourceType": "Procedure", "id": "r1", "status": "completed", "subject": _SUBJECT, "code": _THERAPY,
     "performedPeriod": {"start": "2024-05-02"}},
    {"resourceType": "Observation", "id": "v1", "status": "final", "subject": _SUBJECT,
     "code": {"coding": [{"system": "http://loinc.org", "code": "72514-3"}]},
     "effectiveDateTime": "2024-01-08", "valueQuantity": {"value": 7}},
    {"resourceType": "QuestionnaireResponse", "id": "q1", "status": "completed", "questionnaire": "x/qbpds",
     "subject": _SUBJECT, "authored": "2024-01-08", "item": [{"linkId": "total", "answer": [{"valueInteger": 40}]}]},
    {"resourceType": "ServiceRequest", "id": "s1", "status": "active", "subject": _SUBJECT, "code": _THERAPY,
     "authoredOn": "2024-01-02", "reasonCode": [{"text": "Kanarie"}]},
)  # fmt: skip
_ENTRIES = [{"fullUrl": f"https://x.example/{one['resourceType']}/{one['id']}", "resource": one} for one in _RESOURCES]
CORPUS = (
    json.dumps({"resourceType": "Bundle", "type": "collection", "entry": _ENTRIES}).encode(),
    "\n".join(json.dumps(one) for one in _RESOURCES).encode(),
    json.dumps(_RESOURCES[0], indent=1).encode(),
)


def one_input(data: bytes) -> None:
    """Read the bytes as records of another system."""
    consumed(lambda: fhir_records.rows(io.BytesIO(data)))
