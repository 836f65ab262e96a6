"""What one organisation seals, another opens: every field, every size, and nothing else."""

from __future__ import annotations

import base64
import os
import stat
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import CannotOpen, ExchangeError, SealingError
from exchange.sealing import addressees, opening, originals, parts, passphrases, sealing, tar
from exchange.sealing.manifest import AgreementRef, AuditHead, Kind, Position, Stream
from exchange.signing.cards import make_card
from exchange.signing.keys import EncryptionKey, Keyring

NOW = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)


def test_a_file_comes_back_with_every_field_of_its_manifest(exchange: Any) -> None:
    after = Position("f" * 32, 9, "9" * 64)
    path = exchange.send(
        [
            sealing.Content("bundle.json", "application/fhir+json", 2, data=b"{}"),
            sealing.Content("empty.ndjson", "application/fhir+ndjson", 0, data=b""),
        ],
        to=[exchange.doctor, exchange.other],
        stream=Stream(exchange.practice.party, "proef-1", "e" * 32, 2, after),
        sequence=7,
        previous="8" * 64,
        message_id="a" * 32,
    )
    for reader in (exchange.doctor, exchange.other):
        opened = exchange.open(path, reader)
        manifest = opened.manifest
        assert {name: file.read_bytes() for name, file in opened.contents.items()} == {
            "bundle.json": b"{}",
            "empty.ndjson": b"",
        }
        assert manifest.message_id == "a" * 32
        assert manifest.kind is Kind.DATA
        assert manifest.sender == exchange.practice.party
        assert manifest.sender_card == exchange.practice.card.digest
        assert set(manifest.recipients) == {
            exchange.doctor.card.recipient_digest,
            exchange.other.card.recipient_digest,
        }
        assert manifest.agreement == AgreementRef("proef-1", 1, "ab" * 32)
        assert manifest.stream == Stream(exchange.practice.party, "proef-1", "e" * 32, 2, after)
        assert (manifest.sequence, manifest.previous) == (7, "8" * 64)
        assert manifest.audit == AuditHead(3, "cd" * 32)
        assert (manifest.created, manifest.expires) == (NOW, NOW + timedelta(days=30))
        assert [(listed.records, listed.size) for listed in manifest.contents] == [(2, 2), (0, 0)]


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 65535, 65536, 65537, 1 << 20, (1 << 20) + 1, 3 << 20, 6 << 20])
def test_every_size_around_a_boundary_comes_back(exchange: Any, size: int) -> None:
    data = os.urandom(size)
    source = exchange.folder / "in"
    source.write_bytes(data)
    path = exchange.send([sealing.Content("data.bin", "application/octet-stream", path=source)])
    assert exchange.open(path).contents["data.bin"].read_bytes() == data


def test_the_size_of_a_file_does_not_show_what_kind_of_message_it_is(exchange: Any) -> None:
    sizes = {
        exchange.send([sealing.Content("data.bin", "text/plain", data=bytes(size))]).stat().st_size
        for size in (0, 1, 1000, 50_000)
    }
    assert len(sizes) == 1


def test_a_file_is_sealed_again_from_the_journal_after_a_crash(exchange: Any) -> None:
    prepared, contents, addressed = exchange.prepare()
    first, second = exchange.folder / "first.age", exchange.folder / "second.age"
    sealing.write(prepared.jws, contents, addressed, first)
    sealing.write(prepared.jws, contents, addressed, second)
    assert first.read_bytes() != second.read_bytes()
    assert exchange.open(first).manifest.digest == exchange.open(second).manifest.digest == prepared.manifest.digest


def test_opening_twice_gives_the_same_folder(exchange: Any) -> None:
    path = exchange.send()
    assert exchange.open(path).contents == exchange.open(path).contents
    assert len(exchange.kept()) == 2


def test_a_retired_key_still_opens_and_a_destroyed_one_does_not(exchange: Any) -> None:
    path = exchange.send()
    rotated = exchange.doctor.keyring.rotated()
    opened = opening.open_file(path, rotated, exchange.find_card, now=NOW, into=exchange.inbox)
    assert opened.card == exchange.practice.card
    emptied = rotated.without_retired(frozenset({exchange.doctor.card.recipient}))
    with pytest.raises(CannotOpen):
        opening.open_file(path, emptied, exchange.find_card, now=NOW, into=exchange.inbox)


