"""Who else can reach a file: the one module that knows POSIX from Windows.

On Windows a file's access list is inherited from its folder, and a user's own folders are closed to other users;
modes mean nothing there, so they are not checked, and a folder can't be synchronised by itself. One thing is
documented: Python's `os.mkdir(mode=0o700)` gives a new folder an access list of its own, for owner, administrators
and system (since 3.11.10, 3.12.4 and 3.13), and `make_folder` asks for that. Links and junctions are refused on
every platform.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from pathlib import Path

from exchange.errors import Locked

POSIX = sys.platform != "win32"
FOLDER_MODE = 0o700
FILE_MODE = 0o600
_OTHERS, _OTHERS_WRITE = 0o077, 0o022
_JUNCTION = 0xA0000003  # IO_REPARSE_TAG_MOUNT_POINT; OneDrive's placeholders have another tag and are plain files


def make_folder(path: Path) -> None:
    """Make a folder for its owner alone; leave one that is there already as it is."""
    path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def create(path: Path) -> int:
    """Create a file that must not exist yet, for its owner alone; return its descriptor."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), FILE_MODE)


def write(path: Path, data: bytes) -> None:
    """Write a small private file whole or not at all."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")  # two processes may write the same file
    try:
        with os.fdopen(create(part), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        publish(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def publish(part: Path, path: Path) -> None:
    """Give a finished file or folder its name, and make that last."""
    part.replace(path)
    sync_folder(path.parent)


def publish_first(part: Path, path: Path) -> None:
    """Give a finished file its name unless another has it: then that one stays."""
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        if not path.exists():
            part.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Write a folder's own entries to disk, where the platform can."""
    if POSIX:
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def process_lives(number: int) -> bool:
    """Tell whether a process of this machine lives, or may: on Windows asking would end it."""
    if not POSIX:
        return True
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # somebody else's
    return True


def _leads_elsewhere(found: os.stat_result) -> bool:
    """Tell a symbolic link, and on Windows a junction too, which is no link by its mode."""
    return stat.S_ISLNK(found.st_mode) or getattr(found, "st_reparse_tag", 0) == _JUNCTION


def require_private(path: Path) -> None:
    """Refuse a symbolic link, and on POSIX a file or folder that is not ours or that others can reach."""
    found = path.lstat()
    if _leads_elsewhere(found):
        raise Locked("sealing.symbolic-link", hints=("hint.no-symbolic-link",), path=path.name)
    if POSIX and (stat.S_IMODE(found.st_mode) & _OTHERS or found.st_uid != os.geteuid()):
        raise Locked("sealing.loose-permissions", hints=("hint.tighten-permissions",), path=path.name)


def open_to_others(path: Path, *, may_read: bool = False) -> bool:
    """Tell whether what is there leads elsewhere, is not ours, or others can reach it (with `may_read`: change it)."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    others = _OTHERS_WRITE if may_read else _OTHERS
    return _leads_elsewhere(found) or (
        POSIX and (bool(stat.S_IMODE(found.st_mode) & others) or found.st_uid != os.geteuid())
    )
