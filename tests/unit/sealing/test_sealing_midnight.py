"""A card is valid by days in Amsterdam; the manifest's instant is UTC."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from exchange.errors import CannotOpen
from exchange.signing.cards import make_card


def _with_card(exchange: Any, first: date, last: date) -> Any:
    practice = exchange.practice
    card = make_card(
        practice.keyring,
        parties=(practice.party,),
        name="Verzonnen praktijk",
        contact="kaart@voorbeeld.invalid",
        valid_from=first,
        valid_until=last,
    )
    return replace(exchange, practice=replace(practice, card=card))


def test_a_card_made_just_after_midnight_in_amsterdam_can_be_used_at_once(exchange: Any) -> None:
    night = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    sender = _with_card(exchange, date(2026, 3, 2), date(2027, 3, 2))
    path = sender.send(created=night)
    assert sender.open(path, now=night).manifest.created == night


def test_a_card_that_ended_yesterday_in_amsterdam_is_not_valid_though_utc_says_it_is_still_that_day(
    exchange: Any,
) -> None:
    night = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    sender = _with_card(exchange, date(2025, 3, 2), date(2026, 3, 1))
    path = sender.send(created=night)
    with pytest.raises(CannotOpen):
        sender.open(path, now=night)
