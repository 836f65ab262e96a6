"""A message while it is being put together: entries with their ids, and the small shapes FHIR repeats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from exchange.messages.codes import SYSTEMS, extension_url
from exchange.messages.profiles import canonical, profile_of

Resource = dict[str, Any]

_ORDER = (
    "MessageHeader",
    "Task",
    "ServiceRequest",
    "Patient",
    "Organization",
    "PractitionerRole",
    "EpisodeOfCare",
    "Condition",
    "Goal",
    "Procedure",
    "Encounter",
    "QuestionnaireResponse",
    "Observation",
    "MeasureReport",
    "OperationOutcome",
    "Consent",
    "Provenance",
    "Composition",
)


class Draft:
    """The entries of one Bundle; what is added returns the reference to it."""

    def __init__(self, fhir_id: Callable[[], str]) -> None:
        """Take the source of random ids: one UUID, in lower case, for each call."""
        self._fhir_id = fhir_id
        self._entries: list[tuple[str, Resource]] = []

    def add(self, resource_type: str, content: Mapping[str, Any], *, resource_id: str | None = None) -> Resource:
        """Add a resource with the profile it keeps and return a Reference to it; what is None or empty is left out."""
        uuid = self._fhir_id()
        told = present(content)
        claim = profile_of({"resourceType": resource_type, **told})
        meta = {"meta": {"profile": [canonical(claim)]}} if claim else {}
        resource = {"resourceType": resource_type, "id": resource_id or uuid, **meta, **told}
        self._entries.append((f"urn:uuid:{uuid}", resource))
        return {"reference": f"urn:uuid:{uuid}"}

    def entries(self) -> list[Resource]:
        """Return the entries in the order of a message: header, task, and then what they point to."""
        ordered = sorted(self._entries, key=lambda entry: _ORDER.index(entry[1]["resourceType"]))
        return [{"fullUrl": url, "resource": resource} for url, resource in ordered]


def present(content: Mapping[str, Any]) -> Resource:
    """Leave out what is None or empty: FHIR knows no empty arrays, objects or strings."""
    return {name: value for name, value in content.items() if value is not None and value not in ({}, [], "")}


def concept(system: str, code: object) -> Resource:
    """Return a CodeableConcept with one coding, its system by short name."""
    return {"coding": [{"system": SYSTEMS[system], "code": str(code)}]}


def identifier(system: str, value: str) -> Resource:
    """Return an Identifier, its system by short name."""
    return {"system": SYSTEMS[system], "value": value}


def party_identifier(party: str) -> Resource:
    """Return the Identifier of a party written `scheme:value`."""
    scheme, _, value = party.partition(":")
    return identifier(scheme, value)


def extension(name: str, value_type: str, value: object) -> list[Resource]:
    """Return one of this project's extensions in a list, or an empty list where there is no value."""
    if value is None:
        return []
    plain = value if isinstance(value, bool | int) else str(value)
    return [{"url": extension_url(name), f"value{value_type}": plain}]


def day(value: date | None) -> str | None:
    """Write a calendar date."""
    return None if value is None else value.isoformat()


def last_day(end: date) -> str:
    """Write the end of a half-open window as FHIR's Period means it: the last day that is still inside."""
    return (end - timedelta(days=1)).isoformat()


def number(value: Decimal | None) -> int | float | None:
    """Write a decimal so that its shortest text is the value: 7.5 stays 7.5, 7.0 becomes 7."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)
