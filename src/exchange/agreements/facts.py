"""The facts the gate decides on: fetched by operations, never by the gate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from exchange.records.codes import ConsentState


class Direction(StrEnum):
    """Whether we send or receive."""

    OUT = "out"
    IN = "in"


class CardState(StrEnum):
    """What is known of the other side's key card."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    ROTATED = "rotated"  # signed by old and new keys, not yet accepted by a person
    BLOCKED = "blocked"  # two cards with one serial
    REVOKED = "revoked"
    PAPER = "paper"


class Suite(StrEnum):
    """How the content is sealed, or that it came on a form or goes by word of mouth."""

    HYBRID = "hybrid"
    PASSPHRASE = "passphrase"  # noqa: S105 - the name of a suite, not a secret
    X25519 = "x25519"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the store knows of the case a message speaks of.

    `opened_on` is empty where the case was never opened under this agreement with this party. `belongs` says that
    this party referred or treats the patient. `consent` is the state as of the day, for this partner and purpose.
    """

    opened_on: date | None
    belongs: bool
    consent: ConsentState | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """May this go out, or come in? `us` and `party` are `scheme:value`; `party` is always the other side.

    `digest` is the SHA-256 of the agreement payload that the message (or the order to export) names. `period` is
    the half-open stretch of days the content speaks of. `signed` are the parties whose signature over exactly this
    payload was verified, or whose paper signature the practice recorded. `before_switch` says that the manifest's
    sequence precedes the switch to a newer version.
    """

    direction: Direction
    event: str
    us: str
    party: str
    digest: str
    purpose: str
    elements: frozenset[str]
    on: date
    signed: frozenset[str]
    card: CardState
    suite: Suite = Suite.HYBRID
    period: tuple[date, date] | None = None
    case: CaseFacts | None = None
    correction: bool = False
    ended_on: date | None = None
    superseded_on: date | None = None
    before_switch: bool = False
