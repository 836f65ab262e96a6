"""The payload of an age file: STREAM with 64 KiB chunks, in flat memory."""

from __future__ import annotations

from typing import BinaryIO

from exchange.sealing.failures import PayloadFailure

CHUNK = 64 * 1024
TAG = 16
_SEALED = CHUNK + TAG
# Chunks handled in one go: fewer calls into the operating system.
_BATCH = 16


def _nonce(counter: int, last: bool) -> bytes:
    return counter.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def sealed_size(size: int) -> int:
    """Return how many bytes a payload of `size` bytes takes, without its nonce."""
    return size + TAG * max(1, -(-size // CHUNK))


class StreamWriter:
    """Takes plaintext; `finish` writes the final chunk. Without it the file has no valid end."""

    __slots__ = ("_aead", "_buffer", "_counter", "_filled", "_out", "_sink")

    def __init__(self, key: bytes, sink: BinaryIO) -> None:
        """Write sealed chunks to `sink`."""
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        self._aead = ChaCha20Poly1305(key)
        self._sink = sink
        self._counter = 0
        self._filled = 0
        self._buffer = bytearray(CHUNK * _BATCH)
        self._out = bytearray(_SEALED * _BATCH)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Take more plaintext."""
        view = memoryview(data)
        size = len(view)
        while view:
            # Sealed only once more comes: what fills the buffer may be the final chunk.
            if self._filled == len(self._buffer):
                self._seal(self._filled, last=False)
            taken = min(len(view), len(self._buffer) - self._filled)
            self._buffer[self._filled : self._filled + taken] = view[:taken]
            self._filled += taken
            view = view[taken:]
        return size

    def finish(self) -> None:
        """Seal what is left as the final chunk."""
        self._seal(self._filled, last=True)

    def _seal(self, size: int, *, last: bool) -> None:
        plain, out = memoryview(self._buffer), memoryview(self._out)
        written = 0
        for start in range(0, size or 1, CHUNK):
            end = min(start + CHUNK, size)
            nonce = _nonce(self._counter, last and end == size)
            length = end - start + TAG
            self._aead.encrypt_into(nonce, plain[start:end], None, out[written : written + length])
            written += length
            self._counter += 1
        self._sink.write(out[:written])
        self._filled = 0


class StreamReader:
    """Gives plaintext that was authenticated, chunk by chunk; the end only after the final chunk opened."""

    __slots__ = ("_aead", "_ahead", "_at", "_buffer", "_counter", "_done", "_plain", "_source")

    def __init__(self, key: bytes, source: BinaryIO) -> None:
        """Read sealed chunks from `source`."""
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        self._aead = ChaCha20Poly1305(key)
        self._source = source
        self._counter = 0
        self._done = False
        self._buffer = bytearray(CHUNK * _BATCH)
        self._plain = memoryview(b"")
        self._at = 0
        self._ahead = source.read(_SEALED * _BATCH)

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

        sealed = memoryview(self._ahead)
        self._ahead = self._source.read(_SEALED * _BATCH) if len(sealed) == _SEALED * _BATCH else b""
        at_end = not self._ahead
        plain = memoryview(self._buffer)
        filled = 0
        try:
            for start in range(0, len(sealed) or 1, _SEALED):
                chunk = sealed[start : start + _SEALED]
                last = at_end and start + _SEALED >= len(sealed)
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