def test_an_input_that_changes_while_packing_is_not_sent(exchange: Any) -> None:
    source = exchange.folder / "in"
    for later in (b"other", b"longer than before", b"", b"shor"):
        source.write_bytes(b"short")
        prepared, contents, addressed = exchange.prepare([sealing.Content("data.bin", "text/plain", path=source)])
        source.write_bytes(later)
        with pytest.raises(SealingError) as raised:
            sealing.write(prepared.jws, contents, addressed, exchange.folder / "out.age")
        assert raised.value.rule == "sealing.input-changed"
        assert sorted(path.name for path in exchange.folder.iterdir()) == ["in"]


def test_other_contents_or_recipients_than_signed_are_not_written(exchange: Any) -> None:
    prepared, contents, addressed = exchange.prepare()
    elsewhere = addressees.to_cards([exchange.other.card], on=NOW.date())
    renamed = [sealing.Content("other.json", "application/fhir+json", 1, data=contents[0].data)]
    for given, to in ((contents, elsewhere), (renamed, addressed), ([], addressed)):
        with pytest.raises(SealingError) as raised:
            sealing.write(prepared.jws, given, to, exchange.folder / "out.age")
        assert raised.value.rule == "sealing.contents-differ"


@pytest.mark.parametrize("name", ["", "../up", "a/b", "A.json", ".hidden", "x" * 65, "manifest.jws.json", "é.json"])
def test_a_name_outside_the_rule_is_refused_and_not_repeated(exchange: Any, name: str) -> None:
    with pytest.raises(SealingError) as raised:
        exchange.prepare([sealing.Content(name, "text/plain", data=b"")])
    assert raised.value.rule == "sealing.name-refused"
    assert raised.value.params == {}


def test_two_contents_of_one_name_are_refused(exchange: Any) -> None:
    twice = [sealing.Content("a.json", "text/plain", data=b"")] * 2
    with pytest.raises(SealingError):
        exchange.prepare(twice)


def test_data_without_an_agreement_is_refused(exchange: Any) -> None:
    with pytest.raises(SealingError) as raised:
        exchange.prepare(agreement=None)
    assert raised.value.params == {"path": "/agreement"}


def test_a_manifest_that_grows_over_its_limit_is_refused(exchange: Any) -> None:
    many = [sealing.Content(f"{number:03}{'x' * 60}", "text/plain", data=b"") for number in range(256)]
    with pytest.raises(SealingError) as raised:
        exchange.prepare(many)
    assert raised.value.rule == "sealing.too-large"


def test_a_control_file_travels_before_there_is_an_agreement(exchange: Any) -> None:
    card = sealing.Content("card.jws.json", "application/jose+json", data=exchange.practice.card.jws)
    path = exchange.send([card], kind=Kind.CONTROL, agreement=None)
    opened = exchange.open(path)
    assert opened.manifest.kind is Kind.CONTROL
    assert opened.contents["card.jws.json"].read_bytes() == exchange.practice.card.jws


@pytest.mark.parametrize(
    ("name", "media_type", "data"),
    [
        ("bundle.json", "application/json", b"{}"),
        ("proposal.json", "application/fhir+json", b"{}"),
        ("proposal.json", "application/json", b'{"a":[{"resourceType":"Patient"}]}'),
        ("response.json", "application/json", b"not json"),
        ("response.json", "application/json", b" " * (4 * 1024 * 1024 + 1)),
    ],
)
def test_a_control_file_carries_no_patient_data(exchange: Any, name: str, media_type: str, data: bytes) -> None:
    with pytest.raises(SealingError) as raised:
        exchange.prepare([sealing.Content(name, media_type, data=data)], kind=Kind.CONTROL)
    assert raised.value.rule == "sealing.control-refused"


def test_demo_keys_and_real_keys_do_not_exchange(exchange: Any, invent: Any) -> None:
    demo = invent("agb:01000009", demo=True)
    with pytest.raises(SealingError) as raised:
        exchange.prepare(to=[demo])
    assert raised.value.rule == "signing.demo-with-real"


def test_a_card_outside_its_validity_is_not_written_to(exchange: Any) -> None:
    with pytest.raises(SealingError) as raised:
        addressees.to_cards([exchange.doctor.card], on=date(2028, 1, 1))
    assert raised.value.rule == "signing.card-not-valid"


