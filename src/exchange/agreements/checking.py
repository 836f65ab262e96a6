"""Checking a draft: every finding at once, each with its place, before anyone signs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from exchange.agreements import clauses, deriving, life
from exchange.agreements.agreement import Agreement
from exchange.agreements.frozen import Frozen
from exchange.agreements.lines import Lined, Path
from exchange.agreements.minimising import check_flows, check_indicators
from exchange.agreements.placing import Places
from exchange.agreements.reading import Draft
from exchange.errors import AgreementError
from exchange.findings import Finding, Severity
from exchange.indicators.definition import Definition
from exchange.indicators.moments import add_months
from exchange.records.codes import PartnerKind

BLANK = {"nl": "[in te vullen", "en": "[to fill in"}
# Clauses without which the text promises less than the gate enforces, or leaves out what the law asks for.
_REQUIRED: Mapping[PartnerKind, tuple[str, ...]] = {
    PartnerKind.CLIENT: ("client-letter", "client-data", "client-consent", "client-rights"),
}
_REQUIRED_ELSE = (
    "parties",
    "occasion",
    "legal-bases",
    "consent",
    "indicators",
    "exchange",
    "identity",
    "evaluation",
    "retention",
    "security",
    "breach",
    "term",
    "ending",
    "changes",
    "signing",
)


def check(draft: Draft | Agreement, definitions: Mapping[str, Definition], on: date) -> tuple[Finding, ...]:
    """Return every finding on a draft as of a day, sorted; with an error among them it can't be signed."""
    agreement, lined = (draft.agreement, draft.lined) if isinstance(draft, Draft) else (draft, None)
    places = Places(lined)
    found = [
        *_parties(agreement, places),
        *_dates(agreement, on, places),
        *_evaluations(agreement, definitions, places),
        *_exceptions(agreement, on, places),
        *_accession(agreement, places),
        *_clauses(agreement, places),
        *_tables(agreement, places),
        *_blanks(agreement.raw, (), lined),
        *check_indicators(agreement, definitions, places),
        *check_flows(agreement, definitions, places),
    ]
    return tuple(sorted(found, key=lambda finding: finding.order))


def require(draft: Draft | Agreement, definitions: Mapping[str, Definition], on: date, *, blanks: bool = False) -> None:
    """Raise AgreementError unless a draft is free of errors; with `blanks`, places still to fill in are none."""
    errors = [
        finding
        for finding in check(draft, definitions, on)
        if finding.severity is Severity.ERROR and not (blanks and finding.rule == "agreements.blank")
    ]
    if errors:
        raise AgreementError(
            "agreements.not-ready",
            hints=("hint.agreements.check",),
            count=len(errors),
            path=errors[0].path,
            first=errors[0].rule,
        )


def _parties(agreement: Agreement, places: Places) -> Iterator[Finding]:
    roles = [party.role for party in agreement.parties]
    if roles.count("practice") != 1:
        yield places.error("agreements.one-practice", ("parties",))
    if "partner" not in roles:
        yield places.error("agreements.no-partner", ("parties",))
    seen: set[str] = set()
    for index, party in enumerate(agreement.parties):
        path: Path = ("parties", index)
        if party.party in seen:
            yield places.error("agreements.party-twice", (*path, "id"), party=party.party)
        seen.add(party.party)
        wanted = agreement.kind if party.role == "partner" else PartnerKind.PRACTICE
        if party.kind is not wanted:
            yield places.error("agreements.party-kind", (*path, "kind"), wanted=wanted.value)
        if party.signs == "keys" and not party.card:
            yield places.error("agreements.card-missing", path, party=party.party)
        local = party.party.startswith("local:")
        if local and party.kind is not PartnerKind.CLIENT:
            yield places.error("agreements.party-local", (*path, "id"))
        if party.signs == "paper" and party.role == "practice":
            yield places.error("agreements.practice-on-paper", (*path, "signs"))


def _dates(agreement: Agreement, on: date, places: Places) -> Iterator[Finding]:
    term = agreement.term
    if term.until <= term.start:
        yield places.error("agreements.term-backward", ("term", "until"))
    elif life.last_day(agreement, on) <= on:
        yield places.error("agreements.past", ("term", "until"), until=term.until)
    if term.covers_from > term.start:
        yield places.error("agreements.covers-late", ("term", "covers-from"))
    if term.aggregates_from > term.covers_from:
        yield places.error("agreements.aggregates-late", ("term", "aggregates-from"))
    for index, indicator in enumerate(agreement.indicators):
        first, last = indicator.baseline_from, indicator.baseline_until
        path = ("indicators", index, "baseline-until")
        if (first is None) != (last is None):
            yield places.error("agreements.baseline-half", path)
        elif first is not None and last is not None and not first < last <= term.start:
            yield places.error("agreements.baseline-late", path)


