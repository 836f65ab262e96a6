"""GDS801 messages load whatever the order of their elements, and never through a DTD."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest

from exchange.errors import SourceError
from exchange.records.codes import SourceKind
from exchange.records.identifiers import NOBODY_AGB
from exchange.sources.gds801 import rows
from exchange.sources.rows import ClaimRow, PatientRow, Rejected, SettledRow


def read(data: bytes) -> list[Any]:
    return list(rows(io.BytesIO(data)))


def refused(data: bytes) -> str:
    with pytest.raises(SourceError) as error:
        read(data)
    return error.value.rule


def test_a_claim_carries_its_trajectory_therapist_and_referrer(gds801: Any) -> None:
    patient, claim = read(gds801.message(gds801.person(gds801.debit())))
    assert isinstance(patient, PatientRow)
    assert patient.birth_date == date(1970, 1, 1)
    assert claim == ClaimRow(
        line=claim.line,
        kind=SourceKind.GDS801,
        patient=patient.patient,
        declarant="07000001",
        reference="R1",
        previous_reference="",
        credit=False,
        day=date(2025, 1, 8),
        code_list="074",
        service_code="2000",
        quantity=1,
        amount_cents=3500,
        diagnosis="3427",
        entitlement="001",
        therapist="07000002",
        referrer="01000001",
        referral_day=date(2025, 1, 2),
        end_code="",
        insurer="7095",
        trajectory="",
        trajectory_start=date(2025, 1, 6),
    )
    assert claim.line > 5


@pytest.mark.parametrize(
    "referral",
    [
        "<Verwijzing><TypeVerwijzingcode>07</TypeVerwijzingcode></Verwijzing>",
        (
            "<Verwijzing><TypeVerwijzingcode>07</TypeVerwijzingcode>"
            "<Verwijzer><Zorgaanbiedercode>00000000</Zorgaanbiedercode></Verwijzer></Verwijzing>"
        ),
    ],
)
def test_a_referrer_without_an_agb_code_is_a_referral_all_the_same(gds801: Any, referral: str) -> None:
    line = gds801.debit(referred=False).replace("<Zorgaanbieder>", f"{referral}<Zorgaanbieder>", 1)
    claim = read(gds801.message(gds801.person(line)))[1]
    assert (claim.referrer, claim.referral_day, claim.therapist) == (NOBODY_AGB, None, "07000002")


def test_no_referral_means_no_referrer(gds801: Any) -> None:
    claim = read(gds801.message(gds801.person(gds801.debit(referred=False))))[1]
    assert (claim.referrer, claim.referral_day, claim.therapist) == ("", None, "07000002")


def test_a_trajectory_number_is_read_by_whatever_name(gds801: Any) -> None:
    debit = gds801.debit().replace("<Zorgtraject>", "<Zorgtraject><ZorgtrajectNummer>Z9</ZorgtrajectNummer>")
    assert read(gds801.message(gds801.person(debit)))[1].trajectory == "Z9"


def test_a_credit_names_its_debit(gds801: Any) -> None:
    found = read(gds801.message(gds801.person(gds801.debit(), gds801.credit()), total=0))
    assert (found[2].credit, found[2].previous_reference) == (True, "R1")


def test_amounts_with_a_point_are_euros(gds801: Any) -> None:
    debit = gds801.debit().replace(">3500<", ">35.00<")
    assert read(gds801.message(gds801.person(debit)).replace(b">3500<", b">35.00<"))[1].amount_cents == 3500


def test_elements_it_does_not_know_are_passed_over(gds801: Any) -> None:
    data = gds801.message("<Nieuw><BSN2>1</BSN2></Nieuw>", gds801.person("<Ander/>", gds801.debit()))
    assert len(read(data)) == 2


@pytest.mark.parametrize(
    ("old", "new", "field", "rule"),
    [
        (">R1<", "><", "reference", "sources.reference-missing"),
        (">2025-01-08<", ">2025-02-30<", "day", "sources.day"),
        (">2025-01-08<", ">1960-01-01<", "day", "sources.day"),
        (">2025-01-06<", ">2025-01-09<", "trajectory_start", "sources.trajectory-after-day"),
        (">2025-01-06<", ">soon<", "trajectory_start", "sources.day"),
        (">1</Aantal>", ">one</Aantal>", "quantity", "sources.number"),
        (">07000002<", ">0700X002<", "therapist", "sources.agb"),
        (">2000<", ">2000000<", "service_code", "sources.code"),
    ],
)
def test_one_bad_field_rejects_its_line(gds801: Any, old: str, new: str, field: str, rule: str) -> None:
    bad = gds801.debit().replace(old, new)
    found = read(gds801.message(gds801.person(bad, gds801.debit("R2")), total=7000))
    assert (found[1].field, found[1].rule) == (field, rule)
    assert found[2].reference == "R2"


def test_a_person_without_a_valid_number_takes_their_claims_along(gds801: Any) -> None:
    found = read(gds801.message(gds801.person(gds801.debit(), bsn="999990018")))
    assert [row.rule for row in found] == ["sources.bsn", "sources.bsn"]


def test_a_person_without_a_birth_date_keeps_their_claims(gds801: Any) -> None:
    found = read(gds801.message(gds801.person(gds801.debit(), born="1970")))
    assert [type(row) for row in found] == [Rejected, ClaimRow]


def test_another_total_is_refused_whole(gds801: Any) -> None:
    assert refused(gds801.message(gds801.person(gds801.debit()), total=3600)) == "sources.closing-amount"


def test_a_message_that_breaks_off_is_refused_whole(gds801: Any) -> None:
    assert refused(gds801.message(gds801.person(gds801.debit()))[:-30]) == "sources.xml"


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE Bericht SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE Bericht [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE Bericht [<!ENTITY % x SYSTEM "http://example.invalid/x"> %x;]>',
    ],
)
def test_a_doctype_is_refused(gds801: Any, declaration: str) -> None:
    data = gds801.message(gds801.person(gds801.debit()))
    assert refused(data.replace(b"<Bericht ", declaration.encode() + b"<Bericht ")) == "sources.xml-doctype"


def test_deep_wide_and_long_documents_are_refused(gds801: Any) -> None:
    assert refused(gds801.message("<a>" * 300 + "</a>" * 300)) == "sources.xml-limits"
    assert refused(gds801.message(gds801.person(gds801.debit().replace("<Aantal>", "<x/>" * 3000 + "<Aantal>"))))
    assert refused(gds801.message(gds801.person(gds801.debit("R" * 20_000)))) == "sources.xml-limits"


def test_another_namespace_encoding_and_no_declarant_are_refused(gds801: Any) -> None:
    data = gds801.message(gds801.person(gds801.debit()))
    assert refused(data.replace(b"bericht573", b"bericht999")) == "sources.gds801-namespace"
    assert refused(data.replace(b">07000001<", b"><")) == "sources.declarant"
    assert refused(data.replace(b">07000001<", b">07X<")) == "sources.declarant"
    assert refused(data.replace(b"UTF-8", b"NO-8")) == "sources.xml"


def test_an_answer_settles_what_was_granted_nothing(gds801: Any) -> None:
    def answered(reference: str, granted: str) -> str:
        return gds801.debit(reference).replace(
            "<Aantal>", f"<Toekenning><ToegekendBedragInclBtw>{granted}</ToegekendBedragInclBtw></Toekenning><Aantal>"
        )

    lines = (answered("R1", "3500"), answered("R2", "0.00"), gds801.debit("R3"))
    found = read(gds801.message(gds801.person(*lines), total=1, number=574))
    assert [(row.reference, row.rejected) for row in found[:2]] == [("R1", False), ("R2", True)]
    assert isinstance(found[0], SettledRow)
    assert found[2].rule == "sources.settlement-unknown"


def test_what_was_granted_may_stand_in_an_element_of_that_name(gds801: Any) -> None:
    granted = "<ToegekendBedrag><Bedrag>0</Bedrag><DebetCreditCode>D</DebetCreditCode></ToegekendBedrag><Aantal>"
    line = gds801.debit().replace("<Aantal>", granted)
    (found,) = read(gds801.message(gds801.person(line), total=1, number=574))
    assert found.rejected


def test_a_version_of_the_namespace_is_that_message(gds801: Any) -> None:
    data = gds801.message(gds801.person(gds801.debit()))
    for ending in (b"/", b"/v2.0", b"#2"):
        assert len(read(data.replace(b"bericht573", b"bericht573" + ending))) == 2
    assert refused(data.replace(b"bericht573", b"bericht5730")) == "sources.gds801-namespace"


def test_a_claim_outside_every_person_is_rejected_and_not_lost(gds801: Any) -> None:
    assert refused(gds801.message(gds801.debit())) == "sources.closing-amount"
    (found,) = read(gds801.message(gds801.debit(), total=0))
    assert (found.field, found.rule) == ("bsn", "sources.bsn-missing")


def test_a_whole_number_of_euros_that_lost_its_point_is_still_euros(gds801: Any) -> None:
    line = gds801.debit().replace(">3500<", ">35<").replace("<Aantal>", "<TariefInclBtw>35.00</TariefInclBtw><Aantal>")
    assert read(gds801.message(gds801.person(line), total=35))[1].amount_cents == 3500


def test_a_count_written_as_a_decimal_number_is_a_count(gds801: Any) -> None:
    line = gds801.debit().replace("<Aantal>1<", "<Aantal>2.0<")
    assert read(gds801.message(gds801.person(line)))[1].quantity == 2
    half = gds801.debit().replace("<Aantal>1<", "<Aantal>1.5<")
    assert read(gds801.message(gds801.person(half)))[1].rule == "sources.number"


def test_a_therapist_that_stands_deeper_is_found_and_is_not_the_referrer(gds801: Any) -> None:
    line = gds801.debit().replace("<Zorgaanbieder>", "<Uitvoerder><Zorgaanbieder>")
    line = line.replace("</ZorgaanbiederRol></Zorgaanbieder>", "</ZorgaanbiederRol></Zorgaanbieder></Uitvoerder>")
    line = line.replace("<Verwijzer>", "<Verwijzer><Zorgaanbieder>").replace(
        "</Verwijzer>", "</Zorgaanbieder></Verwijzer>"
    )
    claim = read(gds801.message(gds801.person(line)))[1]
    assert (claim.therapist, claim.referrer) == ("07000002", "01000001")


def test_what_is_kept_of_one_person_has_a_limit(gds801: Any) -> None:
    line = gds801.debit().replace("<Aantal>", "<X/>" * 1900 + "<Aantal>")
    lines = [line.replace(">R1<", f">R{number}<").replace("<X/>", f"<X>{number}</X>", 1) for number in range(220)]
    assert refused(gds801.message(gds801.person(*lines))) == "sources.xml-limits"


@pytest.mark.parametrize("start", [b'<a b="', b"<", b"<!--", b"<![CDATA[", b"<?a "])
def test_a_tag_that_does_not_end_is_refused_before_it_takes_time(gds801: Any, start: bytes) -> None:
    before, _, _ = gds801.message().partition(b"<Header>")
    assert refused(before + start + b"x" * (30 << 20)) in {"sources.xml-limits", "sources.xml"}


@pytest.mark.parametrize("encoding", ["UTF-7", "UTF-32", "cp037", "HZ-GB-2312"])
def test_an_encoding_in_which_a_doctype_may_hide_is_refused(gds801: Any, encoding: str) -> None:
    data = gds801.message(gds801.person(gds801.debit()))
    assert refused(data.replace(b"UTF-8", encoding.encode())) == "sources.xml"
    assert refused(data.decode().replace("UTF-8", encoding).encode(encoding if encoding != "UTF-7" else "utf-7"))


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "windows-1252", "utf-8-sig"])
def test_an_encoding_that_a_serialiser_uses_is_read(gds801: Any, encoding: str) -> None:
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    text = gds801.message(gds801.person(gds801.debit("Ré"))).decode().replace("UTF-8", declared)
    assert read(text.encode(encoding))[1].reference == "Ré"


def test_a_doctype_that_only_the_second_parser_sees_is_refused(gds801: Any) -> None:
    from exchange.sources.xml_tree import _Collector

    collector = _Collector(frozenset({"BSN"}), frozenset({"Declarant"}), frozenset())
    collector.feed(b"<!DOCTYPE a [<!ENTITY b 'x'>]><a><BSN>&b;</BSN></a>")
    with pytest.raises(SourceError) as error:
        list(collector.ready())
    assert error.value.rule == "sources.xml-doctype"


def test_what_nobody_asked_for_has_a_limit(gds801: Any) -> None:
    few, many = ("<Nieuw><X>1</X></Nieuw>" * count for count in (10_000, 250_000))
    assert len(read(gds801.message(few, gds801.person(gds801.debit())))) == 2
    assert refused(gds801.message(many, gds801.person(gds801.debit()))) == "sources.xml-limits"


def test_lines_that_say_the_same_keep_what_is_their_own(gds801: Any) -> None:
    """Lines that are alike are read once; nothing of one shows in another."""
    first, second = gds801.debit("R1"), gds801.debit("R2").replace(">2025-01-08<", ">2025-01-15<")
    third = gds801.debit("R3").replace(">2000<", ">20<!-- x -->01<").replace("</Aantal>", "</Aantal><Nieuw/>")
    found = read(gds801.message(gds801.person(first, second, third), total=10_500))[1:]
    assert [(row.reference, row.day.day, row.service_code) for row in found] == [
        ("R1", 8, "2000"),
        ("R2", 15, "2000"),
        ("R3", 8, "2001"),
    ]
    lines = [row.line for row in found]
    assert lines == sorted(set(lines))


def test_the_number_a_practice_knows_a_client_by_is_read(gds801: Any) -> None:
    person = gds801.person(gds801.debit()).replace(
        "<Geboortedatum>", "<PatientIdentificatienummer>P77</PatientIdentificatienummer><Geboortedatum>", 1
    )
    assert read(gds801.message(person))[0].number == "P77"
