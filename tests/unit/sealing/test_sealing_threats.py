"""The attacks of the threat table, mounted one by one: each gets one of three answers and leaves nothing behind."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import CannotOpen, NotForUs, SealingError, WasChanged
from exchange.sealing import addressees, age, opening, sealing, tar
from exchange.sealing.header import Stanza
from exchange.sealing.manifest import Kind, Listed
from exchange.sealing.recipients import ClassicalRecipient, HybridRecipient
from exchange.signing import jws
from exchange.signing.canonical import canonical
from exchange.signing.cards import make_card

CONTENT = b'{"resourceType":"Bundle","id":"invented"}\n'


def refused(exchange: Any, path: Path, answer: type[SealingError], party: Any = None, **how: Any) -> None:
    """Expect this answer, without a cause that tells more, and an empty inbox."""
    with pytest.raises(answer) as raised:
        exchange.open(path, party, **how)
    assert type(raised.value) is answer
    assert raised.value.__suppress_context__
    assert raised.value.__cause__ is None
    assert set(raised.value.params) == {"file"}
    assert exchange.kept() == []


def signed(exchange: Any) -> bytes:
    prepared, _, _ = exchange.prepare()
    return bytes(prepared.jws)


def altered(manifest_jws: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """Return the JWS after a change to its JSON."""
    read = json.loads(manifest_jws)
    change(read)
    return canonical(read)


def header_of(signature: dict[str, str]) -> dict[str, str]:
    text = signature["protected"]
    return dict(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))


def protected(header: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(canonical(header)).rstrip(b"=").decode()


# A forged sender -------------------------------------------------------------------------------------------------


def test_a_manifest_signed_by_other_keys_was_changed(exchange: Any, pack: Any, resign: Any) -> None:
    prepared, _, _ = exchange.prepare()
    forged = resign(prepared.manifest, exchange.other.keyring)
    refused(exchange, exchange.encrypt(pack(forged, ("bundle.json", CONTENT)), exchange.doctor), WasChanged)


def test_an_unknown_sender_cannot_be_opened(exchange: Any) -> None:
    refused(exchange, exchange.send(), CannotOpen, find_card=lambda party, digest: None)


def test_a_card_that_is_not_the_senders_was_changed(exchange: Any, pack: Any, resign: Any) -> None:
    """Whoever looks up the wrong card, or a sender who names another's party, is found out."""
    prepared, _, _ = exchange.prepare()
    path = exchange.send()
    refused(exchange, path, WasChanged, find_card=lambda party, digest: exchange.other.card)
    posing = replace(prepared.manifest, sender="agb:09999999", payload=b"")
    file = exchange.encrypt(pack(resign(posing, exchange.practice.keyring), ("bundle.json", CONTENT)), exchange.doctor)
    refused(exchange, file, WasChanged, find_card=lambda party, digest: exchange.practice.card)


def test_a_sender_outside_its_card_or_another_card_of_the_same_keys_was_changed(
    exchange: Any, pack: Any, resign: Any
) -> None:
    practice = exchange.practice
    manifest = exchange.prepare()[0].manifest
    stranger = replace(
        manifest, sender="agb:09999999", stream=replace(manifest.stream, organisation="agb:09999999"), payload=b""
    )
    posing = exchange.encrypt(pack(resign(stranger, practice.keyring), ("bundle.json", CONTENT)), exchange.doctor)
    refused(exchange, posing, WasChanged, find_card=lambda party, digest: practice.card)
    renamed = make_card(
        practice.keyring,
        parties=practice.card.parties,
        name="Andere naam",
        contact="",
        valid_from=practice.card.valid_from,
        valid_until=practice.card.valid_until,
    )
    refused(exchange, exchange.send(), WasChanged, find_card=lambda party, digest: renamed)


def test_a_stream_of_somebody_else_was_changed(exchange: Any, pack: Any, resign: Any) -> None:
    prepared, _, _ = exchange.prepare()
    stream = replace(prepared.manifest.stream, organisation="agb:09999999")
    posing = resign(replace(prepared.manifest, stream=stream, payload=b""), exchange.practice.keyring)
    refused(exchange, exchange.encrypt(pack(posing, ("bundle.json", CONTENT)), exchange.doctor), WasChanged)


