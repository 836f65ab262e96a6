"""An SFTP server as transport: its host key is pinned, a file appears there whole or not at all.

Every name and size that the server gives is hostile. The library is asyncssh (docs/decisions/0018-sftp.md); it runs
in a loop of its own, so that the callers stay plain functions. No setting of the machine's own ssh is read but its
agent's socket.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import posixpath
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from exchange.errors import WorkspaceError
from exchange.sealing import permissions
from exchange.transports import place
from exchange.transports.connecting import Login, connected
from exchange.transports.place import Address, Lying

if TYPE_CHECKING:
    import asyncssh

T = TypeVar("T")

_PIECE = 4 << 20
MOST_FILE = 8 << 30
# A part of ours that is older was left by a crash; between two clocks there may be hours.
STALE = timedelta(days=1)
# How long one step (a piece of 4 MiB, a rename) and one whole file may take.
STEP, WHOLE = 120.0, 4 * 3600.0


def _apart(call: Callable[[], T]) -> T:
    """Call, in a thread beside this one where this one has an event loop of its own, as a notebook's has."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return call()
    with ThreadPoolExecutor(max_workers=1) as beside:
        return beside.submit(call).result()


class Sftp:
    """A folder on an SFTP server. Close it, or use `contextlib.closing`.

    `mine` marks our own unfinished files there: only those are ever swept. `most` is the largest file that is fetched.
    """

    usual = place.MOVE

    def __init__(self, address: Address, login: Login, *, mine: str, now: datetime, most: int = MOST_FILE) -> None:
        """Connect only when something is asked."""
        self._address, self._login = address, login
        self._mine, self._now, self._most = mine, now, most
        self._runner: asyncio.Runner | None = None
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None

    # What the operations ask ------------------------------------------------------------------------------------

    def ready(self) -> None:
        """Connect, and raise WorkspaceError where the folder is missing."""
        self._run(self._ready)

    def drop(self, file: Path) -> str:
        """Bring a file there; the same file again changes nothing, another of that name is a WorkspaceError."""
        self._run(lambda: self._drop(file))
        return f"{str(self._address).rstrip('/')}/{file.name}"

    def waiting(self) -> Lying:
        """Return what can be picked up."""
        return self._run(self._waiting)

    def fetch(self, name: str, into: Path) -> Path | None:
        """Copy one file into a private folder of ours, under the name it was asked by; None where it is gone."""
        target = into / name
        return target if self._run(lambda: self._fetch(name, target)) else None

    def settle(self, name: str, after: str) -> None:
        """Move a file that was taken in to `done`, or delete it; gone already is fine."""
        if after != place.KEEP:
            self._run(lambda: self._settle(name, after))

    def close(self) -> None:
        """Close the connection."""
        runner, self._runner = self._runner, None
        if runner is not None:
            _apart(lambda: self._closed(runner))

    def _closed(self, runner: asyncio.Runner) -> None:
        try:
            if self._connection is not None:
                self._connection.abort()
                runner.run(self._connection.wait_closed())
        finally:
            self._connection = self._client = None
            runner.close()

    # How it is done ---------------------------------------------------------------------------------------------

    def _run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do one piece of work on a live connection; what goes wrong is said without the server's own words."""
        import asyncssh

        if self._runner is None:
            self._runner = asyncio.Runner()
        try:
            runner = self._runner
            return _apart(lambda: runner.run(self._limited(work)))
        except asyncssh.SFTPPermissionDenied:
            raise self._wrong("transports.not-allowed", "hint.sftp-rights") from None
        except (asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost):
            self._client = None
            raise self._wrong("transports.broken-off", "hint.try-again", why="") from None
        except asyncssh.SFTPError as error:
            raise self._wrong("transports.server-refused", "hint.sftp-rights", code=error.code) from None
        except (OSError, asyncssh.Error, TimeoutError):
            self._client = None
            raise self._wrong("transports.broken-off", "hint.try-again", why="") from None

    async def _limited(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if self._client is None:
            if self._connection is not None:
                self._connection.abort()
            self._connection = await connected(self._address, self._login)
            async with asyncio.timeout(STEP):
                # Names are bytes here: a server may send what is no text at all.
                self._client = await self._connection.start_sftp_client(path_encoding=None)
        async with asyncio.timeout(WHOLE):
            return await work()

    @property
    def _sftp(self) -> asyncssh.SFTPClient:
        assert self._client is not None  # noqa: S101 - `_limited` connected
        return self._client

    def _wrong(self, rule: str, hint: str, **params: object) -> WorkspaceError:
        return WorkspaceError(rule, hints=(hint,), place=str(self._address), **params)

    def _path(self, *names: str) -> bytes:
        return posixpath.join(self._address.path, *names).encode()

    async def _ready(self) -> None:
        if not await _step(self._sftp.isdir(self._path())):
            raise WorkspaceError("transports.no-folder", hints=("hint.make-folder",), folder=str(self._address))

    async def _drop(self, file: Path) -> None:
        await self._ready()
        await self._sweep()
        goal = self._path(file.name)
        if await _step(self._sftp.lexists(goal)):
            return await self._require_same(file, goal)
        part = self._path(f".{file.name}.{self._mine}.{secrets.token_hex(4)}.part")
        try:
            await self._write(file, part)
            await self._appear(file, part, goal)
        except BaseException:
            await self._forget(part)
            raise

    async def _write(self, file: Path, part: bytes) -> None:
        import asyncssh

        flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_EXCL
        async with self._sftp.open(part, flags, encoding=None) as copy:
            with file.open("rb") as source:
                while piece := source.read(_PIECE):
                    await _step(copy.write(piece))
            with suppress(asyncssh.SFTPOpUnsupported):  # a server without it; its size is compared all the same
                await _step(copy.fsync())
        if await _step(self._sftp.getsize(part)) != _size(file):
            raise self._wrong("transports.broken-off", "hint.try-again", why="")

    async def _appear(self, file: Path, part: bytes, goal: bytes) -> None:
        """Give the file its name without taking another's place.

        A hard link fails on an existing name everywhere; the plain rename of SFTP does by its specification and on
        OpenSSH, and is for servers without links. The rename that overwrites (posix-rename) is never used.
        """
        import asyncssh

        try:
            await _step(self._sftp.link(part, goal))
        except asyncssh.SFTPError:
            if await _step(self._sftp.lexists(goal)):
                await self._require_same(file, goal)
            else:
                await _step(self._sftp.rename(part, goal))
                return
        await _step(self._sftp.remove(part))

    async def _require_same(self, file: Path, goal: bytes) -> None:
        """Compare with what lies there by its bytes: after a cut connection our own file may stand there already."""
        hashed = hashlib.sha256()
        await self._read(goal, _size(file), hashed.update)
        with file.open("rb") as source:
            if hashlib.file_digest(source, "sha256").digest() != hashed.digest():
                raise WorkspaceError("transports.name-taken", hints=("hint.other-folder",), name=file.name)

    async def _read(self, path: bytes, most: int, take: Callable[[bytes], object]) -> bool:
        """Give a remote file piece by piece and at most one piece over `most`; False where it is larger."""
        size = 0
        async with self._sftp.open(path, "rb") as remote:
            # asyncssh types what it reads as text, in binary mode too
            while piece := cast("bytes", await _step(remote.read(_PIECE))):
                size += len(piece)
                take(piece)
                if size > most:
                    return False
        return True

    async def _waiting(self) -> Lying:
        import asyncssh

        await self._ready()
        names, odd, number = [], 0, 0
        async with asyncio.timeout(STEP):
            async for entry in self._sftp.scandir(self._path()):
                number += 1
                if number > place.MOST_ENTRIES:
                    raise self._wrong("transports.too-many", "hint.empty-place", most=place.MOST_ENTRIES)
                raw = entry.filename if isinstance(entry.filename, bytes) else entry.filename.encode()
                if raw.startswith(b".") or not raw.lower().endswith(b".age"):
                    continue
                name = raw.decode("ascii", "replace")
                plain = entry.attrs.type == asyncssh.FILEXFER_TYPE_REGULAR
                if plain and place.NAME.fullmatch(name) and (entry.attrs.size or 0) <= self._most:
                    names.append(name)
                else:
                    odd += 1
        return Lying(tuple(sorted(set(names))), odd)

    async def _fetch(self, name: str, target: Path) -> bool:
        import asyncssh

        try:
            with os.fdopen(permissions.create(target), "wb") as file:
                if not await self._read(self._path(name), self._most, file.write):
                    raise WorkspaceError("transports.too-large", hints=("hint.ask-sender-again",), name=name)
        except asyncssh.SFTPNoSuchFile:
            return False
        return True

    async def _settle(self, name: str, after: str) -> None:
        import asyncssh

        source = self._path(name)
        try:
            if after == place.DELETE:
                await _step(self._sftp.remove(source))
                return
            await self._make(self._path(place.DONE))
            try:
                await _step(self._sftp.rename(source, self._path(place.DONE, name)))
            except asyncssh.SFTPFailure:  # what OpenSSH says where that name is taken
                other = self._path(place.DONE, place.aside(name, secrets.token_hex(4)))
                await _step(self._sftp.rename(source, other))
        except asyncssh.SFTPNoSuchFile:
            return  # another process that picks up here was first

    async def _make(self, folder: bytes) -> None:
        import asyncssh

        try:
            await _step(self._sftp.mkdir(folder))
        except asyncssh.SFTPError:
            if not await _step(self._sftp.isdir(folder)):
                raise

    async def _sweep(self) -> None:
        """Remove parts of this workspace that a cut connection or a crash left there a day ago or longer."""
        before = (self._now - STALE).timestamp()
        tail = f".{self._mine}.".encode()
        stale = []
        async with asyncio.timeout(STEP):
            number = 0
            async for entry in self._sftp.scandir(self._path()):
                number += 1
                if number > place.MOST_ENTRIES:
                    break
                raw = entry.filename if isinstance(entry.filename, bytes) else entry.filename.encode()
                ours = raw.startswith(b".") and raw.endswith(b".part") and tail in raw and b"/" not in raw
                if ours and (entry.attrs.mtime or before) < before:
                    stale.append(raw)
        for raw in stale:
            await self._forget(posixpath.join(self._path(), raw))

    async def _forget(self, part: bytes) -> None:
        import asyncssh

        with suppress(asyncssh.Error, OSError, TimeoutError):  # cut off: the next drop sweeps it
            await _step(self._sftp.remove(part))


async def _step(doing: Awaitable[T]) -> T:
    async with asyncio.timeout(STEP):
        return await doing


def _size(file: Path) -> int:
    return file.stat().st_size
