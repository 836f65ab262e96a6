"""One whole message of each kind, to be read by people: tests/golden/messages. All of it is invented."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.messages.checking import check
from exchange.messages.codes import EVENTS
from exchange.records.codes import ConsentState

FOLDER = Path(__file__).resolve().parents[2] / "golden" / "messages"
WHOLE = {event: FOLDER / f"{event}.json" for event in EVENTS}


def pretty(data: bytes) -> str:
    return json.dumps(json.loads(data), ensure_ascii=False, indent=2) + "\n"


def invented(event, facts):
    """Say in the message itself that nothing in it is real; what a partner sends comes from the partner."""
    if event.startswith("partner-"):
        facts = replace(facts, sender=facts.receiver, receiver=facts.sender)
    if event == "consent-withdrawn":
        facts = replace(facts, consent=replace(facts.consent, state=ConsentState.WITHDRAWN))
    referral = replace(facts.referral, question="Verzonnen voorbeeld: schouderklachten, graag oefentherapie.")
    return replace(facts, referral=referral)


@pytest.mark.parametrize("event", EVENTS)
def test_the_message_is_the_one_that_was_looked_at(event, facts, built):
    """Write the examples again with `UPDATE_GOLDEN=1`; the difference is read by a person before it is committed."""
    now = pretty(built(event, facts=invented(event, facts)))
    if os.environ.get("UPDATE_GOLDEN"):
        WHOLE[event].write_text(now, encoding="utf-8")

    assert WHOLE[event].read_text(encoding="utf-8") == now


@pytest.mark.parametrize("event", EVENTS)
def test_the_example_has_no_finding_and_says_that_it_is_invented(event):
    text = WHOLE[event].read_text(encoding="utf-8")

    assert check(text.encode()) == ()
    assert "Verzonnen" in text
