"""Read a file up to a size, and write one whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from exchange.errors import SourceError
from exchange.findings import disk


def read(file: Path, *, most: int) -> bytes:
    """Return a file's bytes; SourceError where it can't be read or is larger than `most`."""
    try:
        with file.open("rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise SourceError("files.unreadable", hints=("hint.file-path",), file=file.name, why=error.strerror) from None
    if len(data) > most:
        raise SourceError("files.too-large", file=file.name, most=most)
    return data


def write(file: Path, data: bytes | Iterable[bytes]) -> None:
    """Write a file so that it is there whole or not at all; WorkspaceError where it can't be written."""
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as stream:
            if file.exists():
                part.chmod(stat.S_IMODE(file.stat().st_mode))  # what its owner closed to others stays closed
            for piece in (data,) if isinstance(data, bytes) else data:
                stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise disk.unwritable(error, file) from None
