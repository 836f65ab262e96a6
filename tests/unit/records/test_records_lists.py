"""The shipped lists: elements, DCSPH, instruments."""

import pytest

from exchange.records.dcsph import code_status, dcsph_codes, location_label
from exchange.records.elements import elements
from exchange.records.instruments import find_instrument, instruments
from exchange.records.thresholds import mdc_text
from exchange.store.tables import metadata


def test_the_list_has_the_published_counts() -> None:
    listed = dcsph_codes()
    everything = [mark for marks in listed.open.values() for mark in marks.values()]
    assert len(listed.locations) == 53
    assert len([mark for mark in everything if not mark.endswith("specialised")]) == 1448
    assert len([mark for mark in everything if mark.endswith("specialised")]) == 44


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("3427", "open"),
        ("7023", "open"),
        ("1001", "closed"),
        ("1199", "special"),
        ("3437", "unknown"),
        ("0000", "unknown"),
        ("34", "unknown"),
    ],
)
def test_a_code_is_open_closed_special_or_unknown(code: str, status: str) -> None:
    assert code_status(code) == status


def test_a_location_has_its_dutch_name() -> None:
    assert location_label("34") == "Lumbale wervelkolom"
    assert location_label("00") == "00"


def test_every_element_has_its_words_and_a_real_column() -> None:
    for element in elements().values():
        assert element.label["nl"]
        assert element.label["en"]
        assert element.plain["nl"].endswith(".")
        assert element.plain["en"].endswith(".")
        assert element.sensitivity in {"identity", "health", "process", "aggregate"}
        assert element.fhir
        table, _, column = element.column.partition(".")
        assert table in metadata.tables
        assert not column or column in metadata.tables[table].c


def test_thresholds_are_inside_the_range_and_unverified_ones_say_so() -> None:
    for instrument in instruments().values():
        assert instrument.lowest < instrument.highest
        assert instrument.better in {"lower", "higher"}
        for threshold in (instrument.mic, instrument.mdc):
            assert threshold is None or 0 < threshold <= instrument.highest - instrument.lowest
        if instrument.status == "verified":
            assert instrument.source


def test_a_measurement_error_of_ninety_per_cent_is_converted_and_rounded_up() -> None:
    """9 points x 1.9600 / 1.6449 is 10.72 on the LEFS, 10.9 makes 12.99 on the DASH; one at 95 % stays as it is."""
    known = instruments()

    assert (known["lefs"].mdc, known["lefs"].mdc_confidence, known["lefs"].mdc95) == (9, 90, 11)
    assert (known["dash"].mdc, known["dash"].mdc_confidence, known["dash"].mdc95) == (109, 90, 130)
    assert all(one.mdc95 == one.mdc for one in known.values() if one.mdc_confidence in (None, 95))
    assert mdc_text(known["dash"], "nl") == "10,9 (90%), 13 (95%)"


def test_a_prognostic_list_is_never_an_effect() -> None:
    assert not instruments()["startback"].effect
    assert instruments()["startback"].mic is None


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("7,5", 75),
        ("7.5", 75),
        (" 10 ", 100),
        ("10,1", None),
        ("7,55", None),
        ("acht", None),
        ("NaN", None),
        ("", None),
        ("-1", None),
        ("1e400", None),
    ],
)
def test_a_score_is_read_exactly_or_not_at_all(text: str, score: int | None) -> None:
    assert instruments()["nprs"].score_from_text(text) == score


def test_a_score_is_written_in_its_own_scale() -> None:
    assert instruments()["nprs"].score_text(75) == "7,5"
    assert instruments()["qbpds"].score_text(40) == "40"


def test_an_instrument_is_found_by_alias_whatever_the_case() -> None:
    found = find_instrument("quebec")
    assert found is not None
    assert found.id == "qbpds"
    assert find_instrument("onbekend") is None