def _evaluations(agreement: Agreement, definitions: Mapping[str, Definition], places: Places) -> Iterator[Finding]:
    pinned = deriving.pinned(agreement, definitions)
    frozen = Frozen(agreement, "", (), {}, (), {}, deriving.window(pinned))
    last = life.follow_up_until(frozen, max(agreement.term.until, agreement.term.start))
    days = [moment.on for moment in agreement.evaluations]
    if days != sorted(set(days)):
        yield places.error("agreements.evaluations-order", ("evaluations",))
    for index, day in enumerate(days):
        if not agreement.term.start <= day <= last:
            yield places.error("agreements.evaluation-outside", ("evaluations", index, "on"))
    known = {one.id: one.knowable(agreement.term.covers_from) for one in pinned}
    if known and days and min(known.values()) > min(days):
        yield places.warning("agreements.evaluation-early", ("evaluations", 0, "on"), first=min(known.values()))
    primary = agreement.primary
    if primary is not None and primary.id in known and days and known[primary.id] > max(days):
        yield places.warning("agreements.primary-late", ("evaluations",), first=known[primary.id], indicator=primary.id)


def _exceptions(agreement: Agreement, on: date, places: Places) -> Iterator[Finding]:
    for index, one in enumerate(agreement.exceptions):
        path: Path = ("keys", "exceptions", index)
        if agreement.party(one.party) is None:
            yield places.error("agreements.exception-party", (*path, "party"))
        if one.until <= on:
            yield places.warning("agreements.exception-past", (*path, "until"), until=one.until)
        if one.until > add_months(agreement.term.until, 24):
            yield places.warning("agreements.exception-long", (*path, "until"))


def _accession(agreement: Agreement, places: Places) -> Iterator[Finding]:
    """A framework is open to its own kind of party only: what may flow was derived for that kind."""
    terms = agreement.accession
    if terms is None:
        return
    if agreement.kind is PartnerKind.CLIENT:
        yield places.error("agreements.accession-clients", ("accession",))
    elif any(kind is not agreement.kind for kind in terms.kinds):
        yield places.error("agreements.accession-kind", ("accession", "kinds"), wanted=agreement.kind.value)
    if terms.until is not None and not agreement.term.start < terms.until <= agreement.term.until:
        yield places.error("agreements.accession-until", ("accession", "until"))
    late = terms.passphrase_until is not None and terms.passphrase_until > add_months(agreement.term.until, 24)
    if late:
        yield places.warning("agreements.exception-long", ("accession", "passphrase-until"))
    if "accession" not in agreement.clauses:
        yield places.error("agreements.clause-missing", ("clauses",), clause="accession")


def _clauses(agreement: Agreement, places: Places) -> Iterator[Finding]:
    shipped = clauses.known()
    for index, clause in enumerate(agreement.clauses):
        if clause not in shipped:
            yield places.error("agreements.clause-not-shipped", ("clauses", index), clause=clause)
    for clause in _REQUIRED.get(agreement.kind, _REQUIRED_ELSE):
        if clause not in agreement.clauses:
            yield places.error("agreements.clause-missing", ("clauses",), clause=clause)
    ids = [*agreement.clauses, *(one.id for one in agreement.own_clauses)]
    for index, one in enumerate(agreement.own_clauses):
        if ids.count(one.id) > 1:
            yield places.error("agreements.clause-twice", ("own-clauses", index, "id"), clause=one.id)


def _tables(agreement: Agreement, places: Places) -> Iterator[Finding]:
    """Check the table plan: of agreed indicators, each once, printed in a clause, and with somebody to read it."""
    known = {one.id for one in agreement.indicators}
    seen: set[tuple[str, frozenset[str]]] = set()
    for index, one in enumerate(agreement.table_plan):
        path: Path = ("table-plan", index)
        if one.indicator not in known:
            yield places.error("agreements.table-indicator", (*path, "indicator"), indicator=one.indicator)
        if (one.indicator, frozenset(one.by)) in seen:
            yield places.error("agreements.table-twice", path, indicator=one.indicator)
        seen.add((one.indicator, frozenset(one.by)))
        if "therapist" in one.by:
            yield places.warning("agreements.table-therapist", (*path, "by"), indicator=one.indicator)
    if not agreement.table_plan:
        return
    if agreement.kind is not PartnerKind.CLIENT and "onward-use" not in agreement.clauses:
        yield places.error("agreements.clause-missing", ("clauses",), clause="onward-use")
    if not agreement.onward_use and agreement.terms("indicator-report", "practice") is None:
        yield places.warning("agreements.table-for-nobody", ("table-plan",))


def _blanks(value: Any, path: Path, lined: Lined | None) -> Iterator[Finding]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _blanks(one, (*path, key), lined)
    elif isinstance(value, list | tuple):
        for index, one in enumerate(value):
            yield from _blanks(one, (*path, index), lined)
    elif isinstance(value, str) and any(blank in value for blank in BLANK.values()):
        yield Places(lined).error("agreements.blank", path)
