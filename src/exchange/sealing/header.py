"""The header of an age file: its grammar, read strictly and written (C2SP age-encryption.org/v1)."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from exchange.sealing.failures import HeaderFailure

VERSION_LINE = b"age-encryption.org/v1\n"
MOST_HEADER = 256 * 1024
MOST_STANZAS = 128

_MAC_BYTES = 32
_COLUMNS = 64
_ARGUMENT = re.compile(rb"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Stanza:
    """One recipient's copy of the file key: the first argument is its kind."""

    arguments: tuple[str, ...]
    body: bytes

    @property
    def kind(self) -> str:
        """Return the first argument."""
        return self.arguments[0]


@dataclass(frozen=True, slots=True)
class Header:
    """The stanzas, the MAC, and the exact bytes that the MAC is over."""

    stanzas: tuple[Stanza, ...]
    mac: bytes
    authenticated: bytes


def encode(data: bytes) -> str:
    """Return standard base64 without padding."""
    return base64.b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: bytes | str) -> bytes:
    """Read canonical, unpadded base64; HeaderFailure on anything else."""
    raw = text.encode("ascii") if isinstance(text, str) else text
    try:
        data = base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
    except ValueError:
        raise HeaderFailure from None
    if base64.b64encode(data).rstrip(b"=") != raw:
        raise HeaderFailure
    return data


def write(stanzas: Sequence[Stanza]) -> bytes:
    """Return the header up to and including `---`, over which the MAC goes."""
    lines = [VERSION_LINE]
    for stanza in stanzas:
        lines.append(f"-> {' '.join(stanza.arguments)}\n".encode("ascii"))
        text = encode(stanza.body)
        # The last line is shorter than 64 columns, and empty when the body fills its lines.
        lines += [f"{text[at : at + _COLUMNS]}\n".encode("ascii") for at in range(0, len(text) + 1, _COLUMNS)]
    lines.append(b"---")
    return b"".join(lines)


def read(source: BinaryIO) -> Header:
    """Read the header and leave `source` at the payload's nonce; HeaderFailure when it breaks a rule or a limit."""
    lines = _Lines(source)
    if lines.next() != VERSION_LINE.rstrip(b"\n"):
        raise HeaderFailure
    stanzas: list[Stanza] = []
    while True:
        before = lines.so_far
        line = lines.next()
        if line.startswith(b"---"):
            break
        if len(stanzas) == MOST_STANZAS:
            raise HeaderFailure
        stanzas.append(Stanza(_arguments(line), _body(lines)))
    if not stanzas or not line.startswith(b"--- "):
        raise HeaderFailure
    mac = decode(line[4:])
    if len(mac) != _MAC_BYTES:
        raise HeaderFailure
    return Header(tuple(stanzas), mac, bytes(lines.bytes[:before]) + b"---")


class _Lines:
    """Lines of the header, never more than its limit in all."""

    __slots__ = ("_source", "bytes")

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.bytes = bytearray()

    @property
    def so_far(self) -> int:
        return len(self.bytes)

    def next(self) -> bytes:
        line = self._source.readline(MOST_HEADER - len(self.bytes) + 1)
        self.bytes += line
        if len(self.bytes) > MOST_HEADER or not line.endswith(b"\n"):
            raise HeaderFailure
        return line[:-1]


def _arguments(line: bytes) -> tuple[str, ...]:
    marker, *arguments = line.split(b" ")
    if marker != b"->" or not arguments or not all(_ARGUMENT.fullmatch(argument) for argument in arguments):
        raise HeaderFailure
    return tuple(argument.decode("ascii") for argument in arguments)


def _body(lines: _Lines) -> bytes:
    text = bytearray()
    while True:
        line = lines.next()
        if len(line) > _COLUMNS:
            raise HeaderFailure
        text += line
        if len(line) < _COLUMNS:
            return decode(bytes(text))
