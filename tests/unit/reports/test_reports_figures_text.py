"""A figure in words; every figure here is invented."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.indicators.figure import Figure, Interval, Verdict
from exchange.reports import figures_text


@pytest.fixture
def make(invented: Any) -> Any:
    return invented.figure


def test_a_figure_never_travels_alone(make: Any, invented: Any) -> None:
    said = figures_text.sentence(make(), invented.DEFINITIONS, "nl")
    assert said == (
        "Netto substitutie: 83,3% (95%-betrouwbaarheidsinterval 71,2 tot 91,0%; 45 van 54 trajecten bij 51 patiënten; "
        "6 onbekend). Als alles wat onbekend is tegenvalt is het 75,0%, als alles meevalt 85,0%. "
        "Streefwaarde 70,0%: gehaald."
    )


def test_the_english_sentence_says_the_same(make: Any, invented: Any) -> None:
    said = figures_text.sentence(make(), invented.DEFINITIONS, "en")
    assert said.startswith("Net substitution: 83.3% (95% confidence interval 71.2 to 91.0%; 45 of 54 episodes in 51")


def test_a_masked_figure_shows_no_number_at_all(make: Any) -> None:
    # Even where a caller forgot to empty it, a masked figure must not print what it still holds.
    masked: Figure = make(masked="disclosure.too-few")
    said = figures_text.sentence(masked, {}, "nl")
    for number in ("83", "45", "54", "51", "71", "75,0"):
        assert number not in said
    assert "<10" in said
    assert figures_text.interval_text(masked, "nl") == "–"
    assert figures_text.verdict_text(masked, "nl") == "afgeschermd"
    assert figures_text.evidence_text(masked, "nl") == ""
    assert figures_text.rests_on(masked, "nl") == "afgeschermd"
    assert figures_text.count_of(masked, "numerator", "nl") != "0"


def test_a_cell_withheld_to_protect_another_is_not_called_below_ten(make: Any) -> None:
    assert figures_text.value_text(make(masked="disclosure.would-reveal-another"), "nl") == "afgeschermd"


def test_instead_of_a_blank_a_bound_is_printed(make: Any) -> None:
    over = make(masked="disclosure.too-few", details={"bound-over": 50, "bound-of": 60, "bound-percent": 83})
    under = make(masked="disclosure.too-few", details={"bound-under": 10, "bound-of": 60, "bound-percent": 17})
    assert figures_text.value_text(over, "nl") == "meer dan 83% (meer dan 50 van 60)"
    assert figures_text.value_text(under, "en") == "less than 17% (under 10 of 60)"


def test_no_denominator_gives_no_score_and_never_zero(make: Any) -> None:
    assert figures_text.value_text(make(value=None, denominator=0), "nl") == "niet te berekenen"


def test_before_and_after_is_never_called_an_effect(make: Any) -> None:
    rate = make("specialist-referral-rate", "rate-ratio", value=0.8, interval=Interval(0.7, 0.9, "byar"), bounds=None)
    assert figures_text.verdict_text(rate, "nl") == "kan niet worden vastgesteld: alleen vóór en na"
    assert "bewijst geen effect" in figures_text.sentence(rate, {}, "nl")
    assert "gehaald." not in figures_text.sentence(rate, {}, "nl")


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.MET, "gehaald"),
        (Verdict.NOT_MET, "niet gehaald"),
        (Verdict.CANNOT_TELL, "kan niet worden vastgesteld"),
        (None, "beschrijvend"),
    ],
)
def test_each_verdict_has_its_word(make: Any, verdict: Verdict | None, said: str) -> None:
    assert figures_text.verdict_text(make(verdict=verdict), "nl") == said


def test_the_method_is_named_also_over_the_unknown(make: Any) -> None:
    plain = figures_text.method_text(make(), "nl")
    bounded = figures_text.method_text(make(interval=Interval(0.6, 0.9, "wilson-clustered-bounds")), "nl")
    assert plain.startswith("95%-interval volgens Wilson")
    assert "slechtste tot het beste geval" in bounded
    assert figures_text.method_text(make(interval=None), "nl") == ""
    assert figures_text.method_text(make(interval=Interval(0, 1, "own-method")), "nl").endswith("own-method")


def test_the_endnote_holds_period_counts_method_version_scope_and_sources(make: Any) -> None:
    note = figures_text.endnote(make(), "nl")
    for piece in (
        "31 december 2025",
        "peildatum",
        "45 van 54",
        "Wilson",
        "versie 1",
        "alleen deze praktijk",
        "huisarts",
    ):
        assert piece in note


def test_a_group_stands_behind_the_title(make: Any) -> None:
    assert figures_text.title_of(make(group={"partner": "A"}), {}, "nl") == "substitution-net (A)"


def test_a_mean_is_over_and_not_of(make: Any) -> None:
    mean = make("sessions-per-patient", "mean", value=14.2, numerator=None, denominator=252, unit="patients",
                patients=252, interval=None, bounds=None, target=None, verdict=None)  # fmt: skip
    assert figures_text.counts_text(mean, "nl") == "over 252 patiënten"
    bare = make("sessions-per-patient", "mean", numerator=None, denominator=None)
    assert figures_text.counts_text(bare, "nl") == "51 patiënten"
    assert figures_text.rests_on(make(numerator=None, denominator=None, patients=None), "nl") == "–"


def test_words_fall_back_to_dutch() -> None:
    assert figures_text.words({"nl": "ja"}, "en") == "ja"
    assert figures_text.words({}, "en", "x") == "x"


def test_a_withheld_count_is_said_and_a_missing_one_is_a_dash(make: Any) -> None:
    assert figures_text.count_of(make(unknown=None, withheld=("unknown",)), "unknown", "nl") == "afgeschermd"
    assert figures_text.count_of(make(unknown=None), "unknown", "nl") == "–"
