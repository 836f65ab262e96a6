"""Ending an agreement, or one party's place in it: a signed statement of who ends what, from which day and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from exchange.agreements import life
from exchange.agreements.frozen import Frozen
from exchange.errors import AgreementError, WasChanged
from exchange.indicators.moments import add_months
from exchange.signing import jws
from exchange.signing.canonical import NotStrict, canonical, strict
from exchange.signing.cards import Card
from exchange.signing.keys import SigningKeys

FORMAT = "termination/1"
CLAUSE = "term"
# The grounds of the clause on the term: with notice, or at once.
NOTICE, BREACH, LAPSED, AGREED = "notice", "breach", "basis-lapsed", "agreed"
GROUNDS = (NOTICE, BREACH, LAPSED, AGREED)
_MOST = 16 * 1024


@dataclass(frozen=True, slots=True)
class Termination:
    """That an agreement ends for `party`, or for everybody where that is empty; `on` is the first day without it.

    `by` is who ends it, `told_on` the day on which that was said. Ending concerns the agreement in whatever version.
    """

    agreement: str
    version: int
    digest: str
    by: str
    party: str
    on: date
    told_on: date
    ground: str


def sign(termination: Termination, keys: SigningKeys) -> bytes:
    """Return a termination as a JWS by whoever ends it."""
    return jws.sign(canonical(_written(termination)), "termination", keys)


def read(signed: bytes) -> Termination:
    """Return what a JWS says WITHOUT verifying it; WasChanged when it is no termination."""
    return _read(jws.payload(signed))


def verify(signed: bytes, card: Card) -> Termination:
    """Return a termination that a card signed; WasChanged otherwise."""
    return _read(jws.verify(signed, "termination", card))


def require(frozen: Frozen, termination: Termination, *, ended_on: date | None = None) -> None:
    """Raise AgreementError unless who ends may end this, on this day and ground; `ended_on` is what was told before.

    The practice may end it for all or for one partner, a partner for itself. Never backwards: what moved until today
    moved under an agreement that held.
    """
    agreement = frozen.agreement
    by = agreement.party(termination.by)
    named = {"agreement": agreement.id, "party": termination.by, "clause": CLAUSE}
    if by is None:
        raise AgreementError("ending.no-party", hints=("hint.agreement-list",), **{**named, "clause": "parties"})
    about = agreement.party(termination.party)
    if termination.party and (about is None or about.role != "partner"):
        raise AgreementError("ending.who", hints=("hint.agreement-list",), **{**named, "clause": "parties"})
    if by.role != "practice" and termination.party != by.party:
        raise AgreementError("ending.for-another", hints=("hint.ending.own",), **{**named, "clause": "parties"})
    if termination.on < termination.told_on:
        raise AgreementError(
            "ending.backdated", hints=("hint.ending.today",), on=termination.on, told=termination.told_on, **named
        )
    months = agreement.term.notice_months
    first = add_months(termination.told_on, months)
    if termination.ground == NOTICE and termination.on < first:
        raise AgreementError("ending.notice", hints=("hint.ending.ground",), first=first, months=months, **named)
    end = life.last_day(agreement, termination.told_on, ended_on)
    if termination.on >= end:
        raise AgreementError("ending.over-then", hints=("hint.agreement-list",), until=end, **named)


def _written(termination: Termination) -> dict[str, object]:
    return {
        "format": FORMAT,
        "agreement": termination.agreement,
        "version": termination.version,
        "digest": termination.digest,
        "by": termination.by,
        "party": termination.party,
        "on": termination.on.isoformat(),
        "told-on": termination.told_on.isoformat(),
        "ground": termination.ground,
    }


def _read(payload: bytes) -> Termination:
    try:
        content = strict(payload, most=_MOST, deepest=2)
        if content["format"] != FORMAT or content["ground"] not in GROUNDS:
            raise WasChanged
        termination = Termination(
            agreement=content["agreement"],
            version=content["version"],
            digest=content["digest"],
            by=content["by"],
            party=content["party"],
            on=date.fromisoformat(content["on"]),
            told_on=date.fromisoformat(content["told-on"]),
            ground=content["ground"],
        )
        if canonical(_written(termination)) != payload:
            raise WasChanged
    except (NotStrict, KeyError, TypeError, ValueError):
        raise WasChanged from None
    return termination
