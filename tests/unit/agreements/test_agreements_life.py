"""The life of an agreement, consent, versions compared, and the calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from exchange.agreements import calendar, consent, diff, life
from exchange.agreements.consent import GivenBy
from exchange.agreements.life import State
from exchange.records.codes import ConsentState, PartnerKind
from exchange.records.model import Consent

UNTIL, TAIL_OVER = date(2028, 1, 1), date(2029, 1, 1) + timedelta(days=90)
DAY = date(2026, 6, 1)


class TestState:
    def test_before_anyone_signed(self, world: Any) -> None:
        assert life.state(world.frozen(), (), DAY) is State.DRAFT
        assert life.state(world.frozen(), (), DAY, proposed=True) is State.PROPOSED

    def test_signed_by_one_side(self, world: Any) -> None:
        for one in (world.practice, world.one):
            assert life.state(world.frozen(), {one}, DAY) is State.SIGNED_BY_ONE

    def test_signed_by_both_sides(self, world: Any) -> None:
        both, frozen = {world.practice, world.one}, world.frozen()
        assert life.state(frozen, both, world.start - timedelta(days=1)) is State.SIGNED
        assert life.state(frozen, both, world.start) is State.ACTIVE
        assert life.state(frozen, both, DAY, reviewing=True) is State.UNDER_REVIEW
        assert life.state(frozen, both, UNTIL - timedelta(days=1)) is State.ACTIVE

    def test_after_the_term(self, world: Any) -> None:
        both, frozen = {world.practice, world.one}, world.frozen()
        assert life.state(frozen, both, UNTIL) is State.FOLLOW_UP
        assert life.state(frozen, both, TAIL_OVER - timedelta(days=1)) is State.FOLLOW_UP
        assert life.state(frozen, both, TAIL_OVER) is State.EXPIRED

    def test_ended_early(self, world: Any) -> None:
        both, frozen = {world.practice, world.one}, world.frozen()
        assert life.state(frozen, both, DAY, ended_on=DAY + timedelta(days=1)) is State.ACTIVE
        assert life.state(frozen, both, DAY, ended_on=DAY) is State.FOLLOW_UP
        over = date(2027, 6, 1) + timedelta(days=90)
        assert life.state(frozen, both, over, ended_on=DAY) is State.ENDED

    def test_replaced(self, world: Any) -> None:
        both, frozen = {world.practice, world.one}, world.frozen()
        assert life.state(frozen, both, DAY, superseded_on=DAY) is State.REVISED
        assert life.state(frozen, both, DAY, superseded_on=DAY + timedelta(days=1)) is State.ACTIVE

    def test_a_framework_is_active_per_member(self, world: Any) -> None:
        members = (world.party(world.one, PartnerKind.GP), world.party(world.two, PartnerKind.GP, "paper"))
        frozen = world.frozen(PartnerKind.GP, *members)
        signed = {world.practice, world.two}
        assert life.state(frozen, signed, DAY) is State.ACTIVE_PAPER
        assert life.state(frozen, signed, DAY, party=world.two) is State.ACTIVE_PAPER
        assert life.state(frozen, signed, DAY, party=world.one) is State.SIGNED_BY_ONE
        everyone = {*signed, world.one}
        assert life.state(frozen, everyone, DAY) is State.ACTIVE
        assert life.state(frozen, everyone, DAY, party=world.two) is State.ACTIVE_PAPER

    def test_what_clients_agree_to_needs_only_the_practice_here(self, world: Any) -> None:
        frozen = world.frozen(PartnerKind.CLIENT)
        assert life.state(frozen, (), DAY) is State.DRAFT
        assert life.state(frozen, {world.practice}, DAY) is State.ACTIVE


def test_automatic_renewal_moves_the_end_until_someone_ends_it(world: Any) -> None:
    def automatic(raw: dict[str, Any]) -> None:
        raw["term"] |= {"renewal": "automatic", "renewal-months": 12}

    agreement = world.changed(automatic).agreement
    assert life.last_day(agreement, DAY) == UNTIL
    assert life.last_day(agreement, UNTIL) == date(2029, 1, 1)
    assert life.last_day(agreement, date(2030, 6, 1)) == date(2031, 1, 1)
    ended = date(2028, 6, 1)
    assert life.last_day(agreement, date(2030, 6, 1), ended) == ended
    assert life.last_day(world.draft().agreement, date(2030, 6, 1)) == UNTIL


def test_two_versions_in_force_on_one_day_are_found(world: Any) -> None:
    first = world.frozen()
    second = replace(first, agreement=replace(first.agreement, version=2))
    signed = {world.practice, world.one}
    found = life.conflicting([(first, signed, None, None), (second, signed, None, None)], DAY)
    assert [one.rule for one in found] == ["agreements.two-active"]
    assert not life.conflicting([(first, signed, None, DAY), (second, signed, None, None)], DAY)
    assert not life.conflicting([(first, signed, None, None), (second, set(), None, None)], DAY)


class TestConsent:
    given = Consent("p", "agb:01000001", "effect", ConsentState.GIVEN, DAY, "signed letter", "self")

    @pytest.mark.parametrize(
        ("born", "who"),
        [
            (date(2014, 6, 2), GivenBy.PARENTS),
            (date(2014, 6, 1), GivenBy.TOGETHER),
            (date(2010, 6, 2), GivenBy.TOGETHER),
            (date(2010, 6, 1), GivenBy.SELF),
            (date(1950, 1, 1), GivenBy.SELF),
        ],
    )
    def test_who_may_give_it_depends_on_the_birthday(self, born: date, who: GivenBy) -> None:
        assert consent.may_give(born, DAY) is who

    def test_from_the_wrong_person_without_evidence_or_age_is_found(self) -> None:
        assert not consent.check(self.given, date(1980, 1, 1))
        assert [one.rule for one in consent.check(self.given, date(2020, 1, 1))] == ["agreements.consent-giver"]
        assert [one.rule for one in consent.check(self.given, None)] == ["agreements.consent-age-unknown"]
        found = consent.check(replace(self.given, evidence=" "), date(1980, 1, 1))
        assert [one.rule for one in found] == ["agreements.consent-no-evidence"]

    def test_a_withdrawal_may_come_from_anyone_who_decides(self) -> None:
        assert not consent.check(replace(self.given, state=ConsentState.WITHDRAWN, given_by="parents"), None)

    def asked(self, *records: Consent, on: date = DAY) -> ConsentState | None:
        return consent.as_of(records, patient_id="p", partner="agb:01000001", purpose="effect", on=on)

    def test_the_latest_record_counts_as_of_the_day(self) -> None:
        later = replace(self.given, state=ConsentState.WITHDRAWN, day=DAY + timedelta(days=1))
        assert self.asked(self.given, later) is ConsentState.GIVEN
        assert self.asked(later, self.given, on=later.day) is ConsentState.WITHDRAWN
        again = replace(self.given, day=DAY + timedelta(days=2))
        assert self.asked(again, later, self.given, on=again.day) is ConsentState.GIVEN
        assert self.asked(self.given, on=DAY - timedelta(days=1)) is None

    def test_on_one_day_a_withdrawal_wins_in_any_order(self) -> None:
        refused = replace(self.given, state=ConsentState.REFUSED)
        withdrawn = replace(self.given, state=ConsentState.WITHDRAWN)
        assert self.asked(withdrawn, refused, self.given) is ConsentState.WITHDRAWN
        assert self.asked(self.given, refused, withdrawn) is ConsentState.WITHDRAWN
        assert self.asked(self.given, refused) is ConsentState.REFUSED

    @pytest.mark.parametrize("other", [{"patient_id": "q"}, {"partner": "agb:01000002"}, {"purpose": "treatment"}])
    def test_it_holds_for_one_patient_one_partner_and_one_purpose(self, other: dict[str, str]) -> None:
        assert self.asked(replace(self.given, **other)) is None


class TestDiff:
    def changes(self, world: Any, change: Any) -> dict[str, tuple[str, bool]]:
        found = diff.diff(world.draft().agreement, world.changed(change).agreement)
        return {one.path: (one.kind.value, one.new_signatures) for one in found}

    def test_nothing_changed(self, world: Any) -> None:
        assert not self.changes(world, lambda raw: None)
        assert not self.changes(world, lambda raw: raw.update(version=2))
        assert not self.changes(world, lambda raw: raw["indicators"].reverse())

    def test_a_term_and_a_target_need_new_signatures(self, world: Any) -> None:
        def change(raw: dict[str, Any]) -> None:
            raw["retention-months"] = 12
            raw["indicators"][0]["target"] = 0.9
            raw["flows"].pop(4)
            raw["evaluations"].append({"on": "2028-07-01"})
            raw["place"] = "Utrecht"
            raw["clauses"].remove("costs")

        assert self.changes(world, change) == {
            "retention-months": ("changed", True),
            "indicators.substitution-net.target": ("changed", True),
            "flows.partner-aggregates partner": ("removed", True),
            "evaluations.2028-07-01": ("added", True),
            "place": ("added", True),
            "clauses": ("changed", True),
        }

    def test_a_contact_is_told_and_not_signed_again(self, world: Any) -> None:
        def change(raw: dict[str, Any]) -> None:
            raw["parties"][1]["privacy-contact"] = "new@x.invalid"
            raw["parties"][1]["name"] = "Another name"

        assert self.changes(world, change) == {
            f"parties.{world.one}.privacy-contact": ("changed", False),
            f"parties.{world.one}.name": ("changed", True),
        }


def test_the_calendar_has_each_evaluation_as_a_whole_day(world: Any) -> None:
    text = calendar.events(world.frozen(), now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), language="nl")
    assert text.count("BEGIN:VEVENT") == 6
    assert "DTSTART;VALUE=DATE:20260701\r\n" in text
    assert "DTEND;VALUE=DATE:20260702\r\n" in text
    assert "DTSTAMP:20260102T030405Z\r\n" in text
    assert f"DTSTART;VALUE=DATE:{TAIL_OVER:%Y%m%d}" in text
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert text.replace("\r\n ", "").count("SUMMARY:Evaluatie: Afspraak over effectgegevens") == 4


def test_the_calendar_escapes_what_its_format_reads(world: Any) -> None:
    frozen = world.frozen(PartnerKind.GP, title={"nl": "ë; b, c\\d " * 12, "en": "x"})
    text = calendar.events(frozen, now=datetime(2026, 1, 2, tzinfo=UTC))
    assert "ë\\; b\\, c\\\\d" in text.replace("\r\n ", "")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
