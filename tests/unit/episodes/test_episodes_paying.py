"""Whether a session at another's expense was claimed with an insurer too: only where a claim stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from exchange.episodes.facts import Line
from exchange.episodes.paying import Paid, claimed_twice
from exchange.episodes.services import ServiceMap
from exchange.records.codes import Payer, SessionType, SourceKind

DAY = date(2026, 3, 2)
SERVICES = ServiceMap(
    {("074", "2000"): SessionType.SESSION, ("074", "2900"): SessionType.SURCHARGE},
    entitlements={"1": Payer.ZVW, "9": Payer.SUPPLEMENTARY},
)
LINE = Line(
    "l1", SourceKind.GDS801, "p", DAY, "R1", "", "07000001", False, False, "2000", "074", 1, "3427", "",
    "07100001", "", None, "",
)  # fmt: skip
SESSION = Paid("p", DAY, SessionType.SESSION, "07100001", Payer.WMO)


def found(lines, *sessions):
    return len(claimed_twice(sessions or (SESSION,), lines, SERVICES))


def test_a_standing_claim_on_the_same_day_is_found_once():
    assert found([LINE]) == 1
    assert found([LINE], SESSION, SESSION) == 1
    assert found([LINE, LINE._replace(line_id="l2", reference="R2")], SESSION, SESSION) == 2


def test_another_day_patient_therapist_or_service_is_another_thing():
    assert found([LINE._replace(day=date(2026, 3, 3))]) == 0
    assert found([LINE._replace(patient_id="q")]) == 0
    assert found([LINE._replace(therapist="07100002")]) == 0
    assert found([LINE._replace(service_code="2900")]) == 0


def test_a_therapist_that_is_not_named_and_a_code_that_is_not_known_part_nothing():
    assert found([LINE._replace(therapist="")]) == 1
    assert found([LINE._replace(service_code="1234")]) == 1


def test_a_claim_that_does_not_stand_is_none():
    assert found([LINE._replace(rejected=True)]) == 0
    credit = LINE._replace(line_id="c", reference="C1", previous_reference="R1", credit=True)
    assert found([LINE, credit]) == 0


def test_what_an_insurer_pays_for_or_nobody_knows_is_no_matter():
    for payer in (Payer.ZVW, Payer.SUPPLEMENTARY, Payer.UNKNOWN):
        assert found([LINE], replace(SESSION, payer=payer)) == 0
    for payer in (Payer.OWN, Payer.JEUGDWET, Payer.MUNICIPALITY, Payer.PARTY):
        assert found([LINE], replace(SESSION, payer=payer)) == 1
    assert found([LINE], replace(SESSION, type=SessionType.SCREENING)) == 0


BASIC = LINE._replace(entitlement="001")
OTHER = LINE._replace(line_id="l2", reference="R2", entitlement="009")


def none(*lines):
    return len(claimed_twice((), lines, SERVICES))


def test_one_session_on_two_insurances_is_found_once_and_a_second_pair_again():
    assert none(BASIC, OTHER) == none(OTHER, BASIC) == 1
    assert none(BASIC, OTHER, OTHER._replace(line_id="l3", reference="R3")) == 1
    two = [one._replace(line_id=f"{one.line_id}-b", reference=f"{one.reference}-b") for one in (BASIC, OTHER)]
    assert none(BASIC, OTHER, *two) == 2


def test_two_claims_on_one_insurance_or_on_an_unknown_one_are_not_on_both():
    assert none(BASIC, OTHER._replace(entitlement="001")) == 0
    assert none(BASIC, OTHER._replace(entitlement="")) == 0
    assert none(BASIC, OTHER._replace(entitlement="123")) == 0


def test_another_day_therapist_or_service_on_the_other_insurance_is_another_session():
    assert none(BASIC, OTHER._replace(day=date(2026, 3, 3))) == 0
    assert none(BASIC, OTHER._replace(therapist="07100002")) == 0
    assert none(BASIC, OTHER._replace(service_code="2900")) == 0
    surcharges = [one._replace(service_code="2900") for one in (BASIC, OTHER)]
    assert none(*surcharges) == 0


def test_a_claim_on_the_other_insurance_that_does_not_stand_is_none():
    assert none(BASIC, OTHER._replace(rejected=True)) == 0


def test_what_the_supplementary_insurance_pays_for_ought_not_to_be_claimed_on_the_basic_one():
    own = replace(SESSION, payer=Payer.SUPPLEMENTARY)
    assert found([BASIC], own) == 1
    assert found([OTHER], own) == 0
    assert found([BASIC, OTHER], own) == 1
