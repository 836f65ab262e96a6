"""What must be known of a whole FHIR file before its rows can be made: who is who, and which episodes there are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from exchange.sources.fields import Bad, agb, bsn, diagnosis
from exchange.sources.json_records import Resource
from exchange.sources.resource_fields import codes, day, identifier, items, reference, target, text
from exchange.sources.rows import PatientKey

# SNOMED CT: physical therapy procedure, exercise therapy, stretching exercises.
THERAPY = frozenset({"91251008", "229065009", "229070002"})
# A measurement belongs to an episode from so many days before its start to so many after its end: the end score of
# a responder is the last within 28 days of the end.
_AROUND = timedelta(days=28)
# A referral belongs to the first episode that begins within so many days.
_REFERRED = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Course:
    """One episode of the file: its resource, its patient and its days."""

    key: str
    patient: str
    start: date
    end: date | None


@dataclass(slots=True)
class Index:
    """Facts of the first pass, small ones only; every name of a resource leads to `Type/id`."""

    names: dict[str, str] = field(default_factory=dict)
    patients: dict[str, PatientKey] = field(default_factory=dict)
    providers: dict[str, str] = field(default_factory=dict)
    diagnoses: dict[str, str] = field(default_factory=dict)
    encounters: dict[str, str] = field(default_factory=dict)
    requests: dict[str, str] = field(default_factory=dict)
    courses: dict[str, list[Course]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    base: str = ""

    @property
    def system(self) -> str:
        """Name the server the ids are of, as far as the file tells: its address never leaves this digest."""
        return f"fhir:{hashlib.sha256(self.base.encode()).hexdigest()[:16]}" if self.base else "fhir"

    def name(self, given: str) -> str:
        """Return `Type/id` for a reference."""
        return self.names.get(given, given)

    def patient(self, resource: Resource, *path: str) -> PatientKey:
        """Return the patient a resource points to."""
        found = self.patients.get(self.name(reference(resource, *path)))
        if found is None:
            raise Bad("patient", "sources.patient-missing")
        return found

    def course(self, resource: Resource, on: date | None) -> str:
        """Return the key of the episode a resource belongs to: by its encounter, else by its patient and day."""
        by_encounter = self.name(self.encounters.get(self.name(reference(resource, "encounter")), ""))
        if by_encounter in self.keys:
            return by_encounter
        if on is None:
            return ""
        fitting = [
            course
            for course in self._of(resource)
            if course.start - on <= _AROUND and (course.end is None or on - course.end <= _AROUND)
        ]
        return max(fitting, key=lambda one: (one.start <= on, one.start, one.key)).key if fitting else ""

    def lead_on(self) -> None:
        """Replace what was named by urn, once all names are known: a plan may stand before what its urn names."""
        led: dict[str, list[Course]] = {}
        for patient, courses in self.courses.items():
            led.setdefault(self.name(patient), []).extend(courses)
        self.courses = led
        self.encounters = {self.name(encounter): episode for encounter, episode in self.encounters.items()}
        self.requests = {self.name(request): episode for request, episode in self.requests.items()}

    def referred_to(self, resource: Resource, on: date | None) -> str:
        """Return the key of the episode a referral began: the one that names it, else the first within a year."""
        known = self.requests.get(identity(resource), "") or self.course(resource, None)
        if known or on is None or not is_therapy(resource):
            return known
        after = [course for course in self._of(resource) if timedelta(0) <= course.start - on <= _REFERRED]
        return min(after, key=lambda one: (one.start, one.key)).key if after else ""

    def diagnosis_of(self, given: Iterable[str]) -> str:
        """Return the first DCSPH code among the conditions."""
        return next((code for one in given if (code := self.diagnoses.get(self.name(one), ""))), "")

    def _of(self, resource: Resource) -> list[Course]:
        return self.courses.get(self.name(reference(resource, "subject")), [])


def is_therapy(resource: Resource) -> bool:
    """Tell whether a care plan, visit, procedure or request is about exercise therapy."""
    places = (("category",), ("code",), ("type",), ("serviceType",), ("activity", "detail", "code"))
    return any(code in THERAPY for place in places for _, code in codes(resource, *place))


def identity(resource: Resource) -> str:
    """Return `Type/id`, or nothing for a resource without an id."""
    given = text(resource, "id")
    return f"{resource['resourceType']}/{given}" if given and len(given) <= 64 else ""


def add(index: Index, url: str, resource: Resource) -> None:
    """Take from one resource what others need."""
    own = identity(resource)
    if not own:
        return
    if url.startswith("urn:"):
        index.names[url] = own
    elif url.endswith("/" + own) and not index.base:
        index.base = url.removesuffix("/" + own)
    take = _TAKERS.get(resource["resourceType"])
    if take is not None:
        take(index, own, resource)


def _patient(index: Index, own: str, resource: Resource) -> None:
    try:
        index.patients[own] = PatientKey(bsn=bsn(identifier(resource, "/bsn")))
    except Bad:
        index.patients[own] = PatientKey(system=index.system, key=own)


def _provider(index: Index, own: str, resource: Resource) -> None:
    try:
        found = agb(identifier(resource, "/agb-z") or identifier(resource, "2.16.840.1.113883.2.4.6.1"), "agb")
    except Bad:
        return
    if found:
        index.providers[own] = found


def _condition(index: Index, own: str, resource: Resource) -> None:
    for system, code in codes(resource, "code"):
        if system.casefold().endswith("dcsph") and (found := diagnosis(code)):
            index.diagnoses[own] = found


def _encounter(index: Index, own: str, resource: Resource) -> None:
    for one in items(resource, "episodeOfCare"):
        index.encounters[own] = target(text(one, "reference"))


def _episode(index: Index, own: str, resource: Resource) -> None:
    _course(index, own, resource, "patient")
    if own in index.keys:
        for one in items(resource, "referralRequest"):
            index.requests.setdefault(target(text(one, "reference")), own)


def _plan(index: Index, own: str, resource: Resource) -> None:
    if is_therapy(resource) and text(resource, "status") in {"active", "completed", "on-hold", "revoked"}:
        _course(index, own, resource, "subject")
        if made := reference(resource, "encounter"):
            index.encounters.setdefault(index.name(made), own)


def _course(index: Index, own: str, resource: Resource, subject: str) -> None:
    start = day(resource, "period", "start")
    if start is not None and own not in index.keys:
        patient = index.name(reference(resource, subject))
        index.courses.setdefault(patient, []).append(Course(own, patient, start, day(resource, "period", "end")))
        index.keys.add(own)


_TAKERS = {
    "Patient": _patient,
    "Practitioner": _provider,
    "PractitionerRole": _provider,
    "Organization": _provider,
    "Condition": _condition,
    "Encounter": _encounter,
    "EpisodeOfCare": _episode,
    "CarePlan": _plan,
}
