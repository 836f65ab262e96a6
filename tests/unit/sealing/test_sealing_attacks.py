"""Attacks on every field, every boundary and every date of a sealed file; docs/threats.md has the whole list."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import CannotOpen, NotForUs, SealingError, WasChanged
from exchange.sealing import opening, sealing, tar
from exchange.sealing.manifest import Listed
from exchange.sealing.stream import CHUNK, SEALED
from exchange.signing import cards, jws
from exchange.signing.canonical import canonical

CONTENT = b'{"resourceType":"Bundle","id":"invented"}\n'
NONCE = 16


def refused(exchange: Any, path: Path, answer: type[SealingError], party: Any = None, **how: Any) -> None:
    """Expect this answer, which says nothing but the file's name, and an empty inbox."""
    with pytest.raises(answer) as raised:
        exchange.open(path, party, **how)
    assert type(raised.value) is answer
    assert raised.value.__suppress_context__
    assert raised.value.__cause__ is None
    assert raised.value.params == {"file": path.name}
    assert exchange.kept() == []


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# An edited manifest -------------------------------------------------------------------------------------------------


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Name every leaf of a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inner is None:
        yield path
        return
    for key, one in inner:
        yield from leaves(one, (*path, key))


def other(value: Any) -> Any:
    """Return another value of the same form."""
    if isinstance(value, bool) or value is None:
        return {"id": "x", "version": 1, "digest": "ab" * 32}
    if isinstance(value, int):
        return value + 1
    if value.endswith("Z") and value[:4].isdigit():
        return f"{value[:-2]}1Z"
    last = "1" if value[-1:] != "1" else "2"
    return value[:-1] + last if value else "ab" * 32


def test_no_field_of_a_signed_manifest_can_be_edited(exchange: Any, pack: Any) -> None:
    """Each leaf in turn, under the signatures as they were: the unknown card of another sender is not even found."""
    prepared, _, _ = exchange.prepare()
    content = json.loads(prepared.manifest.payload)
    envelope = json.loads(prepared.jws)
    tried = 0
    for path in leaves(content):
        edited = json.loads(prepared.manifest.payload)
        place = edited
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = other(place[path[-1]])
        forged = canonical({**envelope, "payload": encoded(canonical(edited))})
        answer = CannotOpen if path[0] in {"sender", "sender-card"} else WasChanged
        refused(exchange, exchange.encrypt(pack(forged, ("bundle.json", CONTENT)), exchange.doctor), answer)
        tried += 1
    assert tried >= 25


def test_signatures_of_another_manifest_do_not_fit(exchange: Any, pack: Any) -> None:
    """Both signatures are good, each over another manifest of the same sender."""
    one, two = (json.loads(exchange.prepare(sequence=number)[0].jws) for number in (1, 2))
    for signatures in (two["signatures"], [one["signatures"][0], two["signatures"][1]]):
        forged = canonical({**one, "signatures": signatures})
        refused(exchange, exchange.encrypt(pack(forged, ("bundle.json", CONTENT)), exchange.doctor), WasChanged)


@pytest.mark.parametrize("algorithm", ["none", "None", "EdDSA", "ML-DSA-44", "HS256", "", None, ["Ed25519"]])
def test_an_algorithm_is_never_taken_from_the_header(exchange: Any, pack: Any, algorithm: object) -> None:
    """Signed again by the true keys, so that only the name is wrong; with an empty signature for good measure."""
    prepared, _, _ = exchange.prepare()
    envelope = json.loads(prepared.jws)
    body = envelope["payload"]
    for number, key in enumerate(exchange.practice.keyring.signing.signers):
        header = json.loads(base64.urlsafe_b64decode(envelope["signatures"][number]["protected"] + "=="))
        protected = encoded(canonical({**header, "alg": algorithm}))
        for signature in (encoded(key.sign(f"{protected}.{body}".encode())), ""):
            signatures = list(envelope["signatures"])
            signatures[number] = {"protected": protected, "signature": signature}
            forged = canonical({**envelope, "signatures": signatures})
            refused(exchange, exchange.encrypt(pack(forged, ("bundle.json", CONTENT)), exchange.doctor), WasChanged)


