"""A key card: who an organisation is and which keys are its own, signed by those keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from typing import Any

from exchange.errors import SealingError, WasChanged
from exchange.signing import jws as signed
from exchange.signing.canonical import NotStrict, canonical, strict
from exchange.signing.keys import Keyring, PublicKeys, SigningKeys, recipient_bytes

CARD_FORMAT = "outcome-exchange-card/1"
SCHEMES = ("agb", "ura", "kvk", "oin")
_MOST_CARD = 32 * 1024
_DIGITS = 40
_GROUP = 5
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Card:
    """A card whose two signatures were checked with the keys in it; whose it is, only a person can verify.

    `recipient` is the `age1pq1…` text, `previous` the digest of the card before it (empty for the first),
    `demo` says that the keys lie unprotected on disk. `payload` is what was signed, `jws` what travels.
    """

    parties: tuple[str, ...]
    name: str
    contact: str
    recipient: str = field(repr=False)
    public: PublicKeys = field(repr=False)
    serial: int
    valid_from: date
    valid_until: date
    previous: str
    demo: bool
    payload: bytes = field(repr=False)
    jws: bytes = field(repr=False, compare=False)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the payload as hex, by which manifests name the card."""
        return hashlib.sha256(self.payload).hexdigest()

    @property
    def fingerprint(self) -> str:
        """Return what two people read to each other: the digest mod 10^40, as 8 groups of 5 digits."""
        digits = f"{int(self.digest, 16) % 10**_DIGITS:0{_DIGITS}d}"
        return " ".join(digits[start : start + _GROUP] for start in range(0, _DIGITS, _GROUP))

    @property
    def recipient_digest(self) -> str:
        """Return the SHA-256 of the recipient key's bytes as hex, by which manifests name a recipient."""
        return hashlib.sha256(recipient_bytes(self.recipient)).hexdigest()

    def valid_on(self, day: date) -> bool:
        """Say whether a day is within the card's validity, both ends included."""
        return self.valid_from <= day <= self.valid_until

    def qr(self, title: str) -> str:
        """Return the fingerprint's digits as a QR code: one SVG element with this title."""
        picture = BytesIO()
        self._code.save(picture, kind="svg", xmldecl=False, title=title, scale=4, light="#fff")
        return picture.getvalue().decode("utf-8").strip()

    def qr_png(self) -> bytes:
        """Return the same QR code as a PNG, for whoever pastes it into a letter."""
        picture = BytesIO()
        self._code.save(picture, kind="png", scale=8)
        return picture.getvalue()

    @property
    def _code(self) -> Any:
        import segno

        return segno.make(self.fingerprint.replace(" ", ""), error="m", micro=False)


@dataclass(frozen=True, slots=True)
class Rotation:
    """The old card's keys say that the new card follows; both open in the overlap, from `on` through `until`."""

    old: str
    card: Card
    on: date
    until: date
    jws: bytes = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Revocation:
    """A card's own keys say that it is no longer to be trusted."""

    card: str
    party: str
    serial: int
    on: date
    reason: str
    jws: bytes = field(repr=False, compare=False)


def make_card(
    keyring: Keyring,
    *,
    parties: tuple[str, ...],
    name: str,
    contact: str,
    valid_from: date,
    valid_until: date,
    previous: Card | None = None,
) -> Card:
    """Return this keyring's card, signed; with `previous` its serial is one higher and it names that card."""
    content = {
        "format": CARD_FORMAT,
        "parties": list(parties),
        "name": name,
        "contact": contact,
        "recipient": keyring.encryption.recipient,
        "keys": list(keyring.signing.public.jwks),
        "serial": 1 if previous is None else previous.serial + 1,
        "valid-from": valid_from.isoformat(),
        "valid-until": valid_until.isoformat(),
        "previous": "" if previous is None else previous.digest,
        "demo": keyring.demo,
    }
    return read_card(signed.sign(canonical(content), "card", keyring.signing))


def read_card(jws: bytes) -> Card:
    """Read a card and verify it with its own keys; WasChanged when it is not whole, signed and well formed.

    This proves only that one hand holds these keys. Until a person compared the fingerprint over another channel,
    the card is nobody's.
    """
    try:
        if len(jws) > _MOST_CARD:
            raise WasChanged
        content = strict(signed.payload(jws), most=_MOST_CARD, deepest=4)
        public = PublicKeys.from_jwks(content["keys"])
        card = _card(content, public, signed.verify(jws, "card", public), jws)
        if canonical(_content(card)) != canonical(content):
            raise WasChanged
        _require_sound(card)
    except (NotStrict, SealingError, ValueError, TypeError, KeyError, AttributeError):
        raise WasChanged from None
    return card


def rotate(old: Card, new: Card, keys: SigningKeys, *, on: date, until: date) -> bytes:
    """Return the rotation statement: the new card (signed by its own keys) under the signature of the old keys.

    `until` is the last day of the overlap, in which partners may still seal to the old card.
    """
    content = {
        "old": old.digest,
        "new": new.digest,
        "card": new.jws.decode("ascii"),
        "on": on.isoformat(),
        "until": until.isoformat(),
    }
    rotation = signed.sign(canonical(content), "rotation", keys)
    read_rotation(rotation, old)
    return rotation


