"""FHIR R4 records of another system as rows: only those of exercise therapy and its patients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import BinaryIO

from exchange.records.codes import Access, Answered, Counterfactual, EndReason, SessionType, Sex, SourceKind
from exchange.records.instruments import Instrument, find_instrument, instruments
from exchange.sources.fhir_index import Index, add, identity, is_therapy
from exchange.sources.fields import Bad
from exchange.sources.fields import text as bounded
from exchange.sources.json_records import Resource, resources
from exchange.sources.questionnaires import TOTALS, answers, settled
from exchange.sources.resource_fields import codes, day, items, needed_day, reference, target, text
from exchange.sources.rows import (
    EpisodeRow,
    MeasurementRow,
    PatientRow,
    ReferralRow,
    Rejected,
    Row,
    SessionRow,
)

# LOINC "pain severity - reported" is the same scale as the one the instrument names.
_MORE_LOINC = {"38208-5": "nprs"}
_FINAL = frozenset({"final", "amended", "corrected"})


def rows(file: BinaryIO) -> Iterator[Row | Rejected]:
    """Read twice: first who is who, then the rows; a patient without an episode of exercise therapy is left out."""
    index = Index()
    broken: list[Rejected] = []
    for _, url, resource in resources(file, broken.append):
        add(index, url, resource)
    yield from broken
    index.lead_on()
    for number, _, resource in resources(file, _told_before):
        make = _MAKERS.get(resource["resourceType"])
        if make is None:
            continue
        try:
            row = make(index, number, resource)
        except Bad as bad:
            yield Rejected(number, f"{resource['resourceType']}.{bad.field}", bad.rule)
        else:
            if row is not None:
                yield row


def _told_before(_: Rejected) -> None:
    """Leave out of the second reading what the first one rejected."""


def _patient(index: Index, number: int, resource: Resource) -> PatientRow | None:
    own = identity(resource)
    if own not in index.patients or own not in index.courses:
        return None
    names = sorted(items(resource, "name"), key=lambda one: text(one, "use") != "official")
    given = [str(part) for part in names[0].get("given", []) if isinstance(part, str)] if names else []
    name = (text(names[0], "text") or " ".join((*given, text(names[0], "family")))) if names else ""
    gender = text(resource, "gender")
    sex = Sex(gender) if gender in set(Sex) else Sex.UNKNOWN
    return PatientRow(number, index.patients[own], day(resource, "birthDate"), sex, bounded(name, "name", 200))


def _episode(index: Index, number: int, resource: Resource) -> EpisodeRow | None:
    if text(resource, "status") in {"planned", "cancelled", "entered-in-error", "waitlist"}:
        return None
    conditions = [target(text(one, "reference")) for one in items(resource, "diagnosis", "condition")]
    return _row(
        index,
        number,
        resource,
        subject="patient",
        diagnosis=index.diagnosis_of(conditions),
        declarant=_provider(index, resource, "managingOrganization"),
        therapist=_provider(index, resource, "careManager"),
    )


def _plan(index: Index, number: int, resource: Resource) -> EpisodeRow | None:
    if not is_therapy(resource) or text(resource, "status") not in {"active", "completed", "on-hold", "revoked"}:
        return None
    conditions = [target(text(one, "reference")) for one in items(resource, "addresses")]
    return _row(
        index, number, resource, subject="subject", diagnosis=index.diagnosis_of(conditions), declarant="", therapist=""
    )


def _row(
    index: Index, number: int, resource: Resource, *, subject: str, diagnosis: str, declarant: str, therapist: str
) -> EpisodeRow:
    start, end = needed_day(resource, "start", "period", "start"), day(resource, "period", "end")
    if end is not None and end < start:
        raise Bad("end", "sources.end-before-start")
    key = identity(resource)
    if not key:
        raise Bad("id", "sources.blank")
    return EpisodeRow(
        line=number,
        kind=SourceKind.FHIR,
        system=index.system,
        key=key,
        patient=index.patient(resource, subject),
        start=start,
        end=end,
        diagnosis=diagnosis,
        access=Access.REFERRED if next(items(resource, "referralRequest"), None) else Access.UNKNOWN,
        end_reason=EndReason.UNKNOWN,
        onward_advice=Answered.UNKNOWN,
        chronic=None,
        instrument="",
        declarant=declarant,
        therapist=therapist,
    )


def _encounter(index: Index, number: int, resource: Resource) -> SessionRow | None:
    """Take a visit as a session: one within an episode of care, or one that says that it was exercise therapy."""
    episodes = [index.name(target(text(one, "reference"))) for one in items(resource, "episodeOfCare")]
    key = next((one for one in episodes if one in index.keys), "")
    if not (key or is_therapy(resource)) or text(resource, "status") not in {"finished", "onleave", "in-progress"}:
        return None
    on = needed_day(resource, "day", "period", "start")
    key = key or index.course(resource, on)
    therapist = _first_provider(index, resource, "participant", "individual")
    return _session(index, number, resource, key, on, therapist) if key else None


def _procedure(index: Index, number: int, resource: Resource) -> SessionRow | None:
    if not is_therapy(resource) or text(resource, "status") != "completed":
        return None
    on = day(resource, "performedDateTime") or needed_day(resource, "day", "performedPeriod", "start")
    key = index.course(resource, on)
    therapist = _first_provider(index, resource, "performer", "actor")
    return _session(index, number, resource, key, on, therapist) if key else None


def _session(index: Index, number: int, resource: Resource, key: str, on: date, therapist: str) -> SessionRow:
    patient = index.patient(resource, "subject")
    return SessionRow(
        number, SourceKind.FHIR, index.system, key, patient, on, SessionType.SESSION, therapist, self_paid=False
    )


def _observation(index: Index, number: int, resource: Resource) -> MeasurementRow | None:
    instrument = _instrument(resource)
    if instrument is None or text(resource, "status") not in _FINAL:
        return None
    on = day(resource, "effectiveDateTime") or day(resource, "effectiveInstant")
    on = on or day(resource, "effectivePeriod", "start")
    value = next((one.get("value") for one in items(resource, "valueQuantity")), resource.get("valueInteger"))
    return _measurement(index, number, resource, instrument, on, value)


def _response(index: Index, number: int, resource: Resource) -> MeasurementRow | None:
    """Take the total of a questionnaire whose address ends in the name of an instrument, or score its answers."""
    name = text(resource, "questionnaire").partition("|")[0].rstrip("/").rpartition("/")[2]
    instrument = find_instrument(name) if name else None
    if instrument is None or text(resource, "status") not in {"completed", "amended"}:
        return None
    total = next((one for one in items(resource, "item") if text(one, "linkId").casefold() in TOTALS), {})
    answer = next(items(total, "answer"), {})
    value = answer.get("valueInteger", answer.get("valueDecimal"))
    return _measurement(index, number, resource, instrument, day(resource, "authored"), value, answers(resource))


def _measurement(
    index: Index,
    number: int,
    resource: Resource,
    instrument: Instrument,
    on: date | None,
    value: object,
    items: Sequence[str | None] = (),
) -> MeasurementRow | None:
    key = index.course(resource, on)
    if not key:
        return None
    if on is None:
        raise Bad("day", "sources.day")
    total = None if value is None and items else _total(instrument, value)
    score, from_items = settled(instrument, total, items)
    patient = index.patient(resource, "subject")
    return MeasurementRow(number, index.system, key, patient, instrument.id, on, score, from_items)


def _total(instrument: Instrument, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not -(10**9) < value < 10**9:
        raise Bad("score", "sources.score")
    # Other systems send more digits than the instrument has.
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-instrument.decimals), ROUND_HALF_EVEN)
    score = instrument.score_from_text(str(rounded))
    if score is None:
        raise Bad("score", "sources.score")
    return score


def _instrument(resource: Resource) -> Instrument | None:
    known = {one.loinc: one.id for one in instruments().values() if one.loinc} | _MORE_LOINC
    for system, code in codes(resource, "code"):
        if system == "http://loinc.org" and code in known:
            return find_instrument(known[code])
        if system.endswith("/CodeSystem/instrument") and (found := find_instrument(code)):
            return found
    # A system without codes for it has the name.
    named = (text(resource, "code", "text"), *(text(one, "display") for one in items(resource, "code", "coding")))
    return next((found for name in named if name and (found := find_instrument(name))), None)


def _request(index: Index, number: int, resource: Resource) -> ReferralRow | None:
    if text(resource, "status") in {"draft", "revoked", "entered-in-error"}:
        return None
    on = day(resource, "authoredOn")
    key = index.referred_to(resource, on)
    if not key:
        return None
    referrer = _provider(index, resource, "requester")
    alternative, recorded = _counterfactual(resource)
    return ReferralRow(
        line=number,
        system=index.system,
        episode_key=key,
        patient=index.patient(resource, "subject"),
        referrer=f"agb:{referrer}" if referrer else "",
        day=on,
        question=bounded(text(resource, "reasonCode", "text") or text(resource, "note", "text"), "question"),
        counterfactual=alternative,
        answered_by=f"agb:{referrer}" if referrer and alternative is not Counterfactual.UNKNOWN else "",
        recorded_on=recorded,
    )


def _counterfactual(resource: Resource) -> tuple[Counterfactual, date | None]:
    """Read this project's own extensions, where a referrer's system wrote them."""
    found, recorded = Counterfactual.UNKNOWN, None
    for extension in items(resource, "extension"):
        name = text(extension, "url").rpartition("/")[2]
        code = text(extension, "valueCode")
        if name == "counterfactual" and code in set(Counterfactual):
            found = Counterfactual(code)
        if name == "recorded-on":
            recorded = day(extension, "valueDate")
    return found, recorded


def _provider(index: Index, resource: Resource, *path: str) -> str:
    return index.providers.get(index.name(reference(resource, *path)), "")


def _first_provider(index: Index, resource: Resource, *path: str) -> str:
    named = (index.name(target(text(one, "reference"))) for one in items(resource, *path))
    return next((index.providers[one] for one in named if one in index.providers), "")


_MAKERS: dict[str, Callable[[Index, int, Resource], Row | None]] = {
    "Patient": _patient,
    "EpisodeOfCare": _episode,
    "CarePlan": _plan,
    "Encounter": _encounter,
    "Procedure": _procedure,
    "Observation": _observation,
    "QuestionnaireResponse": _response,
    "ServiceRequest": _request,
}
