"""Definitions: what the reader accepts, where it points when it does not, and what follows from the words."""

from __future__ import annotations

import re
from datetime import date

import pytest

from exchange import shipped
from exchange.errors import IndicatorError
from exchange.findings import say
from exchange.findings.wording import catalogue
from exchange.indicators.needing import Need, needed
from exchange.indicators.reading import check, read, shipped_definition, shipped_definitions
from exchange.indicators.vocabulary import ANCHORS, ATTRIBUTES, EVENTS, answer_element
from exchange.indicators.wording import paragraph
from exchange.records.elements import elements

SUBSTITUTION = shipped.agreements("indicators", "substitution-net.yaml").read_text(encoding="utf-8")


def line_of(text: str, part: str) -> int:
    """Return the 1-based line on which a part stands."""
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize("name", sorted(shipped_definitions()))
def test_every_shipped_definition_has_no_findings_and_its_own_file_name(name: str) -> None:
    assert check(shipped.agreements("indicators", f"{name}.yaml").read_bytes(), name) == ()


@pytest.mark.parametrize(
    ("old", "new", "rule", "at"),
    [
        ("kind: proportion", "kind: percentage", "indicators.not-one-of", "kind"),
        ("improvement: higher\n", "", "indicators.missing-word-top", "id:"),
        ("count: episodes", "count: episodes\ncolour: red", "indicators.unknown-word", "colour"),
        ("is: [hospital]", "is: [clinic]", "indicators.unknown-value", "is:"),
        ("is: [hospital]", "is: [unknown]", "indicators.unknown-value", "is:"),
        (", recorded-by: start + 7 days", "", "indicators.recording-day", "- {element"),
        ("event: specialist-referral, from", "event: new-episode, from", "indicators.same-location", "absent"),
        ("to: end + 12 months", "to: period-start + 12 months", "indicators.wrong-anchor", "absent"),
        ("to: end + 12 months", "to: handover + 42 days", "indicators.handover-period", "absent"),
        ("to: end + 12 months", "to: end + 1 year", "indicators.not-a-moment", "absent"),
        ("period: end", "period: end\nperiod: start", "indicators.double-key", "period: start"),
        ("period: end", "period: &a end", "indicators.yaml-alias", "period"),
        ("period: end", "period: !!python/name:os.system end", "indicators.yaml-alias", "period"),
        ("period: end", "period: [end", "indicators.not-yaml", ""),
    ],
)
def test_a_broken_definition_is_found_on_its_line(old: str, new: str, rule: str, at: str) -> None:
    text = SUBSTITUTION.replace(old, new, 1)
    assert text != SUBSTITUTION
    findings = check(text.encode(), "mine.yaml")
    assert rule in {finding.rule for finding in findings}
    if at:
        assert line_of(text, at) in {finding.line for finding in findings if finding.rule == rule}
    with pytest.raises(IndicatorError) as caught:
        read(text.encode(), "mine.yaml")
    assert caught.value.rule == "indicators.not-valid"
    assert "mine.yaml" in str(caught.value)


def test_a_definition_that_is_too_large_or_nothing_is_refused() -> None:
    assert [finding.rule for finding in check(b" " * 300_000, "f")] == ["indicators.too-large"]
    assert check(b"", "f")
    assert check(b"\xff\xfe\x00", "f")


def test_what_must_be_exchanged_follows_from_the_words() -> None:
    found = needed(shipped_definitions()["substitution-net"])
    assert set(found) == {
        Need("episode.start", "practice"),
        Need("episode.end", "practice"),
        Need("referral.day", "practice"),
        Need("referral.counterfactual", "practice"),
        Need("referral.recorded-on", "practice"),
        Need("answer.specialist-referral", "partner"),
        Need("answer.left-list", "partner"),
    }
    aggregate = needed(shipped_definitions()["specialist-referral-rate"])
    assert {need.supplier for need in aggregate} == {"partner"}


