"""PM304 files load line by line; a file that was cut off or changed is refused whole."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import SourceError
from exchange.records.codes import Sex, SourceKind
from exchange.sources import reading
from exchange.sources.pm304 import rows
from exchange.sources.rows import ClaimRow, PatientRow, Rejected, SettledRow


def read(data: bytes) -> list[Any]:
    return list(rows(io.BytesIO(data)))


def refused(data: bytes) -> str:
    with pytest.raises(SourceError) as error:
        read(data)
    return error.value.rule


def test_a_person_and_a_claim_are_read_field_by_field(pm304: Any) -> None:
    line = pm304.claim(referrer=(148, "01000001"), referral_day=(140, "20240102"), end=(160, "01"))
    patient, claim = read(pm304.whole(pm304.person(), line))
    assert isinstance(patient, PatientRow)
    assert (patient.birth_date, patient.sex, patient.name) == (date(1970, 1, 1), Sex.FEMALE, "A van VOORBEELD")
    assert claim == ClaimRow(
        line=3,
        kind=SourceKind.PM304,
        patient=patient.patient,
        declarant="07000001",
        reference="R1",
        previous_reference="",
        credit=False,
        day=date(2024, 1, 8),
        code_list="012",
        service_code="2000",
        quantity=1,
        amount_cents=3500,
        diagnosis="3427",
        entitlement="009",
        therapist="07000002",
        referrer="01000001",
        referral_day=date(2024, 1, 2),
        end_code="01",
        insurer="7095",
    )


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_both_line_ends_are_read(pm304: Any, end: str) -> None:
    assert len(read(pm304.whole(pm304.person(), pm304.claim(), end=end))) == 2


@pytest.mark.parametrize("sort", ["P", "T"])
def test_a_byte_order_mark_that_an_editor_put_in_front_does_not_matter(pm304: Any, tmp_path: Path, sort: str) -> None:
    file = tmp_path / "declaraties.txt"
    whole = pm304.whole(pm304.person(), pm304.claim())
    file.write_bytes(b"\xef\xbb\xbf" + whole[:9] + sort.encode() + whole[10:])
    found = reading.read(file, on=date(2026, 1, 1))
    assert (found.kind, found.test) == ("pm304", sort == "T")
    assert len(list(found.rows())) == 2


def test_spaces_cut_off_at_the_end_of_a_line_do_not_matter(pm304: Any) -> None:
    data = pm304.whole(pm304.person(), pm304.claim(previous="R0"))
    assert read(b"\r\n".join(line.rstrip() for line in data.split(b"\r\n"))) == read(data)


def test_a_debtor_and_a_comment_are_counted_and_skipped(pm304: Any) -> None:
    assert len(read(pm304.whole(pm304.person(), "03".ljust(310), pm304.claim(), "98".ljust(310)))) == 2


@pytest.mark.parametrize(("encoding", "name"), [("latin-1", "BÉRÉNICE"), ("cp850", "BÉRÉNICE"), ("utf-8", "BÉRÉNICE")])
def test_names_are_read_in_the_encodings_in_use(pm304: Any, encoding: str, name: str) -> None:
    data = pm304.whole(pm304.person(name=name), pm304.claim())
    (patient, claim) = read(data.decode("latin-1").encode(encoding))
    assert patient.name == "A van BÉRÉNICE"
    assert claim.reference == "R1"


def test_the_diagnosis_is_taken_from_the_paramedical_slot_before_the_referrers(pm304: Any) -> None:
    line = pm304.claim(own_list=(103, "005"), own=(106, "00004020"))
    assert read(pm304.whole(pm304.person(), line))[1].diagnosis == "4020"


@pytest.mark.parametrize(("listed", "code"), [("012", "00003427"), ("005", "00009827"), ("005", "ABCDEFGH")])
def test_a_diagnosis_of_another_list_or_location_is_left_out(pm304: Any, listed: str, code: str) -> None:
    line = pm304.claim(diagnosis_list=(81, listed), diagnosis=(84, code))
    assert read(pm304.whole(pm304.person(), line))[1].diagnosis == ""


def test_a_credit_names_its_debit(pm304: Any) -> None:
    data = pm304.whole(pm304.person(), pm304.claim(), pm304.claim("R2", side="C", previous="R1"))
    credit = read(data)[2]
    assert (credit.credit, credit.previous_reference, credit.amount_cents) == (True, "R1", 3500)


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"day": "20240230"}, "day", "sources.day"),
        ({"day": "19600101"}, "day", "sources.day"),
        ({"bsn": "999911120"}, "bsn", "sources.not-the-person-above"),
        ({"side": "X"}, "credit", "sources.debit-credit"),
        ({"side": "C"}, "previous_reference", "sources.credit-reference-missing"),
        ({"reference": ""}, "reference", "sources.reference-missing"),
        ({"amount": "0000350 "}, "amount", "sources.number"),
        ({"quantity": (76, "000A")}, "quantity", "sources.number"),
        ({"service": (70, "20 0")}, "service_code", "sources.number"),
        ({"therapist": (128, "0700000X")}, "therapist", "sources.agb"),
        ({"referral_day": (140, "20241301")}, "referral_day", "sources.day"),
    ],
)
def test_one_bad_field_rejects_its_line_and_the_rest_loads(pm304: Any, change: Any, field: str, rule: str) -> None:
    found = read(pm304.whole(pm304.person(), pm304.claim(**change), pm304.claim("R2")))
    assert found[1] == Rejected(3, field, rule)
    assert found[2].reference == "R2"


def test_a_person_without_a_valid_number_takes_their_claims_along(pm304: Any) -> None:
    data = pm304.whole(pm304.person("999990018"), pm304.claim(bsn="999990018"), pm304.person(), pm304.claim("R2"))
    assert [type(row) for row in read(data)] == [Rejected, Rejected, PatientRow, ClaimRow]


def test_a_person_without_a_birth_date_keeps_their_claims(pm304: Any) -> None:
    found = read(pm304.whole(pm304.person(born="19700000"), pm304.claim()))
    assert found[0] == Rejected(2, "birth_date", "sources.day")
    assert isinstance(found[1], ClaimRow)


def test_an_unknown_record_and_a_line_too_long_are_rejected(pm304: Any) -> None:
    data = pm304.whole(pm304.person(), "77".ljust(310), pm304.claim() + "x")
    assert [row.rule for row in read(data)[1:]] == ["sources.record-type", "sources.record-width"]


def test_a_file_that_breaks_off_is_refused_whole(pm304: Any) -> None:
    lines = pm304.whole(pm304.person(), pm304.claim()).splitlines(keepends=True)
    assert refused(b"".join(lines[:-1])) == "sources.not-closed"


def test_a_lost_line_or_another_total_is_refused_whole(pm304: Any) -> None:
    head = [pm304.opening(), pm304.person(), pm304.claim()]
    for last, rule in [
        (pm304.closing((1, 0, 2, 0), 3500), "sources.closing-counts"),
        (pm304.closing((1, 0, 1, 0), 3501), "sources.closing-amount"),
        (pm304.closing((1, 0, 1, 0), 3500, "C"), "sources.closing-amount"),
        ("99".ljust(310), "sources.closing-counts"),
    ]:
        assert refused("\r\n".join([*head, last]).encode()) == rule


def test_a_rejected_line_still_counts_in_the_total(pm304: Any) -> None:
    assert len(read(pm304.whole(pm304.person(), pm304.claim(day="20241399")))) == 2


def test_what_follows_the_closing_record_is_refused(pm304: Any) -> None:
    data = pm304.whole(pm304.person(), pm304.claim())
    assert refused(data + data) == "sources.after-closing"
    assert len(read(data + b"\r\n\x1a")) == 2


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"code": "999"}, "sources.pm304-opening"),
        ({"version": "02"}, "sources.pm304-version"),
        ({"practice": "00000000"}, "sources.declarant"),
        ({"practice": "0700000X"}, "sources.declarant"),
    ],
)
def test_an_opening_record_of_another_kind_is_refused(pm304: Any, change: Any, rule: str) -> None:
    assert refused(pm304.opening(**change).encode()) == rule


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    assert refused(b"0" * 5000) == "sources.pm304-not-fixed-width"


def test_an_answer_settles_what_was_granted_nothing(pm304: Any) -> None:
    person = pm304.person(width=370)
    paid = pm304.claim("R1", width=370, granted=(320, "00003500"))
    refused_ = pm304.claim("R2", width=370, granted=(320, "00000000"))
    free = pm304.claim("R3", width=370, amount="00000000", granted=(320, "00000000"))
    broken = pm304.claim("R4", width=370, granted=(320, "xxxxxxxx"))
    nameless = pm304.claim("", width=370, granted=(320, "00000000"))
    found = read(pm304.whole(person, paid, refused_, free, broken, nameless, width=370, code="108"))[1:]
    assert found[:3] == [
        SettledRow(3, SourceKind.PM304, "07000001", "R1", rejected=False),
        SettledRow(4, SourceKind.PM304, "07000001", "R2", rejected=True),
        SettledRow(5, SourceKind.PM304, "07000001", "R3", rejected=False),
    ]
    assert [row.rule for row in found[3:]] == ["sources.number", "sources.reference-missing"]


def test_the_practices_own_number_of_a_client_is_read(pm304: Any) -> None:
    line = pm304.person()
    numbers = [line[:42] + text.ljust(11) + line[53:] for text in ("12345", "", "00000000000")]
    assert [row.number for row in read(pm304.whole(*numbers))] == ["12345", "", ""]


def test_a_code_that_is_filled_up_with_spaces_is_that_code(pm304: Any) -> None:
    line = pm304.claim(service=(70, "2000  "), list=(67, "12 "))
    claim = list(rows(io.BytesIO(pm304.whole(pm304.person(), line))))[1]
    assert (claim.code_list, claim.service_code) == ("012", "2000")
