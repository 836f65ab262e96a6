"""A table on a narrow terminal: words are folded, numbers stay whole and every column stays where its head is."""

from __future__ import annotations

import pytest

from exchange_cli import folding

HEADS = ["indicator", "waarde", "95%-interval", "teller/noemer", "onbekend", "n"]
ROWS = [
    ["Episodes die zonder advies tot doorverwijzing zijn afgesloten", "60,9%", "29,8 tot 81,9%", "123/202",
     "154", "159"],
    ["Van de pijnstillers af", "niet te berekenen", "–", "0/0", "0", "0"],
    ["Behandelingen per patient", "8,4", "7,9 tot 8,9", "1204/142", "0", "142"],
]  # fmt: skip
COLUMNS = [list(column) for column in zip(HEADS, *ROWS, strict=True)]
NUMBERS = frozenset(range(1, 6))


@pytest.mark.parametrize("most", [80, 100, 120])
def test_no_line_is_longer_than_the_terminal_and_no_number_is_broken(most: int) -> None:
    found = folding.lines(COLUMNS, NUMBERS, most)
    assert max(map(len, found)) <= most
    for number in (cell for row in ROWS for cell in row[1:] if cell[0].isdigit()):
        assert any(number in line for line in found)
    # A row's words can be read on, and its numbers stand beside their first line.
    (first,) = (line for line in found if "60,9%" in line)
    assert first.startswith("Episodes die")
    rule = next(line for line in found if line.startswith("─"))
    for number in ("60,9%", "159"):
        assert rule[first.index(number)] == "─"
    words = " ".join(line[: rule.index("  ")] for line in found[found.index(rule) + 1 :])
    assert " ".join(words.split()) == " ".join(row[0] for row in ROWS)


def test_what_fits_or_is_no_terminal_has_a_line_for_each_row() -> None:
    wide = folding.lines(COLUMNS, NUMBERS)
    assert len(wide) == 5
    assert folding.lines(COLUMNS, NUMBERS, max(map(len, wide))) == wide


def test_numbers_that_leave_no_room_make_long_lines_and_stay_whole() -> None:
    found = folding.lines([["title", "a title of some length"], ["value", "1" * 60]], {1}, 40)
    assert any("1" * 60 in line for line in found)


def test_a_word_longer_than_its_column_is_cut_and_nothing_of_it_is_lost() -> None:
    long = "arbeidsongeschiktheidsverzekeringsmaatschappij met toevoeging"
    found = folding.lines([["naam", long], ["waarde", "12,5%"]], {1}, 30)
    assert max(map(len, found)) <= 30
    assert "".join(line[:22].replace(" ", "") for line in found[2:]) == long.replace(" ", "")


def test_a_table_without_rows_is_its_head() -> None:
    assert folding.lines([["indicator of some length"], ["value"]], {1}, 20)[0].startswith("indicator")