@pytest.mark.parametrize("typ", sorted(jws.TYPES - {"manifest"}))
def test_an_object_of_another_kind_is_no_manifest(exchange: Any, pack: Any, resign: Any, typ: str) -> None:
    prepared, _, _ = exchange.prepare()
    forged = resign(prepared.manifest, exchange.practice.keyring, typ)
    refused(exchange, exchange.encrypt(pack(forged, ("bundle.json", CONTENT)), exchange.doctor), WasChanged)


def _drop_first(read: dict[str, Any]) -> None:
    del read["signatures"][0]


def _drop_second(read: dict[str, Any]) -> None:
    del read["signatures"][1]


def _drop_both(read: dict[str, Any]) -> None:
    read["signatures"] = []


def _same_twice(read: dict[str, Any]) -> None:
    read["signatures"][1] = read["signatures"][0]


def _third(read: dict[str, Any]) -> None:
    read["signatures"].append(read["signatures"][0])


def _swap(read: dict[str, Any]) -> None:
    read["signatures"].reverse()


def _swap_values(read: dict[str, Any]) -> None:
    first, second = read["signatures"]
    first["signature"], second["signature"] = second["signature"], first["signature"]


def _unprotected(read: dict[str, Any]) -> None:
    read["signatures"][0]["header"] = {"kid": "x"}


def _flattened(read: dict[str, Any]) -> None:
    read.update(read.pop("signatures")[0])


def _with_header(**fields: object) -> Callable[[dict[str, Any]], None]:
    def change(read: dict[str, Any]) -> None:
        first = read["signatures"][0]
        first["protected"] = protected({**header_of(first), **fields})

    return change


def _padded_payload(read: dict[str, Any]) -> None:
    read["payload"] += "="


def _no_signature(read: dict[str, Any]) -> None:
    read["signatures"][1]["signature"] = ""


def _number(read: dict[str, Any]) -> None:
    read["signatures"][1]["signature"] = 1


ALTERATIONS = {
    "first signature stripped": _drop_first,
    "second signature stripped": _drop_second,
    "both signatures stripped": _drop_both,
    "one signature twice": _same_twice,
    "a third signature": _third,
    "signatures in another order": _swap,
    "signature values swapped": _swap_values,
    "an unprotected header": _unprotected,
    "flattened": _flattened,
    "alg none": _with_header(alg="none"),
    "alg of the other key": _with_header(alg="ML-DSA-65"),
    "alg HS256": _with_header(alg="HS256"),
    "crit": _with_header(crit=["b64"], b64=False),
    "a key in the header": _with_header(jwk={"kty": "OKP"}),
    "kid of somebody else": _with_header(kid="x"),
    "padded payload": _padded_payload,
    "empty signature": _no_signature,
    "signature not a text": _number,
}


@pytest.mark.parametrize("how", sorted(ALTERATIONS))
def test_a_signature_that_is_not_exactly_ours_was_changed(exchange: Any, pack: Any, how: str) -> None:
    forged = altered(signed(exchange), ALTERATIONS[how])
    refused(exchange, exchange.encrypt(pack(forged, ("bundle.json", CONTENT)), exchange.doctor), WasChanged)


def test_duplicate_keys_in_the_signature_were_added(exchange: Any, pack: Any) -> None:
    forged = signed(exchange).replace(b'{"payload":', b'{"payload":"e30","payload":', 1)
    refused(exchange, exchange.encrypt(pack(forged, ("bundle.json", CONTENT)), exchange.doctor), WasChanged)


# Forwarding ------------------------------------------------------------------------------------------------------


def test_a_file_that_a_recipient_forwards_is_not_for_the_next(exchange: Any, pack: Any) -> None:
    """The doctor encrypts the practice's own signed manifest and contents again, to somebody else."""
    forwarded = exchange.encrypt(pack(signed(exchange), ("bundle.json", CONTENT)), exchange.other)
    refused(exchange, forwarded, NotForUs, exchange.other)


def test_a_recipient_added_beside_the_named_ones_is_found(exchange: Any, pack: Any) -> None:
    path = exchange.encrypt(pack(signed(exchange), ("bundle.json", CONTENT)), exchange.doctor, exchange.other)
    refused(exchange, path, WasChanged)
    refused(exchange, path, NotForUs, exchange.other)


def test_the_wrong_recipient_cannot_open(exchange: Any) -> None:
    refused(exchange, exchange.send(), CannotOpen, exchange.other)


