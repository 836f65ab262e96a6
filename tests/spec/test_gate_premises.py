"""The gate as a table: a question that is allowed, and each premise flipped alone, which must refuse it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from exchange.agreements import drafting, gate, reading, signing
from exchange.agreements.agreement import Party, Signatory
from exchange.agreements.facts import CardState, CaseFacts, Direction, Question, Suite
from exchange.agreements.frozen import Frozen
from exchange.errors import Refused
from exchange.findings import say
from exchange.findings.wording import catalogue
from exchange.indicators.reading import shipped_definitions
from exchange.records.codes import ConsentState, PartnerKind
from exchange.signing.canonical import canonical

START = date(2026, 1, 1)
UNTIL = date(2028, 1, 1)
TODAY = date(2026, 6, 1)
# The end, twelve months (the longest window of its indicators), ninety days.
TAIL_OVER = date(2029, 1, 1) + timedelta(days=90)
PRACTICE, ONE, TWO = "agb:07000001", "agb:01000001", "agb:01000002"


def party(id_: str, role: str, kind: PartnerKind, signs: str = "keys") -> Party:
    card = "4" * 40 if signs == "keys" else ""
    return Party(
        id_, f"Invented {id_}", role, kind, signs, Signatory("owner", "register"), "fg@x.invalid", True, card=card
    )


def frozen(kind: PartnerKind, *partners: Party, change: Callable[[dict[str, Any]], None] | None = None) -> Frozen:
    definitions = shipped_definitions()
    text = drafting.new(
        kind,
        party(PRACTICE, "practice", PartnerKind.PRACTICE),
        partners,
        id="invented",
        on=START,
        definitions=definitions,
        indicators=(
            "substitution-net",
            "onward-advice",
            *(("specialist-referral-rate",) if kind is PartnerKind.GP else ()),
        ),
        passphrase_until=date(2026, 12, 1),
    )
    draft, findings = reading.read(text.encode(), "draft.yaml")
    assert draft is not None, findings
    payload = signing.freeze(draft.agreement, definitions, on=START)
    if change is None:
        return signing.thaw(payload)
    # What a careless or hostile partner could have got signed: the gate must still refuse it.
    content = json.loads(payload)
    change(content)
    return signing.thaw(canonical(content))


GP = frozen(PartnerKind.GP, party(ONE, "partner", PartnerKind.GP), party(TWO, "partner", PartnerKind.GP, "paper"))
CASE = CaseFacts(opened_on=date(2026, 3, 1), belongs=True, consent=ConsentState.GIVEN)


def returned(text: Frozen = GP, **changes: Any) -> Question:
    """A GP's answers come in: allowed unless something is changed."""
    question = Question(
        direction=Direction.IN,
        event="partner-return",
        us=PRACTICE,
        party=ONE,
        digest=text.digest,
        purpose="effect",
        elements=frozenset({"case.id", "answer.specialist-referral"}),
        on=TODAY,
        signed=frozenset({PRACTICE, ONE}),
        card=CardState.VERIFIED,
        period=(date(2026, 3, 1), date(2026, 5, 1)),
        case=CASE,
    )
    return replace(question, **changes)


def opening(text: Frozen = GP, **changes: Any) -> Question:
    """A case is opened with the GP: allowed unless something is changed."""
    question = Question(
        direction=Direction.OUT,
        event="case-opening",
        us=PRACTICE,
        party=ONE,
        digest=text.digest,
        purpose="treatment",
        elements=frozenset({"case.id", "patient.bsn", "episode.start"}),
        on=TODAY,
        signed=frozenset({PRACTICE, ONE}),
        card=CardState.VERIFIED,
        period=(date(2026, 3, 1), date(2026, 5, 1)),
        case=CaseFacts(opened_on=None, belongs=True),
    )
    return replace(question, **changes)


