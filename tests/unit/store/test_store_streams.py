"""Epochs of a partner: one that names another takes its place, two that do not stand side by side."""

from __future__ import annotations

from datetime import UTC, datetime

from exchange.store.journal import Arrival
from exchange.store.opening import Store

AT = datetime(2026, 11, 3, 9, tzinfo=UTC)


def arrival(epoch: str, sequence: int, *, after: str = "", previous: str = "") -> Arrival:
    digest = f"{epoch}-{sequence}"
    return Arrival(digest, "data", "agb:01000001", "a", epoch, sequence, previous, digest, after)


def rules(store: Store, one: Arrival) -> set[str]:
    return {finding.rule for finding in store.journal.receive(one, at=AT).findings}


def test_a_late_message_of_an_epoch_that_was_given_up_is_said(store: Store) -> None:
    assert rules(store, arrival("one", 1)) == set()
    assert rules(store, arrival("two", 1, after="one:1:one-1")) == set()
    assert rules(store, arrival("one", 2, previous="one-1")) == {"store.epoch-older"}
    assert rules(store, arrival("two", 2, previous="two-1")) == set()


def test_two_laptops_side_by_side_are_no_alarm(store: Store) -> None:
    for number, before in ((1, ""), (2, "{}-1")):
        for epoch in ("one", "two"):
            assert rules(store, arrival(epoch, number, previous=before.format(epoch))) == set()
