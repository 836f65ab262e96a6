"""The journal, its streams and epochs; the audit trail; released cells."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from exchange.errors import StoreError
from exchange.signing.keys import StoreKeys
from exchange.store.audit import Event, Witness
from exchange.store.journal import Arrival, Outgoing, Seen, State
from exchange.store.opening import Store
from exchange.store.releases import ReleasedCell
from exchange.store.streams import Slot

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
US, GP, OTHER = "agb:07000001", "agb:01000001", "agb:01000002"


def signed(slot: Slot) -> tuple[bytes, str]:
    payload = repr(slot).encode()
    return b"jws:" + payload, hashlib.sha256(payload).hexdigest()


def outgoing(message: str, other: str = GP) -> Outgoing:
    return Outgoing(message, "data", US, "a1", other, b"contents")


def arrival(sequence: int, **changes: object) -> Arrival:
    previous = f"digest-{sequence - 1}" if sequence > 1 else ""
    one = Arrival(f"m{sequence}", "data", GP, "a1", "e" * 32, sequence, previous, f"digest-{sequence}")
    return replace(one, **changes)  # type: ignore[arg-type]  # of the fields named


def test_numbers_follow_each_other_and_name_the_one_before(store: Store) -> None:
    first = store.journal.reserve(outgoing("m1"), at=NOW, sign=signed)
    second = store.journal.reserve(outgoing("m2"), at=NOW, sign=signed)
    assert (first.sequence, first.previous, first.state) == (1, "", State.RESERVED)
    assert (second.sequence, second.previous, second.epoch) == (2, first.digest, first.epoch)
    assert first.manifest is not None
    assert first.manifest.startswith(b"jws:")


def test_each_receiver_sees_a_whole_series(store: Store) -> None:
    one = store.journal.reserve(outgoing("m1"), at=NOW, sign=signed)
    two = store.journal.reserve(outgoing("m2", OTHER), at=NOW, sign=signed)
    assert (one.sequence, two.sequence) == (1, 1)
    assert one.epoch != two.epoch


def test_a_signature_that_fails_leaves_the_number_free(store: Store) -> None:
    def fails(slot: Slot) -> tuple[bytes, str]:
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        store.journal.reserve(outgoing("m1"), at=NOW, sign=fails)
    assert store.journal.outgoing() == ()
    assert store.journal.reserve(outgoing("m1"), at=NOW, sign=signed).sequence == 1


def test_writers_at_the_same_time_get_different_numbers(target: Path | str, keys: StoreKeys) -> None:
    Store.create(target, keys).close()
    numbers: list[int] = []

    def write(who: str) -> None:
        with Store.open(target, keys, instance=who) as one:
            numbers.extend(one.journal.reserve(outgoing(f"{who}{n}"), at=NOW, sign=signed).sequence for n in range(5))

    threads = [threading.Thread(target=write, args=(who,)) for who in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 11))


def test_a_message_goes_through_its_states_and_its_contents_go_at_the_end(store: Store) -> None:
    entry = store.journal.reserve(outgoing("m1"), at=NOW, sign=signed)
    assert entry.contents == b"contents"
    assert store.journal.unfinished() == (entry,)
    for state in (State.WRITTEN, State.RESERVED, State.WRITTEN, State.PUBLISHED, State.DONE):
        entry = store.journal.mark(entry.entry_id, state, at=NOW, file_name="x.age")
    assert (entry.contents, entry.file_name, store.journal.unfinished()) == (None, "x.age", ())
    with pytest.raises(StoreError) as caught:
        store.journal.mark(entry.entry_id, State.RESERVED, at=NOW)
    assert caught.value.rule == "store.state-not-allowed"


def test_a_withdrawal_cancels_what_was_not_published(store: Store) -> None:
    entry = store.journal.reserve(outgoing("m1"), at=NOW, sign=signed)
    cancelled = store.journal.mark(entry.entry_id, State.REFUSED, at=NOW, reason="consent.withdrawn")
    assert (cancelled.state, cancelled.contents, cancelled.reason) == (State.REFUSED, None, "consent.withdrawn")
    assert store.journal.reserve(outgoing("m2"), at=NOW, sign=signed).sequence == 2


def test_another_instance_s_messages_are_left_alone(target: Path | str, keys: StoreKeys) -> None:
    with Store.create(target, keys, instance="a") as one:
        entry = one.journal.reserve(outgoing("m1"), at=NOW, sign=signed)
    with Store.open(target, keys, instance="b") as two:
        assert two.journal.unfinished() == ()
        with pytest.raises(StoreError) as caught:
            two.journal.mark(entry.entry_id, State.WRITTEN, at=NOW)
        assert caught.value.rule == "store.other-instance"
        assert two.journal.reserve(outgoing("m2"), at=NOW, sign=signed).sequence == 2


def test_unconfirmed_messages_are_listed_until_they_are_confirmed(store: Store) -> None:
    entry = store.journal.reserve(outgoing("m1"), at=NOW, sign=signed)
    receipt = store.journal.reserve(replace(outgoing("m2"), kind="acknowledgement"), at=NOW, sign=signed)
    later = NOW + timedelta(days=14)
    assert store.journal.unacknowledged(later) == ()
    for one in (entry, receipt):
        store.journal.mark(one.entry_id, State.WRITTEN, at=NOW)
        store.journal.mark(one.entry_id, State.PUBLISHED, at=NOW)
    assert [one.message_id for one in store.journal.unacknowledged(later)] == ["m1"]
    assert store.journal.unacknowledged(NOW) == ()
    assert not store.journal.acknowledge("m1", "another digest", at=NOW)
    assert store.journal.acknowledge("m1", entry.digest, at=NOW)
    assert store.journal.unacknowledged(later) == ()


def test_a_new_epoch_names_what_was_last_confirmed(store: Store) -> None:
    first = store.journal.reserve(outgoing("m1"), at=NOW, sign=signed)
    store.journal.reserve(outgoing("m2"), at=NOW, sign=signed)
    store.journal.acknowledge("m1", first.digest, at=NOW)
    kept = store.journal.high_water(US)
    assert not store.journal.behind(US, kept)
    assert store.journal.behind(US, {first.epoch: 3})
    assert store.journal.new_epochs(US) == 1
    slots: list[Slot] = []

    def keep(slot: Slot) -> tuple[bytes, str]:
        slots.append(slot)
        return signed(slot)

    anew = store.journal.reserve(outgoing("m3"), at=NOW, sign=keep)
    assert (anew.sequence, anew.epoch_order, anew.previous) == (1, 1, "")
    assert anew.epoch != first.epoch
    assert slots[0].after == f"{first.epoch}:1:{first.digest}"


def test_the_same_again_is_already_imported_and_another_is_a_security_event(store: Store) -> None:
    assert store.journal.examine(arrival(1)).seen is Seen.NEW
    assert store.journal.receive(arrival(1), at=NOW).findings == ()
    assert store.journal.examine(arrival(1)).seen is Seen.ALREADY
    assert store.journal.receive(arrival(1), at=NOW).seen is Seen.ALREADY
    for forged in (arrival(1, digest="other"), arrival(1, message_id="n", digest="other"), arrival(2, message_id="m1")):
        examined = store.journal.receive(forged, at=NOW)
        assert examined.seen is Seen.CONFLICT
        assert [finding.rule for finding in examined.findings] == ["store.message-replaced"]
    assert len(store.journal.incoming()) == 1


def test_what_was_refused_does_not_count_as_received(store: Store) -> None:
    store.journal.receive(arrival(1), at=NOW, state=State.REFUSED, reason="gate.x")
    assert store.journal.examine(arrival(1)).seen is Seen.NEW
    assert store.journal.receive(arrival(1), at=NOW).seen is Seen.NEW
    assert [one.state for one in store.journal.incoming()] == [State.DONE]


def test_gaps_and_broken_links_are_reported_and_closed_by_what_comes_late(store: Store) -> None:
    store.journal.receive(arrival(1), at=NOW)
    late = store.journal.receive(arrival(4), at=NOW)
    assert [(one.rule, one.params["first"], one.params["last"]) for one in late.findings] == [
        ("store.sequence-gap", 2, 3)
    ]
    assert [one.rule for one in store.journal.gaps()] == ["store.sequence-gap"]
    assert [one.rule for one in store.journal.receive(arrival(3), at=NOW).findings] == ["store.sequence-gap"]
    assert store.journal.receive(arrival(2), at=NOW).findings == ()
    assert store.journal.gaps() == ()
    broken = store.journal.examine(arrival(5, previous="something else"))
    assert [one.rule for one in broken.findings] == ["store.previous-broken"]


@pytest.mark.parametrize("order", [("old", "new"), ("new", "old")])
def test_a_newer_epoch_has_the_higher_order_whichever_comes_first(store: Store, order: tuple[str, ...]) -> None:
    made: dict[str, Callable[[], Arrival]] = {
        "old": lambda: arrival(7, previous="", epoch="0" * 32, message_id="old"),
        "new": lambda: arrival(1, epoch="f" * 32, message_id="new", after="0" * 32 + ":6:digest-6"),
    }
    orders = {}
    for name in order:
        foreseen = store.journal.examine(made[name]()).epoch_order
        orders[name] = store.journal.receive(made[name](), at=NOW).epoch_order
        assert foreseen == orders[name]
    assert orders["old"] < orders["new"]


def test_we_can_witness_the_audit_heads_of_a_partner(store: Store) -> None:
    store.journal.receive(arrival(1, audit_count=12, audit_hash="a" * 64), at=NOW)
    assert store.journal.witnesses(GP) == ((12, "a" * 64),)


def event(name: str = "read", **changes: object) -> Event:
    return replace(Event(name, "t. tester", US, detail={"note": "why"}), **changes)  # type: ignore[arg-type]  # named


def test_the_trail_is_whole_and_shows_who_did_what(store: Store) -> None:
    store.audit.append(event("read", subject="p" * 32, object="episode:1"), at=NOW)
    store.audit.append(event("send", counterparty=GP, ground="agreement a1"), at=NOW + timedelta(seconds=1))
    assert store.audit.verify() == ()
    count, link = store.audit.head()
    assert (count, len(link)) == (2, 64)
    assert [one.event.event for one in store.audit.show()] == ["read", "send"]
    assert [one.number for one in store.audit.show(after=1)] == [2]
    assert [one.event.object for one in store.audit.of_patient("p" * 32)] == ["episode:1"]
    assert store.audit.show()[0].event.detail == {"note": "why"}


def test_the_database_itself_refuses_to_change_or_remove_an_entry(store: Store) -> None:
    store.audit.append(event(), at=NOW)
    for statement in ("DELETE FROM audit", "UPDATE audit SET outcome = 'refused'", "UPDATE audit SET salt = NULL"):
        with pytest.raises(sa.exc.DBAPIError), store.engine.begin() as connection:
            connection.exec_driver_sql(statement)
    assert store.audit.verify() == ()


def tamper(store: Store, *statements: str) -> None:
    """Change the table as somebody with the database's password would: past its triggers."""
    with store.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER ALL")
        else:
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS audit_no_removal")
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS audit_no_change")
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("UPDATE audit SET outcome = 'refused' WHERE number = 2", "store.audit-changed"),
        ("DELETE FROM audit WHERE number = 2", "store.audit-broken"),
        ("UPDATE audit SET detail = '{}' WHERE number = 2", "store.audit-detail-changed"),
        ("UPDATE audit SET number = 9 WHERE number = 2", "store.audit-changed"),
    ],
)
def test_every_edit_removal_and_move_is_found(store: Store, statement: str, rule: str) -> None:
    for _ in range(3):
        store.audit.append(event(), at=NOW)
    tamper(store, statement)
    assert rule in {finding.rule for finding in store.audit.verify()}