# A co-recipient rewrites ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "members",
    [
        [("bundle.json", CONTENT.replace(b"invented", b"rewritten"))],
        [("bundle.json", CONTENT.replace(b"invented", b"INVENTED"))],
        [("other.json", CONTENT)],
        [],
        [("bundle.json", CONTENT), ("extra.json", b"")],
    ],
    ids=["longer", "same size", "renamed", "left out", "added"],
)
def test_contents_that_a_co_recipient_rewrote_were_changed(exchange: Any, pack: Any, members: Any) -> None:
    prepared, _, _ = exchange.prepare(to=[exchange.doctor, exchange.other])
    path = exchange.encrypt(pack(prepared.jws, *members), exchange.doctor, exchange.other)
    # A member that is missing is where the zeros at the end begin.
    refused(exchange, path, WasChanged)


def test_contents_in_another_order_were_changed(exchange: Any, pack: Any) -> None:
    two = [sealing.Content(name, "text/plain", data=b"same") for name in ("a.txt", "b.txt")]
    prepared, _, _ = exchange.prepare(two)
    path = exchange.encrypt(pack(prepared.jws, ("b.txt", b"same"), ("a.txt", b"same")), exchange.doctor)
    refused(exchange, path, WasChanged)


# Truncation, reorder, trailing bytes ------------------------------------------------------------------------------


def test_a_file_cut_off_anywhere_cannot_be_opened(exchange: Any) -> None:
    big = [sealing.Content("data.bin", "application/octet-stream", data=bytes(range(256)) * 1024)]
    path = exchange.send(big)
    whole = path.read_bytes()
    payload = whole.index(b"\n--- ") + len("\n--- ") + 43 + 1 + 16
    chunk = 65536 + 16
    cuts = {0, 1, 21, 22, 100, payload - 16, payload - 1, payload, payload + 1, len(whole) - 1, len(whole) - 16}
    cuts |= {payload + chunk * number + extra for number in (1, 2, 3, 4) for extra in (-1, 0, 1, 16)}
    for cut in sorted(cuts):
        assert cut < len(whole)
        path.write_bytes(whole[:cut])
        refused(exchange, path, CannotOpen)


def test_chunks_in_another_order_cannot_be_opened(exchange: Any) -> None:
    path = exchange.send([sealing.Content("data.bin", "application/octet-stream", data=bytes(400_000))])
    whole = path.read_bytes()
    start = whole.index(b"\n--- ") + len("\n--- ") + 43 + 1 + 16
    chunk = 65536 + 16
    one, two = whole[start : start + chunk], whole[start + chunk : start + 2 * chunk]
    path.write_bytes(whole[:start] + two + one + whole[start + 2 * chunk :])
    refused(exchange, path, CannotOpen)


