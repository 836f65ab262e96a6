"""The container: a POSIX tar with exactly the members we name, padded so that its size says little.

Nothing of a header is believed: the reader builds the header it expects and compares the bytes, so there are no
links, paths, owners or times to be tricked with.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from exchange.sealing.failures import PayloadFailure

BLOCK = 512
LEAST = 64 * 1024
MOST_MEMBER = 8**11 - 1  # eleven octal digits: 8 GiB less a byte
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

_ZEROS = bytes(64 * 1024)
_SIZE_FIELD = slice(124, 135)


class NotAsListed(Exception):  # noqa: N818 - named for what happened; sealing.py turns it into WasChanged
    """The container is not exactly what the manifest says."""


class Sink(Protocol):
    """Whatever takes bytes."""

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Take more bytes."""
        ...


class Source(Protocol):
    """Whatever gives authenticated bytes."""

    def read(self, most: int) -> memoryview:
        """Return up to `most` bytes; empty at the end."""
        ...

    def exactly(self, size: int) -> bytes:
        """Return exactly so many bytes."""
        ...


def header(name: str, size: int) -> bytes:
    """Return the one header block (POSIX.1-1988 ustar) that a regular file of this name and size has here."""
    if not NAME.fullmatch(name) or not 0 <= size <= MOST_MEMBER:
        raise ValueError("not a member")
    fields = (
        name.encode("ascii").ljust(100, b"\0"),
        b"0000600\0",
        b"0000000\0",
        b"0000000\0",
        b"%011o\0" % size,
        b"00000000000\0",
        b" " * 8,
        b"0",
        bytes(100),
        b"ustar\x0000",
        bytes(64),
        b"0000000\0",
        b"0000000\0",
    )
    block = bytearray(b"".join(fields).ljust(BLOCK, b"\0"))
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padding(size: int) -> int:
    """Return how many zero bytes follow a member of this size."""
    return -size % BLOCK


def padded(length: int) -> int:
    """Return the Padmé size for a length (Nikitin and others, PoPETs 2019(4), 10.2478/popets-2019-0056)."""
    if length <= LEAST:
        return LEAST
    exponent = length.bit_length() - 1
    mask = (1 << exponent - exponent.bit_length()) - 1
    return (length + mask) & ~mask


class Writer:
    """Writes members one after the other; `finish` writes the end blocks and the padding."""

    __slots__ = ("_length", "_sink")

    def __init__(self, sink: Sink) -> None:
        """Write to `sink`."""
        self._sink = sink
        self._length = 0

    def begin(self, name: str, size: int) -> None:
        """Write a member's header; exactly `size` bytes must follow by `write`."""
        self._put(header(name, size))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write a part of the member's bytes."""
        self._put(data)

    def end(self, size: int) -> None:
        """Fill the member's last block."""
        self._put(bytes(padding(size)))

    def finish(self) -> None:
        """Write two zero blocks, then zeros up to the padded size."""
        left = padded(self._length + 2 * BLOCK) - self._length
        while left:
            left -= self._put(memoryview(_ZEROS)[: min(left, len(_ZEROS))])

    def _put(self, data: bytes | bytearray | memoryview) -> int:
        self._length += len(data)
        return self._sink.write(data)


class Reader:
    """Reads members in the order they are asked for; NotAsListed when the container differs."""

    __slots__ = ("_length", "_source")

    def __init__(self, source: Source) -> None:
        """Read from `source`."""
        self._source = source
        self._length = 0

    def first(self, name: str, most: int) -> bytes:
        """Return the bytes of the first member, whose size is not known beforehand."""
        block = self._exactly(BLOCK)
        digits = block[_SIZE_FIELD]
        size = int(digits, 8) if re.fullmatch(rb"[0-7]{11}", digits) else most + 1
        if size > most or block != header(name, size):
            raise NotAsListed
        data = self._exactly(size)
        self._require_zero(padding(size))
        return data

    def member(self, name: str, size: int, take: Callable[[memoryview], object]) -> None:
        """Give the bytes of the next member, which must have this name and size, to `take`, piece by piece."""
        if self._exactly(BLOCK) != header(name, size):
            raise NotAsListed
        left = size
        while left:
            part = self._source.read(left)
            if not part:
                raise PayloadFailure
            take(part)
            left -= len(part)
        self._length += size
        self._require_zero(padding(size))

    def finish(self) -> None:
        """Require zeros only, up to exactly the padded size, and the authenticated end of the file."""
        self._require_zero(padded(self._length + 2 * BLOCK) - self._length)
        if self._source.read(1):
            raise NotAsListed

    def _exactly(self, size: int) -> bytes:
        self._length += size
        return self._source.exactly(size)

    def _require_zero(self, size: int) -> None:
        self._length += size
        left = size
        while left:
            part = self._source.read(min(left, len(_ZEROS)))
            if not part:
                raise PayloadFailure
            if part != memoryview(_ZEROS)[: len(part)]:
                raise NotAsListed
            left -= len(part)
