"""Checking a draft: each fault alone gives its finding, and a draft from a template has none that refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest

from exchange.agreements import checking
from exchange.errors import AgreementError
from exchange.findings import Severity
from exchange.records.codes import PartnerKind

Change = Callable[[dict[str, Any]], None]


def put(*path: str | int, value: Any) -> Change:
    def change(raw: dict[str, Any]) -> None:
        place: Any = raw
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


def add(*path: str | int, value: Any) -> Change:
    def change(raw: dict[str, Any]) -> None:
        place: Any = raw
        for step in path:
            place = place[step]
        place.append(value)

    return change


def drop(*path: str | int) -> Change:
    def change(raw: dict[str, Any]) -> None:
        place: Any = raw
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return change


def all_of(*changes: Change) -> Change:
    def change(raw: dict[str, Any]) -> None:
        for one in changes:
            one(raw)

    return change


TEXT = {"nl": "invented", "en": "invented"}
OPENING, REPORT, RETURN, TOTALS = 0, 1, 3, 4
OWN = {"id": "term", "title": TEXT, "text": TEXT}
EXCEPTION = {"party": "agb:01000001", "suite": "x25519", "until": "2026-06-01", "reason": TEXT}
CASES: Mapping[str, tuple[str, Change]] = {
    "no practice": ("agreements.one-practice", put("parties", 1, "role", value="practice")),
    "no partner": ("agreements.no-partner", put("parties", 1, "role", value="practice")),
    "a party twice": ("agreements.party-twice", put("parties", 1, "id", value="agb:07000001")),
    "another kind": ("agreements.party-kind", put("parties", 1, "kind", value="social")),
    "no card": ("agreements.card-missing", drop("parties", 1, "card")),
    "a local id": ("agreements.party-local", put("parties", 1, "id", value="local:someone")),
    "the practice on paper": ("agreements.practice-on-paper", put("parties", 0, "signs", value="paper")),
    "a term backward": ("agreements.term-backward", put("term", "until", value="2026-01-01")),
    "covering late": ("agreements.covers-late", put("term", "covers-from", value="2026-01-02")),
    "totals late": ("agreements.aggregates-late", put("term", "aggregates-from", value="2026-01-02")),
    "half a baseline": ("agreements.baseline-half", put("indicators", 0, "baseline-from", value="2025-01-01")),
    "a baseline after the start": (
        "agreements.baseline-late",
        all_of(
            put("indicators", 0, "baseline-from", value="2025-01-01"),
            put("indicators", 0, "baseline-until", value="2026-01-02"),
        ),
    ),
    "a baseline backward": (
        "agreements.baseline-late",
        all_of(
            put("indicators", 0, "baseline-from", value="2025-02-01"),
            put("indicators", 0, "baseline-until", value="2025-01-01"),
        ),
    ),
    "evaluations out of order": ("agreements.evaluations-order", add("evaluations", value={"on": "2026-02-01"})),
    "an evaluation twice": ("agreements.evaluations-order", add("evaluations", value={"on": "2028-01-01"})),
    "an evaluation before": ("agreements.evaluation-outside", put("evaluations", 0, "on", value="2025-12-31")),
    "an evaluation after the tail": ("agreements.evaluation-outside", add("evaluations", value={"on": "2029-05-01"})),
    "nothing knowable": ("agreements.evaluation-early", drop("indicators", 1)),
    "the primary known too late": (
        "agreements.primary-late",
        put("evaluations", value=[{"on": "2026-07-01"}, {"on": "2026-12-31"}]),
    ),
    "an exception for nobody": (
        "agreements.exception-party",
        add("keys", "exceptions", value=EXCEPTION | {"party": "agb:01999999"}),
    ),
    "an exception in the past": (
        "agreements.exception-past",
        add("keys", "exceptions", value=EXCEPTION | {"until": "2026-01-01"}),
    ),
    "an exception without end": (
        "agreements.exception-long",
        add("keys", "exceptions", value=EXCEPTION | {"until": "2031-01-01"}),
    ),
    "a clause nobody wrote": ("agreements.clause-not-shipped", add("clauses", value="invented")),
    "a clause left out": ("agreements.clause-missing", lambda raw: raw["clauses"].remove("consent")),
    "a clause of one's own by a known name": ("agreements.clause-twice", put("own-clauses", value=[OWN])),
    "a table of nothing agreed": (
        "agreements.table-indicator",
        add("table-plan", value={"indicator": "measured", "by": ["month"]}),
    ),
    "a table twice": (
        "agreements.table-twice",
        all_of(
            add("table-plan", value={"indicator": "onward-advice", "by": ["month", "sex"]}),
            add("table-plan", value={"indicator": "onward-advice", "by": ["sex", "month"]}),
        ),
    ),
    "a table by therapist": (
        "agreements.table-therapist",
        add("table-plan", value={"indicator": "onward-advice", "by": ["therapist"]}),
    ),
    "a table nobody reads": ("agreements.table-for-nobody", put("onward-use", value=[])),
    "a table no clause tells of": ("agreements.clause-missing", lambda raw: raw["clauses"].remove("onward-use")),
    "a blank": ("agreements.blank", put("parties", 1, "privacy-contact", value="[in te vullen: contact]")),
    "an indicator twice": ("agreements.indicator-twice", put("indicators", 1, "id", value="substitution-net")),
    "an unknown indicator": ("agreements.indicator-unknown", put("indicators", 1, "id", value="invented")),
    "another version": ("agreements.indicator-version", put("indicators", 1, "version", value=99)),
    "no primary": ("agreements.primary-none", put("indicators", 0, "primary", value=False)),
    "two primaries": ("agreements.primary-many", put("indicators", 1, "primary", value=True)),
    "no target": ("agreements.primary-without-target", put("indicators", 0, "target", value=None)),
    "a target above all": ("agreements.target-range", put("indicators", 0, "target", value=70)),
    "a negative target": ("agreements.target-range", put("indicators", 3, "target", value=-1)),
    "a target for a description": (
        "agreements.target-descriptive",
        add("indicators", value={"id": "sessions-per-patient", "version": 1, "primary": False, "target": 9}),
    ),
    "nobody answers": ("agreements.supplier-missing", all_of(drop("flows", TOTALS), drop("flows", RETURN))),
    "a flow twice": ("agreements.flow-twice", lambda raw: raw["flows"].append(raw["flows"][0])),
    "a flow from the wrong side": ("agreements.flow-sender", put("flows", OPENING, "from", value="partner")),
    "a purpose nobody named": ("agreements.purpose-unknown", put("flows", OPENING, "purpose", value="research")),
    "an element nobody knows": ("agreements.element-unknown", put("flows", REPORT, "elements", value=["invented.one"])),
    "a coarser form nobody knows": (
        "agreements.element-unknown",
        put("flows", REPORT, "elements", value=["episode.end:century"]),
    ),
    "an element no indicator needs": (
        "agreements.element-not-needed",
        put("flows", REPORT, "elements", value=["episode.end", "measurement.score"]),
    ),
    "an answer left out": (
        "agreements.element-left-out",
        put("flows", RETURN, "elements", value=["answer.left-list"]),
    ),
    "a flow that carries nothing": (
        "agreements.flow-empty",
        all_of(drop("indicators", 3), drop("indicators", 0), put("flows", TOTALS, "event", value="indicator-report")),
    ),
    "no article 6": ("agreements.basis-missing", put("flows", OPENING, "article-6", value="none")),
    "no article 9": ("agreements.basis-missing", put("flows", OPENING, "article-9", value="none")),
    "no ground to lift secrecy": (
        "agreements.secrecy-missing",
        put("flows", OPENING, "secrecy", value="not-applicable"),
    ),
    "a return without consent": ("agreements.consent-missing", put("flows", RETURN, "consent", value="not-required")),
    "consent as a basis and none asked": (
        "agreements.consent-missing",
        put("flows", OPENING, "article-6", value="6-1-a"),
    ),
    "secrecy by consent and none asked": (
        "agreements.consent-missing",
        put("flows", OPENING, "secrecy", value="explicit-consent"),
    ),
    "a BSN to no care provider": ("agreements.bsn-not-allowed", put("parties", 1, "care-provider", value=False)),
    "an identity that never travels": ("agreements.identity-unused", drop("flows", OPENING)),
    "no case is opened": ("agreements.case-never-opened", drop("flows", OPENING)),
}


@pytest.mark.parametrize(("rule", "change"), CASES.values(), ids=CASES)
def test_each_fault_has_its_finding(world: Any, rule: str, change: Change) -> None:
    def targeted(raw: dict[str, Any]) -> None:
        raw["indicators"][0]["target"] = 0.7
        change(raw)

    draft = world.changed(targeted)
    found = checking.check(draft, world.definitions, world.start)
    assert rule in {finding.rule for finding in found}
    assert all(finding.line for finding in found)
    assert [finding.order for finding in found] == sorted(finding.order for finding in found)


SOCIAL: Mapping[str, tuple[str, Change]] = {
    "a BSN": ("agreements.bsn-not-allowed", add("identity", value="patient.bsn")),
    "a BSN to who calls itself a care provider": (
        "agreements.bsn-not-allowed",
        all_of(add("identity", value="patient.bsn"), put("parties", 1, "care-provider", value=True)),
    ),
    "no consent": ("agreements.consent-missing", put("flows", 0, "consent", value="not-required")),
    "secrecy as if in care": ("agreements.secrecy-outside", put("flows", 0, "secrecy", value="directly-involved")),
    "presumed consent": ("agreements.secrecy-outside", put("flows", 0, "secrecy", value="presumed-consent")),
}


@pytest.mark.parametrize(("rule", "change"), SOCIAL.values(), ids=SOCIAL)
def test_a_social_partner_is_no_care_provider(world: Any, rule: str, change: Change) -> None:
    draft = world.changed(change, PartnerKind.SOCIAL)
    found = checking.check(draft, world.definitions, world.start)
    assert rule in {finding.rule for finding in found if finding.severity is Severity.ERROR}


@pytest.mark.parametrize("kind", [kind for kind in PartnerKind if kind is not PartnerKind.PRACTICE])
def test_a_draft_from_a_template_can_be_signed(world: Any, kind: PartnerKind) -> None:
    found = checking.check(world.draft(kind), world.definitions, world.start)
    assert not [finding for finding in found if finding.severity is Severity.ERROR]


def test_an_agreement_in_the_past_can_not_be_signed(world: Any) -> None:
    draft = world.draft()
    over = date(2028, 1, 1)
    assert "agreements.past" in {finding.rule for finding in checking.check(draft, world.definitions, over)}
    with pytest.raises(AgreementError) as caught:
        checking.require(draft, world.definitions, over)
    assert caught.value.params["path"] == "term.until"
    checking.require(draft, world.definitions, date(2027, 12, 31))


def test_what_the_practice_does_not_know_yet_is_a_marked_blank(world: Any) -> None:
    from exchange.agreements.agreement import Party, Signatory

    partner = Party("agb:01000001", "", "partner", PartnerKind.GP, "paper", Signatory("", ""), "", care_provider=True)
    found = checking.check(world.draft(PartnerKind.GP, partner), world.definitions, world.start)
    blanks = {finding.path for finding in found if finding.rule == "agreements.blank"}
    assert {"parties[1].name", "parties[1].privacy-contact", "parties[1].signatory.function"} <= blanks


def test_an_agreement_without_text_is_checked_without_lines(world: Any) -> None:
    draft = world.changed(put("term", "until", value="2026-01-01"))
    found = checking.check(draft.agreement, world.definitions, world.start)
    assert found
    assert all(finding.line is None for finding in found)


def test_a_definition_only_a_client_answers_is_no_matter_for_a_gp(world: Any) -> None:
    from dataclasses import replace

    known = world.definitions["substitution-net"]
    only = replace(known, suppliers=tuple(one for one in known.suppliers if one.who == "client"))
    definitions = {**world.definitions, "substitution-net": only}
    found = checking.check(world.draft(), definitions, world.start)
    assert "agreements.supplier-client" in {finding.rule for finding in found}


def test_a_partner_the_definition_does_not_name_is_a_warning(world: Any) -> None:
    draft = world.draft(PartnerKind.SPECIALIST, indicators=("specialist-referral-rate", "onward-advice"))
    found = {finding.rule: finding.severity for finding in checking.check(draft, world.definitions, world.start)}
    assert found["agreements.supplier-other"] is Severity.WARNING
