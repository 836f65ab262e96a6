"""Why something could not be written, in words of ours: what the system says is in its own language."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exchange.errors import WorkspaceError

_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


def unwritable(error: OSError, file: Path | str) -> WorkspaceError:
    """Return the error that says why `file` could not be written."""
    if error.errno in _FULL:
        return WorkspaceError("files.disk-full", hints=("hint.file-room",), file=str(file))
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        # On Windows this is also what becomes of a document that Word holds open.
        return WorkspaceError("files.no-access", hints=("hint.file-access",), file=str(file))
    return WorkspaceError("files.unwritable", hints=("hint.file-path",), file=str(file), why=error.strerror)


def in_words(error: OSError) -> WorkspaceError | None:
    """Return what the disk said, where nobody knows what was being done; None where it was something else."""
    named = error.filename2 or error.filename
    file = str(named) if isinstance(named, str | Path) else ""
    if error.errno in _FULL:
        return WorkspaceError("files.no-room", hints=("hint.file-room",), file=file)
    if file and (isinstance(error, PermissionError) or error.errno == errno.EROFS):
        return WorkspaceError("files.closed", hints=("hint.file-access",), file=file)
    return None


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """Turn what goes wrong while `file` is written into a WorkspaceError that names it."""
    try:
        yield
    except OSError as error:
        raise unwritable(error, file) from None