def test_a_handover_needs_the_evaluation_that_decided_it() -> None:
    found = set(needed(shipped_definitions()["warm-handover"]))
    assert found == {
        Need("evaluation.day", "practice"),
        Need("evaluation.decision", "practice"),
        Need("answer.programme-start", "partner"),
        Need("answer.left-list", "partner"),
    }
    taken_up = {need.element for need in needed(shipped_definitions()["advice-taken-up"])}
    assert {"evaluation.day", "evaluation.advice-taken-up"} <= taken_up
    assert "evaluation.decision" not in taken_up


def test_a_score_on_the_instrument_of_the_start_needs_to_be_told_which_that_is() -> None:
    text = (shipped.agreements("indicators", "responders.yaml")).read_text(encoding="utf-8")
    elsewhere = read(text.replace("instrument: primary", "instrument: nprs").encode(), "mine.yaml")

    assert Need("episode.instrument", "practice") in needed(shipped_definitions()["responders"])
    assert "episode.instrument" not in {need.element for need in needed(elsewhere)}
    # Any instrument will do to have been measured at all.
    assert "episode.instrument" not in {need.element for need in needed(shipped_definitions()["measured"])}


def test_every_anchor_of_the_vocabulary_has_its_words() -> None:
    for anchor in ANCHORS:
        assert f"indicators.anchor.{anchor}" in catalogue()


def test_coverage_needs_no_scores_and_no_definition_needs_who_the_patient_is() -> None:
    assert "measurement.score" not in {need.element for need in needed(shipped_definitions()["measured"])}
    for definition in shipped_definitions().values():
        for need in needed(definition):
            assert need.element not in {"patient.bsn", "patient.name"}


def test_a_definition_that_only_a_client_supplies_asks_the_client() -> None:
    text = re.sub("- who: (gp|specialist)\n", "- who: client\n", SUBSTITUTION)
    found = needed(read(text.encode(), "mine.yaml"))
    assert Need("answer.left-list", "client") in found


def test_the_first_day_on_which_a_figure_can_exist_follows_from_its_windows() -> None:
    start = date(2024, 2, 29)
    days = {name: definition.knowable(start) for name, definition in shipped_definitions().items()}
    assert days["onward-advice"] == start
    assert days["warm-handover"] == date(2024, 4, 11)
    assert days["warm-handover-active"] == date(2024, 7, 29)
    assert days["substitution-net"] == date(2025, 2, 28)
    assert days["specialist-referral-rate"] == date(2025, 2, 28)
    assert days["responders"] == date(2024, 3, 28)


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("name", sorted(shipped_definitions()))
def test_the_clause_is_whole_sentences_without_open_places(name: str, language: str) -> None:
    definition = shipped_definitions()[name]
    text = paragraph(definition, language)
    assert "indicators." not in text
    assert "{" not in text
    assert "  " not in text
    for part in (definition.title, definition.rationale, definition.limits):
        assert part[language] in text
    assert text.endswith(".")


def test_every_word_of_the_vocabulary_has_its_element_and_its_sentence() -> None:
    for event in EVENTS:
        assert answer_element(event) in elements()
        assert f"indicators.event.{event}" in catalogue()
    for name, attribute in ATTRIBUTES.items():
        assert name in elements()
        for code in attribute.codes:
            if code.value != attribute.unknown:
                assert f"indicators.value.{name}.{code.value}" in catalogue()


def test_no_sentence_of_indicators_lacks_its_dutch() -> None:
    for rule, texts in catalogue().items():
        if rule.startswith("indicators."):
            assert texts["nl"]
            assert say(rule, {}, "nl") != rule


def test_one_definition_is_the_same_read_by_itself() -> None:
    for name, definition in shipped_definitions().items():
        assert definition.id == name
        assert shipped_definition(name) == definition
    for none in ("", "no-such", "../indicators/falls", "falls.yaml"):
        assert shipped_definition(none) is None