def totals(text: Frozen = GP, **changes: Any) -> Question:
    """Totals without patients come in: no case, no consent."""
    question = returned(
        text,
        event="partner-aggregates",
        elements=frozenset({"aggregate.specialist-referrals"}),
        period=(date(2025, 1, 1), date(2026, 1, 1)),
        case=None,
    )
    return replace(question, **changes)


def pooling(content: dict[str, Any]) -> None:
    """Let pooled records go out under an agreement, with consent."""
    terms = next(flow for flow in content["agreement"]["flows"] if flow["event"] == "partner-return")
    content["agreement"]["flows"].append({**terms, "event": "pooled-records", "from": "practice"})
    elements = ["patient.birth-date:year", "episode.start:week"]
    content["flows"].append({"event": "pooled-records", "from": "practice", "elements": elements})


POOL = frozen(PartnerKind.OTHER, party(ONE, "partner", PartnerKind.OTHER), change=pooling)


def pooled(text: Frozen = POOL, **changes: Any) -> Question:
    """Pooled records go out: no case, and to who treats nobody."""
    question = opening(
        text,
        event="pooled-records",
        purpose="effect",
        elements=frozenset({"patient.birth-date:year", "episode.start:week"}),
        case=CaseFacts(opened_on=None, belongs=False, consent=ConsentState.GIVEN),
    )
    return replace(question, **changes)


def failing(question: Question, text: Frozen = GP) -> set[str]:
    return {premise.rule.removesuffix(".refused") for premise in gate.decide(question, text).failed}


@pytest.mark.parametrize("question", [returned(), opening(), totals()], ids=["return", "opening", "totals"])
def test_a_question_that_keeps_the_agreement_is_allowed(question: Question) -> None:
    decision = gate.require(question, GP)
    assert decision.allowed
    assert len(decision.premises) >= 11


ALONE: Mapping[str, tuple[str, Question]] = {
    "another text": ("gate.text", returned(digest="0" * 64)),
    "no text": ("gate.text", returned(digest="")),
    "the practice did not sign": ("gate.signed", returned(signed=frozenset({ONE}))),
    "the partner did not accede": ("gate.signed", returned(signed=frozenset({PRACTICE, TWO}))),
    "nobody signed": ("gate.signed", returned(signed=frozenset())),
    "the day before the term": (
        "gate.begun",
        returned(on=START - timedelta(days=1), case=replace(CASE, opened_on=START - timedelta(days=1))),
    ),
    "an event nobody agreed on": (
        "gate.event",
        totals(event="indicator-report", elements=frozenset(), purpose="effect"),
    ),
    "another purpose": ("gate.purpose", returned(purpose="treatment")),
    "a purpose nobody knows": ("gate.purpose", returned(purpose="research")),
    "an element outside": ("gate.elements", returned(elements=frozenset({"case.id", "answer.surgery"}))),
    "an element of another flow": ("gate.elements", returned(elements=frozenset({"case.id", "episode.end"}))),
    "an element nobody knows": ("gate.elements", returned(elements=frozenset({"case.id", "invented.element"}))),
    "data from before": ("gate.period", returned(period=(date(2025, 12, 31), date(2026, 5, 1)))),
    "totals from before": ("gate.period", totals(period=(date(2024, 12, 31), date(2026, 1, 1)))),
    "a period beyond the tail": ("gate.period", returned(period=(date(2026, 3, 1), TAIL_OVER + timedelta(days=1)))),
    "a period backward": ("gate.period", returned(period=(date(2026, 5, 1), date(2026, 3, 1)))),
    "a case never opened": ("gate.case", returned(case=replace(CASE, opened_on=None))),
    "a case opened later": ("gate.case", returned(case=replace(CASE, opened_on=TODAY + timedelta(days=1)))),
    "another partner's patient, in": ("gate.belongs", returned(case=replace(CASE, belongs=False))),
    "another partner's patient, out": ("gate.belongs", opening(case=CaseFacts(None, belongs=False))),
    "consent never asked": ("gate.consent", returned(case=replace(CASE, consent=None))),
    "consent refused": ("gate.consent", returned(case=replace(CASE, consent=ConsentState.REFUSED))),
    "consent withdrawn": ("gate.consent", returned(case=replace(CASE, consent=ConsentState.WITHDRAWN))),
    "objection without consent asked": (
        "gate.consent",
        opening(case=CaseFacts(None, belongs=True, consent=ConsentState.REFUSED)),
    ),
    "withdrawal without consent asked": (
        "gate.consent",
        opening(case=CaseFacts(None, belongs=True, consent=ConsentState.WITHDRAWN)),
    ),
    "an unverified card, out": ("gate.card", opening(card=CardState.UNVERIFIED)),
    "an unverified card, in": ("gate.card", returned(card=CardState.UNVERIFIED)),
    "a revoked card, out": ("gate.card", opening(card=CardState.REVOKED)),
    "a revoked card, in": ("gate.card", returned(card=CardState.REVOKED)),
    "a rotated card, out": ("gate.card", opening(card=CardState.ROTATED)),
    "two cards with one serial": ("gate.card", returned(card=CardState.BLOCKED)),
    "a weaker suite": ("gate.suite", opening(suite=Suite.X25519)),
    "a passphrase without exception": ("gate.suite", opening(suite=Suite.PASSPHRASE)),
    "a form from who has keys": ("gate.suite", returned(suite=Suite.FORM)),
}


