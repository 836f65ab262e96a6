"""A file held open while it is read: its digest first, and at the end the certainty that it did not change."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from exchange.errors import SourceError

SIZE_LIMIT = 8 << 30


@dataclass(frozen=True, slots=True)
class Source:
    """An open file with its SHA-256, hexadecimal, and its size in bytes."""

    file: BinaryIO
    digest: str
    size: int

    def require_unchanged(self, before: os.stat_result) -> None:
        """Raise where someone wrote to the file since it was opened: what was read is then of two minds."""
        after = os.fstat(self.file.fileno())
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise SourceError("sources.changed-while-reading", hints=("hint.load-again",))


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Open a regular file, digest it, and check on leaving without an error that it is still the same."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise SourceError("sources.is-a-folder", hints=("hint.name-the-files",))
        # A pipe or a device may never end.
        if not stat.S_ISREG(mode):
            raise SourceError("sources.cannot-open", hints=("hint.file-there",))
        file = path.open("rb")
    except (OSError, ValueError) as error:
        raise SourceError("sources.cannot-open", hints=("hint.file-there",)) from error
    with file:
        before = os.fstat(file.fileno())
        if before.st_size > SIZE_LIMIT:
            raise SourceError("sources.too-large", hints=("hint.export-shorter-period",))
        if not before.st_size:
            raise SourceError("sources.empty", hints=("hint.export-again",))
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        source = Source(file, digest, before.st_size)
        yield source
        source.require_unchanged(before)
