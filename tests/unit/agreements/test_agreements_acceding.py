"""Accession and its acceptance: which signatures count, and what a framework with later parties is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from exchange.agreements import acceding, drafting, signing, terminating
from exchange.agreements.acceding import Accession, OnPaper
from exchange.agreements.agreement import Joining
from exchange.errors import AgreementError, WasChanged
from exchange.records.codes import PartnerKind
from exchange.signing import jws
from exchange.signing.canonical import canonical

TODAY = date(2026, 3, 1)
OPEN = Joining((PartnerKind.GP,), date(2027, 1, 1), date(2027, 6, 1))
PAPER = OnPaper("the owner", "owner", "register", TODAY, "a" * 64, "tester")


def record(world: Any, payload: bytes, **changes: Any) -> Accession:
    frozen = signing.thaw(payload)
    party = replace(world.party(world.two, PartnerKind.GP, "paper" if "paper" in changes else "keys"), label="Group")
    whole = Accession(frozen.agreement.id, 1, frozen.digest, party, (world.two,), TODAY)
    return replace(whole, **changes)


def pair(world: Any, one: Accession, signer: str = "", accepts: Accession | None = None) -> list[signing.Signature]:
    """Return an accession and the practice's acceptance, as they lie beside a payload."""
    signed = acceding.sign(one, world.keys[signer or one.party.party].signing)
    named = signed if accepts is None else acceding.sign(accepts, world.keys[world.two].signing)
    said = acceding.accept(named, world.keys[world.practice].signing, on=TODAY, by="tester")
    return [
        signing.Signature(one.party.party, signed, one.paper is not None, signing.ACCESSION),
        signing.Signature(world.practice, said, kind=signing.ACCEPTANCE),
    ]


@pytest.fixture
def payload(world: Any) -> bytes:
    return bytes(world.payload(accession=OPEN))


def by(world: Any, payload: bytes, *signatures: signing.Signature, left_out: str = "") -> frozenset[str]:
    cards = {party: [card] for party, card in world.cards.items() if party != left_out}
    return signing.signed_by(payload, signatures, cards)


def test_an_accession_counts_with_the_acceptance_of_exactly_it(world: Any, payload: bytes) -> None:
    one = record(world, payload)
    both = pair(world, one)
    assert by(world, payload, *both) == {world.two}
    assert by(world, payload, both[0]) == frozenset()
    assert by(world, payload, both[1]) == frozenset()
    other = pair(world, one, accepts=replace(one, on=date(2026, 3, 2)))
    assert by(world, payload, *other) == frozenset()
    assert signing.waiting(other) == (one,)
    assert signing.accessions(both) == (one,)
    assert signing.waiting(both) == ()


@pytest.mark.parametrize("changes", [{"digest": "0" * 64}, {"version": 2}])
def test_an_accession_to_another_text_counts_nowhere_here(world: Any, payload: bytes, changes: dict[str, Any]) -> None:
    one = record(world, payload, **changes)
    counted = by(world, payload, *pair(world, one))
    assert counted == (frozenset() if "digest" in changes else {world.two})
    card = world.cards[world.two].fingerprint.replace(" ", "")
    with pytest.raises(AgreementError) as caught:
        acceding.require(signing.thaw(payload), one, parties=(world.two,), name=one.party.name, card=card)
    assert caught.value.rule == "acceding.text"


def test_signed_by_another_or_by_a_card_that_is_trusted_no_more_it_counts_for_nothing(
    world: Any, payload: bytes
) -> None:
    one = record(world, payload)
    assert by(world, payload, *pair(world, one, signer=world.one)) == frozenset()
    assert by(world, payload, *pair(world, one), left_out=world.two) == frozenset()
    assert by(world, payload, *pair(world, one), left_out=world.practice) == frozenset()
    elsewhere = replace(one, party=replace(one.party, card="1" * 40))
    assert by(world, payload, *pair(world, elsewhere)) == frozenset()


def test_on_paper_the_practice_signs_and_forms_get_their_exception(world: Any, payload: bytes) -> None:
    one = record(world, payload, paper=PAPER)
    both = pair(world, one, signer=world.practice)
    assert by(world, payload, *both) == {world.two}
    assert by(world, payload, *pair(world, one, signer=world.two)) == frozenset()
    (weaker,) = signing.thaw_with(payload, both).agreement.exceptions
    assert (weaker.party, weaker.suite, weaker.until) == (world.two, "passphrase", OPEN.passphrase_until)


