"""What is signed, by whom, and what a signed agreement says: only its own content speaks, never today's templates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from exchange.agreements import acceding, clauses, deriving, life
from exchange.agreements.agreement import FORMAT, Agreement, Party, from_mapping
from exchange.agreements.checking import check, require
from exchange.agreements.frozen import Clause, Flow, Frozen, Window, base
from exchange.agreements.reading import shape
from exchange.errors import AgreementError, WasChanged
from exchange.findings import Finding, Severity
from exchange.indicators.definition import Definition
from exchange.indicators.reading import read as read_definition
from exchange.signing import jws
from exchange.signing.canonical import NotStrict, canonical, strict
from exchange.signing.cards import Card
from exchange.signing.keys import SigningKeys

LARGEST = 4 * 1024 * 1024
PAPER_FORMAT = "paper-signature/1"
_HINT = ("hint.agreements.ask-again",)
_SHA256_DIGITS = 64
_LONGEST_MONTHS = 240


# What lies beside a payload: signatures over it, and what was signed about it later.
SIGNATURE, ACCESSION, ACCEPTANCE, TERMINATION = "signature", "accession", "acceptance", "termination"


@dataclass(frozen=True, slots=True)
class Signature:
    """One party's signature: a JWS over the payload by its own keys, or the practice's signed record of paper.

    Of another `kind` it is a party's accession, the practice's acceptance of that, or the end that a party told.
    """

    party: str
    jws: bytes
    paper: bool = False
    kind: str = SIGNATURE


@dataclass(frozen=True, slots=True)
class PaperRecord:
    """What the practice records of a signature on paper; `scan` is the SHA-256 of the scanned pages as hex."""

    agreement: str
    version: int
    digest: str
    party: str
    signatory: str
    function: str
    authority: str
    on: date
    scan: str
    recorded_by: str


def freeze(
    agreement: Agreement,
    definitions: Mapping[str, Definition],
    *,
    on: date,
    languages: tuple[str, ...] = clauses.LANGUAGES,
    draft: bool = False,
) -> bytes:
    """Return the payload that every party signs; raise AgreementError while the check still finds an error.

    With `draft` places may still be blank: such a payload is to be shown to people, never signed.
    """
    require(agreement, definitions, on, blanks=draft)
    pinned = deriving.pinned(agreement, definitions)
    listed = deriving.flows(agreement, definitions)
    window = deriving.window(pinned)
    content = {
        "format": FORMAT,
        "agreement": agreement.raw,
        "clauses": {
            language: [
                {"id": clause.id, "title": clause.title, "text": clause.text}
                for clause in clauses.render(agreement, definitions, listed, window, language)
            ]
            for language in languages
        },
        "definitions": [definition.raw for definition in pinned],
        "flows": [{"from": flow.sender, "event": flow.event, "elements": list(flow.elements)} for flow in listed],
        "labels": deriving.labels(listed),
        "window": {"months": window.months, "days": window.days},
    }
    return canonical(content)


def digest(payload: bytes) -> str:
    """Return the name of a signed agreement: the SHA-256 of its payload bytes as hex."""
    return hashlib.sha256(payload).hexdigest()


def thaw(payload: bytes) -> Frozen:
    """Return the content of a payload; AgreementError when it is not an agreement as `freeze` writes it."""
    try:
        content = strict(payload, most=LARGEST, deepest=32)
        _require_form(content, payload)
        frozen = Frozen(
            agreement=from_mapping(content["agreement"]),
            digest=digest(payload),
            flows=tuple(Flow(str(one["from"]), str(one["event"]), _texts(one["elements"])) for one in content["flows"]),
            clauses={
                str(language): tuple(Clause(str(one["id"]), str(one["title"]), str(one["text"])) for one in listed)
                for language, listed in content["clauses"].items()
            },
            definitions=tuple(dict(one) for one in content["definitions"]),
            labels=_labels(content["labels"]),
            window=Window(int(content["window"]["months"]), int(content["window"]["days"])),
        )
        _require_sound(frozen)
    except (NotStrict, KeyError, TypeError, ValueError, AttributeError) as error:
        raise AgreementError("agreements.payload-broken", hints=_HINT) from error
    return frozen


def definitions_of(frozen: Frozen) -> Mapping[str, Definition]:
    """Return the definitions that travelled inside a signed agreement, by id."""
    found = (read_definition(canonical(dict(raw)), str(raw.get("id", ""))) for raw in frozen.definitions)
    return {definition.id: definition for definition in found}


def examine(frozen: Frozen, on: date) -> tuple[Finding, ...]:
    """Return what the receiver of a proposal should know before signing it.

    The draft's own findings; flows other than its indicators need; clauses worded other than ours.
    """
    definitions = definitions_of(frozen)
    found = list(check(frozen.agreement, definitions, on))
    if any(finding.severity is Severity.ERROR for finding in found):
        return tuple(found)
    listed = deriving.flows(frozen.agreement, definitions)
    window = deriving.window(deriving.pinned(frozen.agreement, definitions))
    if listed != frozen.flows or window != frozen.window:
        found.append(Finding("agreements.flows-differ", "flows"))
    for language in frozen.clauses:
        if language in clauses.LANGUAGES:
            ours = clauses.render(frozen.agreement, definitions, listed, window, language)
            found += _worded_otherwise(frozen.clauses[language], ours, language)
    return tuple(found)


def _worded_otherwise(sent: tuple[Clause, ...], ours: tuple[Clause, ...], language: str) -> list[Finding]:
    """Find clauses that were changed, added or left out against our own rendering of the same terms."""
    theirs, own = {one.id: one for one in sent}, {one.id: one for one in ours}
    differ = [id_ for id_ in [*own, *(id_ for id_ in theirs if id_ not in own)] if theirs.get(id_) != own.get(id_)]
    return [
        Finding(
            "agreements.clause-differs",
            f"clauses.{language}.{id_}",
            Severity.WARNING,
            params={"clause": id_, "language": language},
        )
        for id_ in differ
    ]


def sign(payload: bytes, keys: SigningKeys, *, on: date) -> bytes:
    """Return a party's JWS over the payload; an agreement whose term is over is not signed any more."""
    agreement = thaw(payload).agreement
    if life.last_day(agreement, on) <= on:
        raise AgreementError(
            "agreements.over", hints=("hint.gate.in-time",), agreement=agreement.id, until=agreement.term.until
        )
    return jws.sign(payload, "agreement", keys)


