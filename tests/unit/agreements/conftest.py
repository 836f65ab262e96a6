"""An invented practice, its invented partners, and agreements between them from the shipped templates."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest

from exchange.agreements import drafting, reading, signing
from exchange.agreements.agreement import Party, Signatory
from exchange.agreements.frozen import Frozen
from exchange.indicators.definition import Definition
from exchange.indicators.reading import shipped_definitions
from exchange.records.codes import PartnerKind
from exchange.signing.cards import Card, make_card
from exchange.signing.keys import Keyring

START = date(2026, 1, 1)
PRACTICE, ONE, TWO = "agb:07000001", "agb:01000001", "agb:01000002"


class World:
    """What the tests of this room need: parties with real keys, and drafts from templates."""

    start = START
    practice, one, two = PRACTICE, ONE, TWO

    def __init__(self) -> None:
        self.definitions: Mapping[str, Definition] = shipped_definitions()
        self.keys: dict[str, Keyring] = {id_: Keyring.generate(demo=True) for id_ in (PRACTICE, ONE, TWO)}
        self.cards: dict[str, Card] = {
            id_: make_card(
                keys,
                parties=(id_,),
                name=f"Invented {id_}",
                contact="post@x.invalid",
                valid_from=date(2025, 1, 1),
                valid_until=date(2030, 1, 1),
            )
            for id_, keys in self.keys.items()
        }

    def party(self, id_: str, kind: PartnerKind, signs: str = "keys", label: str = "") -> Party:
        role = "practice" if kind is PartnerKind.PRACTICE else "partner"
        card = self.cards[id_].fingerprint.replace(" ", "") if signs == "keys" else ""
        care = kind in (PartnerKind.GP, PartnerKind.SPECIALIST, PartnerKind.OTHER, PartnerKind.PRACTICE)
        signatory = Signatory("owner", "trade register", "")
        return Party(id_, f"Invented {id_}", role, kind, signs, signatory, "fg@x.invalid", care, label, "", card)

    def text(self, kind: PartnerKind = PartnerKind.GP, *partners: Party, **options: Any) -> str:
        """Return a draft's YAML; without partners one of the kind."""
        if not partners:
            partners = (self.usual(kind),)
        practice = self.party(PRACTICE, PartnerKind.PRACTICE)
        chosen = {"id": f"invented-{kind.value}", "on": START, "definitions": self.definitions} | options
        return drafting.new(kind, practice, partners, **chosen)

    def usual(self, kind: PartnerKind) -> Party:
        if kind is PartnerKind.CLIENT:
            each = Signatory("each client", "for themselves")
            return Party("local:clients", "Clients", "partner", kind, "paper", each, "see the practice")
        if kind is PartnerKind.SOCIAL:
            return self.party("kvk:12345678", kind, "paper")
        return self.party(ONE, kind)

    def draft(self, kind: PartnerKind = PartnerKind.GP, *partners: Party, **options: Any) -> reading.Draft:
        draft, findings = reading.read(self.text(kind, *partners, **options).encode(), "draft.yaml")
        assert draft is not None, findings
        return draft

    def changed(self, change: Callable[[dict[str, Any]], None], kind: PartnerKind = PartnerKind.GP) -> reading.Draft:
        """Return a draft after a change to its content, read again from text."""
        raw = json.loads(json.dumps(self.draft(kind).agreement.raw))
        change(raw)
        draft, findings = reading.read(drafting.write(raw).encode(), "draft.yaml")
        assert draft is not None, findings
        return draft

    def payload(self, kind: PartnerKind = PartnerKind.GP, *partners: Party, **options: Any) -> bytes:
        return signing.freeze(self.draft(kind, *partners, **options).agreement, self.definitions, on=START)

    def frozen(self, kind: PartnerKind = PartnerKind.GP, *partners: Party, **options: Any) -> Frozen:
        return signing.thaw(self.payload(kind, *partners, **options))


@pytest.fixture(scope="session")
def world() -> World:
    return World()
