"""A file held open while it is read: its digest first, and at the end the certainty that it did not change."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
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


@contextmanager
def opened(path: Path, *, known: str = "") -> Iterator[Source]:
    """Open a regular file with its digest; where it is `known` from before, it is compared at the end.

    A file that somebody wrote to meanwhile is of two minds: SourceError on leaving, by its size and time, and where
    the digest was known by its content. Whatever else was wrong with such a file is a consequence, and is not said.
    """
    file = _regular(path)
    with file:
        before = os.fstat(file.fileno())
        if before.st_size > SIZE_LIMIT:
            raise SourceError("sources.too-large", hints=("hint.export-shorter-period",))
        if not before.st_size:
            raise SourceError("sources.empty", hints=("hint.export-again",))
        try:
            yield Source(file, known or _digest(file), before.st_size)
        except SourceError as error:
            if _changed(file, before, known):
                raise _two_minds() from error
            raise
        if _changed(file, before, known):
            raise _two_minds()


def _regular(path: Path) -> BufferedReader:
    """Open a file that ends; what the name leads to is judged after opening, so that it can't be swapped between."""
    try:
        # A pipe without a writer would wait for one; a device may never end.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        if os.path.isdir(path):  # noqa: PTH112 - Windows does not open one; Path.is_dir raises on a name that is too long
            raise SourceError("sources.is-a-folder", hints=("hint.name-the-files",)) from error
        raise SourceError("sources.cannot-open", hints=("hint.file-there",)) from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise SourceError("sources.is-a-folder", hints=("hint.name-the-files",))
    raise SourceError("sources.not-a-plain-file", hints=("hint.file-there",))


def _digest(file: BufferedReader) -> str:
    file.seek(0)
    found = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return found


def _changed(file: BufferedReader, before: os.stat_result, known: str) -> bool:
    after = os.fstat(file.fileno())
    # Two writes within one tick of the clock leave the same time.
    touched = (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns)
    return touched or (known != "" and _digest(file) != known)


def _two_minds() -> SourceError:
    return SourceError("sources.changed-while-reading", hints=("hint.load-again",))
