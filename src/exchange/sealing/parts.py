"""Unfinished work on disk: names that tell a later start whether the process that writes there still lives."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from exchange.sealing import permissions

_WHILE_IT_LIVES = 7 * 86_400
_OURS = re.compile(r"\..+\.([0-9a-f]{8})-(\d{1,10})\.part")


def name() -> str:
    """Return a hidden name for a part of this process, that says on which machine and in which process it is made."""
    return f".{secrets.token_hex(8)}.{_machine()}-{os.getpid()}.part"


def beside(goal: Path) -> Path:
    """Return such a name for the part of a file, in the same folder."""
    return goal.with_name(f".{goal.name}{name()}")


@contextmanager
def folder(inside: Path) -> Iterator[Path]:
    """Make a private folder for plaintext that is gone afterwards; after a crash `sweep` takes it."""
    part = inside / name()
    part.mkdir(mode=permissions.FOLDER_MODE)
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def sweep(inside: Path, *, before: datetime) -> int:
    """Remove what a crash left half written; return how many.

    A part of a process of this machine goes at once when that process no longer lives. While it lives the part stays a
    week, whatever the clock does (another process may have its number by then). Any other goes when older than
    `before`.
    """
    swept = 0
    for part in sorted(inside.glob(".*.part")):
        try:
            lives = _lives(part.name)
            limit = before.timestamp() - (_WHILE_IT_LIVES if lives else 0)
            if lives is not False and part.lstat().st_mtime >= limit:
                continue
            if part.is_dir() and not part.is_symlink():
                shutil.rmtree(part)
            else:
                part.unlink()
        except FileNotFoundError:
            continue  # whoever made it, or another that sweeps, was first
        swept += 1
    return swept


def _lives(part: str) -> bool | None:
    """Say whether the process that made a part still lives; nothing where it is another machine's, or nobody's."""
    found = _OURS.fullmatch(part)
    return permissions.process_lives(int(found[2])) if found is not None and found[1] == _machine() else None


def _machine() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
