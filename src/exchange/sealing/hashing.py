"""SHA-256 of what is being read or written, worked out in a thread of its own that may lag a little behind."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from types import TracebackType

_PIECE = 512 * 1024
# How far the thread may lag: cipher and disk are uneven, and neither should wait for the other at every piece.
_RING = 3
# Up to this a thread costs more than it saves; hashlib, reads and writes all let another thread run meanwhile.
_WORTH_A_THREAD = 4 * 1024 * 1024


class Hashing:
    """Hashes pieces in their order; what is given may be overwritten as soon as a call returns."""

    __slots__ = ("_empty", "_full", "_hashed", "_thread", "size")

    def __init__(self) -> None:
        """Begin with nothing; the thread is made when it proves to be much."""
        self._hashed = hashlib.sha256()
        self._thread: Thread | None = None
        self._full: SimpleQueue[tuple[memoryview, memoryview] | None] = SimpleQueue()
        self._empty: SimpleQueue[memoryview] = SimpleQueue()
        self.size = 0

    def __enter__(self) -> Hashing:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread."""
        self._settle()

    def take(self, data: bytes | bytearray | memoryview) -> None:
        """Hash a piece, now or soon."""
        view = memoryview(data)
        self.size += len(view)
        if self._thread is None:
            if self.size <= _WORTH_A_THREAD:
                self._hashed.update(view)
                return
            self._begin()
        if isinstance(data, bytes):
            # Nobody can overwrite it: no copy needed, only a place in the ring.
            self._full.put((view, self._empty.get()))
            return
        while view:
            buffer = self._empty.get()
            size = min(len(view), _PIECE)
            buffer[:size] = view[:size]
            self._full.put((buffer[:size], buffer))
            view = view[size:]

    def pass_on(self, data: bytes | bytearray | memoryview, write: Callable[[bytes | memoryview], object]) -> None:
        """Hash a piece and write it."""
        self.take(data)
        write(memoryview(data))

    def hexdigest(self) -> str:
        """Return the SHA-256 of everything that passed."""
        self._settle()
        return self._hashed.hexdigest()

    def _begin(self) -> None:
        for _ in range(_RING):
            # Views, because a slice of a bytearray itself is assigned by way of one more copy.
            self._empty.put(memoryview(bytearray(_PIECE)))
        self._thread = Thread(target=self._run, name="hashing", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (given := self._full.get()) is not None:
            piece, buffer = given
            self._hashed.update(piece)
            self._empty.put(buffer)

    def _settle(self) -> None:
        if self._thread is not None:
            self._full.put(None)
            self._thread.join()
            self._thread = None