def record_paper(record: PaperRecord, keys: SigningKeys) -> bytes:
    """Return the practice's signed record that a party signed these pages on paper."""
    if len(record.scan) != _SHA256_DIGITS or not (record.signatory and record.function and record.authority):
        raise AgreementError("agreements.paper-incomplete", hints=("hint.agreements.paper",), party=record.party)
    content = {
        "format": PAPER_FORMAT,
        "agreement": record.agreement,
        "version": record.version,
        "digest": record.digest,
        "party": record.party,
        "signatory": record.signatory,
        "function": record.function,
        "authority": record.authority,
        "on": record.on.isoformat(),
        "scan": record.scan,
        "recorded-by": record.recorded_by,
    }
    return jws.sign(canonical(content), "acceptance", keys)


def read_paper(signed: bytes, practice: Card) -> PaperRecord:
    """Return a paper record that the practice's card signed; WasChanged otherwise."""
    return _paper(jws.verify(signed, "acceptance", practice))


def paper_record(signature: Signature) -> PaperRecord:
    """Return what a paper record of our own store says, WITHOUT verifying it: ask `signed_by` for that."""
    return _paper(jws.payload(signature.jws))


def _paper(payload: bytes) -> PaperRecord:
    try:
        content = strict(payload, most=64 * 1024, deepest=2)
        if content.pop("format") != PAPER_FORMAT:
            raise WasChanged
        return PaperRecord(on=date.fromisoformat(content.pop("on")), recorded_by=content.pop("recorded-by"), **content)
    except (NotStrict, KeyError, TypeError, ValueError, AttributeError):
        raise WasChanged from None


def signed_by(payload: bytes, signatures: Iterable[Signature], cards: Mapping[str, Iterable[Card]]) -> frozenset[str]:
    """Return the parties whose signature over exactly this payload holds.

    `cards` are, per party, the cards to trust: a revoked one is left out by who asks. A party's first signature must
    come from the very card the agreement names.
    """
    frozen = thaw(payload)
    pinned = {party: tuple(known) for party, known in cards.items()}
    listed = tuple(signatures)
    own = {one.party for one in listed if one.kind == SIGNATURE and _holds(one, payload, frozen, pinned)}
    later = {one.party for one, accepted in _pairs(listed) if _acceded(one, accepted, frozen, pinned)}
    return frozenset(own | later)


def accessions(signatures: Iterable[Signature]) -> tuple[acceding.Accession, ...]:
    """Return the accessions that the practice accepted; their signatures were verified when they came in."""
    return tuple(acceding.read(one.jws) for one, _ in _pairs(tuple(signatures)))


def waiting(signatures: Iterable[Signature]) -> tuple[acceding.Accession, ...]:
    """Return the accessions that the practice has not accepted yet."""
    listed = tuple(signatures)
    done = {one.party for one, _ in _pairs(listed)}
    return tuple(acceding.read(one.jws) for one in listed if one.kind == ACCESSION and one.party not in done)


