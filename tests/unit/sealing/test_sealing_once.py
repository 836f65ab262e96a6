"""A large file is sealed in one reading: the same file as in two, or none at all."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import SealingError
from exchange.sealing import addressees, once, sealing, stream, tar
from exchange.sealing.manifest import AgreementRef, Kind, Stream
from exchange.signing import jws

LARGE = 5 * once.WORTH_IT + 12_345


def seal(exchange: Any, contents: list[sealing.Content], journal: Any = None, **other: Any) -> Path:
    manifest = exchange.prepare()[0].manifest
    heading = sealing.Heading(
        Kind.DATA,
        Stream(exchange.practice.party, "proef-1", "0" * 32),
        1,
        manifest.created,
        manifest.created + timedelta(days=30),
        AgreementRef("proef-1", 1, "ab" * 32),
        **other,
    )
    path = exchange.folder / sealing.random_name()
    to = addressees.to_cards([exchange.doctor.card, exchange.other.card], on=manifest.created.date())
    practice = exchange.practice
    once.seal(contents, heading, to, practice.keyring, practice.card, path, journal=journal or (lambda prepared: None))
    return path


@pytest.mark.parametrize("size", [0, 1, once.WORTH_IT - 1, once.WORTH_IT, LARGE, 2 * once.WORTH_IT])
def test_what_is_sealed_in_one_reading_opens(exchange: Any, size: int) -> None:
    data, more = os.urandom(size), os.urandom(1000)
    source = exchange.folder / "in"
    source.write_bytes(data)
    path = seal(
        exchange,
        [
            sealing.Content("data.bin", "application/octet-stream", 3, path=source),
            sealing.Content("more.bin", "application/octet-stream", data=more),
        ],
    )
    for reader in (exchange.doctor, exchange.other):
        opened = exchange.open(path, reader)
        assert opened.contents["data.bin"].read_bytes() == data
        assert opened.contents["more.bin"].read_bytes() == more
        assert [listed.records for listed in opened.manifest.contents] == [3, 0]


def test_a_manifest_larger_than_a_chunk_has_its_room(exchange: Any) -> None:
    """Two chunks are kept open then."""
    many = [sealing.Content(f"{number:03}{'x' * 50}", "text/plain", data=b"") for number in range(180)]
    path = seal(exchange, [*many, sealing.Content("data.bin", "application/octet-stream", data=os.urandom(LARGE))])
    opened = exchange.open(path)
    assert len(opened.manifest_jws) + 2 * tar.BLOCK > stream.CHUNK * 3 // 4
    assert len(opened.contents) == 181


def test_the_journal_has_the_manifest_before_the_file_has_its_name(exchange: Any) -> None:
    seen: list[Any] = []

    def journal(prepared: Any) -> None:
        seen.append((prepared, sorted(path.name for path in exchange.folder.glob("*.age"))))

    for size in (10, LARGE):
        contents = [sealing.Content("data.bin", "text/plain", data=bytes(size))]
        path = seal(exchange, contents, journal)
        prepared, there = seen.pop()
        assert path.name not in there
        assert exchange.open(path).manifest_jws == prepared.jws
        # after a crash the same manifest seals the file again
        addressed = addressees.to_cards(
            [exchange.doctor.card, exchange.other.card], on=prepared.manifest.created.date()
        )
        again = exchange.folder / "again.age"
        sealing.write(prepared.jws, contents, addressed, again)
        assert exchange.open(again).manifest.digest == prepared.manifest.digest
        assert again.stat().st_size == path.stat().st_size
        again.unlink()


def test_a_journal_that_fails_leaves_no_file(exchange: Any) -> None:
    def journal(prepared: Any) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        seal(exchange, [sealing.Content("data.bin", "text/plain", data=bytes(LARGE))], journal)
    assert list(exchange.folder.iterdir()) == []


class Meddled(sealing.Content):
    """A content that somebody writes to while it is read."""

    __slots__ = ()

    def open(self) -> Any:
        source = super().open()
        read, meddle = source.read, self.media_type.removeprefix("x/")

        class Source:
            fileno = source.fileno
            meddled = False

            def read(self, size: int) -> bytes:
                if not self.meddled:
                    self.meddled = True
                    with Path(source.name).open("r+b") as file:
                        if meddle == "shorter":
                            file.truncate(LARGE - 1)
                        else:
                            file.seek(LARGE - 1 if meddle == "other" else LARGE)
                            file.write(b"x")
                return bytes(read(size))

            def __enter__(self) -> Any:
                return self

            def __exit__(self, *_: object) -> None:
                source.close()

        return Source()


@pytest.mark.parametrize("how", ["longer", "shorter", "other"])
def test_a_large_input_that_changes_while_it_is_read_is_not_sent(exchange: Any, how: str) -> None:
    source = exchange.folder / "in"
    source.write_bytes(bytes(LARGE))
    os.utime(source, (1, 1))
    with pytest.raises(SealingError) as raised:
        seal(exchange, [Meddled("data.bin", f"x/{how}", path=source)])
    assert raised.value.rule == "sealing.input-changed"
    assert [path.name for path in exchange.folder.iterdir()] == ["in"]


def test_no_nonce_is_used_twice(exchange: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chunks kept open have the numbers that the others do not have."""
    used: list[int] = []
    seal_chunks = stream._seal

    def watched(aead: Any, counter: int, plain: memoryview, out: memoryview, *, last: bool) -> int:
        used.extend(range(counter, counter + max(1, -(-len(plain) // stream.CHUNK))))
        return seal_chunks(aead, counter, plain, out, last=last)

    monkeypatch.setattr(stream, "_seal", watched)
    path = seal(exchange, [sealing.Content("data.bin", "text/plain", data=bytes(LARGE))])
    assert len(used) == len(set(used))
    assert sorted(used) == list(range(len(used)))
    monkeypatch.undo()
    assert exchange.open(path)


def test_names_and_sizes_outside_the_rules_are_refused(exchange: Any) -> None:
    with pytest.raises(SealingError) as raised:
        seal(exchange, [sealing.Content("../up", "text/plain", data=bytes(LARGE))])
    assert raised.value.rule == "sealing.name-refused"
    huge = exchange.folder / "huge"
    with huge.open("wb") as file:
        file.truncate(tar.MOST_MEMBER + 1)
    with pytest.raises(SealingError) as raised:
        seal(exchange, [sealing.Content("huge.bin", "text/plain", path=huge)])
    assert raised.value.rule == "sealing.too-large"


def test_the_size_of_a_signed_object_is_known_beforehand(exchange: Any) -> None:
    keys = exchange.practice.keyring.signing
    for size in (0, 1, 2, 3, 1000, 40_000):
        assert len(jws.sign(bytes(size), "manifest", keys)) == jws.size(size, "manifest", keys.public)


@pytest.mark.parametrize("plain", [b"", b"x", bytes(stream.CHUNK + 1)])
def test_only_whole_chunks_are_sealed_out_of_order(plain: bytes) -> None:
    with pytest.raises(ValueError, match="whole chunks"):
        stream.first_chunks(bytes(32), plain)


def test_a_file_that_grows_long_is_drained_to_disk_meanwhile(exchange: Any) -> None:
    """The advice to begin writing changes nothing of what is written."""
    data = os.urandom(20 * 1024 * 1024)
    path = seal(exchange, [sealing.Content("data.bin", "application/octet-stream", data=data)])
    assert exchange.open(path).contents["data.bin"].read_bytes() == data
