"""The wording of messages, and findings and decisions as values."""

import json

from exchange import shipped
from exchange.errors import ExchangeError
from exchange.findings import Decision, Finding, Premise, say
from exchange.findings.wording import catalogue


def test_nothing_lacks_its_dutch_or_its_english() -> None:
    for rule, texts in catalogue().items():
        assert set(texts) == {"nl", "en"}, rule
        assert all(texts.values()), rule


def test_both_languages_have_the_same_placeholders() -> None:
    import string

    for rule, texts in catalogue().items():
        fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in texts.values()]
        assert fields[0] == fields[1], rule


def test_every_file_of_the_catalogue_is_sorted_json_that_a_person_can_edit() -> None:
    for file in shipped.schemas("wording").glob("*.json"):
        assert isinstance(json.loads(file.read_text(encoding="utf-8")), dict)


def test_a_sentence_is_never_lost_over_a_missing_detail() -> None:
    assert "{given}" in say("records.party", {}, "nl")
    assert say("no.such-rule", {"a": 1}) == "no.such-rule a=1"


def test_an_error_speaks_english_by_itself() -> None:
    assert "is not an organisation" in str(ExchangeError("records.party", given="x"))


def test_a_decision_needs_premises_and_all_of_them() -> None:
    good, bad = Premise("a", satisfied=True), Premise("b", satisfied=False)
    assert not Decision(()).allowed
    assert Decision((good,)).allowed
    assert not Decision((good, bad)).allowed
    assert Decision((good, bad)).failed == (bad,)


def test_findings_sort_by_line_and_path() -> None:
    first, second = Finding("b", "x", line=1), Finding("a", "x", line=2)
    assert sorted([second, first], key=lambda finding: finding.order) == [first, second]
