"""Sealing a large file in one reading: packed and hashed at once, signed over what was packed, then completed.

The manifest stands first in the container and names the digest of what comes after it. Its size is known beforehand,
so the first chunks are kept open, all others are sealed while the contents are hashed, and the first chunks are
sealed last. What is signed is what was packed, because the same bytes went through both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from exchange.errors import SealingError
from exchange.sealing import age, sealing, tar
from exchange.sealing.addressees import Addressees
from exchange.sealing.hashing import Hashing
from exchange.sealing.manifest import FILE_NAME, Kind, Listed
from exchange.sealing.sealing import Content, Heading, Prepared
from exchange.sealing.stream import CHUNK, StreamWriter, first_chunks, sealed_size
from exchange.signing import jws
from exchange.signing.cards import Card
from exchange.signing.keys import Keyring

# Below this two readings cost less than what keeping chunks open asks for.
WORTH_IT = 1024 * 1024

_UNKNOWN = "0" * 64


def seal(
    contents: Sequence[Content],
    heading: Heading,
    addressees: Addressees,
    keyring: Keyring,
    card: Card,
    destination: Path,
    *,
    journal: Callable[[Prepared], object],
) -> Prepared:
    """Write a sealed file whole or not at all; `journal` gets the signed manifest before the file gets its name.

    After a crash `sealing.write` seals it again from the journal's manifest. SealingError when a content changes
    while it is read.
    """
    for content in contents:
        sealing.require_name(content)
    sizes = [_size(content) for content in contents]
    if heading.kind is Kind.CONTROL or sum(sizes) < WORTH_IT:
        prepared = sealing.prepare(contents, heading, addressees, keyring, card)
        journal(prepared)
        sealing.write(prepared.jws, contents, addressees, destination)
        return prepared
    unknown = tuple(_listed(content, size, _UNKNOWN) for content, size in zip(contents, sizes, strict=True))
    manifest = sealing.announce(unknown, heading, addressees, keyring, card)
    with sealing.published(destination) as file:
        packing = _Packing(file, addressees, jws.size(len(manifest.to_bytes()), "manifest", card.public))
        listed = tuple(packing.pack(content, size) for content, size in zip(contents, sizes, strict=True))
        packing.finish()
        prepared = sealing.sign(replace(manifest, contents=listed), keyring)
        journal(prepared)
        packing.complete(prepared.jws)
    return prepared


class _Packing:
    """A container in the making, whose first chunks are kept open for the manifest."""

    def __init__(self, file: BinaryIO, addressees: Addressees, room: int) -> None:
        """Write the header of the file and leave room for a manifest of this size."""
        self._file = file
        self._room = room
        self._key = age.begin(file, addressees.recipients)
        self._place = file.tell()
        chunks = -(-(tar.BLOCK + room) // CHUNK)
        self._open = bytearray()
        self._most_open = chunks * CHUNK
        file.seek(self._place + sealed_size(self._most_open))
        self._stream = StreamWriter(self._key, file, first=chunks)
        self._container = tar.Writer(self)
        self._container.begin(FILE_NAME, room)
        self._container.write(bytes(room))
        self._container.end(room)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Take bytes of the container: the first are kept, the rest is sealed."""
        view = memoryview(data)
        kept = min(len(view), self._most_open - len(self._open))
        if kept:
            self._open += view[:kept]
        return kept + self._stream.write(view[kept:])

    def pack(self, content: Content, size: int) -> Listed:
        """Add a content of this size; return how the manifest lists it."""
        self._container.begin(content.name, size)
        with content.open() as source, Hashing() as hashed:
            before = _state(source)
            for piece in sealing.pieces(source, size + 1):
                hashed.pass_on(piece, self._container.write)
            if hashed.size != size or _state(source) != before:
                raise SealingError("sealing.input-changed", name=content.name)
            digest = hashed.hexdigest()
        self._container.end(size)
        return _listed(content, size, digest)

    def finish(self) -> None:
        """Write the padding and the final chunk."""
        self._container.finish()
        self._stream.finish()

    def complete(self, manifest_jws: bytes) -> None:
        """Put the manifest in its place and seal the chunks that were kept open; once, because of their nonces."""
        if len(manifest_jws) != self._room:
            raise AssertionError("a signed manifest of another size than was foreseen")
        self._open[tar.BLOCK : tar.BLOCK + self._room] = manifest_jws
        self._file.seek(self._place)
        self._file.write(first_chunks(self._key, self._open))
        self._file.seek(0, os.SEEK_END)


def _listed(content: Content, size: int, digest: str) -> Listed:
    return Listed(content.name, content.media_type, size, digest, content.records)


def _size(content: Content) -> int:
    size = len(content.data or b"") if content.path is None else content.path.stat().st_size
    if size > tar.MOST_MEMBER:
        raise SealingError("sealing.too-large", name=content.name)
    return size


def _state(source: BinaryIO) -> tuple[int, int] | None:
    """Return what changes when somebody writes to a file; None for bytes in memory."""
    try:
        found = os.fstat(source.fileno())
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
