"""Acceding to a framework: a member's signed record, bound to the text by its digest, and the practice's acceptance."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from exchange.agreements import life
from exchange.agreements.agreement import Joining, Party, SuiteException, party_from
from exchange.agreements.frozen import Frozen
from exchange.agreements.reading import shape
from exchange.errors import AgreementError, WasChanged
from exchange.findings import say
from exchange.records.codes import PartnerKind
from exchange.signing import jws
from exchange.signing.canonical import NotStrict, canonical, strict
from exchange.signing.cards import Card
from exchange.signing.keys import SigningKeys

FORMAT = "accession/1"
ACCEPTED = "accession-acceptance/1"
CLAUSE = "accession"
# Who must use the BSN by law; a party does not say this of itself.
CARE_PROVIDERS = frozenset({PartnerKind.GP, PartnerKind.SPECIALIST, PartnerKind.OTHER})
_MOST = 64 * 1024
_NEW_VERSION = ("hint.acceding.new-version",)
_ASK = ("hint.ask-sender-again",)


@dataclass(frozen=True, slots=True)
class OnPaper:
    """What the practice records of an accession on paper; `scan` is the SHA-256 of the scanned pages as hex."""

    signatory: str
    function: str
    authority: str
    on: date
    scan: str
    recorded_by: str


@dataclass(frozen=True, slots=True)
class Accession:
    """That a party accedes to exactly one text; `identifiers` are all the numbers it is known by.

    By keys the party signs it; on paper the practice does, and `paper` says what it rests on.
    """

    agreement: str
    version: int
    digest: str
    party: Party
    identifiers: tuple[str, ...]
    on: date
    paper: OnPaper | None = None


def sign(accession: Accession, keys: SigningKeys) -> bytes:
    """Return an accession as a JWS by whoever signs it."""
    return jws.sign(canonical(_written(accession)), "accession", keys)


def read(signed: bytes) -> Accession:
    """Return what a JWS says WITHOUT verifying it; WasChanged when it is no accession."""
    return _read(jws.payload(signed))


def verify(signed: bytes, card: Card) -> Accession:
    """Return an accession that a card signed; WasChanged otherwise."""
    return _read(jws.verify(signed, "accession", card))


def accept(signed: bytes, keys: SigningKeys, *, on: date, by: str) -> bytes:
    """Return the practice's acceptance of exactly this accession."""
    accession = read(signed)
    content = {
        "format": ACCEPTED,
        "agreement": accession.agreement,
        "version": accession.version,
        "digest": accession.digest,
        "party": accession.party.party,
        "accession": jws.digest(signed),
        "on": on.isoformat(),
        "by": by,
    }
    return jws.sign(canonical(content), "acceptance", keys)


def accepted_on(acceptance: bytes, signed: bytes, practice: Card) -> date:
    """Return since when the practice's card accepts an accession; WasChanged when it accepts another, or none."""
    accession = read(signed)
    try:
        content = strict(jws.verify(acceptance, "acceptance", practice), most=_MOST, deepest=2)
        named = (content["format"], content["accession"], content["digest"], content["party"])
        if named != (ACCEPTED, jws.digest(signed), accession.digest, accession.party.party):
            raise WasChanged
        return date.fromisoformat(content["on"])
    except (NotStrict, KeyError, TypeError, ValueError):
        raise WasChanged from None


def accepted_digest(acceptance: bytes) -> str:
    """Return the accession that a JWS says to accept, WITHOUT verifying it; empty where it is no acceptance of one."""
    try:
        content = strict(jws.payload(acceptance), most=_MOST, deepest=2)
        return str(content["accession"]) if content["format"] == ACCEPTED else ""
    except (NotStrict, KeyError, TypeError):
        return ""


def joined(frozen: Frozen, accessions: Iterable[Accession]) -> Frozen:
    """Return a framework with the parties that acceded to it; the text and its digest stay what was signed."""
    agreement, raw = frozen.agreement, dict(frozen.agreement.raw)
    for one in accessions:
        agreement = replace(agreement, parties=(*agreement.parties, one.party))
        raw["parties"] = [*raw["parties"], _party(one.party)]
        terms = agreement.accession
        if one.paper is not None and terms is not None and terms.passphrase_until is not None:
            reason = {language: say("agreements.exception-reason", {}, language) for language in ("nl", "en")}
            weaker = SuiteException(one.party.party, "passphrase", terms.passphrase_until, reason)
            agreement = replace(agreement, exceptions=(*agreement.exceptions, weaker))
            # The next version is drafted from this: without it their forms would stop.
            listed = [*raw["keys"]["exceptions"], _exception(weaker)]
            raw["keys"] = {**raw["keys"], "exceptions": listed}
    return replace(frozen, agreement=replace(agreement, raw=raw))


