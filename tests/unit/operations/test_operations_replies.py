"""A partner's answers name the message by which the practice opened the case."""

from __future__ import annotations

from exchange.messages import reading
from exchange.operations import importing


def test_the_answers_of_a_partner_name_the_opening_of_their_case(mailed):
    with mailed.open("huisarts-a") as gp:
        openings = {one.case_id: one.message_id for one in gp.store.received.of_event("case-opening") if one.message_id}
    with mailed.open("praktijk") as practice:
        importing.take_in(practice, [mailed["post"] / "from-a.age"])
        answers = [reading.read(one.content) for one in practice.store.received.of_event("partner-return")]

    assert answers
    assert {one.case_id: one.told.reply.message_id for one in answers} == {
        one.case_id: openings[one.case_id] for one in answers
    }
    assert all(one.told.reply.accepted for one in answers)
