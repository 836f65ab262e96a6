"""Scoring of items: the published examples, the rules for missing answers, and what always holds."""

import json
from fractions import Fraction

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange import shipped
from exchange.findings import Finding, say
from exchange.records.instruments import Instrument, instruments
from exchange.records.scoring import Scored, score

SCORABLE = sorted(name for name, one in instruments().items() if one.scoring is not None)
SYMMETRIC = [name for name in SCORABLE if instruments()[name].scoring.combine not in {"first", "single"}]  # type: ignore[union-attr]  # all have a rule


def total(name: str, items: str) -> int | str:
    """Return the score, or what broke: items separated by blanks, `.` without an answer."""
    found = score(instruments()[name], [None if one == "." else one for one in items.split()])
    return found.score if isinstance(found, Scored) else f"{found.path} {found.rule}"


# The rows of each questionnaire follow its published instruction: the source stands with the rule in the data.
@pytest.mark.parametrize(
    ("name", "items", "expected"),
    [
        # ODI: 16 of a possible 50 is 32 %; with one section missed 16 of 45 is 35.5 (printed cut off), so 36.
        ("odi", "2 2 2 2 2 2 1 1 1 1", 32),
        ("odi", "2 2 2 2 2 2 2 1 1 .", 36),
        ("odi", "2 2 2 2 2 2 2 2 . .", "items records.items-too-few"),
        ("ndi", "2 2 2 2 2 2 1 1 1 1", 16),
        ("ndi", "2 2 2 2 2 2 2 1 1 .", 18),
        ("ndi", "2 2 2 2 2 2 2 2 . .", "items records.items-too-few"),
        # QuickDASH: ((sum / n) - 1) x 25, of at least 10 items.
        ("quickdash", "1 1 1 1 1 1 1 1 1 1 1", 0),
        ("quickdash", "5 5 5 5 5 5 5 5 5 5 5", 1000),
        ("quickdash", "3 3 3 3 3 3 3 3 3 3 3", 500),
        ("quickdash", "2 3 2 3 2 3 2 3 2 3 2", 364),  # (27 / 11 - 1) x 25 = 36.36
        ("quickdash", "2 3 2 3 2 3 2 3 2 3 .", 375),
        ("quickdash", "2 3 2 3 2 3 2 3 2 . .", "items records.items-too-few"),
        # DASH: the same, of at least 27 of 30; a sum of 70 is (70 / 30 - 1) x 25 = 33.3.
        ("dash", "2 " * 20 + "3 " * 10, 333),
        ("dash", "2 " * 27 + ". . .", 250),
        ("dash", "2 " * 26 + ". . . .", "items records.items-too-few"),
        ("qbpds", "2 " * 20, 40),
        ("qbpds", "2 " * 19 + ".", "items records.items-too-few"),
        ("lefs", "4 " * 20, 80),
        ("lefs", "3 " * 19 + ".", "items records.items-too-few"),
        # RDQ: a statement that is not ticked is left blank; a list without any answer is no list.
        ("rdq", "1 . . 1 0 1", 3),
        ("rdq", "0", 0),
        ("rdq", ". . . .", "items records.items-too-few"),
        ("berg", "4 4 4 3 3 4 4 3 2 2 1 1 0 0", 35),
        ("berg", "4 4 4 3 3 4 4 3 2 2 1 1 0", "items records.items-too-few"),
        # PSFS: sum of the activity scores / number of activities.
        ("psfs", "3 4 4", 37),
        ("psfs", "3 4", 35),
        ("psfs", "5", 50),
        ("psk", "8 6 7", 80),
        ("psk", ". 6 7", "item_1 records.item-first"),
        ("nprs", "7,5", 75),
        ("nprs", "7", 70),
        ("tug", "12.4", 124),
        ("6mwt", "412", 412),
        ("10mwt", "1,25", 125),
        ("gpe", "2", 2),
    ],
)
def test_items_give_the_published_score(name: str, items: str, expected: int | str) -> None:
    assert total(name, items) == expected


@pytest.mark.parametrize(
    ("name", "items", "expected"),
    [
        ("odi", "6 1 1 1 1 1 1 1 1 1", "item_1 records.item-range"),
        ("odi", "1 -1 1 1 1 1 1 1 1 1", "item_2 records.item-range"),
        ("quickdash", "0 1 1 1 1 1 1 1 1 1 1", "item_1 records.item-range"),
        ("odi", "1 1 2,5 1 1 1 1 1 1 1", "item_3 records.item-step"),
        ("odi", "1 1 veel 1 1 1 1 1 1 1", "item_3 records.item-number"),
        ("odi", "1 1 1e0 1 1 1 1 1 1 1", "item_3 records.item-number"),
        ("odi", "1 1 NaN 1 1 1 1 1 1 1", "item_3 records.item-number"),
        ("odi", "1 1 ² 1 1 1 1 1 1 1", "item_3 records.item-number"),
        ("odi", "1 " * 11, "item_11 records.items-too-many"),
        ("nprs", "7 8", "item_2 records.items-too-many"),
        ("koos", "1 2 3", "items records.items-no-rule"),
        ("startback", "1 " * 9, "items records.items-no-rule"),
        ("odi", "", "items records.items-too-few"),
    ],
)
def test_what_breaks_a_rule_gives_the_item_and_the_rule_and_no_score(name: str, items: str, expected: str) -> None:
    assert total(name, items) == expected