def thaw_with(payload: bytes, signatures: Iterable[Signature]) -> Frozen:
    """Return the content of a payload, with the parties that acceded to it since."""
    return acceding.joined(thaw(payload), accessions(signatures))


def write_signatures(signatures: Iterable[Signature]) -> str:
    """Return signatures as JSON text for the store; the pair of `read_signatures`."""
    listed = [
        {"party": one.party, "jws": one.jws.decode("ascii"), "paper": one.paper}
        | ({"kind": one.kind} if one.kind != SIGNATURE else {})
        for one in signatures
    ]
    return json.dumps(listed, sort_keys=True)


def read_signatures(text: str) -> tuple[Signature, ...]:
    """Read what `write_signatures` wrote."""
    return tuple(signature(one) for one in json.loads(text))


def signature(one: Mapping[str, Any]) -> Signature:
    """Return a signature as the store gives it back."""
    return Signature(
        str(one["party"]), str(one["jws"]).encode("ascii"), bool(one["paper"]), str(one.get("kind", SIGNATURE))
    )


def _pairs(signatures: tuple[Signature, ...]) -> Iterator[tuple[Signature, Signature]]:
    """Yield each accession with the acceptance that names exactly it."""
    accepted = {acceding.accepted_digest(one.jws): one for one in signatures if one.kind == ACCEPTANCE}
    for one in signatures:
        if one.kind == ACCESSION and jws.digest(one.jws) in accepted:
            yield one, accepted[jws.digest(one.jws)]


def _acceded(
    signature: Signature, acceptance: Signature, frozen: Frozen, cards: Mapping[str, tuple[Card, ...]]
) -> bool:
    practice = cards.get(frozen.agreement.practice.party, ())
    # The practice may have other keys by now than when the framework was signed; the member signed with those it names.
    accepted = any(_accepts(acceptance, signature, card) for card in practice)
    accession = acceding.read(signature.jws)
    named = [card for card in cards.get(signature.party, ()) if _digits(card) == accession.party.card]
    signers = practice if accession.paper is not None else named
    digests = (accession.digest, accession.party.party)
    return accepted and digests == (frozen.digest, signature.party) and any(_by(signature, one) for one in signers)


def _accepts(acceptance: Signature, signature: Signature, card: Card) -> bool:
    try:
        acceding.accepted_on(acceptance.jws, signature.jws, card)
    except WasChanged:
        return False
    return True


def _by(signature: Signature, card: Card) -> bool:
    try:
        acceding.verify(signature.jws, card)
    except WasChanged:
        return False
    return True


def _digits(card: Card) -> str:
    return card.fingerprint.replace(" ", "")


def _holds(signature: Signature, payload: bytes, frozen: Frozen, cards: Mapping[str, tuple[Card, ...]]) -> bool:
    party = frozen.agreement.party(signature.party)
    if party is None:
        return False
    signer = frozen.agreement.practice if signature.paper else party
    return any(_by_card(signature, payload, frozen, party, card) for card in _named(signer, cards))


def _named(signer: Party, cards: Mapping[str, tuple[Card, ...]]) -> Iterable[Card]:
    """Return the signer's cards whose fingerprint the agreement names."""
    return (card for card in cards.get(signer.party, ()) if _digits(card) == signer.card)


def _by_card(signature: Signature, payload: bytes, frozen: Frozen, party: Party, card: Card) -> bool:
    try:
        if not signature.paper:
            return party.signs == "keys" and jws.verify(signature.jws, "agreement", card) == payload
        record = read_paper(signature.jws, card)
    except WasChanged:
        return False
    return party.signs == "paper" and (record.digest, record.party) == (frozen.digest, party.party)


def _require_form(content: Any, payload: bytes) -> None:
    # Only the canonical bytes have one digest; anything else is not what `freeze` wrote.
    if canonical(content) != payload or content["format"] != FORMAT or shape(content["agreement"]):
        raise ValueError(FORMAT)


def _require_sound(frozen: Frozen) -> None:
    """Refuse what the gate, the life and the printing could not work with: no practice, no labels, a huge window."""
    roles = [party.role for party in frozen.agreement.parties]
    used = {base(element) for flow in frozen.flows for element in flow.elements}
    months, days = frozen.window.months, frozen.window.days
    bounded = 0 <= months <= _LONGEST_MONTHS and 0 <= days <= _LONGEST_MONTHS * 31
    if roles.count("practice") != 1 or "partner" not in roles or not used <= set(frozen.labels) or not bounded:
        raise ValueError(FORMAT)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError(type(value))
    return tuple(value)


def _labels(value: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        str(element): {
            part: {language: str(one[part][language]) for language in clauses.LANGUAGES} for part in ("label", "plain")
        }
        for element, one in value.items()
    }
