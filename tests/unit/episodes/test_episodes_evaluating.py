"""Evaluation moments fall at session 4, 8 and 12 and after, counted over treatment sessions only."""

from __future__ import annotations

from datetime import date, timedelta

from exchange.episodes.evaluating import due, next_moment, next_session_number
from exchange.records.codes import SessionType
from exchange.records.model import Evaluation, Session


def sessions(count: int, kind: SessionType = SessionType.SESSION) -> list[Session]:
    return [Session(f"s{n}", "e", "p", date(2025, 1, 1) + timedelta(days=7 * n), kind) for n in range(count)]


def test_a_moment_is_due_from_the_session_that_reaches_it() -> None:
    assert due(sessions(3), []) == ()
    (moment,) = due(reversed(sessions(4)), [])
    assert (moment.session_number, moment.day_reached, moment.done) == (4, date(2025, 1, 22), False)


def test_an_evaluation_recorded_for_its_number_is_done() -> None:
    done = [Evaluation("v", "e", 8, date(2025, 3, 1))]
    assert [(one.session_number, one.done) for one in due(sessions(9), done)] == [(4, False), (8, True)]


def test_screenings_and_surcharges_are_not_counted() -> None:
    assert due([*sessions(3), *sessions(4, SessionType.SCREENING)], []) == ()
    assert next_session_number([*sessions(3), *sessions(1, SessionType.SURCHARGE)]) == 4


def test_moments_repeat_after_the_last_only_where_asked() -> None:
    assert [one.session_number for one in due(sessions(21), [])] == [4, 8, 12]
    assert [one.session_number for one in due(sessions(21), [], every=4)] == [4, 8, 12, 16, 20]
    assert [one.session_number for one in due(sessions(7), [], moments=(), every=3)] == [3, 6]


def test_the_next_moment_is_the_first_not_yet_reached() -> None:
    assert next_moment(0) == 4
    assert next_moment(4) == 8
    assert next_moment(12) is None
    assert next_moment(12, every=4) == 16
    assert next_moment(17, every=4) == 20