def test_a_single_changed_bit_anywhere_cannot_be_opened(exchange: Any) -> None:
    path = exchange.send()
    whole = path.read_bytes()
    for place in range(0, len(whole), len(whole) // 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        refused(exchange, path, CannotOpen)


@pytest.mark.parametrize("tail", [b"\0", b"x", bytes(512), bytes(65552)])
def test_bytes_after_the_sealed_end_cannot_be_opened(exchange: Any, tail: bytes) -> None:
    path = exchange.send()
    with path.open("ab") as file:
        file.write(tail)
    refused(exchange, path, CannotOpen)


@pytest.mark.parametrize("tail", [b"x", b"\0" * 511 + b"x", bytes(512), b"\0"])
def test_bytes_after_the_padding_were_added(exchange: Any, pack: Any, tail: bytes) -> None:
    container = pack(signed(exchange), ("bundle.json", CONTENT))
    refused(exchange, exchange.encrypt(container + tail, exchange.doctor), WasChanged)


def test_a_byte_in_the_padding_was_added(exchange: Any, pack: Any) -> None:
    container = bytearray(pack(signed(exchange), ("bundle.json", CONTENT)))
    for place in (len(container) - 1, len(container) - 30_000):
        changed = bytearray(container)
        changed[place] = 1
        refused(exchange, exchange.encrypt(bytes(changed), exchange.doctor), WasChanged)


def test_a_container_without_its_padding_was_cut_before_it_was_encrypted(exchange: Any, pack: Any) -> None:
    container = pack(signed(exchange), ("bundle.json", CONTENT))
    for size in (len(container) - 512, len(container) - 1, 12 * 512, 700):
        refused(exchange, exchange.encrypt(container[:size], exchange.doctor), CannotOpen)


# Path tricks ------------------------------------------------------------------------------------------------------


def _member(name: str, **fields: Any) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(member, field, value)
    return member


TRICKS = {
    "up": _member("../bundle.json"),
    "absolute": _member("/tmp/bundle.json"),
    "link": _member("bundle.json", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "hard link": _member("bundle.json", type=tarfile.LNKTYPE, linkname="manifest.jws.json"),
    "folder": _member("bundle.json", type=tarfile.DIRTYPE),
    "pipe": _member("bundle.json", type=tarfile.FIFOTYPE),
    "device": _member("bundle.json", type=tarfile.CHRTYPE),
    "owner": _member("bundle.json", uid=1000, size=len(CONTENT)),
    "time": _member("bundle.json", mtime=1, size=len(CONTENT)),
    "prefix": _member("x" * 90 + "/" + "y" * 60, size=len(CONTENT)),
    "long name": _member("x" * 300, size=len(CONTENT)),
}


@pytest.mark.parametrize("trick", sorted(TRICKS))
def test_a_member_that_is_not_plainly_the_listed_file_was_changed(exchange: Any, trick: str) -> None:
    manifest_jws = signed(exchange)
    sink = io.BytesIO()
    writer = tar.Writer(sink)
    writer.begin("manifest.jws.json", len(manifest_jws))
    writer.write(manifest_jws)
    writer.end(len(manifest_jws))
    member = TRICKS[trick]
    block = member.tobuf(tarfile.GNU_FORMAT)
    body = CONTENT if member.isreg() else b""
    container = sink.getvalue() + block + body
    container += bytes(tar.padded(len(container) + 1024) - len(container))
    refused(exchange, exchange.encrypt(container, exchange.doctor), WasChanged)
    assert not (exchange.folder / "bundle.json").exists()


@pytest.mark.parametrize(
    "fields", [{"uid": 7}, {"mtime": 1}, {"uname": "root"}, {"type": tarfile.SYMTYPE, "linkname": "x"}], ids=str
)
def test_a_manifest_that_is_not_plainly_a_file_was_changed(exchange: Any, pack: Any, fields: dict[str, Any]) -> None:
    manifest_jws = signed(exchange)
    container = pack(manifest_jws, ("bundle.json", CONTENT))
    plain = {"size": len(manifest_jws), "mode": 0o600}
    block = _member("manifest.jws.json", **plain, **fields).tobuf(tarfile.USTAR_FORMAT)
    refused(exchange, exchange.encrypt(block + container[512:], exchange.doctor), WasChanged)


@pytest.mark.parametrize("name", ["../up.json", "/etc/passwd", "A.json", "", "manifest.jws.json"])
def test_a_signed_manifest_with_a_bad_name_is_refused(exchange: Any, pack: Any, name: str) -> None:
    prepared, _, _ = exchange.prepare()
    listed = Listed(name, "text/plain", 0, hashlib.sha256().hexdigest(), 0)
    payload = json.loads(prepared.manifest.payload)
    payload["contents"] = [
        {"name": name, "media-type": listed.media_type, "size": 0, "sha256": listed.sha256, "records": 0}
    ]
    forged = jws.sign(canonical(payload), "manifest", exchange.practice.keyring.signing)
    refused(exchange, exchange.encrypt(pack(forged), exchange.doctor), WasChanged)


def test_a_file_that_does_not_begin_with_a_manifest_was_changed(exchange: Any) -> None:
    for name, size in (("other.json", 4), ("manifest.jws.json", 65 * 1024)):
        sink = io.BytesIO()
        writer = tar.Writer(sink)
        writer.begin(name, size)
        writer.write(bytes(size))
        writer.end(size)
        writer.finish()
        refused(exchange, exchange.encrypt(sink.getvalue(), exchange.doctor), WasChanged)
    refused(exchange, exchange.encrypt(b"\xff" * 65536, exchange.doctor), WasChanged)
    refused(exchange, exchange.encrypt(b"", exchange.doctor), CannotOpen)


# Bombs, and JSON that two parsers read differently ------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"format":NaN}',
        b"[" * 100 + b"]" * 100,
        b'{"kind":"data","kind":"control"}',
        b"\xff\xfe",
    ],
)
def test_a_payload_that_is_no_manifest_was_changed(exchange: Any, pack: Any, payload: bytes) -> None:
    forged = jws.sign(payload, "manifest", exchange.practice.keyring.signing)
    refused(exchange, exchange.encrypt(pack(forged), exchange.doctor), WasChanged)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sequence", 0),
        ("sequence", 2.5),
        ("sequence", "1"),
        ("sequence", -1),
        ("format", "outcome-exchange-manifest/2"),
        ("kind", "message"),
        ("suite", "rot13"),
        ("message-id", "a" * 31),
        ("recipients", []),
        ("recipients", ["passphrase"]),
        ("agreement", None),
        ("created", "2026-02-30T00:00:00Z"),
        ("created", "2027-01-01T00:00:00Z"),
        ("expires", "2026-03-02T09:00:00+01:00"),
        ("unknown", 1),
    ],
)
def test_a_manifest_with_a_wrong_field_was_changed(exchange: Any, pack: Any, field: str, value: object) -> None:
    prepared, _, _ = exchange.prepare()
    payload = {**json.loads(prepared.manifest.payload), field: value}
    forged = jws.sign(canonical(payload), "manifest", exchange.practice.keyring.signing)
    refused(exchange, exchange.encrypt(pack(forged, ("bundle.json", CONTENT)), exchange.doctor), WasChanged)