@pytest.mark.parametrize(("rule", "question"), ALONE.values(), ids=ALONE)
def test_each_premise_refuses_alone(rule: str, question: Question) -> None:
    assert failing(question) == {rule}


@pytest.mark.parametrize("lost", ["flows", "agreement"])
def test_a_flow_must_stand_in_the_terms_and_in_the_derived_list(lost: str) -> None:
    def without(content: dict[str, Any]) -> None:
        part = content if lost == "flows" else content["agreement"]
        part["flows"] = [flow for flow in part["flows"] if flow["event"] != "partner-aggregates"]

    text = frozen(PartnerKind.GP, party(ONE, "partner", PartnerKind.GP), change=without)
    assert "gate.event" in failing(totals(text, elements=frozenset()), text)


def test_the_first_day_of_the_term_and_the_edges_of_the_period_are_inside() -> None:
    assert not failing(returned(on=START, case=replace(CASE, opened_on=START)))
    assert not failing(returned(period=(START, START)))
    assert not failing(returned(period=(START, TAIL_OVER)))


@pytest.mark.parametrize(
    ("question", "left_out"),
    [
        (returned(), {"gate.tail", "gate.version", "gate.bsn"}),
        (returned(period=None), {"gate.tail", "gate.version", "gate.bsn", "gate.period"}),
        (opening(), {"gate.tail", "gate.version", "gate.case", "gate.consent"}),
        (totals(), {"gate.tail", "gate.version", "gate.bsn", "gate.case", "gate.belongs", "gate.consent"}),
    ],
    ids=["return", "no period", "opening", "totals"],
)
def test_a_premise_that_a_question_does_not_raise_is_left_out(question: Question, left_out: set[str]) -> None:
    every = {rule for rule, _, _ in gate._PREMISES}
    assert {premise.rule for premise in gate.decide(question, GP).premises} == every - left_out


def test_pooled_records_have_no_case_and_need_all_the_rest() -> None:
    assert not failing(pooled(), POOL)
    asked = {premise.rule for premise in gate.decide(pooled(), POOL).premises}
    assert asked == {rule for rule, _, _ in gate._PREMISES} - {
        "gate.tail",
        "gate.version",
        "gate.bsn",
        "gate.case",
        "gate.belongs",
    }
    assert failing(pooled(case=CaseFacts(None, belongs=False)), POOL) == {"gate.consent"}
    withdrawn = CaseFacts(None, belongs=False, consent=ConsentState.WITHDRAWN)
    assert failing(pooled(case=withdrawn), POOL) == {"gate.consent"}
    exact = frozenset({"patient.birth-date", "episode.start:week"})
    assert failing(pooled(elements=exact), POOL) == {"gate.elements"}