def test_somebody_elses_card_or_party_cannot_be_the_sender(exchange: Any) -> None:
    addressed = addressees.to_cards([exchange.doctor.card], on=NOW.date())
    stranger = sealing.Heading(Kind.CONTROL, Stream("agb:09999999", "", "0" * 32), 1, NOW, NOW + timedelta(days=1))
    for card in (exchange.practice.card, exchange.doctor.card):
        with pytest.raises(SealingError):
            sealing.prepare([], stranger, addressed, exchange.practice.keyring, card)


def test_a_card_of_other_keys_than_ours_cannot_be_the_sender(exchange: Any, invent: Any) -> None:
    prepared, contents, addressed = exchange.prepare()
    manifest = prepared.manifest
    head = sealing.Heading(manifest.kind, manifest.stream, 1, manifest.created, manifest.expires, manifest.agreement)
    namesake = invent(exchange.practice.party)
    with pytest.raises(SealingError):
        sealing.prepare(contents, head, addressed, exchange.practice.keyring, namesake.card)


def test_a_manifest_does_not_list_itself(exchange: Any) -> None:
    manifest = exchange.prepare()[0].manifest
    itself = replace(manifest.contents[0], name="manifest.jws.json")
    with pytest.raises(SealingError) as raised:
        replace(manifest, contents=(itself,), payload=b"").to_bytes()
    assert raised.value.params == {"path": "/contents"}


def test_an_instant_without_a_time_zone_is_refused(exchange: Any) -> None:
    with pytest.raises(ValueError, match="time zone"):
        exchange.prepare(created=datetime(2026, 3, 2))  # noqa: DTZ001 - the fault that is tested


def test_nobody_and_too_many_are_no_recipients(exchange: Any) -> None:
    for cards in ([], [exchange.doctor.card] * 129):
        with pytest.raises(SealingError):
            addressees.to_cards(cards, on=NOW.date())


def test_a_hundred_recipients_each_open_it(exchange: Any, invent: Any) -> None:
    keyrings = [Keyring.generate() for _ in range(128)]
    cards = [
        make_card(
            keyring,
            parties=(f"agb:0200{number:04}",),
            name="Verzonnen",
            contact="",
            valid_from=date(2026, 1, 1),
            valid_until=date(2026, 12, 31),
        )
        for number, keyring in enumerate(keyrings)
    ]
    addressed = addressees.to_cards(cards, on=NOW.date())
    contents = [sealing.Content("a.txt", "text/plain", data=b"hello")]
    head = sealing.Heading(
        Kind.DATA,
        Stream(exchange.practice.party, "x", "0" * 32),
        1,
        NOW,
        NOW + timedelta(days=1),
        AgreementRef("x", 1, "0" * 64),
    )
    prepared = sealing.prepare(contents, head, addressed, exchange.practice.keyring, exchange.practice.card)
    path = exchange.folder / "many.age"
    sealing.write(prepared.jws, contents, addressed, path)
    for keyring in (keyrings[0], keyrings[-1]):
        opened = opening.open_file(path, keyring, exchange.find_card, now=NOW, into=exchange.inbox)
        assert opened.contents["a.txt"].read_bytes() == b"hello"


def test_a_passphrase_file_names_only_the_passphrase(exchange: Any) -> None:
    passphrase = passphrases.generate()
    addressed = addressees.to_passphrase(passphrase, work_factor=8)
    contents = [sealing.Content("a.txt", "text/plain", data=b"hello")]
    head = sealing.Heading(
        Kind.DATA,
        Stream(exchange.practice.party, "x", "0" * 32),
        1,
        NOW,
        NOW + timedelta(days=1),
        AgreementRef("x", 1, "0" * 64),
    )
    prepared = sealing.prepare(contents, head, addressed, exchange.practice.keyring, exchange.practice.card)
    path = exchange.folder / "one.age"
    sealing.write(prepared.jws, contents, addressed, path)
    opened = exchange.open(path, passphrase=passphrase)
    assert opened.manifest.recipients == ("passphrase",)
    assert opening.inspect(path).kinds == ("scrypt",)
    for wrong in (passphrases.generate(), None):
        with pytest.raises(CannotOpen):
            exchange.open(path, passphrase=wrong)


def test_a_passphrase_of_ones_own_is_too_weak_to_seal_with() -> None:
    with pytest.raises(SealingError) as raised:
        addressees.to_passphrase("correct horse battery staple")
    assert raised.value.rule == "sealing.passphrase-weak"
    assert "horse" not in str(raised.value)
    made = passphrases.generate()
    assert passphrases.made_here(made)
    assert len(made.split("-")) == 10
    assert not passphrases.made_here(made.rpartition("-")[0])


