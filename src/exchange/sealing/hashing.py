"""SHA-256 of what is being written, worked out in a second thread while it is written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

# Below this a thread costs more than it saves; hashlib and the AEAD both let another thread run meanwhile.
_WORTH_A_THREAD = 64 * 1024


class Hashing:
    """Passes pieces on to a writer and hashes them; no thread is made for small pieces."""

    __slots__ = ("_hashed", "_pool", "size")

    def __init__(self) -> None:
        """Begin with nothing."""
        self._hashed = hashlib.sha256()
        self._pool = ThreadPoolExecutor(1)
        self.size = 0

    def __enter__(self) -> Hashing:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread."""
        self._pool.shutdown()

    def pass_on(self, data: bytes | bytearray | memoryview, write: Callable[[bytes | memoryview], object]) -> None:
        """Write and hash a piece; both are done when this returns, so that its buffer can be used again."""
        piece = memoryview(data)
        self.size += len(piece)
        if len(piece) < _WORTH_A_THREAD:
            self._hashed.update(piece)
            write(piece)
            return
        job = self._pool.submit(self._hashed.update, piece)
        try:
            write(piece)
        finally:
            job.result()

    def hexdigest(self) -> str:
        """Return the SHA-256 of everything that passed."""
        return self._hashed.hexdigest()