def test_consent_that_was_given_is_shown_where_it_was_not_needed() -> None:
    given = opening(case=CaseFacts(None, belongs=True, consent=ConsentState.GIVEN))
    assert "gate.consent" in {premise.rule for premise in gate.decide(given, GP).premises}


def test_a_party_that_is_not_in_the_agreement_is_refused() -> None:
    assert "gate.party" in failing(returned(party="agb:01999999"))
    assert "gate.party" in failing(returned(us="agb:07999999"))


def test_partners_of_one_group_exchange_nothing_with_each_other() -> None:
    question = opening(us=ONE, party=TWO, signed=frozenset({PRACTICE, ONE, TWO}), elements=frozenset({"case.id"}))
    assert "gate.party" in failing(question)


def test_the_same_rules_hold_on_the_partners_side() -> None:
    sent = returned(direction=Direction.OUT, us=ONE, party=PRACTICE)
    received = opening(direction=Direction.IN, us=ONE, party=PRACTICE)
    assert not failing(sent)
    assert not failing(received)
    assert failing(replace(sent, signed=frozenset({PRACTICE}))) == {"gate.signed"}
    # What the practice may send, a partner may not.
    assert "gate.event" in failing(opening(direction=Direction.IN))


class TestTheTail:
    last = UNTIL - timedelta(days=1)

    def test_the_last_day_is_still_in_force(self) -> None:
        assert not failing(opening(on=self.last))
        assert failing(opening(on=UNTIL)) == {"gate.tail"}

    def test_answers_come_in_until_the_tail_is_over(self) -> None:
        assert not failing(returned(on=UNTIL))
        assert not failing(returned(on=TAIL_OVER - timedelta(days=1)))
        assert failing(returned(on=TAIL_OVER)) == {"gate.in-time"}

    def test_a_case_opened_after_the_end_gets_no_answers(self) -> None:
        late = returned(on=date(2028, 3, 1), case=replace(CASE, opened_on=UNTIL))
        assert failing(late) == {"gate.tail"}
        assert not failing(returned(on=date(2028, 3, 1), case=replace(CASE, opened_on=self.last)))

    def test_reports_only_go_out_as_corrections(self) -> None:
        report = opening(event="outcome-report", elements=frozenset({"case.id", "episode.end"}), case=CASE)
        assert not failing(report)
        later = replace(report, on=date(2028, 3, 1))
        assert failing(later) == {"gate.tail"}
        assert not failing(replace(later, correction=True))

    def test_ending_early_begins_the_tail_early(self) -> None:
        assert failing(opening(ended_on=TODAY)) == {"gate.tail"}
        assert not failing(returned(ended_on=TODAY))
        assert not failing(opening(ended_on=TODAY + timedelta(days=1)))

    def test_ending_early_makes_the_tail_end_early(self) -> None:
        # TODAY, twelve months, ninety days.
        over = date(2027, 6, 1) + timedelta(days=90)
        assert not failing(returned(ended_on=TODAY, on=over - timedelta(days=1)))
        assert failing(returned(ended_on=TODAY, on=over)) == {"gate.in-time"}
        assert not failing(returned(ended_on=TODAY, period=(START, over)))
        assert failing(returned(ended_on=TODAY, period=(START, over + timedelta(days=1)))) == {"gate.period"}