def test_a_link_worked_out_without_our_key_is_found(store: Store) -> None:
    store.audit.append(event(), at=NOW)
    tamper(store, "UPDATE audit SET outcome = 'failed', hash = '" + hashlib.sha256(b"x").hexdigest() + "'")
    assert [finding.rule for finding in store.audit.verify()] == ["store.audit-changed"]


def test_a_witness_finds_what_a_key_holder_rewrote_or_cut_off(store: Store) -> None:
    for _ in range(3):
        store.audit.append(event(), at=NOW)
    count, link = store.audit.head()
    witness = Witness(GP, count, link)
    assert store.audit.verify_witness([witness]) == ()
    assert [one.rule for one in store.audit.verify_witness([replace(witness, hash="0" * 64)])] == [
        "store.audit-witness-differs"
    ]
    tamper(store, "DELETE FROM audit WHERE number = 3")
    assert store.audit.verify() == ()
    assert [one.rule for one in store.audit.verify_witness([witness])] == ["store.audit-shorter"]


def test_erasing_details_keeps_the_chain(store: Store) -> None:
    store.audit.append(event(), at=NOW - timedelta(days=2000))
    store.audit.append(event(), at=NOW)
    assert store.audit.erase_details(NOW - timedelta(days=1826)) == 1
    assert store.audit.verify() == ()
    assert [(one.erased, dict(one.event.detail)) for one in store.audit.show()] == [
        (True, {}),
        (False, {"note": "why"}),
    ]


def test_released_cells_are_remembered_by_keyed_members(store: Store) -> None:
    members = frozenset(store.releases.member(f"{n}" * 32) for n in range(5))
    assert store.releases.save("report-1", [ReleasedCell("cell", 5, members)], at=NOW) == 1
    assert store.releases.save("report-2", [], at=NOW) == 0
    (cell,) = store.releases.of_cell("cell")
    assert (cell.members, cell.count, cell.document, cell.released_at) == (members, 5, "report-1", NOW)
    assert store.releases.all() == (cell,)
    assert store.releases.of_cell("another") == ()