def test_a_classical_key_is_written_only_while_the_exception_lasts() -> None:
    text = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
    assert addressees.to_classical(text, until=NOW.date(), on=NOW.date()).suite == "X25519"
    with pytest.raises(SealingError) as raised:
        addressees.to_classical(text, until=date(2026, 3, 1), on=NOW.date())
    assert raised.value.rule == "sealing.exception-over"
    with pytest.raises(SealingError):
        addressees.to_classical("age1nonsense", until=NOW.date(), on=NOW.date())


def test_without_a_key_only_kinds_and_sizes_are_known(exchange: Any) -> None:
    path = exchange.send(to=[exchange.doctor, exchange.other])
    seen = opening.inspect(path)
    assert seen == opening.Inspection(path.stat().st_size, ("mlkem768x25519",) * 2, False, 65536)
    (exchange.folder / "text").write_text("not sealed")
    for other in (exchange.folder / "text", exchange.folder / "absent", exchange.folder):
        with pytest.raises(CannotOpen):
            opening.inspect(other)


def test_what_a_crash_left_is_swept_and_what_is_fresh_is_not(exchange: Any) -> None:
    old = NOW.timestamp() - 86400
    half = exchange.inbox / ".0011.part"
    half.mkdir()
    (half / "bundle.json").write_bytes(b"half")
    loose = exchange.inbox / ".out.age.22.part"
    loose.write_bytes(b"half")
    fresh = exchange.inbox / ".33.part"
    fresh.write_bytes(b"busy")
    whole = exchange.inbox / "whole.age"
    whole.write_bytes(b"kept")
    for path in (half, loose, whole):
        os.utime(path, (old, old))
    assert parts.sweep(exchange.inbox, before=NOW - timedelta(hours=1)) == 2
    assert exchange.kept() == [".33.part", "whole.age"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes mean nothing on Windows")
def test_what_is_written_is_for_its_owner_alone(exchange: Any) -> None:
    path = exchange.send()
    opened = exchange.open(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    file = opened.contents["bundle.json"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_an_original_is_kept_under_a_key_of_our_own(tmp_path: Path) -> None:
    key, other = EncryptionKey.generate(), EncryptionKey.generate()
    source, kept, back = tmp_path / "in", tmp_path / "kept.age", tmp_path / "back"
    source.write_bytes(os.urandom(200_000))
    originals.keep(source, kept, key.recipient)
    originals.fetch(kept, back, key)
    assert back.read_bytes() == source.read_bytes()
    kept_bytes = kept.read_bytes()
    kept.write_bytes(kept_bytes[:-1] + bytes([kept_bytes[-1] ^ 1]))
    for wrong in (other, key):
        with pytest.raises(CannotOpen):
            originals.fetch(kept, tmp_path / "again", wrong)
    with pytest.raises(ExchangeError):
        originals.keep(source, tmp_path / "never", "age1pq1nonsense")
    with pytest.raises(FileNotFoundError):
        originals.fetch(tmp_path / "absent", tmp_path / "again", key)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back", "in", "kept.age"]


def test_an_armored_file_is_inspected_and_opened_too(exchange: Any) -> None:
    path = exchange.send()
    plain = opening.inspect(path)
    text = base64.b64encode(path.read_bytes()).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    armored = exchange.folder / "mail.age"
    armored.write_text(
        "\n".join(["-----BEGIN AGE ENCRYPTED FILE-----", *lines, "-----END AGE ENCRYPTED FILE-----", ""])
    )
    seen = opening.inspect(armored)
    assert (seen.armored, seen.kinds, seen.payload) == (True, plain.kinds, plain.payload)
    assert exchange.open(armored).contents["bundle.json"].exists()


def test_a_member_outside_the_rules_has_no_header() -> None:
    with pytest.raises(ValueError, match="not a member"):
        tar.header("../x", 1)
    with pytest.raises(ValueError, match="not a member"):
        tar.header("x", 8**11)


@pytest.mark.parametrize("length", [0, 1, 65536, 65537, 70_000, 1 << 20, (1 << 20) + 1, 123_456_789])
def test_padding_costs_little_and_keeps_whole_blocks(length: int) -> None:
    size = tar.padded(length)
    assert size >= max(length, 65536)
    assert size % 512 == 0
    assert size <= max(65536, length * 1.12)
    assert tar.padded(size) == size
