"""The consent of a patient as a FHIR resource that stands alone: for the practice itself, never for a message."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from exchange.messages.codes import BASE, SYSTEMS
from exchange.messages.facts import AgreementReference
from exchange.messages.resources import CONSENT_STATUS, policy
from exchange.records.codes import ConsentState
from exchange.records.model import Consent

_HL7 = "http://terminology.hl7.org/CodeSystem"
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, f"{BASE}/Consent")
# Who said it: the patient, or who decides for or with a child.
_GIVERS: Mapping[str, tuple[str, ...]] = {
    "self": ("Patient",),
    "parents": ("RelatedPerson",),
    "parents-and-self": ("Patient", "RelatedPerson"),
}


def resource(
    said: Consent, *, epd_number: str, practice: str, agreement: AgreementReference, language: str = "nl"
) -> dict[str, Any]:
    """Return the R4 Consent of one patient, partner and purpose; the EPD number is the practice's own."""
    who = {"type": "Patient", "identifier": {"system": f"{BASE}/sid/epd-number", "value": epd_number}}
    name = f"{agreement.agreement_id}/{said.patient_id}/{said.partner}/{said.purpose}"
    given = said.state is ConsentState.GIVEN
    return {
        "resourceType": "Consent",
        "id": str(uuid.uuid5(_SPACE, name)),
        "meta": {"security": [_coding(f"{_HL7}/v3-Confidentiality", "R"), _coding(SYSTEMS["act-code"], "NOAUTH")]},
        "language": language,
        "status": CONSENT_STATUS[said.state],
        "scope": _concept(SYSTEMS["consent-scope"], "patient-privacy"),
        "category": [_concept(SYSTEMS["purpose"], said.purpose)],
        "patient": who,
        "dateTime": said.day.isoformat(),
        "performer": [who if kind == "Patient" else {"type": kind} for kind in _GIVERS.get(said.given_by, ())] or [who],
        "organization": [_organisation(practice)],
        **({"sourceAttachment": {"title": said.evidence}} if said.evidence else {}),
        "policy": [{"uri": policy(agreement)}],
        "provision": {
            "type": "permit" if given else "deny",
            "actor": [
                {"role": _concept(f"{_HL7}/v3-ParticipationType", "IRCP"), "reference": _organisation(said.partner)}
            ],
        },
    }


def _organisation(party: str) -> dict[str, Any]:
    scheme, _, value = party.partition(":")
    if scheme not in SYSTEMS:
        return {"display": party}
    return {"type": "Organization", "identifier": {"system": SYSTEMS[scheme], "value": value}}


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [_coding(system, code)]}


def _coding(system: str, code: str) -> dict[str, str]:
    return {"system": system, "code": code}
