"""The canonicals of this project and of others that stand in a message, each under one short name.

`BASE` is stable and does not resolve on purpose: the top-level name `invalid` is reserved for that (RFC 2606), so
that no stranger can ever own the address. Sources of the Dutch naming systems: Nictiz-R4-zib2020 (see
docs/messages/README.md); no naming system for DCSPH, KvK or OIN is published there, so those are the project's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BASE = "https://outcome-exchange.invalid/fhir"
_DUTCH = "http://fhir.nl/fhir/NamingSystem"
_HL7 = "http://terminology.hl7.org/CodeSystem"

_OWN_IDENTIFIERS = ("agreement", "case-code", "case-id", "kvk", "message", "oin")
_OWN_CODES = (
    "access",
    "answered",
    "business-status",
    "component",
    "composition",
    "dcsph",
    "dcsph-location",
    "effect",
    "event",
    "goal",
    "instrument",
    "next-step",
    "observation",
    "output",
    "purpose",
    "rule",
    "session-type",
)

SYSTEMS: Mapping[str, str] = {
    "agb": f"{_DUTCH}/agb-z",
    "bsn": f"{_DUTCH}/bsn",
    "ura": f"{_DUTCH}/ura",
    "uzovi": f"{_DUTCH}/uzovi",
    "act-code": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "consent-scope": f"{_HL7}/consentscope",
    "improvement": f"{_HL7}/measure-improvement-notation",
    "loinc": "http://loinc.org",
    "measure-population": f"{_HL7}/measure-population",
    "measure-scoring": f"{_HL7}/measure-scoring",
    "observation-category": f"{_HL7}/observation-category",
    # The list of methods of zib Pijnscore, as nl-core-PainScore binds it.
    "pain-method": "urn:oid:2.16.840.1.113883.2.4.3.11.60.40.4.9.1",
    "participant-type": f"{_HL7}/provenance-participant-type",
    "sct": "http://snomed.info/sct",
    "ucum": "http://unitsofmeasure.org",
} | {
    **{name: f"{BASE}/sid/{name}" for name in _OWN_IDENTIFIERS},
    **{name: f"{BASE}/CodeSystem/{name}" for name in _OWN_CODES},
    "own-population": f"{BASE}/CodeSystem/measure-population",
}
"""Short name -> system URI. A `coding[name]` or `identifier[name]` in a path of elements.json means this system."""

SYSTEM_NAMES: Mapping[str, str] = {uri: name for name, uri in SYSTEMS.items()}

EXTENSIONS = (
    "access",
    "agreement",
    "chronic",
    "counterfactual",
    "end-reason",
    "end-weeks-since-start",
    "figure",
    "interval",
    "onward-advice",
    "recorded-on",
    "weeks-since-start",
)
"""Names of this project's extensions; the URL is `extension_url(name)`."""

FOREIGN_EXTENSIONS: Mapping[str, str] = {
    "absent": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
    "workflow-episode": "http://hl7.org/fhir/StructureDefinition/workflow-episodeOfCare",
    "scored-by": "http://hl7.org/fhir/us/davinci-deqm/StructureDefinition/extension-measureScoring",
}
"""Short name -> URL of the extensions of others that stand in a message."""

PARTY_SCHEMES = ("agb", "kvk", "oin", "ura", "uzovi")


def extension_url(name: str) -> str:
    """Return the URL of one of this project's extensions."""
    return f"{BASE}/StructureDefinition/{name}"


EXTENSION_NAMES: Mapping[str, str] = {extension_url(name): name for name in EXTENSIONS} | {
    url: name for name, url in FOREIGN_EXTENSIONS.items()
}


def questionnaire(instrument: str) -> str:
    """Return the canonical of the Questionnaire of one instrument."""
    return f"{BASE}/Questionnaire/{instrument}"


def endpoint(party: str) -> str:
    """Return the address a message names for a party; files are carried by hand or mail, so it does not resolve."""
    return f"{BASE}/endpoint/{party.replace(':', '/')}"


def measure(element: str) -> str:
    """Return the canonical of the Measure that one aggregate element counts."""
    return f"{BASE}/Measure/{element}"


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of message: the groups of facts it may carry, and the states its Task can be in.

    `states` maps the business status to the FHIR Task status that must stand beside it: the closed-loop lint holds
    messages of others to the same pairs. `one_patient` marks a kind that is about a patient only where it tells of one.
    """

    code: str
    groups: frozenset[str]
    states: Mapping[str, str]
    about_patient: bool = True
    one_patient: bool = False
    asked_by_receiver: bool = True


MOMENTS = (4, 8, 12)
"""The sessions after which the treatment is evaluated, and an interim report can say so."""
_AT_SESSION = {f"interim-{moment}": "in-progress" for moment in MOMENTS}
_REPORT = frozenset({"episode", "referral", "sessions", "measurements", "evaluations"})

EVENTS: Mapping[str, Event] = {
    event.code: event
    for event in (
        Event(
            "case-opening",
            frozenset({"patient", "referral", "episode", "code", "consent"}),
            {"opened": "requested"},
            asked_by_receiver=False,
        ),
        Event(
            "outcome-report",
            _REPORT,
            {"start": "in-progress", "interim": "in-progress", **_AT_SESSION, "end": "completed"},
        ),
        Event("feedback-to-referrer", _REPORT, {"stopped-without-effect": "completed"}),
        Event("partner-return", frozenset({"answers", "referral", "measurements", "reply"}), {"answered": "completed"}),
        Event("partner-aggregates", frozenset({"aggregates"}), {"answered": "completed"}, about_patient=False),
        Event(
            "indicator-report",
            frozenset({"indicators"}),
            {"calculated": "completed"},
            about_patient=False,
            one_patient=True,
        ),
        Event("consent-withdrawn", frozenset({"consent"}), {"withdrawn": "cancelled"}, asked_by_receiver=False),
        Event(
            "acknowledgement",
            frozenset({"reply"}),
            {"received": "accepted", "refused": "rejected"},
            about_patient=False,
        ),
    )
}
"""The closed list of events."""
