"""The payload of an age file: STREAM with 64 KiB chunks, in flat memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from exchange.sealing.failures import PayloadFailure

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

CHUNK = 64 * 1024
TAG = 16
SEALED = CHUNK + TAG
# Chunks handled in one go: enough for few calls into the operating system, and so few that the hashing thread soon
# gets its turn, because the cipher holds Python's lock and only reading and writing let go of it.
_BATCH = 8


def _nonce(counter: int, last: bool) -> bytes:
    return counter.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def sealed_size(size: int) -> int:
    """Return how many bytes a payload of `size` bytes takes, without its nonce."""
    return size + TAG * max(1, -(-size // CHUNK))


def first_chunks(key: bytes, plain: bytes | bytearray) -> memoryview:
    """Seal whole chunks from the start of a payload of which a StreamWriter wrote the rest."""
    if not plain or len(plain) % CHUNK:
        raise ValueError("not whole chunks")
    out = bytearray(sealed_size(len(plain)))
    return memoryview(out)[: _seal(_cipher(key), 0, memoryview(plain), memoryview(out), last=False)]


def _cipher(key: bytes) -> ChaCha20Poly1305:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(key)


def _seal(aead: ChaCha20Poly1305, counter: int, plain: memoryview, out: memoryview, *, last: bool) -> int:
    """Seal chunk by chunk into `out`; return how many bytes that took."""
    written, size = 0, len(plain)
    for start in range(0, size or 1, CHUNK):
        end = min(start + CHUNK, size)
        length = end - start + TAG
        nonce = _nonce(counter, last and end == size)
        aead.encrypt_into(nonce, plain[start:end], None, out[written : written + length])
        written += length
        counter += 1
    return written


class StreamWriter:
    """Takes plaintext; `finish` writes the final chunk. Without it the file has no valid end."""

    __slots__ = ("_aead", "_buffer", "_counter", "_filled", "_out", "_sink")

    def __init__(self, key: bytes, sink: BinaryIO, *, first: int = 0) -> None:
        """Write sealed chunks to `sink`, of which the first is chunk number `first`."""
        self._aead = _cipher(key)
        self._sink = sink
        self._counter = first
        self._filled = 0
        # Views, because a slice of a bytearray itself is assigned by way of one more copy.
        self._buffer = memoryview(bytearray(CHUNK * _BATCH))
        self._out = memoryview(bytearray(SEALED * _BATCH))

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Take more plaintext."""
        view = memoryview(data)
        size = len(view)
        while view:
            # Sealed only once more comes: what fills the buffer may be the final chunk.
            if self._filled == len(self._buffer):
                self._empty(last=False)
            taken = min(len(view), len(self._buffer) - self._filled)
            self._buffer[self._filled : self._filled + taken] = view[:taken]
            self._filled += taken
            view = view[taken:]
        return size

    def finish(self) -> None:
        """Seal what is left as the final chunk."""
        self._empty(last=True)

    def _empty(self, *, last: bool) -> None:
        written = _seal(self._aead, self._counter, self._buffer[: self._filled], self._out, last=last)
        self._sink.write(self._out[:written])
        self._counter += -(-self._filled // CHUNK)
        self._filled = 0


class StreamReader:
    """Gives plaintext that was authenticated, chunk by chunk; the end only after the final chunk opened."""

    __slots__ = ("_aead", "_ahead", "_at", "_buffer", "_counter", "_done", "_plain", "_sealed", "_source", "_spare")

    def __init__(self, key: bytes, source: BinaryIO) -> None:
        """Read sealed chunks from `source`."""
        self._aead = _cipher(key)
        self._source = source
        self._counter = 0
        self._done = False
        self._buffer = bytearray(CHUNK * _BATCH)
        self._plain = memoryview(b"")
        self._at = 0
        # One batch is read ahead, because only the end of the file tells which chunk is the final one.
        self._sealed, self._spare = bytearray(SEALED * _BATCH), bytearray(SEALED * _BATCH)
        self._ahead = _read(source, self._sealed)

    def read(self, most: int) -> memoryview:
        """Return up to `most` bytes, good until the next call; empty only at the authenticated end."""
        if self._at == len(self._plain):
            if self._done:
                return memoryview(b"")
            self._open()
        part = self._plain[self._at : self._at + most]
        self._at += len(part)
        return part

    def exactly(self, size: int) -> bytes:
        """Return `size` bytes; PayloadFailure when there are not so many."""
        data = bytearray()
        while len(data) < size:
            part = self.read(size - len(data))
            if not part:
                raise PayloadFailure
            data += part
        return bytes(data)

    def _open(self) -> None:
        from cryptography.exceptions import InvalidTag

        sealed = memoryview(self._sealed)[: self._ahead]
        self._sealed, self._spare = self._spare, self._sealed
        self._ahead = _read(self._source, self._sealed) if len(sealed) == SEALED * _BATCH else 0
        at_end = not self._ahead
        plain = memoryview(self._buffer)
        filled = 0
        try:
            for start in range(0, len(sealed) or 1, SEALED):
                chunk = sealed[start : start + SEALED]
                last = at_end and start + SEALED >= len(sealed)
                size = len(chunk) - TAG
                # An empty final chunk belongs to an empty payload only.
                if size < 0 or (size == 0 and self._counter > 0):
                    raise PayloadFailure
                self._aead.decrypt_into(_nonce(self._counter, last), chunk, None, plain[filled : filled + size])
                filled += size
                self._counter += 1
        except InvalidTag:
            raise PayloadFailure from None
        self._done = at_end
        self._plain, self._at = plain[:filled].toreadonly(), 0


def _read(source: BinaryIO, buffer: bytearray) -> int:
    """Fill the buffer as far as the source goes."""
    view, filled = memoryview(buffer), 0
    while filled < len(buffer) and (size := source.readinto(view[filled:])):  # type: ignore[attr-defined]  # BinaryIO
        filled += size
    return filled
