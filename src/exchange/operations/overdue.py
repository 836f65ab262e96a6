"""What is overdue under an agreement: a review that nobody held, and answers that stay out longer than was agreed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING

from exchange.records.model import Case

if TYPE_CHECKING:
    from exchange.agreements.agreement import Agreement
    from exchange.store.reviews import Review


def review(agreement: Agreement, reviews: Iterable[Review], on: date) -> date | None:
    """Return the last agreed moment that has passed, where neither it nor a later one was held."""
    passed = [one.on for one in agreement.evaluations if one.on < on]
    held = [one.moment for one in reviews if one.held_on is not None]
    return passed[-1] if passed and not any(one >= passed[-1] for one in held) else None


def answers(agreement: Agreement, cases: Iterable[Case], answered: Collection[str], on: date) -> int:
    """Count the cases about which nothing came back within the days agreed for answering."""
    last = on - timedelta(days=agreement.answer_days)
    return sum(one.case_id not in answered and one.opened_on < last for one in cases)