# Cut off, lengthened --------------------------------------------------------------------------------------------------


def test_a_file_cut_off_at_any_boundary_cannot_be_opened(exchange: Any) -> None:
    """Every line of the header, and every chunk of the payload with the bytes beside it."""
    path = exchange.send([sealing.Content("data.bin", "application/octet-stream", data=bytes(200_000))])
    whole = path.read_bytes()
    payload = whole.index(b"\n--- ") + len("\n--- ") + 43 + 1 + NONCE
    cuts = {at + extra for at in range(payload) if whole[at : at + 1] == b"\n" for extra in (0, 1)}
    cuts |= {at + extra for at in range(payload, len(whole), SEALED) for extra in (-1, 0, 1, 16, 17)}
    for cut in sorted(cut for cut in cuts if 0 <= cut < len(whole)):
        path.write_bytes(whole[:cut])
        refused(exchange, path, CannotOpen)


def test_whole_chunks_that_were_left_out_cannot_be_opened(exchange: Any) -> None:
    path = exchange.send([sealing.Content("data.bin", "application/octet-stream", data=bytes(4 * CHUNK))])
    whole = path.read_bytes()
    start = whole.index(b"\n--- ") + len("\n--- ") + 43 + 1 + NONCE
    chunks = [whole[at : at + SEALED] for at in range(start, len(whole), SEALED)]
    assert len(chunks) > 3
    for number in range(len(chunks)):
        for changed in (
            chunks[:number] + chunks[number + 1 :],
            chunks[: number + 1] + chunks[number:],
            [*chunks[:number], chunks[0], *chunks[number + 1 :]] if number else [*reversed(chunks)],
        ):
            path.write_bytes(whole[:start] + b"".join(changed))
            refused(exchange, path, CannotOpen)


def test_a_container_cut_off_at_any_block_cannot_be_opened(exchange: Any, pack: Any) -> None:
    """Before it was encrypted, by its own sender: every block of the manifest and the content, and some of the end."""
    container = pack(exchange.prepare()[0].jws, ("bundle.json", CONTENT))
    used = len(container.rstrip(b"\0")) + 2 * tar.BLOCK
    for cut in (*range(0, used, tar.BLOCK), used + 1, len(container) - tar.BLOCK, len(container) - 1):
        refused(exchange, exchange.encrypt(container[:cut], exchange.doctor), CannotOpen)


# Bombs ----------------------------------------------------------------------------------------------------------------


def test_a_content_that_is_said_to_be_huge_fills_no_disk(exchange: Any, pack: Any, resign: Any) -> None:
    prepared, _, _ = exchange.prepare()
    listed = Listed("bundle.json", "application/fhir+json", tar.MOST_MEMBER, hashlib.sha256().hexdigest(), 1)
    huge = resign(replace(prepared.manifest, contents=(listed,), payload=b""), exchange.practice.keyring)
    container = pack(huge, ("bundle.json", CONTENT))
    at = container.index(b"bundle.json\0")
    container = container[:at] + tar.header("bundle.json", tar.MOST_MEMBER) + container[at + tar.BLOCK :]
    refused(exchange, exchange.encrypt(container, exchange.doctor), CannotOpen)


def test_a_manifest_over_its_limit_is_not_read(exchange: Any, pack: Any) -> None:
    for size in (64 * 1024 + 1, 1024 * 1024):
        refused(exchange, exchange.encrypt(pack(b" " * size), exchange.doctor), WasChanged)


@pytest.mark.parametrize(
    "payload",
    [b'{"a":' * 70 + b"1" + b"}" * 70, b'{"a":1e999}', b'{"a":-Infinity}', b'{"a":1,"a":2}', b'"\\ud800"', b"9" * 5000],
    ids=["deep", "infinite", "infinity", "double", "lone surrogate", "long number"],
)
def test_json_that_is_a_bomb_or_has_two_readings_was_changed(exchange: Any, pack: Any, payload: bytes) -> None:
    for forged in (payload, jws.sign(payload, "manifest", exchange.practice.keyring.signing)):
        refused(exchange, exchange.encrypt(pack(forged), exchange.doctor), WasChanged)


# Dates ----------------------------------------------------------------------------------------------------------------


