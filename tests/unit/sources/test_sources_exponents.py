"""A number with a monstrous exponent is a rejected field, never a crash or a computation without end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exchange.errors import SourceError
from exchange.records.instruments import instruments
from exchange.sources.reading import read
from exchange.sources.rows import ClaimRow, Rejected

MONSTERS = ("1e7319731973", "1e-7319731973", "-1E99999999", "1e999999999999")


@pytest.mark.parametrize("monster", MONSTERS)
def test_no_score_has_an_exponent(monster: str) -> None:
    assert all(one.score_from_text(monster) is None for one in instruments().values())


@pytest.mark.parametrize("monster", MONSTERS)
def test_a_measurement_of_such_a_score_is_rejected_and_the_rest_is_read(monster: str, tmp_path: Path) -> None:
    file = tmp_path / "metingen.csv"
    file.write_text(
        "Patiëntnummer;Trajectnummer;Meetinstrument;Meetdatum;Score\r\n"
        f"P1;T1;nprs;27-02-2024;{monster}\r\nP1;T1;nprs;22-05-2024;4,7\r\n",
        encoding="utf-8",
    )
    rows = list(read(file).rows())
    assert [row.line for row in rows if isinstance(row, Rejected)] == [2]
    assert len(rows) == 2


@pytest.mark.parametrize("monster", MONSTERS)
def test_an_amount_or_a_total_with_an_exponent_is_refused(monster: str, gds801: Any, tmp_path: Path) -> None:
    file = tmp_path / "claims.xml"
    text = gds801.message(gds801.person(gds801.debit())).decode()
    file.write_text(text.replace("<Bedrag>3500<", f"<Bedrag>{monster[:16]}<"), encoding="utf-8")
    assert any(isinstance(row, ClaimRow) for row in read(file).rows())
    file.write_text(text.replace("Btw>3500<", f"Btw>{monster[:16]}<"), encoding="utf-8")
    try:
        rows = list(read(file).rows())
    except SourceError:
        return
    assert not any(isinstance(row, ClaimRow) for row in rows)
