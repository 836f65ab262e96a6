"""A folder as transport: a file appears there whole or not at all, and never takes another's place."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from exchange.errors import WorkspaceError
from exchange.sealing.permissions import sync_folder
from exchange.transports import place
from exchange.transports.place import Lying

_PIECE = 1 << 20
# A part of ours that is older was left by a crash; whoever's clock is off by less does no harm.
STALE = timedelta(days=1)


class Folder:
    """A folder here or on a mounted share. `mine` marks our own unfinished files: only those are ever swept."""

    usual = place.KEEP

    def __init__(self, path: Path, *, mine: str = "", now: datetime | None = None) -> None:
        """Keep which folder."""
        self._path = path
        self._mine = mine
        self._now = now

    def ready(self) -> None:
        """Raise WorkspaceError where the folder is missing."""
        _require(self._path)

    def drop(self, file: Path) -> str:
        """Copy a file into the folder, and sweep what a crash of ours left there."""
        _require(self._path)
        if self._now is not None and self._mine:
            for part in self._path.glob(f".*.{self._mine}.*.part"):
                with suppress(OSError):
                    if part.lstat().st_mtime < (self._now - STALE).timestamp():
                        part.unlink()
        return str(drop(file, self._path, mine=self._mine))

    def waiting(self) -> Lying:
        """Return the sealed files that lie there, and how many entries called `.age` are none we would open."""
        return lying(self._path)

    def fetch(self, name: str, into: Path) -> Path | None:
        """Copy a file into a private folder of ours: on a share it may be taken away while it is read."""
        try:
            return Path(shutil.copyfile(self._path / name, into / name, follow_symlinks=False))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise WorkspaceError(
                "transports.broken-off", hints=("hint.try-again",), place=str(self._path), why=error.strerror or ""
            ) from None

    def settle(self, name: str, after: str) -> None:
        """Move a file that was taken in to `done`, or delete it."""
        source = self._path / name
        try:
            if after == place.MOVE:
                done = self._path / place.DONE
                done.mkdir(exist_ok=True)
                _move(source, done / name)
            elif after == place.DELETE:
                source.unlink()
        except FileNotFoundError:
            return  # another process that picks up here was first
        except OSError as error:
            raise WorkspaceError(
                "transports.not-settled", hints=("hint.after-keep",), name=name, why=error.strerror or ""
            ) from None

    def close(self) -> None:
        """Let go of nothing."""


def drop(file: Path, folder: Path, *, mine: str = "") -> Path:
    """Copy a file into the folder under its own name, atomically.

    The same file dropped again changes nothing. Raise WorkspaceError where the folder is missing or another file
    has that name already.
    """
    _require(folder)
    goal = folder / file.name
    if goal.exists():
        return _same(file, goal)
    part = folder / f".{file.name}.{mine}.{secrets.token_hex(4)}.part"
    try:
        with file.open("rb") as source, part.open("xb") as copy:
            shutil.copyfileobj(source, copy, _PIECE)
            copy.flush()
            os.fsync(copy.fileno())
        _appear(file, part, goal)
        with suppress(OSError):  # not every share can do that
            sync_folder(folder)
    except OSError as error:
        raise WorkspaceError(
            "transports.broken-off", hints=("hint.try-again",), place=str(folder), why=error.strerror or ""
        ) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return goal


def waiting(folder: Path) -> tuple[Path, ...]:
    """Return the sealed files that lie in a folder, by name."""
    return tuple(folder / name for name in lying(folder).names)


def lying(folder: Path) -> Lying:
    """Look what lies in a folder: plain files with a plain name, no symbolic link and no device."""
    _require(folder)
    names, odd = [], 0
    with os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            if number >= place.MOST_ENTRIES:
                raise WorkspaceError("transports.too-many", hints=("hint.empty-place",), most=place.MOST_ENTRIES)
            if entry.name.startswith(".") or not entry.name.lower().endswith(".age"):
                continue
            if place.NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                names.append(entry.name)
            else:
                odd += 1
    return Lying(tuple(sorted(names)), odd)


def _require(folder: Path) -> None:
    if not folder.is_dir():
        raise WorkspaceError("transports.no-folder", hints=("hint.make-folder",), folder=str(folder))


def _appear(file: Path, part: Path, goal: Path) -> Path:
    try:
        os.link(part, goal)  # unlike a rename, a link never takes another file's place
    except FileExistsError:
        return _same(file, goal)
    except OSError:  # a share without hard links
        if goal.exists():
            return _same(file, goal)
        part.rename(goal)
    return goal


def _move(source: Path, goal: Path) -> None:
    """Move without taking another file's place; the same file there already is a move that was broken off."""
    try:
        os.link(source, goal)
    except FileExistsError:
        if _digest(source) != _digest(goal):
            os.link(source, goal.with_name(place.aside(goal.name, secrets.token_hex(4))))
    except FileNotFoundError:
        raise
    except OSError:  # a share without hard links
        if goal.exists():
            goal = goal.with_name(place.aside(goal.name, secrets.token_hex(4)))
        source.rename(goal)
        return
    source.unlink()


def _same(file: Path, goal: Path) -> Path:
    if _digest(file) == _digest(goal):
        return goal
    raise WorkspaceError("transports.name-taken", hints=("hint.other-folder",), name=goal.name)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
