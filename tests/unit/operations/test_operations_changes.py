"""Change as the pages show it: an unverified threshold is marked, and a prognostic list is no effect."""

from __future__ import annotations

from datetime import date

import pytest

from exchange.findings import say
from exchange.indicators.figure import Figure
from exchange.indicators.reading import shipped_definitions
from exchange.indicators.wording import paragraph
from exchange.operations.changes import changes
from exchange.records.instruments import instruments
from exchange.records.thresholds import all_thresholds, threshold_text
from exchange.reports import charts

MARK = {"nl": "(niet geverifieerd)", "en": "(not verified)"}
FIGURE = Figure(
    "responders", 1, "category-share", "episodes", date(2024, 1, 1), date(2025, 1, 1), date(2025, 2, 1),
    due=60, answered=40, parts={"improved": 20, "unchanged": 11, "deteriorated": 0, "cannot-improve": 9},
)  # fmt: skip


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_limit_of_an_unverified_threshold_is_marked_in_the_picture_the_table_and_the_note(language: str) -> None:
    (change,) = changes(FIGURE, {"ndi"}, language)
    assert not change.verified
    picture = charts.change(change, language, "change-1")
    limits = [row[1] for row in picture.rows if any(sign.isdigit() for sign in row[1])]
    assert limits
    assert all(limit.endswith(f", {MARK[language].strip('()')}") for limit in limits)
    assert MARK[language] in picture.note


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_verified_threshold_is_not_marked(language: str) -> None:
    (change,) = changes(FIGURE, {"odi"}, language)
    assert change.verified
    picture = charts.change(change, language, "change-1")
    assert MARK[language].strip("()") not in f"{picture.rows}{picture.note}"


def test_of_several_instruments_each_says_its_own_status() -> None:
    (change,) = changes(FIGURE, {"odi", "ndi", "psk"}, "nl")
    assert not change.verified
    assert change.source.count(MARK["nl"]) == 2


def test_a_prognostic_list_that_episodes_name_is_left_out_of_the_change() -> None:
    (change,) = changes(FIGURE, {"odi", "startback", "ompsq"}, "nl")
    assert change.instrument == instruments()["odi"].label["nl"]
    assert change.threshold == 10
    assert "STarT" not in change.source


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_words_of_a_threshold_carry_the_mark_if_and_only_if_it_was_not_verified(language: str) -> None:
    for one in instruments().values():
        text = threshold_text(one, language)
        has = one.effect and (one.mic is not None or one.mic_percent is not None)
        assert text.endswith(MARK[language]) is (has and one.status != "verified"), one.id
        if not one.effect:
            assert text == say("records.prognostic", {"instrument": one.label[language]}, language)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_clause_that_people_sign_says_every_threshold_and_the_unverified_ones_apart(language: str) -> None:
    text = paragraph(shipped_definitions()["responders"], language)
    assert all_thresholds(instruments().values(), language) in text
    begin = text.index({"nl": "Niet geverifieerd zijn de drempels", "en": "Not verified are the thresholds"}[language])
    for one in instruments().values():
        if one.effect and (one.mic is not None or one.mic_percent is not None):
            place = text.index(f"{one.aliases[0]} ", begin if one.unverified else 0)
            assert (place > begin) is one.unverified, one.id
    assert "STarT Back" not in text
    other = paragraph(shipped_definitions()["measured"], language)
    assert "NDI" not in other


def test_without_any_threshold_nothing_is_said() -> None:
    assert all_thresholds([instruments()["startback"], instruments()["tug"]], "nl") == ""
    assert "Niet" not in all_thresholds([instruments()["odi"]], "nl")