class TestRenewal:
    """An agreement that renews itself: every premise about time moves on with it."""

    @staticmethod
    def renewed() -> Frozen:
        def automatic(content: dict[str, Any]) -> None:
            content["agreement"]["term"] |= {"renewal": "automatic", "renewal-months": 12}

        return frozen(PartnerKind.GP, party(ONE, "partner", PartnerKind.GP), change=automatic)

    def test_it_is_in_force_after_its_first_end_until_somebody_ends_it(self) -> None:
        text = self.renewed()
        assert not failing(opening(text, on=UNTIL), text)
        assert not failing(opening(text, on=date(2035, 1, 1)), text)
        assert failing(opening(text, on=date(2035, 1, 1), ended_on=date(2034, 12, 31)), text) == {"gate.tail"}

    def test_the_period_may_go_on_to_the_tail_of_the_renewed_term(self) -> None:
        text = self.renewed()
        # The second end, twelve months, ninety days.
        last = date(2030, 1, 1) + timedelta(days=90)
        assert not failing(opening(text, on=UNTIL, period=(START, last)), text)
        assert failing(opening(text, on=UNTIL, period=(START, last + timedelta(days=1))), text) == {"gate.period"}

    def test_the_sentence_names_the_renewed_end(self) -> None:
        text = self.renewed()
        assert details("gate.in-time", opening(text, on=UNTIL), text)["until"] == date(2029, 1, 1)


class TestVersions:
    def test_an_older_version_is_accepted_for_thirty_days_when_made_before_the_switch(self) -> None:
        switched = TODAY - timedelta(days=29)
        assert not failing(returned(superseded_on=switched, before_switch=True))
        assert failing(returned(superseded_on=switched)) == {"gate.version"}
        assert failing(returned(superseded_on=TODAY - timedelta(days=30), before_switch=True)) == {"gate.version"}

    def test_nothing_goes_out_under_an_older_version(self) -> None:
        assert failing(opening(superseded_on=TODAY, before_switch=True)) == {"gate.version"}
        assert not failing(opening(superseded_on=TODAY + timedelta(days=1)))


class TestWithdrawalsAndReceipts:
    def bare(self, **changes: Any) -> Question:
        gone = replace(CASE, consent=ConsentState.WITHDRAWN)
        return opening(
            event="consent-withdrawn", purpose="effect", elements=frozenset({"case.id"}), case=gone, **changes
        )

    def test_a_withdrawal_is_told_although_consent_is_gone(self) -> None:
        assert not failing(self.bare())
        assert not failing(self.bare(on=date(2028, 3, 1)))

    def test_it_carries_a_case_number_and_nothing_else(self) -> None:
        assert failing(replace(self.bare(), elements=frozenset({"case.id", "episode.start"}))) == {"gate.elements"}
        assert failing(replace(self.bare(), purpose="research")) == {"gate.purpose"}


class TestTheBsn:
    def test_goes_to_no_partner_outside_care(self) -> None:
        def outside(content: dict[str, Any]) -> None:
            content["agreement"]["parties"][1]["care-provider"] = False

        text = frozen(PartnerKind.GP, party(ONE, "partner", PartnerKind.GP), change=outside)
        assert failing(opening(text), text) == {"gate.bsn"}

    def test_goes_to_no_social_partner_whatever_the_text_says(self) -> None:
        def social(content: dict[str, Any]) -> None:
            content["agreement"]["parties"][1]["kind"] = "social"

        text = frozen(PartnerKind.GP, party(ONE, "partner", PartnerKind.GP), change=social)
        assert failing(opening(text), text) == {"gate.bsn"}

    def test_goes_nowhere_when_the_agreement_does_not_name_it(self) -> None:
        def unnamed(content: dict[str, Any]) -> None:
            content["agreement"]["identity"] = []

        text = frozen(PartnerKind.GP, party(ONE, "partner", PartnerKind.GP), change=unnamed)
        assert failing(opening(text), text) == {"gate.bsn"}

    def test_is_judged_by_the_receiver_on_either_side(self) -> None:
        assert not failing(opening(direction=Direction.IN, us=ONE, party=PRACTICE))

        def outside(content: dict[str, Any]) -> None:
            content["agreement"]["parties"][1]["care-provider"] = False

        # The practice is a care provider, but here it is not the one who receives.
        text = frozen(PartnerKind.GP, party(ONE, "partner", PartnerKind.GP), change=outside)
        assert failing(opening(text, direction=Direction.IN, us=ONE, party=PRACTICE), text) == {"gate.bsn"}


