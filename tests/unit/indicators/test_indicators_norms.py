"""Norms of a practice's own: read with their source, and refused where something lacks or can't be right."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors import IndicatorError
from exchange.indicators.norms import MAX_BYTES, read_norms

GOOD = """
[NPRS]
verified = true
reliability = {value = 0.81, citation = "invented 1"}
dysfunctional = {population = "with", mean = 5.5, sd = 1.8, citation = "invented 2"}
functional = {population = "without  pain", mean = 1, sd = 1.1, citation = "invented 3"}
"""


def test_norms_are_read_by_any_name_of_an_instrument() -> None:
    (found,) = read_norms(GOOD.encode()).values()
    assert (found.instrument, found.reliability, found.reliability_citation, found.verified) == (
        "nprs", 0.81, "invented 1", True,
    )  # fmt: skip
    assert (found.functional.name, found.functional.mean, found.functional.citation) == (
        "without pain", 1.0, "invented 3",
    )  # fmt: skip
    assert not found.higher_is_better
    assert not read_norms(GOOD.replace("verified = true\n", "").encode())["nprs"].verified
    assert read_norms(b"\xef\xbb\xbf" + GOOD.encode()) == read_norms(GOOD.encode())
    assert read_norms(b"") == {}


@pytest.mark.parametrize(
    ("old", "new", "rule", "path"),
    [
        ("[NPRS]", "[NPRS", "norms.not-toml", None),
        ("[NPRS]", "[nothing]", "norms.instrument", "nothing"),
        ("[NPRS]", "[startback]", "norms.instrument", "startback"),
        ("[NPRS]", "nprs = 5\n[qbpds]", "norms.no-table", "nprs"),
        ("verified = true", "verified = 'yes'", "norms.verified", "NPRS.verified"),
        ("verified = true", "sure = true", "norms.word", "NPRS"),
        ('reliability = {value = 0.81, citation = "invented 1"}', "", "norms.lacks", "NPRS"),
        (', citation = "invented 2"', "", "norms.lacks", "NPRS.dysfunctional"),
        ('"invented 2"', '" "', "norms.no-text", "NPRS.dysfunctional.citation"),
        ('population = "with", ', "", "norms.lacks", "NPRS.dysfunctional"),
        ("mean = 5.5", "mean = nan", "norms.no-number", "NPRS.dysfunctional.mean"),
        ("mean = 5.5", "mean = inf", "norms.no-number", "NPRS.dysfunctional.mean"),
        ("mean = 5.5", "mean = true", "norms.no-number", "NPRS.dysfunctional.mean"),
        ("mean = 5.5", "mean = '5,5'", "norms.no-number", "NPRS.dysfunctional.mean"),
        ("mean = 5.5", "mean = 1" + 3000 * "0", "norms.no-number", "NPRS.dysfunctional.mean"),
        ("mean = 5.5", "mean = 11", "norms.range", "NPRS.dysfunctional"),
        ("sd = 1.8", "sd = 0", "norms.range", "NPRS.dysfunctional"),
        ("sd = 1.8", "sd = -1", "norms.range", "NPRS.dysfunctional"),
        ("sd = 1.8", "sd = 99", "norms.range", "NPRS.dysfunctional"),
        ("value = 0.81", "value = 1", "norms.reliability", "NPRS.reliability.value"),
        ("value = 0.81", "value = 0", "norms.reliability", "NPRS.reliability.value"),
        ("mean = 1,", "mean = 5.5,", "norms.direction", "NPRS"),
        ("mean = 1,", "mean = 9,", "norms.direction", "NPRS"),
    ],
)
def test_what_lacks_or_can_not_be_right_is_refused_with_its_place(
    old: str, new: str, rule: str, path: str | None
) -> None:
    assert old in GOOD
    with pytest.raises(IndicatorError) as refused:
        read_norms(GOOD.replace(old, new).encode())
    assert (refused.value.rule, refused.value.params.get("path")) == (rule, path)


def test_an_instrument_under_two_names_is_refused() -> None:
    with pytest.raises(IndicatorError) as refused:
        read_norms((GOOD + GOOD.replace("NPRS", "'NRS pijn'")).encode())
    assert refused.value.rule == "norms.twice"


def test_a_file_of_any_size_or_depth_is_refused_and_nothing_else_happens() -> None:
    with pytest.raises(IndicatorError) as refused:
        read_norms(b"#" * (MAX_BYTES + 1))
    assert refused.value.rule == "norms.too-large"
    with pytest.raises(IndicatorError):
        read_norms(b"a = " + b"[" * 50_000)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 12), st.text(max_size=6))
def test_a_mangled_file_is_read_or_refused(at: int, length: int, put: str) -> None:
    mangled = GOOD[:at] + put + GOOD[at + length :]
    # Nothing but a refusal may come out of it.
    with suppress(IndicatorError):
        assert all(one.reliability_citation for one in read_norms(mangled.encode("utf-8", "surrogatepass")).values())
