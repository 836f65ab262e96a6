"""A key card from a stranger, who signs it with keys of their own; and the rotation and revocation of a known one."""

from __future__ import annotations

from contextlib import suppress

from sealed_things import CARD, KEYRING

from exchange.errors import SealingError
from exchange.signing import cards, jws
from exchange.signing.canonical import canonical

CORPUS = (
    CARD.jws,
    CARD.payload,
    canonical({"card": CARD.digest, "party": CARD.parties[0], "serial": 1, "on": "2026-02-03", "reason": "verloren"}),
    canonical({"old": CARD.digest, "new": CARD.digest, "card": CARD.jws.decode(), "on": "2026-02-03", "overlap": 30}),
    b"[]",
)


def one_input(data: bytes) -> None:
    """Read it as it is, and signed by the keys that it may name: an attacker can sign anything with their own."""
    for signed in (data, jws.sign(data, "card", KEYRING.signing)):
        try:
            card = cards.read_card(signed)
        except SealingError:
            continue
        assert card.jws == signed
        assert card.name.isprintable()
        assert all(party.partition(":")[0] in cards.SCHEMES for party in card.parties)
        assert len(card.fingerprint.replace(" ", "")) == 40
        assert card.public == KEYRING.signing.public
    with suppress(SealingError):
        cards.read_revocation(jws.sign(data, "revocation", KEYRING.signing), CARD)
    with suppress(SealingError):
        cards.read_rotation(jws.sign(data, "rotation", KEYRING.signing), CARD)
