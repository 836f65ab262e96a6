"""The tail after an agreement's end: answers, receipts and withdrawals of open cases, no new case."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from exchange.errors import Refused

END = date(2026, 12, 1)


def moment(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def tail_end(town: Any) -> date:
    """End the agreement, tell GP A, and return the day on which its tail is over."""
    from exchange.agreements import life, signing
    from exchange.operations import ending, importing

    with town.open("praktijk") as practice, town.open("huisarts-a") as gp:
        ended = ending.end(practice, "huisartsen", on=END, ground="agreed")
        (told,) = (one.file for one in ended.files if one.party == gp.settings.party)
        importing.take_in(gp, [told])
        stored = gp.store.agreements.find("huisartsen")
        assert stored.ended_on == END
    found = life.follow_up_until(signing.thaw(stored.payload), END)
    assert found > END + timedelta(days=90)
    return found


def test_until_the_last_day_of_the_tail_a_partner_returns_answers_and_is_confirmed(mailed: Any, forger: Any) -> None:
    from exchange.operations import acknowledging, importing, posting

    over = tail_end(mailed)
    for day, allowed in ((END - timedelta(days=1), True), (END, True), (over - timedelta(days=1), True), (over, False)):
        with mailed.open("huisarts-a", now=moment(day)) as gp:
            case = gp.store.cases.received()[0]
            line = forger(mailed, "huisarts-a").answer(case.case_id)
            from exchange.sealing.manifest import AgreementRef, Kind
            from exchange.sealing.sealing import Content

            stored = gp.store.agreements.find("huisartsen")
            content = Content("messages.ndjson", "application/fhir+ndjson", 1, line + b"\n")
            ref = AgreementRef(stored.agreement_id, stored.version, stored.digest)
            file = posting.post(
                gp, kind=Kind.DATA, party="agb:07999990", stream="huisartsen", contents=(content,), agreement=ref
            ).file
        with mailed.open("praktijk", now=moment(day)) as practice:
            assert practice.store  # opened first: it sweeps parts that are old by this clock
            if allowed:
                (taken,) = importing.take_in(practice, [file])
                assert taken.answers == 1
                (receipt,) = acknowledging.send(practice, "huisartsen")
                assert receipt.received == 1
                continue
            with pytest.raises(Refused) as caught:
                importing.take_in(practice, [file])
            assert caught.value.rule == "gate.in-time.refused"
            # nothing moves under the agreement any more, and still the sender hears why: without a patient in it
            (receipt,) = acknowledging.send(practice, "huisartsen")
            assert receipt.refused == 1
        with mailed.open("huisarts-a", now=moment(day)) as gp:
            assert gp.store
            (told,) = importing.take_in(gp, [receipt.file])
            assert (told.kind, told.state) == ("control", "acknowledgement")
            assert "acknowledging.refused" in {one.rule for one in told.findings}


def test_from_the_last_day_on_no_case_is_opened_and_a_withdrawal_is_still_told(mailed: Any, town: Any) -> None:
    from exchange.operations import consenting, exporting

    tail_end(town)
    with town.open("praktijk", now=moment(END)) as practice:
        with pytest.raises(Refused) as caught:
            exporting.export(practice, "huisartsen")
        assert caught.value.rule == "gate.tail.refused"
        assert practice.store.cases.of_agreement("huisartsen") == ()
    over = tail_end(mailed)
    with mailed.open("praktijk", now=moment(over - timedelta(days=1))) as practice:
        first, *_ = [one for one in practice.store.cases.of_agreement("huisartsen") if one.partner == "agb:01999991"]
        number = practice.store.patient_identity(first.patient_id).epd_number or ""
        consenting.record(
            practice, epd_number=number, partner=first.partner, purpose="effect", state="withdrawn", day=None,
            evidence="letter", given_by="self",
        )  # fmt: skip
        of_client = [
            one
            for one in practice.store.cases.of_agreement("huisartsen")
            if (one.partner, one.patient_id) == (first.partner, first.patient_id)
        ]
        sent = exporting.export(practice, "huisartsen")
        assert [(one.party, one.messages) for one in sent.files] == [(first.partner, len(of_client))]
    with mailed.open("praktijk", now=moment(over)) as practice, pytest.raises(Refused):
        exporting.export(practice, "huisartsen")