def test_a_manifest_in_another_form_of_the_same_json_was_changed(exchange: Any, pack: Any) -> None:
    """A number 1.0 is an integer to a JSON Schema and none to us."""
    prepared, _, _ = exchange.prepare()
    for payload in (
        prepared.manifest.payload.replace(b'"sequence":1', b'"sequence":1.0'),
        json.dumps(json.loads(prepared.manifest.payload)).encode(),
    ):
        assert payload != prepared.manifest.payload
        forged = jws.sign(payload, "manifest", exchange.practice.keyring.signing)
        refused(exchange, exchange.encrypt(pack(forged, ("bundle.json", CONTENT)), exchange.doctor), WasChanged)


def test_a_header_over_its_limits_cannot_be_opened(exchange: Any) -> None:
    path = exchange.folder / "bomb.age"
    stanza = b"-> mlkem768x25519 " + b"A" * 1494 + b"\n" + b"A" * 43 + b"\n"
    for bomb in (
        b"age-encryption.org/v1\n" + stanza * 129 + b"--- " + b"A" * 43 + b"\n",
        b"age-encryption.org/v1\n-> x " + b"A" * (300 * 1024),
        b"age-encryption.org/v1\n-> x\n" + (b"A" * 64 + b"\n") * 5000,
        b"\n" * 100_000,
    ):
        path.write_bytes(bomb)
        refused(exchange, path, CannotOpen)


# Downgrade, expiry and worlds ---------------------------------------------------------------------------------------


def test_a_header_with_any_other_stanza_is_not_even_tried(exchange: Any, pack: Any) -> None:
    classical = ClassicalRecipient("age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj")

    class Both:
        kind, alone = "mlkem768x25519", False

        def wrap(self, file_key: bytes) -> Stanza:
            return classical.wrap(file_key)

    path = exchange.folder / "mixed.age"
    with path.open("wb") as file:
        stream = age.encrypt(file, [HybridRecipient(exchange.doctor.card.recipient), Both()])
        stream.write(pack(signed(exchange), ("bundle.json", CONTENT)))
        stream.finish()
    refused(exchange, path, CannotOpen)


def test_a_manifest_signed_for_another_suite_was_changed(exchange: Any, pack: Any, resign: Any) -> None:
    prepared, _, _ = exchange.prepare()
    weaker = resign(replace(prepared.manifest, suite="X25519", payload=b""), exchange.practice.keyring)
    refused(exchange, exchange.encrypt(pack(weaker, ("bundle.json", CONTENT)), exchange.doctor), WasChanged)


def test_kinds_of_recipients_are_never_mixed(exchange: Any) -> None:
    classical = ClassicalRecipient("age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj")
    with pytest.raises(ValueError, match="different kinds"):
        age.encrypt(io.BytesIO(), [HybridRecipient(exchange.doctor.card.recipient), classical])
    for recipients in ([], [classical] * 129):
        with pytest.raises(SealingError):
            age.encrypt(io.BytesIO(), recipients)