def test_a_framework_with_later_parties_keeps_its_digest_and_can_become_a_next_version(
    world: Any, payload: bytes
) -> None:
    joined = signing.thaw_with(payload, pair(world, record(world, payload)))
    assert joined.digest == signing.digest(payload)
    assert [one.party for one in joined.agreement.partners] == [world.one, world.two]
    following = drafting.next_version(joined.agreement, on=date(2026, 6, 1), months=12)
    assert [one["id"] for one in following["parties"]] == [world.practice, world.one, world.two]


def test_signatures_of_every_kind_are_written_and_read_back(world: Any, payload: bytes) -> None:
    both = pair(world, record(world, payload))
    ended = signing.Signature(world.one, b"x", kind=signing.TERMINATION)
    assert list(signing.read_signatures(signing.write_signatures([*both, ended]))) == [*both, ended]


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"format": "accession/2"},
        {"format": acceding.FORMAT},
        [],
    ],
)
def test_what_is_no_accession_acceptance_or_end_was_changed(world: Any, content: Any) -> None:
    keys = world.keys[world.two].signing
    card = world.cards[world.two]
    signed = {typ: jws.sign(canonical(content), typ, keys) for typ in ("accession", "acceptance", "termination")}
    with pytest.raises(WasChanged):
        acceding.verify(signed["accession"], card)
    with pytest.raises(WasChanged):
        terminating.verify(signed["termination"], card)
    assert acceding.accepted_digest(signed["acceptance"]) == ""


def test_what_nobody_would_see_in_print_is_not_in_an_accession(world: Any, payload: bytes) -> None:
    import json

    one = record(world, payload)
    keys, card = world.keys[world.two].signing, world.cards[world.two]
    whole = json.loads(jws.payload(acceding.sign(one, keys)))
    assert acceding.verify(jws.sign(canonical(whole), "accession", keys), card) == one
    for hidden in ({**whole, "extra": 1}, {**whole, "party": {**whole["party"], "extra": 1}}):
        with pytest.raises(WasChanged):
            acceding.verify(jws.sign(canonical(hidden), "accession", keys), card)


def test_the_paper_record_of_a_party_in_the_text_is_no_acceptance(world: Any, payload: bytes) -> None:
    frozen = signing.thaw(payload)
    paper = signing.PaperRecord(
        frozen.agreement.id, 1, frozen.digest, world.two, "owner", "owner", "register", TODAY, "a" * 64, "tester"
    )
    said = signing.record_paper(paper, world.keys[world.practice].signing)
    first, _ = pair(world, record(world, payload))
    assert by(world, payload, first, signing.Signature(world.practice, said, kind=signing.ACCEPTANCE)) == frozenset()
    with pytest.raises(WasChanged):
        acceding.accepted_on(said, first.jws, world.cards[world.practice])


@pytest.mark.parametrize(
    ("rule", "terms"),
    [
        ("agreements.accession-kind", Joining((PartnerKind.GP, PartnerKind.SOCIAL))),
        ("agreements.accession-until", Joining((PartnerKind.GP,), date(2026, 1, 1))),
        ("agreements.accession-until", Joining((PartnerKind.GP,), date(2035, 1, 1))),
        ("agreements.exception-long", Joining((PartnerKind.GP,), None, date(2035, 1, 1))),
    ],
)
def test_each_fault_of_the_terms_of_accession_has_its_finding(world: Any, rule: str, terms: Joining) -> None:
    from exchange.agreements import checking

    found = checking.check(world.draft(accession=terms), world.definitions, TODAY)
    assert rule in {one.rule for one in found}
    assert all(one.line for one in found if one.rule == rule)


def test_an_open_framework_has_the_clause_that_says_so_and_a_closed_one_has_none(world: Any) -> None:
    opened, closed = world.frozen(accession=OPEN), world.frozen()
    assert "accession" not in {one.id for one in closed.clauses["nl"]}
    for language, words in (("nl", ("huisartsenpraktijken", "1 januari 2027", "wachtzin")),
                            ("en", ("GP practices", "1 January 2027", "passphrase"))):  # fmt: skip
        text = next(one.text for one in opened.clauses[language] if one.id == "accession")
        assert all(word in text for word in words)
    without = world.changed(lambda raw: raw.update(accession={"kinds": ["gp"]}))
    from exchange.agreements import checking

    found = checking.check(without, world.definitions, TODAY)
    assert any(one.rule == "agreements.clause-missing" and one.params["clause"] == "accession" for one in found)
