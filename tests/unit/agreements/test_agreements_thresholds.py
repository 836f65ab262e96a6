"""The thresholds by which change is judged stand in what is signed, the unverified ones marked, and stay as signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from exchange.agreements import printing, signing
from exchange.indicators import wording
from exchange.records.instruments import Instrument, instruments

MARKED = {"nl": "Niet geverifieerd zijn de drempels:", "en": "Not verified are the thresholds:"}


def payload(world: Any) -> bytes:
    def add(raw: dict[str, Any]) -> None:
        raw["indicators"].append({"id": "responders", "version": 1, "primary": False})

    return signing.freeze(world.changed(add).agreement, world.definitions, on=world.start)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_signed_clause_and_its_print_name_the_unverified_thresholds(world: Any, language: str) -> None:
    signed = payload(world)
    text = printing.document(signed, language)
    assert text.count(MARKED[language]) == 1
    said = text[text.index(MARKED[language]) :].partition("\n")[0]
    for one in instruments().values():
        if one.effect and one.mic is not None and one.unverified:
            assert f"{one.aliases[0]} " in said, one.id
    assert any(MARKED[language] in clause.text for clause in signing.thaw(signed).clauses[language])
    assert MARKED[language] not in printing.document(world.payload(), language)


def test_a_threshold_of_later_does_not_get_into_what_was_signed(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    signed = payload(world)
    before = printing.document(signed, "nl")
    assert not [one for one in signing.examine(signing.thaw(signed), world.start) if "clause" in one.rule]

    def later() -> Mapping[str, Instrument]:
        return {**instruments(), "nprs": replace(instruments()["nprs"], mic=90, status="unverified")}

    monkeypatch.setattr(wording, "instruments", later)
    assert printing.document(signed, "nl") == before
    found = signing.examine(signing.thaw(signed), world.start)
    assert "agreements.clause-differs" in {one.rule for one in found}
