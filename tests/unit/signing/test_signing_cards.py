"""Key cards: signed by their own keys, compared by people, rotated and revoked."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from exchange.errors import SealingError, WasChanged
from exchange.signing import cards, jws
from exchange.signing.canonical import canonical
from exchange.signing.cards import Card
from exchange.signing.keys import EncryptionKey, Keyring

START, END = date(2026, 1, 1), date(2027, 12, 31)


def make(keyring: Keyring, previous: Card | None = None, **other: Any) -> Card:
    fields: dict[str, Any] = {
        "parties": ("agb:04000001", "kvk:12345678"),
        "name": "Verzonnen praktijk",
        "contact": "kaart@voorbeeld.invalid",
        "valid_from": START,
        "valid_until": END,
    }
    return cards.make_card(keyring, previous=previous, **{**fields, **other})


KEYRING = Keyring.generate()
CARD = make(KEYRING)


def test_a_card_reads_back_from_what_travels() -> None:
    assert cards.read_card(CARD.jws) == CARD
    assert (CARD.serial, CARD.previous, CARD.demo) == (1, "", False)
    assert CARD.recipient == KEYRING.encryption.recipient
    assert CARD.public == KEYRING.signing.public
    assert CARD.digest == jws.digest(CARD.jws)


def test_the_fingerprint_is_eight_groups_of_five_digits_of_the_payloads_digest() -> None:
    assert re.fullmatch(r"\d{5}( \d{5}){7}", CARD.fingerprint)
    number = int(hashlib.sha256(CARD.payload).hexdigest(), 16) % 10**40
    assert int(CARD.fingerprint.replace(" ", "")) == number
    assert make(KEYRING, name="Andere naam").fingerprint != CARD.fingerprint


def test_the_fingerprint_does_not_change_when_the_card_is_signed_again() -> None:
    again = make(KEYRING)
    assert again.jws != CARD.jws
    assert again.fingerprint == CARD.fingerprint


def test_the_qr_code_is_one_titled_picture() -> None:
    svg = CARD.qr("Vingerafdruk & kaart")
    assert svg.startswith("<svg ")
    assert "<title>Vingerafdruk &amp; kaart</title>" in svg


def test_a_card_is_valid_on_both_its_first_and_last_day() -> None:
    assert [CARD.valid_on(day) for day in (date(2025, 12, 31), START, END, date(2028, 1, 1))] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("parties", []),
        ("parties", ["bsn:123456789"]),
        ("parties", ["agb:"]),
        ("parties", ["agb:0400000x"]),
        ("parties", ["agb:0400000\uff11"]),
        ("parties", ["agb:0400000\u00b2"]),
        ("parties", "agb:04000001"),
        ("parties", [1]),
        ("name", ""),
        ("name", "   "),
        ("name", 7),
        ("name", "praktijk\u001b[2J"),
        ("name", "x" * 201),
        ("contact", None),
        ("contact", "a\nb"),
        ("recipient", "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"),
        ("recipient", None),
        ("keys", []),
        ("serial", 0),
        ("serial", 2),
        ("serial", 1.5),
        ("serial", True),
        ("valid-from", "2028-01-01"),
        ("valid-from", "1 januari"),
        ("valid-until", 20271231),
        ("previous", "ab" * 32),
        ("demo", 0),
        ("format", "outcome-exchange-card/2"),
        ("extra", "x"),
    ],
)
def test_a_card_with_a_wrong_field_is_refused_though_its_keys_signed_it(field: str, value: object) -> None:
    content = {**json.loads(CARD.payload), field: value}
    with pytest.raises(WasChanged):
        cards.read_card(jws.sign(canonical(content), "card", KEYRING.signing))


def test_a_card_without_a_field_is_refused() -> None:
    for field in json.loads(CARD.payload):
        content = {name: value for name, value in json.loads(CARD.payload).items() if name != field}
        with pytest.raises(WasChanged):
            cards.read_card(jws.sign(canonical(content), "card", KEYRING.signing))


def test_a_card_signed_by_other_keys_or_as_another_kind_is_refused() -> None:
    other = Keyring.generate()
    for forged in (
        jws.sign(CARD.payload, "card", other.signing),
        jws.sign(CARD.payload, "agreement", KEYRING.signing),
        jws.sign(b"[]", "card", KEYRING.signing),
        b" " * 40_000,
        b"",
    ):
        with pytest.raises(WasChanged):
            cards.read_card(forged)


# Rotation -----------------------------------------------------------------------------------------------------------

ROTATED = KEYRING.rotated()
NEW = make(ROTATED, CARD)


OVERLAP = {"on": "2026-05-01", "until": "2026-05-31"}
ON, UNTIL = date(2026, 5, 1), date(2026, 5, 31)


def turned(old: Card, new: Card, keyring: Keyring) -> bytes:
    return cards.rotate(old, new, keyring.signing, on=ON, until=UNTIL)


def test_a_rotation_gives_the_new_card_to_whoever_pinned_the_old() -> None:
    read = cards.read_rotation(turned(CARD, NEW, KEYRING), CARD)
    assert (read.card, read.old, read.on, read.until) == (NEW, CARD.digest, ON, UNTIL)
    assert cards.card_named(read.jws, "rotation") == CARD.digest
    assert (NEW.serial, NEW.previous) == (2, CARD.digest)


def test_a_rotation_that_the_old_keys_did_not_sign_is_refused() -> None:
    with pytest.raises(WasChanged):
        turned(CARD, NEW, ROTATED)


@pytest.mark.parametrize(
    "how", ["same serial", "another's card", "other parties", "demo", "wrong old", "not a card", "ends first"]
)
def test_a_rotation_to_a_card_that_does_not_follow_is_refused(how: str) -> None:
    following = {
        "same serial": make(ROTATED),
        "another's card": make(ROTATED, make(KEYRING, name="Andere")),
        "other parties": make(ROTATED, CARD, parties=("agb:09999999",)),
        "demo": make(replace(ROTATED, demo=True), CARD),
    }.get(how, NEW)
    content = {"old": CARD.digest, "new": following.digest, "card": following.jws.decode(), **OVERLAP}
    if how == "wrong old":
        content["old"] = "ab" * 32
    if how == "not a card":
        content["card"] = "{}"
    if how == "ends first":
        content["until"] = "2026-04-30"
    with pytest.raises(WasChanged):
        cards.read_rotation(jws.sign(canonical(content), "rotation", KEYRING.signing), CARD)


def test_a_rotation_that_skips_a_serial_is_refused() -> None:
    skipped = cards.read_card(jws.sign(canonical({**json.loads(NEW.payload), "serial": 3}), "card", ROTATED.signing))
    with pytest.raises(WasChanged):
        turned(CARD, skipped, KEYRING)


def test_a_rotation_without_its_fields_is_refused() -> None:
    for content in ({}, {"card": 1}, [], {"old": "", "new": "", "card": "é"}):
        rotation = jws.sign(canonical(content), "rotation", KEYRING.signing)
        with pytest.raises(WasChanged):
            cards.read_rotation(rotation, CARD)
        if content != {"old": "", "new": "", "card": "é"}:
            with pytest.raises(WasChanged):
                cards.card_named(rotation, "rotation")


def test_two_cards_with_one_serial_block_both() -> None:
    thief = make(replace(ROTATED, encryption=EncryptionKey.generate()), CARD)
    assert thief.serial == NEW.serial
    assert cards.conflicting([CARD, NEW, thief, NEW]) == {NEW.digest, thief.digest}
    assert cards.conflicting([CARD, NEW]) == frozenset()


# Revocation ---------------------------------------------------------------------------------------------------------


def test_a_revocation_is_believed_from_the_cards_own_keys_only() -> None:
    revocation = cards.revoke(CARD, KEYRING.signing, on=date(2026, 5, 1), reason="laptop gestolen")
    read = cards.read_revocation(revocation, CARD)
    assert (read.card, read.party, read.serial, read.on) == (CARD.digest, "agb:04000001", 1, date(2026, 5, 1))
    for forged in (
        cards.revoke(CARD, ROTATED.signing, on=date(2026, 5, 1), reason=""),
        cards.revoke(make(KEYRING, name="Andere"), KEYRING.signing, on=date(2026, 5, 1), reason=""),
        jws.sign(b"{}", "revocation", KEYRING.signing),
        jws.sign(json.dumps({"card": 1, "party": 1, "serial": 1, "on": "x"}).encode(), "revocation", KEYRING.signing),
    ):
        with pytest.raises(WasChanged):
            cards.read_revocation(forged, CARD)


def test_demo_cards_and_real_keys_do_not_meet() -> None:
    demo = make(Keyring.generate(demo=True))
    assert demo.demo
    cards.require_same_world(True, demo)
    cards.require_same_world(False, CARD)
    for ours, card in ((False, demo), (True, CARD)):
        with pytest.raises(SealingError) as raised:
            cards.require_same_world(ours, card)
        assert raised.value.rule == "signing.demo-with-real"
