"""Several things of one operation in one transaction and one load."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from exchange.errors import StoreError
from exchange.records.codes import PartnerKind
from exchange.records.model import ImprovementPoint
from exchange.store.agreements import StoredAgreement
from exchange.store.audit import Event
from exchange.store.opening import Store
from exchange.store.partners import Partner

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
GP = Partner("agb:01000001", "Huisartsen (verzonnen)", PartnerKind.GP)
POINT = ImprovementPoint("p", "t", "i", "b", "g", "a", "o", ())


def test_what_is_done_together_shares_one_load_and_is_seen_within(store: Store) -> None:
    with store.together(by="me", at=NOW) as load:
        store.partners.save(GP, by="me", at=NOW)
        store.figures.save_improvement(POINT, by="me", at=NOW)
        assert store.partners.find(GP.party) == GP
        assert store.last_load() == load
    assert [one.load_id for one in store.loads()] == [load]


def test_what_fails_together_leaves_nothing(store: Store) -> None:
    def broken() -> None:
        with store.together(by="me", at=NOW):
            store.partners.save(GP, by="me", at=NOW)
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        broken()
    assert store.partners.list() == ()
    assert store.loads() == ()


def test_a_part_that_is_refused_is_undone_alone_where_the_rest_goes_on(store: Store) -> None:
    signed = StoredAgreement("a", 1, "d", b"{}", state="active")
    with store.together(by="me", at=NOW):
        store.agreements.save(signed, by="me", at=NOW)
        with pytest.raises(StoreError):
            store.agreements.save(StoredAgreement("a", 1, "e", b"[]"), by="me", at=NOW)
        store.partners.save(GP, by="me", at=NOW)
    assert store.agreements.get("a").payload == b"{}"
    assert store.partners.find(GP.party) == GP


def test_together_within_together_is_one(store: Store) -> None:
    with store.together(by="me", at=NOW) as outer:
        with store.together(by="me", at=NOW) as inner:
            store.partners.save(GP, by="me", at=NOW)
        store.audit.append(Event("read", "me", "agb:07000001"), at=NOW)
        assert inner == outer
    assert store.audit.head()[0] == 1


def test_what_was_told_is_remembered_per_case_and_kind(store: Store) -> None:
    store.sent.save("c", "report", "1", "m1", by="me", at=NOW)
    store.sent.save("c", "report", "2", "m2", by="me", at=NOW)
    assert store.sent.digests() == {("c", "report"): "2"}
