"""What is signed is exactly the content, and only a signature by the very card it names counts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from exchange.agreements import clauses, deriving, printing, signing
from exchange.agreements.signing import PaperRecord, Signature
from exchange.errors import AgreementError, WasChanged
from exchange.findings import Severity
from exchange.records.codes import PartnerKind
from exchange.signing import jws
from exchange.signing.canonical import canonical
from exchange.signing.cards import make_card

SCAN = "a" * 64


def signed(world: Any, payload: bytes, party: str) -> Signature:
    return Signature(party, signing.sign(payload, world.keys[party].signing, on=world.start))


def trusted(world: Any) -> dict[str, list[Any]]:
    return {party: [card] for party, card in world.cards.items()}


def paper(world: Any, payload: bytes, **changes: Any) -> Signature:
    frozen = signing.thaw(payload)
    record = PaperRecord(
        agreement=frozen.agreement.id,
        version=frozen.agreement.version,
        digest=frozen.digest,
        party=world.two,
        signatory="Invented Person",
        function="owner",
        authority="trade register",
        on=date(2026, 1, 5),
        scan=SCAN,
        recorded_by="invented user",
    )
    jws_bytes = signing.record_paper(replace(record, **changes), world.keys[world.practice].signing)
    return Signature(world.two, jws_bytes, paper=True)


def mixed(world: Any) -> bytes:
    on_keys = world.party(world.one, PartnerKind.GP)
    on_paper = world.party(world.two, PartnerKind.GP, "paper")
    return bytes(world.payload(PartnerKind.GP, on_keys, on_paper))


def test_the_same_draft_freezes_to_the_same_bytes(world: Any) -> None:
    assert world.payload() == world.payload()


def test_what_is_thawed_is_what_was_frozen(world: Any) -> None:
    draft = world.draft()
    payload = world.payload()
    frozen = signing.thaw(payload)
    assert frozen.agreement == draft.agreement
    assert frozen.flows == deriving.flows(draft.agreement, world.definitions)
    assert frozen.digest == signing.digest(payload)
    assert signing.definitions_of(frozen) == {one.id: world.definitions[one.id] for one in draft.agreement.indicators}
    assert frozen.title("consent", "en") == "6. Consent"
    assert frozen.title("invented", "en") == "invented"


def test_the_full_definitions_and_clauses_in_both_languages_are_in_what_is_signed(world: Any) -> None:
    content = json.loads(world.payload())
    assert {one["id"] for one in content["definitions"]} == {one["id"] for one in content["agreement"]["indicators"]}
    assert [one["id"] for one in content["clauses"]["nl"]] == content["agreement"]["clauses"]
    assert [one["id"] for one in content["clauses"]["en"]] == content["agreement"]["clauses"]


def test_a_draft_with_errors_does_not_freeze(world: Any) -> None:
    draft = world.changed(lambda raw: raw["indicators"][0].update(primary=False))
    with pytest.raises(AgreementError, match="1 error"):
        signing.freeze(draft.agreement, world.definitions, on=world.start)


def test_both_sides_sign_the_same_bytes(world: Any) -> None:
    payload = world.payload()
    both = [signed(world, payload, world.practice), signed(world, payload, world.one)]
    assert signing.signed_by(payload, both, trusted(world)) == {world.practice, world.one}
    assert signing.signed_by(payload, both[:1], trusted(world)) == {world.practice}
    assert signing.signed_by(payload, [], trusted(world)) == frozenset()


def test_one_changed_character_undoes_every_signature(world: Any) -> None:
    payload = world.payload()
    both = [signed(world, payload, world.practice), signed(world, payload, world.one)]
    changed = payload.replace(b'"retention-months":36', b'"retention-months":37')
    assert changed != payload
    assert signing.signed_by(changed, both, trusted(world)) == frozenset()


def test_a_signature_under_anothers_name_does_not_count(world: Any) -> None:
    payload = world.payload()
    forged = Signature(world.one, signed(world, payload, world.practice).jws)
    stranger = Signature("agb:01999999", signed(world, payload, world.one).jws)
    assert signing.signed_by(payload, [forged, stranger], trusted(world)) == frozenset()


def test_a_signature_of_another_kind_does_not_count(world: Any) -> None:
    payload = world.payload()
    manifest = Signature(world.one, jws.sign(payload, "manifest", world.keys[world.one].signing))
    assert signing.signed_by(payload, [manifest], trusted(world)) == frozenset()


def test_a_card_that_is_no_longer_trusted_signs_nothing(world: Any) -> None:
    payload = world.payload()
    one = signed(world, payload, world.one)
    assert signing.signed_by(payload, [one], {**trusted(world), world.one: []}) == frozenset()


def test_a_card_other_than_the_one_the_agreement_names_signs_nothing(world: Any) -> None:
    payload = world.payload()
    other = make_card(
        world.keys[world.one],
        parties=(world.one,),
        name="another card, the same keys",
        contact="post@x.invalid",
        valid_from=date(2025, 1, 1),
        valid_until=date(2030, 1, 1),
    )
    one = signed(world, payload, world.one)
    assert signing.signed_by(payload, [one], {world.one: [other]}) == frozenset()


def test_the_practice_records_a_signature_on_paper(world: Any) -> None:
    payload = mixed(world)
    practice = signed(world, payload, world.practice)
    assert signing.signed_by(payload, [practice, paper(world, payload)], trusted(world)) == {world.practice, world.two}
    record = signing.read_paper(paper(world, payload).jws, world.cards[world.practice])
    assert (record.signatory, record.scan, record.on) == ("Invented Person", SCAN, date(2026, 1, 5))


def test_a_paper_record_counts_for_its_own_party_and_text_only(world: Any) -> None:
    payload = mixed(world)
    other_text = paper(world, payload, digest="b" * 64)
    other_party = paper(world, payload, party=world.one)
    on_keys = Signature(world.one, paper(world, payload, party=world.one).jws, paper=True)
    own_keys = signed(world, payload, world.two)
    for one in (other_text, other_party, on_keys, own_keys):
        assert signing.signed_by(payload, [one], trusted(world)) == frozenset()


@pytest.mark.parametrize("lost", ["signatory", "function", "authority"])
def test_a_paper_record_that_leaves_something_out_is_refused(world: Any, lost: str) -> None:
    with pytest.raises(AgreementError):
        paper(world, mixed(world), **{lost: ""})
    with pytest.raises(AgreementError):
        paper(world, mixed(world), scan="ab")


@pytest.mark.parametrize(
    "content",
    [{}, {"format": "another/1"}, {"format": "paper-signature/1"}, {"format": "paper-signature/1", "on": "x"}],
)
def test_another_acceptance_is_no_paper_record(world: Any, content: dict[str, str]) -> None:
    other = jws.sign(canonical(content), "acceptance", world.keys[world.practice].signing)
    with pytest.raises(WasChanged):
        signing.read_paper(other, world.cards[world.practice])


def test_signatures_are_written_and_read_back(world: Any) -> None:
    payload = mixed(world)
    both = (signed(world, payload, world.practice), paper(world, payload))
    assert signing.read_signatures(signing.write_signatures(both)) == both


def test_an_agreement_whose_term_is_over_is_not_signed(world: Any) -> None:
    with pytest.raises(AgreementError) as caught:
        signing.sign(world.payload(), world.keys[world.one].signing, on=date(2028, 1, 1))
    assert caught.value.rule == "agreements.over"


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{}",
        b"[]",
        b'{"format":"agreement/1"}',
        b'{"agreement":{},"format":"agreement/1"}',
        b'{"format":"agreement/1","format":"agreement/1"}',
        b"\xff",
    ],
)
def test_what_is_no_payload_is_refused(broken: bytes) -> None:
    with pytest.raises(AgreementError) as caught:
        signing.thaw(broken)
    assert caught.value.rule == "agreements.payload-broken"


def test_only_the_canonical_bytes_are_a_payload(world: Any) -> None:
    with pytest.raises(AgreementError):
        signing.thaw(json.dumps(json.loads(world.payload())).encode())
    strange = {
        "flows": [{"from": "practice", "event": "x", "elements": "case.id"}],
        "labels": {},
        "window": {"months": 10**6, "days": 0},
        "definitions": [1],
        "clauses": {"nl": [{}]},
    }
    for part, value in strange.items():
        content = json.loads(world.payload())
        content[part] = value
        with pytest.raises(AgreementError):
            signing.thaw(canonical(content))


@pytest.mark.parametrize("role", ["practice", "partner"])
def test_an_agreement_needs_a_practice_and_a_partner(world: Any, role: str) -> None:
    content = json.loads(world.payload())
    for party in content["agreement"]["parties"]:
        party["role"] = role
    with pytest.raises(AgreementError):
        signing.thaw(canonical(content))


def test_a_definition_of_another_time_is_printed_as_far_as_it_has_words(world: Any) -> None:
    content = json.loads(world.payload())
    content["definitions"].append({"id": "older", "title": "no languages"})
    assert "older" in printing.document(canonical(content))


class TestAProposal:
    def test_of_our_own_templates_holds_no_surprise(self, world: Any) -> None:
        assert not [one for one in signing.examine(world.frozen(), world.start) if one.severity is Severity.ERROR]

    def test_with_more_elements_than_its_indicators_need_is_an_error(self, world: Any) -> None:
        content = json.loads(world.payload())
        content["flows"][1]["elements"].append("measurement.score")
        content["labels"]["measurement.score"] = content["labels"]["episode.end"]
        frozen = signing.thaw(canonical(content))
        assert "agreements.flows-differ" in {one.rule for one in signing.examine(frozen, world.start)}

    def test_with_another_window_is_an_error(self, world: Any) -> None:
        content = json.loads(world.payload())
        content["window"]["months"] = 120
        frozen = signing.thaw(canonical(content))
        assert "agreements.flows-differ" in {one.rule for one in signing.examine(frozen, world.start)}

    def test_worded_otherwise_is_a_warning_that_names_the_clause(self, world: Any) -> None:
        content = json.loads(world.payload())
        content["clauses"]["nl"][2]["text"] = "Iets anders."
        content["clauses"]["nl"] = [one for one in content["clauses"]["nl"] if one["id"] != "term"]
        content["clauses"]["fr"] = []
        found = signing.examine(signing.thaw(canonical(content)), world.start)
        differ = [one.path for one in found if one.rule == "agreements.clause-differs"]
        assert differ == ["clauses.nl.controllers", "clauses.nl.term"]

    def test_with_errors_is_not_looked_at_further(self, world: Any) -> None:
        content = json.loads(world.payload())
        content["agreement"]["parties"][1].pop("card")
        found = signing.examine(signing.thaw(canonical(content)), world.start)
        assert {one.rule for one in found if one.severity is Severity.ERROR} == {"agreements.card-missing"}
        assert "agreements.clause-differs" not in {one.rule for one in found}


class TestPrinting:
    def test_a_signed_agreement_prints_from_its_own_content(self, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        payload = world.payload()
        before = printing.document(payload, "nl")

        def forbidden(*_: object) -> None:
            raise AssertionError("a template was consulted")

        monkeypatch.setattr(clauses, "render", forbidden)
        monkeypatch.setattr(clauses, "_source", forbidden)
        assert printing.document(payload, "nl") == before

    @pytest.mark.parametrize(("language", "words"), [("nl", "Toestemming"), ("en", "Consent")])
    def test_it_holds_clauses_definitions_elements_and_keys(self, world: Any, language: str, words: str) -> None:
        text = printing.document(world.payload(), language, signed=[(world.one, date(2026, 1, 2), False)], draft=True)
        frozen = world.frozen()
        assert f"## 6. {words}" in text
        assert frozen.digest in text
        assert world.cards[world.one].fingerprint in text
        assert "`substitution-net`" in text
        assert "2026" in text
        assert "{{" not in text
        assert "agreements." not in text

    def test_a_signature_without_a_day_or_by_a_stranger_is_printed_as_such(self, world: Any) -> None:
        text = printing.document(world.payload(), signed=[("agb:01999999", None, True)])
        assert "agb:01999999: op papier ondertekend" in text

    def test_a_language_nobody_signed_is_refused(self, world: Any) -> None:
        with pytest.raises(AgreementError, match="fr"):
            printing.document(world.payload(), "fr")

    def test_the_clients_page_stands_alone(self, world: Any) -> None:
        page = printing.clause(world.payload(PartnerKind.CLIENT), "client-follow-up", "nl")
        assert page.startswith("# Hoe gaat het nu met u?")
        assert "Bent u voor dezelfde klacht naar het ziekenhuis verwezen?" in page
        with pytest.raises(AgreementError):
            printing.clause(world.payload(), "client-follow-up")
