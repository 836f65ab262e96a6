"""A file whose bytes set out for the disk while more are written, so that fsync has little left to wait for."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from exchange.sealing import permissions

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_DRAIN = 8 * 1024 * 1024


def create(path: Path) -> BinaryIO:
    """Create a file that must not exist yet, for its owner alone, and open it for writing; fsync stays the caller's."""
    return io.BufferedWriter(_Draining(permissions.create(path), "wb"))


class _Draining(io.FileIO):
    """On Linux the advice "not needed soon" starts the writing and returns at once; elsewhere fsync does it all."""

    _since = 0

    def write(self, data: ReadableBuffer, /) -> int:
        size = super().write(data)
        self._since += size
        if self._since >= _DRAIN and sys.platform == "linux":
            os.posix_fadvise(self.fileno(), self.tell() - self._since, self._since, os.POSIX_FADV_DONTNEED)
            self._since = 0
        return size
