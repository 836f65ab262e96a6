"""Any payload in any pieces comes back; any bytes at all give one of the expected failures and nothing else."""

from __future__ import annotations

import contextlib
import io
import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from exchange.errors import SealingError
from exchange.sealing import age, header
from exchange.sealing.failures import AgeFailure, HeaderFailure, PayloadFailure
from exchange.sealing.manifest import Manifest
from exchange.sealing.recipients import HybridIdentity, HybridRecipient, PassphraseIdentity, PassphraseRecipient
from exchange.sealing.stream import CHUNK, StreamReader, StreamWriter, sealed_size
from exchange.signing import cards
from exchange.signing.canonical import canonical
from exchange.signing.keys import EncryptionKey

KEY = bytes(range(32))
SECRET = EncryptionKey(bytes(32))
BOUNDARIES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 16 * CHUNK - 1, 16 * CHUNK, 16 * CHUNK + 1, 17 * CHUNK]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 2**53 - 1) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def sealed(data: bytes, pieces: list[int]) -> bytes:
    sink = io.BytesIO()
    writer = StreamWriter(KEY, sink)
    at = 0
    for piece in pieces:
        writer.write(data[at : at + piece])
        at += piece
    writer.write(data[at:])
    writer.finish()
    return sink.getvalue()


def everything(reader: StreamReader, most: int = 1 << 20) -> bytes:
    return b"".join(bytes(part) for part in iter(lambda: reader.read(most), b""))


@given(
    st.sampled_from(BOUNDARIES) | st.integers(0, 3 * CHUNK),
    st.lists(st.integers(0, 2 * CHUNK), max_size=4),
    st.sampled_from([1000, CHUNK, 1 << 21]),
)
@settings(max_examples=40, deadline=None)
def test_any_payload_in_any_pieces_comes_back(size: int, pieces: list[int], most: int) -> None:
    data = bytes(size)
    stream = sealed(data, pieces)
    assert len(stream) == sealed_size(size)
    assert everything(StreamReader(KEY, io.BytesIO(stream)), most) == data


@given(st.sampled_from(BOUNDARIES), st.data())
@settings(max_examples=40, deadline=None)
def test_any_cut_or_changed_byte_of_a_payload_is_found(size: int, data: st.DataObject) -> None:
    stream = sealed(bytes(size), [])
    place = data.draw(st.integers(0, len(stream) - 1))
    changed = stream[:place] + bytes([stream[place] ^ data.draw(st.integers(1, 255))]) + stream[place + 1 :]
    for damaged in (stream[:place], changed, stream + stream[: place + 1]):
        with contextlib.suppress(PayloadFailure):
            everything(StreamReader(KEY, io.BytesIO(damaged)))
            raise AssertionError("damage was not found")


@given(st.binary(max_size=300))
@example(b"age-encryption.org/v1\n-> X \n\n--- \n")
@example(b"-----BEGIN AGE ENCRYPTED FILE-----\n" + b"A" * 64 + b"\n")
@settings(max_examples=50, deadline=None)
def test_any_bytes_are_refused_as_an_age_file(data: bytes) -> None:
    for text in (data, header.VERSION_LINE + data, b"-----BEGIN AGE ENCRYPTED FILE-----\n" + data):
        with contextlib.suppress(AgeFailure):
            age.decrypt(io.BytesIO(text), [HybridIdentity(SECRET), PassphraseIdentity("x", most_work=4)])
            raise AssertionError("opened")


@given(
    st.lists(st.lists(st.from_regex(r"[\x21-\x7e]{1,9}", fullmatch=True), min_size=1, max_size=4), max_size=4),
    st.data(),
)
@settings(max_examples=40, deadline=None)
def test_any_header_reads_back_as_it_was_written(arguments: list[list[str]], data: st.DataObject) -> None:
    stanzas = tuple(
        header.Stanza(tuple(words), data.draw(st.binary(max_size=100) | st.just(bytes(48)))) for words in arguments
    )
    text = header.write(stanzas)
    source = io.BytesIO(text + b" " + b"A" * 43 + b"\nrest")
    if not stanzas:
        with contextlib.suppress(HeaderFailure):
            header.read(source)
            raise AssertionError("a header without stanzas")
        return
    read = header.read(source)
    assert (read.stanzas, read.mac, read.authenticated) == (stanzas, bytes(32), text)
    assert source.read() == b"rest"


@given(JSON)
@settings(max_examples=50, deadline=None)
def test_any_json_is_refused_as_a_manifest_or_a_card(value: object) -> None:
    for data in (canonical(value), json.dumps(value).encode()):
        with contextlib.suppress(SealingError):
            Manifest.from_bytes(data)
            raise AssertionError("read")
        with contextlib.suppress(SealingError):
            cards.read_card(data)
            raise AssertionError("read")


@given(st.text(min_size=1, max_size=20))
@settings(max_examples=20, deadline=None)
def test_any_passphrase_opens_what_it_sealed(passphrase: str) -> None:
    sink = io.BytesIO()
    stream = age.encrypt(sink, [PassphraseRecipient(passphrase, work_factor=1)])
    stream.finish()
    assert everything(age.decrypt(io.BytesIO(sink.getvalue()), [PassphraseIdentity(passphrase)]).stream) == b""


def test_two_files_for_one_recipient_share_nothing() -> None:
    files = []
    for _ in range(2):
        sink = io.BytesIO()
        stream = age.encrypt(sink, [HybridRecipient(SECRET.recipient)])
        stream.write(b"same")
        stream.finish()
        files.append(sink.getvalue())
    one, two = (file.split(b"\n") for file in files)
    assert one[0] == two[0]
    assert all(first != second for first, second in zip(one[1:4], two[1:4], strict=True))