def test_an_expired_file_cannot_be_opened(exchange: Any) -> None:
    prepared, contents, addressed = exchange.prepare()
    path = exchange.folder / "late.age"
    sealing.write(prepared.jws, contents, addressed, path)
    refused(exchange, path, CannotOpen, now=prepared.manifest.expires + timedelta(seconds=1))
    assert exchange.open(path, now=prepared.manifest.expires)


def test_a_file_from_outside_its_cards_validity_cannot_be_opened(exchange: Any) -> None:
    card = replace(exchange.practice.card, valid_until=date(2026, 3, 1))
    refused(exchange, exchange.send(), CannotOpen, find_card=lambda party, digest: card)


def test_a_real_workspace_does_not_open_what_a_demo_workspace_sent(exchange: Any, invent: Any) -> None:
    demo = invent("agb:01000009", demo=True)
    # Addressed past the sender's own refusal, as a changed program would.
    addressed = addressees.to_cards([exchange.doctor.card], on=date(2026, 3, 2))
    head = sealing.Heading(
        Kind.CONTROL,
        replace(exchange.prepare()[0].manifest.stream, organisation=demo.party),
        1,
        exchange.prepare()[0].manifest.created,
        exchange.prepare()[0].manifest.expires,
    )
    real = replace(demo.keyring, demo=False)
    prepared = sealing.prepare([], head, addressed, real, demo.card)
    path = exchange.folder / "demo.age"
    sealing.write(prepared.jws, [], addressed, path)
    refused(exchange, path, CannotOpen, find_card=lambda party, digest: demo.card)


@pytest.mark.parametrize(
    ("name", "data"), [("bundle.json", b"{}"), ("proposal.json", b'{"resourceType":"Patient"}'), ("card.json", b"x")]
)
def test_a_patient_in_a_control_file_is_refused_on_arrival_too(
    exchange: Any, pack: Any, resign: Any, name: str, data: bytes
) -> None:
    prepared, _, _ = exchange.prepare([sealing.Content(name, "application/json", data=data)])
    forged = resign(replace(prepared.manifest, kind=Kind.CONTROL, payload=b""), exchange.practice.keyring)
    refused(exchange, exchange.encrypt(pack(forged, (name, data)), exchange.doctor), CannotOpen)


# Crash and detail ---------------------------------------------------------------------------------------------------


def test_a_full_disk_leaves_nothing(exchange: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = exchange.send()
    prepared, contents, addressed = exchange.prepare()
    before = sorted(exchange.folder.iterdir())
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        exchange.open(path)
    with pytest.raises(OSError, match="No space"):
        sealing.write(prepared.jws, contents, addressed, exchange.folder / "out.age")
    monkeypatch.undo()
    assert exchange.kept() == []
    assert sorted(entry for entry in exchange.folder.iterdir() if entry.name != "inbox") == before


def test_what_is_not_there_or_not_sealed_cannot_be_opened(exchange: Any) -> None:
    text = exchange.folder / "letter.txt"
    text.write_text("Geachte collega")
    for path in (text, exchange.folder / "absent.age", exchange.inbox):
        refused(exchange, path, CannotOpen)


def test_payload_is_written_only_after_the_signature_was_checked(exchange: Any, pack: Any) -> None:
    """At the moment the card is asked for, nothing was written."""
    seen: list[list[str]] = []

    def find_card(party: str, digest: str) -> Any:
        seen.append(exchange.kept())
        return exchange.find_card(party, digest)

    exchange.open(exchange.send(), find_card=find_card)
    assert seen == [[]]


def test_opening_never_says_more_than_three_things() -> None:
    answers = {CannotOpen, WasChanged, NotForUs}
    assert {error().rule for error in answers} == {"sealing.cannot-open", "sealing.was-changed", "sealing.not-for-us"}
    assert opening.open_file.__doc__


def test_a_partners_key_that_would_give_no_secret_is_refused(exchange: Any) -> None:
    """A point of low order makes the shared secret zero; nobody may be made to encrypt to it."""
    from exchange.signing import bech32

    with pytest.raises(SealingError):
        ClassicalRecipient(bech32.encode("age", bytes(32))).wrap(bytes(16))
    with pytest.raises(SealingError):
        HybridRecipient(bech32.encode("age1pq", b"\xff" * 1216))
