"""A folder as transport: a file appears there whole or not at all, and never takes another's place."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from pathlib import Path

from exchange.errors import WorkspaceError

_PIECE = 1 << 20


def drop(file: Path, folder: Path) -> Path:
    """Copy a file into the folder under its own name, atomically.

    The same file dropped again changes nothing. Raise WorkspaceError where the folder is missing or another file
    has that name already.
    """
    if not folder.is_dir():
        raise WorkspaceError("transports.no-folder", hints=("hint.make-folder",), folder=str(folder))
    goal = folder / file.name
    if goal.exists():
        return _same(file, goal)
    part = folder / f".{file.name}.{secrets.token_hex(4)}.part"
    try:
        with file.open("rb") as source, part.open("xb") as copy:
            shutil.copyfileobj(source, copy, _PIECE)
            copy.flush()
            os.fsync(copy.fileno())
        try:
            os.link(part, goal)  # unlike a rename, a link never takes another file's place
        except FileExistsError:
            return _same(file, goal)
        except OSError:  # a share without hard links
            if goal.exists():
                return _same(file, goal)
            part.rename(goal)
    finally:
        part.unlink(missing_ok=True)
    return goal


def waiting(folder: Path) -> tuple[Path, ...]:
    """Return the sealed files that lie in a folder, by name."""
    if not folder.is_dir():
        raise WorkspaceError("transports.no-folder", hints=("hint.make-folder",), folder=str(folder))
    return tuple(sorted(path for path in folder.glob("*.age") if path.is_file() and not path.name.startswith(".")))


def _same(file: Path, goal: Path) -> Path:
    if _digest(file) == _digest(goal):
        return goal
    raise WorkspaceError("transports.name-taken", hints=("hint.other-folder",), name=goal.name)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