def read_rotation(jws: bytes, old: Card) -> Rotation:
    """Return the rotation, when the pinned old keys and the new card's own both signed it and it follows the old one.

    A thief of the old keys can make one too: what came from the new card is received, but nothing about a patient
    goes to it until a person has accepted it.
    """
    try:
        content = strict(signed.verify(jws, "rotation", old), most=2 * _MOST_CARD, deepest=2)
        new = read_card(content["card"].encode("ascii"))
        read = Rotation(old.digest, new, date.fromisoformat(content["on"]), date.fromisoformat(content["until"]), jws)
        if content != {
            "old": old.digest,
            "new": new.digest,
            "card": content["card"],
            "on": read.on.isoformat(),
            "until": read.until.isoformat(),
        }:
            raise WasChanged
    except (NotStrict, ValueError, TypeError, KeyError, AttributeError):
        raise WasChanged from None
    follows = new.serial == old.serial + 1 and new.previous == old.digest and read.on <= read.until
    if not (follows and set(new.parties) == set(old.parties) and new.demo == old.demo):
        raise WasChanged
    return read


def card_named(jws: bytes, typ: str) -> str:
    """Return the digest of the card that a rotation or revocation says to be about, NOT verified: to look it up."""
    name = {"rotation": "old", "revocation": "card"}[typ]
    try:
        named = strict(signed.payload(jws), most=2 * _MOST_CARD, deepest=2)[name]
    except (NotStrict, ValueError, TypeError, KeyError):
        raise WasChanged from None
    if not isinstance(named, str):
        raise WasChanged
    return named


def revoke(card: Card, keys: SigningKeys, *, on: date, reason: str) -> bytes:
    """Return the revocation of a card, signed by its own keys."""
    content = {
        "card": card.digest,
        "party": card.parties[0],
        "serial": card.serial,
        "on": on.isoformat(),
        "reason": reason,
    }
    return signed.sign(canonical(content), "revocation", keys)


def read_revocation(jws: bytes, card: Card) -> Revocation:
    """Return the revocation, when the card's own pinned keys signed it and it names that card."""
    try:
        content = strict(signed.verify(jws, "revocation", card), most=_MOST_CARD, deepest=2)
        read = Revocation(
            content["card"],
            content["party"],
            content["serial"],
            date.fromisoformat(content["on"]),
            str(content["reason"]),
            jws,
        )
    except (NotStrict, ValueError, TypeError, KeyError):
        raise WasChanged from None
    if (read.card, read.party, read.serial) != (card.digest, card.parties[0], card.serial):
        raise WasChanged
    return read


def conflicting(cards: Iterable[Card]) -> frozenset[str]:
    """Return the digests of cards to block: two different cards of one party with one serial block both."""
    found: dict[tuple[str, int], set[str]] = {}
    for card in cards:
        for party in card.parties:
            found.setdefault((party, card.serial), set()).add(card.digest)
    return frozenset(digest for digests in found.values() if len(digests) > 1 for digest in digests)


def require_same_world(ours: bool, card: Card) -> None:
    """Refuse to let demo keys and real keys exchange; `ours` is our keyring's `demo`."""
    if ours != card.demo:
        raise SealingError("signing.demo-with-real", hints=("hint.init-with-passphrase",), party=card.parties[0])


def _card(content: dict[str, Any], public: PublicKeys, payload: bytes, jws: bytes) -> Card:
    return Card(
        tuple(content["parties"]),
        content["name"],
        content["contact"],
        content["recipient"],
        public,
        content["serial"],
        date.fromisoformat(content["valid-from"]),
        date.fromisoformat(content["valid-until"]),
        content["previous"],
        content["demo"],
        payload,
        jws,
    )


def _content(card: Card) -> dict[str, object]:
    return {
        "format": CARD_FORMAT,
        "parties": list(card.parties),
        "name": card.name,
        "contact": card.contact,
        "recipient": card.recipient,
        "keys": list(card.public.jwks),
        "serial": card.serial,
        "valid-from": card.valid_from.isoformat(),
        "valid-until": card.valid_until.isoformat(),
        "previous": card.previous,
        "demo": card.demo,
    }


def _is_party(text: str) -> bool:
    """Tell whether this is a register and a number; a digit of another script looks like ours and is another party."""
    scheme, _, number = text.partition(":")
    return scheme in SCHEMES and number.isascii() and number.isdigit()


def _require_sound(card: Card) -> None:
    # A name is shown on terminals: no control characters in it.
    texts = (card.name, card.contact, card.previous, *card.parties)
    sound = (
        bool(card.parties)
        and all(isinstance(text, str) and text.isprintable() and len(text) <= _LONGEST for text in texts)
        and all(_is_party(party) for party in card.parties)
        and bool(card.name.strip())
        and isinstance(card.demo, bool)
        and type(card.serial) is int
        and card.serial >= 1
        and (card.previous == "") == (card.serial == 1)
        and card.valid_from <= card.valid_until
    )
    if not sound:
        raise WasChanged
    recipient_bytes(card.recipient)