class TestPaper:
    signed = frozenset({PRACTICE, TWO})

    def test_a_form_comes_in_from_who_signed_on_paper(self) -> None:
        question = returned(party=TWO, signed=self.signed, card=CardState.PAPER, suite=Suite.FORM)
        assert not failing(question)

    def test_a_form_never_goes_out(self) -> None:
        question = opening(party=TWO, signed=self.signed, card=CardState.PAPER, suite=Suite.FORM)
        assert failing(question) == {"gate.suite"}

    def test_a_passphrase_file_goes_out_until_its_exception_ends(self) -> None:
        question = opening(party=TWO, signed=self.signed, card=CardState.PAPER, suite=Suite.PASSPHRASE)
        assert not failing(replace(question, on=date(2026, 11, 30)))
        assert failing(replace(question, on=date(2026, 12, 1))) == {"gate.suite"}

    def test_a_passphrase_file_never_comes_in(self) -> None:
        question = returned(party=TWO, signed=self.signed, card=CardState.PAPER, suite=Suite.PASSPHRASE)
        assert failing(question) == {"gate.suite"}

    def test_paper_has_no_sealed_files(self) -> None:
        assert failing(opening(party=TWO, signed=self.signed, card=CardState.PAPER)) == {"gate.suite"}

    def test_who_signs_with_keys_has_a_card(self) -> None:
        assert "gate.card" in failing(returned(card=CardState.PAPER, suite=Suite.FORM))


class TestClients:
    """Each client signs a copy of their own, which is recorded as consent; the practice signs the model."""

    text = frozen(
        PartnerKind.CLIENT,
        Party(
            "local:clients", "Clients", "partner", PartnerKind.CLIENT, "paper", Signatory("each", "self"), "see letter"
        ),
    )

    def page(self, **changes: Any) -> Question:
        usual = returned(
            self.text, party="local:clients", signed=frozenset({PRACTICE}), card=CardState.PAPER, suite=Suite.FORM
        )
        return replace(usual, **changes)

    def test_a_clients_page_comes_in_with_their_consent(self) -> None:
        assert not failing(self.page(), self.text)
        assert failing(self.page(case=replace(CASE, consent=None)), self.text) == {"gate.consent"}

    def test_the_practice_must_have_signed(self) -> None:
        assert failing(self.page(signed=frozenset()), self.text) == {"gate.signed"}

    def test_only_what_clients_are_asked_comes_in(self) -> None:
        asked = self.page(elements=frozenset({"case.id", "answer.left-list"}))
        assert failing(asked, self.text) == {"gate.elements"}


def test_a_rotated_card_may_send_and_may_get_totals() -> None:
    assert not failing(returned(card=CardState.ROTATED))
    assert not failing(totals(card=CardState.ROTATED))
    asked = totals(direction=Direction.OUT, us=ONE, party=PRACTICE, card=CardState.ROTATED)
    assert not failing(asked)


def test_an_element_by_itself_allows_its_coarser_form_and_not_the_other_way_round() -> None:
    def coarser(content: dict[str, Any]) -> None:
        listed = content["flows"][0]["elements"]
        listed[listed.index("patient.birth-date")] = "patient.birth-date:year"

    text = frozen(PartnerKind.GP, party(ONE, "partner", PartnerKind.GP), change=coarser)
    year = frozenset({"case.id", "patient.birth-date:year"})
    assert not failing(opening(text, elements=year), text)
    assert not failing(opening(elements=year))
    assert failing(opening(text, elements=frozenset({"patient.birth-date"})), text) == {"gate.elements"}


