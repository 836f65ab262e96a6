"""Templates, clauses and what is derived from the indicators."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from exchange import shipped
from exchange.agreements import clauses, deriving, drafting, reading
from exchange.agreements.agreement import Signatory
from exchange.agreements.frozen import Window
from exchange.errors import AgreementError
from exchange.findings.wording import catalogue
from exchange.records.codes import PartnerKind
from exchange.records.elements import elements

KINDS = [kind for kind in PartnerKind if kind is not PartnerKind.PRACTICE]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_template_that_is_read_back(world: Any, kind: PartnerKind) -> None:
    agreement = world.draft(kind).agreement
    assert agreement.kind is kind
    assert agreement.practice.party == world.practice
    assert agreement.primary is not None
    assert agreement.term.aggregates_from == date(2025, 1, 1)


def test_both_languages_have_the_same_clauses_each_with_a_note() -> None:
    assert clauses.known("nl") == clauses.known("en")
    for language in clauses.LANGUAGES:
        for file in shipped.agreements("clauses", language).glob("*.md"):
            text = file.read_text(encoding="utf-8")
            assert text.startswith("# ")
            assert "\n===\n" in text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", clauses.LANGUAGES)
def test_every_clause_renders_whole(world: Any, kind: PartnerKind, language: str) -> None:
    frozen = world.frozen(kind)
    for clause in frozen.clauses[language]:
        assert clause.text
        assert "{{" not in clause.text
        assert "{%" not in clause.text
        assert not re.search(r"agreements\.[a-z]", clause.text)


def test_a_group_of_practices_is_one_agreement_with_a_label(world: Any) -> None:
    members = [world.party(id_, PartnerKind.GP, label="Invented group") for id_ in (world.one, world.two)]
    frozen = world.frozen(PartnerKind.GP, *members)
    assert [one.party for one in frozen.agreement.partners] == [world.one, world.two]
    assert "Invented group" in frozen.agreement.title["nl"]
    assert "raamovereenkomst" in frozen.clauses["nl"][0].text


def test_partners_without_a_common_label_are_named(world: Any) -> None:
    members = [world.party(world.one, PartnerKind.GP, label="A"), world.party(world.two, PartnerKind.GP, label="B")]
    assert f"Invented {world.one}, Invented {world.two}" in world.draft(PartnerKind.GP, *members).agreement.title["en"]


def test_a_persons_words_stay_words(world: Any) -> None:
    partner = world.party(world.one, PartnerKind.GP)
    hostile = Signatory("owner | *x* <b>", "{{ 7 * 7 }} [link](x)", 'Name: "quoted" # no comment')
    from dataclasses import replace

    frozen = world.frozen(PartnerKind.GP, replace(partner, signatory=hostile))
    text = frozen.clauses["nl"][0].text
    assert "owner \\| \\*x\\* \\<b\\>" in text
    assert "{{ 7 \\* 7 }}" in text
    assert "\\[link\\](x)" in text


def test_a_clause_of_ones_own_stands_before_the_signing_and_has_no_html(world: Any) -> None:
    own = {"id": "own", "title": {"nl": "Eigen", "en": "Own"}, "text": {"nl": "Tekst <b>", "en": "Text <b>"}}
    draft = world.changed(lambda raw: raw.update({"own-clauses": [own]}))
    flows = deriving.flows(draft.agreement, world.definitions)
    rendered = clauses.render(draft.agreement, world.definitions, flows, Window(12), "nl")
    assert [one.id for one in rendered][-2:] == ["own", "signing"]
    assert rendered[-2].text == "Tekst &lt;b>"


def test_a_clause_that_does_not_ship_is_refused(world: Any) -> None:
    draft = world.changed(lambda raw: raw["clauses"].append("invented"))
    flows = deriving.flows(draft.agreement, world.definitions)
    with pytest.raises(AgreementError, match="no clause"):
        clauses.render(draft.agreement, world.definitions, flows, Window(12), "nl")


def test_the_notes_for_a_lawyer_are_no_part_of_the_text(world: Any) -> None:
    agreement = world.draft().agreement
    notes = clauses.notes(agreement, "nl")
    assert "mandaatregister" in notes
    assert all("mandaatregister" not in one.text for one in world.frozen().clauses["nl"])


@pytest.mark.parametrize(("language", "blank"), [("nl", "[in te vullen]"), ("en", "[to fill in]")])
def test_the_input_for_an_impact_assessment_follows_from_the_agreement(world: Any, language: str, blank: str) -> None:
    text = clauses.dpia(world.draft().agreement, world.definitions, language)
    assert blank in text
    assert "2029" in text
    assert "{{" not in text
    assert text.count("\n| ") >= 14


def test_options_of_the_text_change_the_text(world: Any) -> None:
    def change(raw: dict[str, Any]) -> None:
        raw["controllers"] = {"arrangement": "joint", "informs": "partner", "rights": "partner"}
        raw["term"] |= {"renewal": "automatic", "renewal-months": 12}
        raw["onward-use"] = []
        raw["identity"] = ["patient.birth-date:year"]
        raw["place"] = "Utrecht"
        raw["funding"][0] |= {"rate-cents": 4550, "ceiling-cents": 100000}
        raw["evaluations"][0]["about"] = {"nl": "de eerste cijfers", "en": "the first figures"}
        raw["indicators"][0] |= {
            "baseline": 0.625,
            "baseline-from": "2025-01-01",
            "baseline-until": "2026-01-01",
            "target": 0.7,
        }

    draft = world.changed(change)
    flows = deriving.flows(draft.agreement, world.definitions)
    nl = {one.id: one.text for one in clauses.render(draft.agreement, world.definitions, flows, Window(0, 28), "nl")}
    en = {one.id: one.text for one in clauses.render(draft.agreement, world.definitions, flows, Window(0, 28), "en")}
    assert "artikel 26 AVG" in nl["controllers"]
    assert nl["informing"].startswith("De partner vertelt")
    assert "telkens met 12 maanden verlengd" in nl["term"]
    assert "gaan niet naar anderen" in nl["onward-use"]
    assert "gaat mee: geboortedatum (alleen het jaar)" in nl["identity"]
    assert "te Utrecht" in nl["disputes"]
    assert "€ 45,50" in nl["funding"]
    assert "€ 45.50" in en["funding"]
    assert "1 juli 2026: de eerste cijfers" in nl["evaluation"]
    assert "62,5 % (gemeten over 1 januari 2025 tot 1 januari 2026)" in nl["indicators"]
    assert "62.5 %" in en["indicators"]
    assert "28 dagen en 90 dagen" in nl["ending"]


def test_renewal_can_be_none_and_each_may_inform(world: Any) -> None:
    def change(raw: dict[str, Any]) -> None:
        raw["controllers"] |= {"informs": "each", "rights": "practice"}
        raw["term"]["renewal"] = "none"
        raw["identity"] = []

    draft = world.changed(change)
    flows = deriving.flows(draft.agreement, world.definitions)
    nl = {one.id: one.text for one in clauses.render(draft.agreement, world.definitions, flows, Window(12), "nl")}
    assert nl["informing"].startswith("Elke partij")
    assert "zonder dat opzegging nodig is" in nl["term"]
    assert "geen naam, geboortedatum" in nl["identity"]


def test_a_passphrase_exception_is_written_for_partners_on_paper_only(world: Any) -> None:
    on_paper = world.party(world.two, PartnerKind.GP, "paper")
    both = (world.party(world.one, PartnerKind.GP), on_paper)
    agreement = world.draft(PartnerKind.GP, *both, passphrase_until=date(2026, 12, 1)).agreement
    assert [(one.party, one.suite, one.until) for one in agreement.exceptions] == [
        (world.two, "passphrase", date(2026, 12, 1))
    ]
    assert "bestand met een wachtzin" in " ".join(
        one.text for one in world.frozen(PartnerKind.GP, *both, passphrase_until=date(2026, 12, 1)).clauses["nl"]
    )


def test_unknown_indicators_are_refused_by_name(world: Any) -> None:
    with pytest.raises(AgreementError, match="invented"):
        world.text(PartnerKind.GP, indicators=("invented",))
    with pytest.raises(AgreementError):
        world.text(PartnerKind.GP, indicators=())


def test_targets_baselines_term_and_title_can_be_given(world: Any) -> None:
    agreement = world.draft(
        PartnerKind.GP,
        indicators=("onward-advice",),
        targets={"onward-advice": 0.8},
        baselines={"onward-advice": 0.6},
        months=3,
        covers_from=date(2023, 6, 1),
        title={"nl": "Titel", "en": "Title"},
        place="Utrecht",
    ).agreement
    assert (agreement.indicators[0].target, agreement.indicators[0].baseline) == (0.8, 0.6)
    assert agreement.term.until == date(2026, 4, 1)
    assert [one.on for one in agreement.evaluations] == [date(2026, 4, 1)]
    assert agreement.term.covers_from == agreement.term.aggregates_from == date(2023, 6, 1)
    assert (agreement.title["nl"], agreement.place) == ("Titel", "Utrecht")


def test_the_next_version_is_one_higher_and_begins_anew(world: Any) -> None:
    agreement = world.draft().agreement
    raw = drafting.next_version(agreement, on=date(2027, 1, 1), months=12)
    draft, findings = reading.read(drafting.write(raw).encode(), "next.yaml")
    assert not findings
    assert draft is not None
    assert draft.agreement.version == 2
    assert (draft.agreement.term.start, draft.agreement.term.until) == (date(2027, 1, 1), date(2028, 1, 1))
    assert [one.on for one in draft.agreement.evaluations] == [date(2027, 7, 1), date(2028, 1, 1)]
    assert draft.agreement.term.covers_from == agreement.term.covers_from


class TestWhatIsDerived:
    def test_nothing_flows_that_no_indicator_needs(self, world: Any) -> None:
        flows = {flow.event: set(flow.elements) for flow in world.frozen().flows}
        assert "answer.specialist-referral" in flows["partner-return"]
        assert "answer.surgery" not in flows["partner-return"]
        assert not any(one.startswith("measurement.") for some in flows.values() for one in some)
        assert "patient.name" not in flows["outcome-report"]
        assert flows["partner-aggregates"] == {"aggregate.specialist-referrals", "aggregate.eligible-patients"}
        assert not flows["partner-return"] & flows["partner-aggregates"]

    def test_identity_travels_with_the_opening_only(self, world: Any) -> None:
        known = elements()
        for flow in world.frozen(PartnerKind.GP, indicators=("treatment-index", "onward-advice")).flows:
            if flow.event != "case-opening":
                assert not [one for one in flow.elements if known[one].sensitivity == "identity"]

    def test_a_social_partner_is_told_no_complaint(self, world: Any) -> None:
        opening = world.frozen(PartnerKind.SOCIAL).flows[0]
        assert set(opening.elements) == {"case.id", "case.code", "patient.name", "patient.birth-date", "episode.start"}

    def test_totals_go_with_the_answers_where_no_flow_of_their_own_is_agreed(self, world: Any) -> None:
        draft = world.changed(lambda raw: raw["flows"].pop(4))
        flows = {flow.event: set(flow.elements) for flow in deriving.flows(draft.agreement, world.definitions)}
        assert "aggregate.specialist-referrals" in flows["partner-return"]

    def test_a_narrowed_flow_carries_less_and_never_more(self, world: Any) -> None:
        def narrow(raw: dict[str, Any]) -> None:
            raw["flows"][1]["elements"] = ["episode.end:weeks-since-start", "measurement.score"]

        flow = deriving.flows(world.changed(narrow).agreement, world.definitions)[1]
        assert flow.elements == ("case.id", "case.code", "episode.end:weeks-since-start")
        assert flow.allows("episode.end:weeks-since-start")
        assert not flow.allows("episode.end")

    def test_feedback_carries_the_evaluation_where_an_indicator_needs_it(self, world: Any) -> None:
        frozen = world.frozen(PartnerKind.GP, indicators=("evaluation-moments", "onward-advice"))
        feedback = frozen.flow("feedback-to-referrer", "practice")
        assert feedback is not None
        assert "evaluation.effect" in feedback.elements
        assert "episode.onward-advice" not in feedback.elements

    def test_the_list_is_printed_in_laymans_words(self, world: Any) -> None:
        agreement = world.draft().agreement
        text = deriving.elements_text(agreement, world.definitions, "nl")
        assert "Burgerservicenummer" in text
        assert "Of de patiënt voor dezelfde klacht naar het ziekenhuis is verwezen" in text
        assert text.count("## ") == len(agreement.flows)

        def report(raw: dict[str, Any]) -> None:
            flow = raw["flows"][4] | {"event": "indicator-report", "from": "practice"}
            raw["flows"].append(flow)

        text = deriving.elements_text(world.changed(report).agreement, world.definitions, "en")
        assert "Figure of an indicator: " in text
        # The partner of this template answers in totals alone.
        text = deriving.elements_text(world.draft(PartnerKind.OTHER).agreement, world.definitions, "en")
        assert "Only figures of the agreed indicators" in text

    def test_the_longest_window_is_found(self, world: Any) -> None:
        known = world.definitions
        assert deriving.window([known["onward-advice"]]) == Window()
        assert deriving.window([known["responders"], known["onward-advice"]]) == Window(0, 28)
        assert deriving.window([known["durable-discharge-6"], known["responders"]]) == Window(6, 0)
        assert deriving.window([known["specialist-referral-rate"]]) == Window(12, 0)


def test_every_sentence_has_its_dutch_and_its_english() -> None:
    import json

    listed = json.loads(shipped.schemas("wording", "agreements.json").read_text(encoding="utf-8"))
    assert len(listed) > 250
    for id_, texts in listed.items():
        assert set(texts) == {"nl", "en"}, id_
        assert all(texts.values()), id_
        assert id_ in catalogue()


def test_the_instrument_of_the_goal_flows_with_its_reason_where_an_indicator_looks_at_that_one(world: Any) -> None:
    frozen = world.frozen(PartnerKind.OTHER)
    (report,) = (flow for flow in frozen.flows if flow.event == "outcome-report")
    assert "episode.instrument" in report.elements
    assert "episode.therapist" not in report.elements
    for language in clauses.LANGUAGES:
        label = elements()["episode.instrument"].label[language]
        assert any(label in clause.text for clause in frozen.clauses[language])

    (report,) = (flow for flow in world.frozen(PartnerKind.GP).flows if flow.event == "outcome-report")
    assert "episode.instrument" not in report.elements
