"""Checking what an agreement lets flow: against its indicators, its legal bases and who the other side is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from exchange.agreements import deriving
from exchange.agreements.agreement import Agreement, FlowTerms
from exchange.agreements.frozen import base
from exchange.agreements.lines import Path
from exchange.agreements.placing import Places
from exchange.findings import Finding
from exchange.indicators.definition import Definition
from exchange.indicators.needing import needed
from exchange.records.codes import PartnerKind
from exchange.records.elements import elements

_SENDERS: Mapping[str, tuple[str, ...]] = {
    "case-opening": ("practice",),
    "outcome-report": ("practice",),
    "feedback-to-referrer": ("practice",),
    "pooled-records": ("practice",),
    "partner-return": ("partner",),
    "partner-aggregates": ("partner",),
    "indicator-report": ("practice", "partner"),
}
_NO_SECRECY = frozenset({PartnerKind.SOCIAL, PartnerKind.CLIENT})
_SHARES = frozenset({"proportion", "completeness", "category-share"})


def check_indicators(agreement: Agreement, definitions: Mapping[str, Definition], places: Places) -> Iterator[Finding]:
    """Check that every indicator exists in its version, that one is primary, and that someone can answer it."""
    seen: set[str] = set()
    for index, indicator in enumerate(agreement.indicators):
        path: Path = ("indicators", index)
        definition = definitions.get(indicator.id)
        if indicator.id in seen:
            yield places.error("agreements.indicator-twice", (*path, "id"), indicator=indicator.id)
        seen.add(indicator.id)
        if definition is None:
            yield places.error("agreements.indicator-unknown", (*path, "id"), indicator=indicator.id)
        elif definition.version != indicator.version:
            versions = {"indicator": indicator.id, "version": definition.version}
            yield places.error("agreements.indicator-version", (*path, "version"), **versions)
        else:
            yield from _target(indicator.target, definition, path, places)
            yield from _supplier(agreement, definition, path, places)
    primary = [indicator for indicator in agreement.indicators if indicator.primary]
    if len(primary) != 1:
        rule = "agreements.primary-many" if primary else "agreements.primary-none"
        yield places.error(rule, ("indicators",))
    elif primary[0].target is None:
        yield places.warning("agreements.primary-without-target", ("indicators",), indicator=primary[0].id)


def _target(target: float | None, definition: Definition, path: Path, places: Places) -> Iterator[Finding]:
    if target is None:
        return
    if definition.improvement == "descriptive":
        yield places.error("agreements.target-descriptive", (*path, "target"), indicator=definition.id)
    if target < 0 or (definition.kind in _SHARES and target > 1):
        yield places.error("agreements.target-range", (*path, "target"), indicator=definition.id)


def _supplier(agreement: Agreement, definition: Definition, path: Path, places: Places) -> Iterator[Finding]:
    asked = [need for need in needed(definition) if need.supplier != "practice"]
    # Who pools asks the practice for what its partners answered; that is for their own agreements to allow.
    if not asked or _pools(agreement):
        return
    suppliers = {supplier.who for supplier in definition.suppliers}
    kinds = agreement.kind.value
    if suppliers == {"client"} and kinds != "client":
        yield places.error("agreements.supplier-client", (*path, "id"), indicator=definition.id)
    elif not any(terms.sender == "partner" for terms in agreement.flows):
        yield places.error("agreements.supplier-missing", (*path, "id"), indicator=definition.id)
    elif kinds not in suppliers:
        who = ", ".join(sorted(suppliers))
        yield places.warning("agreements.supplier-other", (*path, "id"), indicator=definition.id, suppliers=who)


def check_flows(agreement: Agreement, definitions: Mapping[str, Definition], places: Places) -> Iterator[Finding]:
    """Check every flow: sender, purpose, elements, legal bases, secrecy and consent; and the identity that is sent."""
    pinned = deriving.pinned(agreement, definitions)
    purposes = {purpose.id for purpose in agreement.purposes}
    seen: set[tuple[str, str]] = set()
    for index, terms in enumerate(agreement.flows):
        path: Path = ("flows", index)
        if (terms.event, terms.sender) in seen:
            yield places.error("agreements.flow-twice", path, event=terms.event)
        seen.add((terms.event, terms.sender))
        if terms.sender not in _SENDERS[terms.event]:
            yield places.error("agreements.flow-sender", (*path, "from"), event=terms.event)
        if terms.purpose not in purposes:
            yield places.error("agreements.purpose-unknown", (*path, "purpose"), purpose=terms.purpose)
        needed_here = deriving.derived(terms, agreement, pinned)
        yield from _listed(terms, needed_here, path, places)
        if _about_a_patient(needed_here):
            yield from _bases(agreement, terms, path, places)
    yield from _identity(agreement, places)
    yield from _unsupplied(agreement, pinned, places)


def _listed(terms: FlowTerms, needed_here: frozenset[str], path: Path, places: Places) -> Iterator[Finding]:
    """Check a narrowed list of elements against what the indicators need."""
    known = elements()
    for index, element in enumerate(terms.elements):
        place = (*path, "elements", index)
        form = element.partition(":")[2]
        if base(element) not in known or (form and form not in known[base(element)].generalisations):
            yield places.error("agreements.element-unknown", place, element=element)
        elif element not in needed_here and base(element) not in needed_here:
            yield places.error("agreements.element-not-needed", place, element=element)
    if terms.elements:
        left_out = needed_here - {base(one) for one in terms.elements}
        answers = sorted(one for one in left_out if one.startswith(("answer.", "aggregate.")))
        if answers:
            yield places.warning("agreements.element-left-out", (*path, "elements"), elements=", ".join(answers))
    if not needed_here and terms.event not in ("indicator-report", "partner-aggregates"):
        yield places.warning("agreements.flow-empty", path, event=terms.event)


def _bases(agreement: Agreement, terms: FlowTerms, path: Path, places: Places) -> Iterator[Finding]:
    if terms.article_6 == "none":
        yield places.error("agreements.basis-missing", (*path, "article-6"), event=terms.event)
    if terms.article_9 == "none":
        yield places.error("agreements.basis-missing", (*path, "article-9"), event=terms.event)
    if terms.secrecy == "not-applicable" and agreement.kind is not PartnerKind.CLIENT:
        yield places.error("agreements.secrecy-missing", (*path, "secrecy"), event=terms.event)
    outside = agreement.kind in _NO_SECRECY
    if outside and terms.secrecy in ("directly-involved", "presumed-consent"):
        yield places.error("agreements.secrecy-outside", (*path, "secrecy"), event=terms.event)
    by_consent = terms.secrecy == "explicit-consent" or "6-1-a" in terms.article_6 or "9-2-a" in terms.article_9
    # Returns are about the time after treatment or for accountability: being involved in care is no ground then.
    if (outside or by_consent or terms.event == "partner-return") and not terms.consent_required:
        yield places.error("agreements.consent-missing", (*path, "consent"), event=terms.event)


def _identity(agreement: Agreement, places: Places) -> Iterator[Finding]:
    if "patient.bsn" in agreement.identity:
        for index, party in enumerate(agreement.parties):
            if party.role == "partner" and (not party.care_provider or party.kind in _NO_SECRECY):
                yield places.error("agreements.bsn-not-allowed", ("parties", index), party=party.party)
    if agreement.identity and not any(terms.event == "case-opening" for terms in agreement.flows):
        yield places.warning("agreements.identity-unused", ("identity",))


def _unsupplied(agreement: Agreement, pinned: tuple[Definition, ...], places: Places) -> Iterator[Finding]:
    """Find what partners must answer about patients when no case is ever opened with them."""
    back = deriving.from_partner(agreement, pinned)
    about_patients = any(not one.startswith("aggregate.") for one in back)
    opened = any(terms.event == "case-opening" for terms in agreement.flows)
    if about_patients and not opened and not _pools(agreement) and agreement.kind is not PartnerKind.CLIENT:
        yield places.error("agreements.case-never-opened", ("flows",))


def _pools(agreement: Agreement) -> bool:
    return any(terms.event == "pooled-records" for terms in agreement.flows)


def _about_a_patient(used: frozenset[str]) -> bool:
    known = elements()
    return any(known[base(one)].sensitivity != "aggregate" for one in used)
