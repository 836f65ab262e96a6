"""ASCII armor of an age file, read strictly (RFC 7468) and as a stream; we never write it."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, BinaryIO

from exchange.sealing.failures import ArmorFailure
from exchange.sealing.header import VERSION_LINE

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----"
_END = b"-----END AGE ENCRYPTED FILE-----"
_WORDS = b"BEGIN AGE ENCRYPTED FILE"
_COLUMNS = 64
_BLANK = b" \t\r\n"
# White space before the armor is allowed; this much of it.
_MOST_BLANK = 1024


def binary(source: BinaryIO) -> BinaryIO:
    """Return `source` as it is when it is binary, or a reader of what its armor holds; it must be seekable.

    ArmorFailure when it is neither and yet says that it is armored.
    """
    start = source.tell()
    ahead = source.read(_MOST_BLANK + len(_BEGIN))
    blank = len(ahead) - len(ahead.lstrip(_BLANK))
    if not ahead[blank:].startswith(b"-----BEGIN"):
        # Something before the armor, or other hyphens around its words: meant as armor all the same.
        if _WORDS in ahead and not ahead.startswith(VERSION_LINE):
            raise ArmorFailure
        source.seek(start)
        return source
    source.seek(start + blank)
    return io.BufferedReader(_Armored(source), 64 * 1024)


class _Armored(io.RawIOBase):
    """The bytes inside the armor."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source
        self._left = b""
        self._ended = False
        if self._line() != _BEGIN:
            raise ArmorFailure

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        while not self._left and not self._ended:
            self._left = self._next()
        size = min(len(view), len(self._left))
        view[:size] = self._left[:size]
        self._left = self._left[size:]
        return size

    def _next(self) -> bytes:
        line = self._line()
        if line == _END:
            self._finish()
            return b""
        data = _decoded(line)
        # Only the last line is shorter or padded.
        if len(line) < _COLUMNS or line.endswith(b"="):
            if self._line() != _END:
                raise ArmorFailure
            self._finish()
        return data

    def _line(self) -> bytes:
        line = self._source.readline(_COLUMNS + 3)
        return line[:-2] if line.endswith(b"\r\n") else line[:-1] if line.endswith(b"\n") else line

    def _finish(self) -> None:
        self._ended = True
        while rest := self._source.read(4096):
            if rest.strip(_BLANK):
                raise ArmorFailure


def _decoded(line: bytes) -> bytes:
    try:
        data = base64.b64decode(line, validate=True)
    except ValueError:
        raise ArmorFailure from None
    if not data or len(line) > _COLUMNS or base64.b64encode(data) != line:
        raise ArmorFailure
    return data
