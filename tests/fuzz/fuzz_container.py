"""The tar inside a sealed file: only what our writer writes is read."""

from __future__ import annotations

import io

from sealed_things import CONTENT, MANIFEST_JWS, container

from exchange.sealing import tar
from exchange.sealing.failures import AgeFailure
from exchange.sealing.manifest import FILE_NAME, MOST_MANIFEST

_SMALL = container(b"{}", ("bundle.json", CONTENT))
CORPUS = (_SMALL, _SMALL[:2048], container(MANIFEST_JWS, ("bundle.json", CONTENT))[: 12 * 512], b"", bytes(1024))


class _Source:
    """The authenticated plaintext: here anything at all."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, most: int) -> memoryview:
        return memoryview(self._data.read(most))

    def exactly(self, size: int) -> bytes:
        data = self._data.read(size)
        if len(data) < size:
            raise AgeFailure
        return data


def one_input(data: bytes) -> None:
    """Read a manifest and one content of each likely size; a container that is accepted is the one we would write."""
    data += bytes(-len(data) % tar.LEAST) if data[-1:] == b"\0" else b""
    for size in (0, len(CONTENT), 513):
        taken = bytearray()
        reader = tar.Reader(_Source(data))
        try:
            first = reader.first(FILE_NAME, MOST_MANIFEST)
            reader.member("bundle.json", size, taken.extend)
            reader.finish()
        except (AgeFailure, tar.NotAsListed):
            continue
        assert container(first, ("bundle.json", bytes(taken))) == data
