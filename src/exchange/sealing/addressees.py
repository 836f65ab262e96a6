"""For whom a file is sealed: partners' cards, a generated passphrase, or a classical key by a dated exception."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from exchange.errors import SealingError
from exchange.sealing import passphrases
from exchange.sealing.header import MOST_STANZAS
from exchange.sealing.manifest import TO_PASSPHRASE
from exchange.sealing.recipients import (
    CLASSICAL,
    HYBRID,
    PASSPHRASE,
    WORK_FACTOR,
    ClassicalRecipient,
    HybridRecipient,
    PassphraseRecipient,
    Recipient,
)
from exchange.signing.cards import Card, require_same_world


@dataclass(frozen=True, slots=True)
class Addressees:
    """Recipients of one kind; `names` is how the manifest lists them, `suite` the kind of stanza."""

    suite: str
    names: tuple[str, ...]
    recipients: tuple[Recipient, ...] = field(repr=False)
    cards: tuple[Card, ...] = ()

    def require_world(self, demo: bool) -> None:
        """Refuse demo keys beside real ones."""
        for card in self.cards:
            require_same_world(demo, card)


def to_cards(cards: Sequence[Card], *, on: date) -> Addressees:
    """Address partners by the recipient keys of their cards, which must be valid on this day."""
    if not cards:
        raise SealingError("sealing.no-recipients")
    if len(cards) > MOST_STANZAS:
        raise SealingError("sealing.too-many-recipients", most=MOST_STANZAS)
    for card in cards:
        if not card.valid_on(on):
            raise SealingError("signing.card-not-valid", party=card.parties[0], on=on.isoformat())
    names = tuple(card.recipient_digest for card in cards)
    return Addressees(HYBRID, names, tuple(HybridRecipient(card.recipient) for card in cards), tuple(cards))


def to_passphrase(passphrase: str, *, work_factor: int = WORK_FACTOR) -> Addressees:
    """Address one partner by a passphrase that `passphrases.generate` made for this file."""
    if not passphrases.made_here(passphrase):
        raise SealingError("sealing.passphrase-weak")
    return Addressees(PASSPHRASE, TO_PASSPHRASE, (PassphraseRecipient(passphrase, work_factor=work_factor),))


def to_classical(text: str, *, until: date, on: date) -> Addressees:
    """Address one partner by an X25519 key (`age1…`), while the agreement's dated exception lasts."""
    if on > until:
        raise SealingError("sealing.exception-over", hints=("hint.renew-exception",), until=until.isoformat())
    recipient = ClassicalRecipient(text)
    return Addressees(CLASSICAL, (hashlib.sha256(recipient.public_bytes).hexdigest(),), (recipient,))