def test_a_question_about_a_patient_without_a_case_is_refused() -> None:
    assert failing(returned(case=None)) == {"gate.case", "gate.belongs", "gate.consent"}


def test_a_refusal_names_its_clause_and_a_remedy_in_both_languages() -> None:
    with pytest.raises(Refused) as caught:
        gate.require(returned(case=replace(CASE, consent=None)), GP)
    refused = caught.value
    assert refused.rule == "gate.consent.refused"
    assert refused.params["clause"] == "consent"
    assert refused.hints == ("hint.gate.consent",)
    assert refused.decision == gate.decide(returned(case=replace(CASE, consent=None)), GP)
    assert "effect" in say(refused.rule, refused.params, "nl")
    assert GP.title("consent", "nl") == "6. Toestemming"


def test_every_premise_has_its_words() -> None:
    words = catalogue()
    for decision in (gate.decide(returned(), GP), gate.decide(opening(ended_on=TODAY, superseded_on=TODAY), GP)):
        for premise in decision.premises:
            name = premise.rule.removesuffix(".refused")
            assert {name, f"{name}.refused", f"hint.{name}"} <= set(words)
            assert "{" not in say(premise.rule, premise.params, "nl")
            assert premise.clause in GP.agreement.clauses


def details(rule: str, question: Question, text: Frozen = GP) -> Mapping[str, object]:
    premises = gate.decide(question, text).premises
    return next(premise.params for premise in premises if premise.rule.removesuffix(".refused") == rule)


# What a sentence can be filled in with, beside the agreement, the other party and the event.
_TERM = {"start": START, "until": UNTIL, "tail": TAIL_OVER, "covers": START}
_SEALED = {"card": "verified", "suite": "hybrid"}
DETAILS: Mapping[str, Mapping[str, object]] = {
    "gate.text": {},
    "gate.party": {},
    "gate.card": _SEALED,
    "gate.signed": {},
    "gate.begun": _TERM,
    "gate.in-time": _TERM,
    "gate.tail": _TERM,
    "gate.version": {"until": UNTIL + timedelta(days=30)},
    "gate.event": {},
    "gate.purpose": {"purpose": "effect"},
    "gate.elements": {"elements": "answer.surgery, episode.end, patient.bsn"},
    "gate.bsn": {},
    "gate.period": _TERM,
    "gate.case": {},
    "gate.belongs": {},
    "gate.consent": {"purpose": "effect"},
    "gate.suite": _SEALED,
}


@pytest.mark.parametrize("rule", DETAILS)
def test_each_premise_carries_what_its_sentence_needs_and_no_more(rule: str) -> None:
    question = returned(
        on=UNTIL,
        superseded_on=UNTIL,
        elements=frozenset({"case.id", "patient.bsn", "episode.end", "answer.surgery", "answer.specialist-referral"}),
    )
    always = {"agreement": "invented", "party": ONE, "event": "partner-return"}
    assert details(rule, question) == always | DETAILS[rule]


def test_every_premise_of_the_gate_stands_in_the_table_of_details() -> None:
    assert list(DETAILS) == [rule for rule, _, _ in gate._PREMISES]


def test_the_term_of_the_sentence_ends_when_the_agreement_was_ended() -> None:
    # The day, twelve months, ninety days.
    found = details("gate.tail", returned(ended_on=TODAY))
    assert (found["until"], found["tail"]) == (TODAY, date(2027, 6, 1) + timedelta(days=90))


def test_records_that_too_few_share_are_counted() -> None:
    rows = [(1980, "female")] * 5 + [(1981, "male")] * 4
    assert gate.too_few(rows) == 4
    assert gate.too_few(rows, least=4) == 0
    assert gate.too_few(rows, least=6) == 9
    assert gate.too_few([]) == 0