def require_open(
    frozen: Frozen, kind: PartnerKind, on: date, *, ended_on: date | None = None, superseded_on: date | None = None
) -> Joining:
    """Raise AgreementError unless a party of a kind may accede on a day; the clause on accession says so."""
    agreement, terms = frozen.agreement, frozen.agreement.accession
    named: Mapping[str, object] = {"agreement": agreement.id, "version": agreement.version, "clause": CLAUSE}
    if terms is None:
        raise AgreementError("acceding.not-open", hints=_NEW_VERSION, **named)
    end = life.last_day(agreement, on, ended_on)
    if end <= on:
        raise AgreementError("acceding.over", hints=("hint.acceding.next",), until=end, **{**named, "clause": "term"})
    if superseded_on is not None and superseded_on <= on:
        raise AgreementError("acceding.replaced", hints=("hint.ask-new-proposal",), **{**named, "clause": "changes"})
    if terms.until is not None and terms.until <= on:
        raise AgreementError("acceding.closed", hints=_NEW_VERSION, until=terms.until, **named)
    if kind not in terms.kinds:
        admitted = ", ".join(one.value for one in terms.kinds)
        raise AgreementError("acceding.kind", hints=_NEW_VERSION, kind=kind.value, kinds=admitted, **named)
    return terms


def require(frozen: Frozen, accession: Accession, *, parties: Collection[str], name: str, card: str) -> None:
    """Raise AgreementError unless an accession is to this text, new, sound, and in the signer's own name.

    `frozen` holds who acceded before; `parties`, `name` and `card` (forty digits) are those of the card that signed,
    or of the party on paper.
    """
    agreement, party = frozen.agreement, accession.party
    named: Mapping[str, object] = {"agreement": agreement.id, "party": party.party, "clause": CLAUSE}
    if (accession.agreement, accession.version, accession.digest) != (agreement.id, agreement.version, frozen.digest):
        raise AgreementError("acceding.text", hints=("hint.gate.text",), **{**named, "clause": "signing"})
    own = party.party in parties and set(accession.identifiers) <= {*parties} and party.name == name
    if not own or party.card != card or party.signs != ("keys" if card else "paper"):
        raise AgreementError("acceding.name", hints=("hint.acceding.own-name",), **{**named, "clause": "parties"})
    if any(one.party in {*parties, *accession.identifiers} for one in agreement.parties):
        raise AgreementError("acceding.twice", hints=_NEW_VERSION, **named)
    care = party.kind in CARE_PROVIDERS
    if party.role != "partner" or party.care_provider != care or shape(joined(frozen, [accession]).agreement.raw):
        raise AgreementError("acceding.broken", hints=_ASK, **named)


def _written(accession: Accession) -> dict[str, Any]:
    content: dict[str, Any] = {
        "format": FORMAT,
        "agreement": accession.agreement,
        "version": accession.version,
        "digest": accession.digest,
        "party": _party(accession.party),
        "identifiers": list(accession.identifiers),
        "on": accession.on.isoformat(),
    }
    if accession.paper is not None:
        paper = accession.paper
        content["paper"] = {
            "signatory": paper.signatory,
            "function": paper.function,
            "authority": paper.authority,
            "on": paper.on.isoformat(),
            "scan": paper.scan,
            "recorded-by": paper.recorded_by,
        }
    return content


def _party(party: Party) -> dict[str, Any]:
    """Return a party as the text writes it."""
    signatory = {"function": party.signatory.function, "authority": party.signatory.authority}
    optional = {"label": party.label, "address": party.address, "card": party.card}
    return {
        "id": party.party,
        "name": party.name,
        "role": party.role,
        "kind": party.kind.value,
        "care-provider": party.care_provider,
        "signs": party.signs,
        "signatory": signatory | ({"name": party.signatory.name} if party.signatory.name else {}),
        "privacy-contact": party.privacy_contact,
        **{name: value for name, value in optional.items() if value},
    }


def _exception(weaker: SuiteException) -> dict[str, Any]:
    """Return an exception as the text writes it."""
    return {
        "party": weaker.party,
        "suite": weaker.suite,
        "until": weaker.until.isoformat(),
        "reason": dict(weaker.reason),
    }


def _read(payload: bytes) -> Accession:
    try:
        content = strict(payload, most=_MOST, deepest=4)
        if content["format"] != FORMAT:
            raise WasChanged
        accession = Accession(
            agreement=content["agreement"],
            version=content["version"],
            digest=content["digest"],
            party=party_from(content["party"]),
            identifiers=tuple(content["identifiers"]),
            on=date.fromisoformat(content["on"]),
            paper=_paper(content["paper"]) if "paper" in content else None,
        )
        # What is not read back to the same bytes holds something that nobody would see in print.
        if canonical(_written(accession)) != payload:
            raise WasChanged
    except (NotStrict, KeyError, TypeError, ValueError, AttributeError):
        raise WasChanged from None
    return accession


def _paper(content: Mapping[str, Any]) -> OnPaper:
    return OnPaper(
        signatory=content["signatory"],
        function=content["function"],
        authority=content["authority"],
        on=date.fromisoformat(content["on"]),
        scan=content["scan"],
        recorded_by=content["recorded-by"],
    )


def checksum(scan: bytes) -> str:
    """Return the digest by which a record names scanned pages."""
    return hashlib.sha256(scan).hexdigest()