def test_a_file_from_the_future_cannot_be_opened(exchange: Any) -> None:
    """A day's difference between clocks is borne: a date beyond it was made up."""
    created = exchange.prepare()[0].manifest.created
    path = exchange.send()
    refused(exchange, path, CannotOpen, now=created - opening.CLOCKS_DIFFER - timedelta(seconds=1))
    assert exchange.open(path, now=created - opening.CLOCKS_DIFFER)


def test_a_stale_file_cannot_be_opened(exchange: Any) -> None:
    path = exchange.send()
    expires = exchange.prepare()[0].manifest.expires
    for late in (timedelta(seconds=1), timedelta(days=4000)):
        refused(exchange, path, CannotOpen, now=expires + late)


def test_a_card_that_is_not_yet_valid_cannot_send(exchange: Any) -> None:
    early = replace(exchange.practice.card, valid_from=date(2026, 3, 3))
    refused(exchange, exchange.send(), CannotOpen, find_card=lambda party, digest: early)


# Cards ----------------------------------------------------------------------------------------------------------------


def test_a_file_signed_with_a_card_that_was_never_compared_cannot_be_opened(exchange: Any, invent: Any) -> None:
    """A thief takes the practice's number and name and makes keys: the card is whole, and nobody's."""
    thief = invent(exchange.practice.party)
    assert cards.read_card(thief.card.jws) == thief.card
    posing = replace(exchange, practice=thief)
    refused(exchange, posing.send(), CannotOpen)


def test_a_rotation_by_a_thief_of_the_signing_keys_is_another_card_than_the_pinned(exchange: Any, invent: Any) -> None:
    """Cross-signed by the stolen keys it reads as a rotation; what it signs is not opened by the pinned card."""
    old, thief = exchange.practice, invent(exchange.practice.party)
    new = cards.make_card(
        thief.keyring,
        parties=old.card.parties,
        name=old.card.name,
        contact="",
        valid_from=date(2026, 3, 1),
        valid_until=date(2027, 3, 1),
        previous=old.card,
    )
    rotation = cards.rotate(old.card, new, old.keyring.signing, on=date(2026, 3, 1), until=date(2026, 3, 31))
    assert cards.read_rotation(rotation, old.card)
    posing = replace(exchange, practice=replace(thief, card=new))
    refused(exchange, posing.send(), CannotOpen)


def test_two_cards_of_one_serial_leave_nothing_to_open_with(exchange: Any, invent: Any) -> None:
    twin = invent(exchange.practice.party)
    blocked = cards.conflicting([exchange.practice.card, twin.card])
    assert blocked == {exchange.practice.card.digest, twin.card.digest}
    refused(
        exchange,
        exchange.send(),
        CannotOpen,
        find_card=lambda party, digest: None if digest in blocked else exchange.practice.card,
    )


# One file, three answers ----------------------------------------------------------------------------------------------


def test_the_same_answer_says_the_same_whatever_the_cause(exchange: Any, pack: Any) -> None:
    """Text, parameters and hints: from them nobody learns how far a forged file came."""
    good = exchange.send()
    flipped, cut, text = (exchange.folder / name for name in ("flipped.age", "cut.age", "text.age"))
    whole = good.read_bytes()
    flipped.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    cut.write_bytes(whole[:1000])
    text.write_bytes(b"Geachte collega")
    forwarded = exchange.encrypt(pack(exchange.prepare()[0].jws, ("bundle.json", CONTENT)), exchange.other)
    said: dict[type[SealingError], set[str]] = {}
    for path, party in (
        (flipped, exchange.doctor), (cut, exchange.doctor), (text, exchange.doctor), (good, exchange.other),
        (forwarded, exchange.other), (exchange.encrypt(pack(b"{}"), exchange.doctor), exchange.doctor),
    ):  # fmt: skip
        with pytest.raises((CannotOpen, WasChanged, NotForUs)) as raised:
            exchange.open(path, party)
        error = raised.value
        said.setdefault(type(error), set()).add(f"{error} {error.hints}".replace(path.name, "FILE"))
    assert set(said) == {CannotOpen, WasChanged, NotForUs}
    assert all(len(sentences) == 1 for sentences in said.values())