def test_a_blank_item_beyond_the_last_one_says_nothing() -> None:
    assert total("nprs", "7 . . .") == 70


def test_no_finding_repeats_an_answer() -> None:
    found = score(instruments()["odi"], ["1", "geheim-4711"])
    assert isinstance(found, Finding)
    assert "4711" not in repr(found)
    for language in ("nl", "en"):
        assert "4711" not in say(found.rule, found.params, language)


def test_the_activities_of_a_psk_are_scored_each() -> None:
    found = score(instruments()["psk"], ["8", "6", None, "7"])
    assert isinstance(found, Scored)
    assert found.each == (80, 60, 70)
    assert found.answered == 3


def test_the_exact_value_stands_beside_the_rounded_one() -> None:
    found = score(instruments()["psfs"], ["3", "4", "4"])
    assert isinstance(found, Scored)
    assert found.exact == Fraction(11, 3)


def answers(instrument: Instrument, *, blanks: bool = True) -> st.SearchStrategy[list[str | None]]:
    rule = instrument.scoring
    assert rule is not None
    step = 10**rule.item_decimals
    one = st.integers(rule.item_lowest * step, rule.item_highest * step).map(lambda n: str(Fraction(n, step)))
    # a fraction such as 15/2 is written as a decimal
    written = one.map(lambda text: text if "/" not in text else f"{float(Fraction(text)):.{rule.item_decimals}f}")
    value: st.SearchStrategy[str | None] = st.one_of(st.none(), written) if blanks else written
    return st.lists(value, min_size=rule.items, max_size=rule.items)


@given(data=st.data(), name=st.sampled_from(SCORABLE))
@settings(max_examples=60)
def test_a_score_is_in_the_range_of_the_instrument(data: st.DataObject, name: str) -> None:
    instrument = instruments()[name]
    items = data.draw(answers(instrument))
    found = score(instrument, items)
    rule = instrument.scoring
    assert rule is not None
    answered = sum(one is not None for one in items)
    if isinstance(found, Finding):
        assert answered < rule.answered_at_least or items[0] is None
    else:
        assert answered >= rule.answered_at_least
        assert instrument.lowest <= found.score <= instrument.highest
        assert abs(found.exact * 10**instrument.decimals - found.score) <= Fraction(1, 2)


@given(data=st.data(), name=st.sampled_from(SYMMETRIC))
@settings(max_examples=40)
def test_the_order_of_the_items_changes_nothing(data: st.DataObject, name: str) -> None:
    items = data.draw(answers(instruments()[name]))
    assert score(instruments()[name], items) == score(instruments()[name], data.draw(st.permutations(items)))


@given(data=st.data(), name=st.sampled_from(SCORABLE))
@settings(max_examples=40)
def test_a_higher_answer_never_lowers_the_score(data: st.DataObject, name: str) -> None:
    instrument = instruments()[name]
    rule = instrument.scoring
    assert rule is not None
    items = data.draw(answers(instrument, blanks=False))
    place = data.draw(st.integers(0, len(items) - 1))
    higher = [*items]
    higher[place] = str(rule.item_highest)
    before, after = score(instrument, items), score(instrument, higher)
    assert isinstance(before, Scored)
    assert isinstance(after, Scored)
    assert after.score >= before.score
    assert after.exact >= before.exact


def test_the_extreme_answers_give_the_ends_of_the_range() -> None:
    for name in SCORABLE:
        instrument = instruments()[name]
        rule = instrument.scoring
        assert rule is not None
        ends = [score(instrument, [str(end)] * rule.items) for end in (rule.item_lowest, rule.item_highest)]
        assert [one.score for one in ends if isinstance(one, Scored)] == [instrument.lowest, instrument.highest], name


def test_the_file_keeps_to_its_schema() -> None:
    schema, data = (
        json.loads(shipped.schemas(name).read_text(encoding="utf-8"))
        for name in ("instruments.schema.json", "instruments.json")
    )
    assert [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(data)] == []
    data["instruments"][0]["status"], data["instruments"][0]["source"] = "verified", ""
    assert not jsonschema_rs.validator_for(schema).is_valid(data)


def test_a_prognostic_list_with_a_threshold_does_not_keep_to_the_schema() -> None:
    schema, data = (
        json.loads(shipped.schemas(name).read_text(encoding="utf-8"))
        for name in ("instruments.schema.json", "instruments.json")
    )
    (one,) = (each for each in data["instruments"] if each["id"] == "startback")
    one["minimal-important-change"] = 2
    assert not jsonschema_rs.validator_for(schema).is_valid(data)


def test_what_the_issue_names_is_scored_and_no_question_is_shipped() -> None:
    wanted = {"nprs", "psfs", "psk", "qbpds", "ndi", "odi", "lefs", "rdq", "quickdash", "tug", "6mwt", "berg", "gpe"}
    assert wanted <= set(SCORABLE)
    for instrument in instruments().values():
        for text in (*instrument.note.values(), *instrument.label.values()):
            assert "?" not in text, instrument.id
