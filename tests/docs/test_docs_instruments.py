"""The table in docs/instruments.md is the one that the data gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.operations import measuring

PAGE = Path(__file__).resolve().parents[2] / "docs" / "instruments.md"


def test_the_table_of_the_page_is_the_list_of_the_program() -> None:
    if not PAGE.is_file():
        pytest.skip("docs/instruments.md is not here")
    text = PAGE.read_text(encoding="utf-8")
    head, rows = measuring.table("nl")
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]
    assert "\n".join(lines) in text
