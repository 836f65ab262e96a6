"""Backups: a whole workspace in one file under a passphrase, and out of it again.

The file is an age passphrase file around a tar: `age -d FILE | tar x` gets everything back without this program.
Nothing is ever written in the clear on the way: the keystore and the store go in as they lie, locked.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import shutil
import tarfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

from exchange.errors import CannotOpen, Locked, WasChanged, WorkspaceError
from exchange.findings import disk
from exchange.operations import trail
from exchange.operations.workspace import FOLDERS, Workspace

FORMAT = "outcome-exchange-backup/1"
BACKUP, INVITATION = "backup", "invitation"
FIRST = "backup.json"
REGISTER = "backups.json"
_LEFT_OUT = re.compile(r"(^|/)\.[^/]*\.part(/|$)|-shm$|-journal$|(^|/)\.DS_Store$")
_NAME = re.compile(r"[^\x00-\x1f\\/:]+(/[^\x00-\x1f\\/:]+)*")
_PIECE = 1 << 20
_MOST_FIRST = 1 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup that was made; `store` is false where the data stand on a database server of their own."""

    file: Path
    files: int
    size: int
    sha256: str
    store: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """A workspace that came out of a file: `kind` is backup or invitation, `made` when the file was."""

    folder: Path
    kind: str
    name: str
    party: str
    made: datetime
    epochs: int
    partners: int


# Making ---------------------------------------------------------------------------------------------------------------


def make(workspace: Workspace, to: Path, *, passphrase: str, work_factor: int | None = None) -> Kept:
    """Write everything of a workspace into one file, whole or not at all; nobody can change the store meanwhile."""
    require_place(workspace, to)
    on_server = "://" in workspace.settings.store
    count, files = workspace.store.audit.head()[0], 0
    trail.note(workspace, "backup-made", object=f"file:{to.name}", detail=f"{count} entries")
    with workspace.store.held(), packing(to, passphrase, work_factor) as packed:
        add(packed.tar, FIRST, heading_of(workspace, BACKUP))
        for name, path in everything(workspace):
            add_file(packed.tar, name, path)
            files += 1
        packed.before_publishing = lambda digest: register(workspace, to, digest)
    return Kept(to, files, to.stat().st_size, packed.digest, not on_server)


def require_place(workspace: Workspace, to: Path) -> None:
    """Refuse a file that exists, in the workspace itself, or in no folder."""
    if to.exists():
        raise WorkspaceError("backups.exists", hints=("hint.backups-other-name",), file=str(to))
    if workspace.folder.resolve() in to.resolve().parents:
        raise WorkspaceError("backups.inside", hints=("hint.backups-elsewhere",), file=str(to))
    if not to.parent.is_dir():
        raise WorkspaceError("transports.no-folder", hints=("hint.make-folder",), folder=str(to.parent))


def everything(workspace: Workspace) -> Iterator[tuple[str, Path]]:
    """Yield every file of a workspace by its name in it, the store before its log; links and unfinished parts not."""
    for path in sorted(workspace.folder.rglob("*")):
        name = path.relative_to(workspace.folder).as_posix()
        if path.is_file() and not path.is_symlink() and not _LEFT_OUT.search(name):
            yield name, path


def heading_of(workspace: Workspace, kind: str) -> bytes:
    """Return what the file says of itself, its first member."""
    settings = workspace.settings
    return as_json(
        {
            "format": FORMAT,
            "kind": kind,
            "party": settings.party,
            "name": settings.name,
            "made": workspace.now.isoformat(),
            "by": workspace.user,
        }
    )


class Packed:
    """A tar being written into an age passphrase file."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self.tar = tar
        self.digest = ""
        self.before_publishing: Any = None


class _Counting(io.RawIOBase):
    """Writes on, and knows the digest of what went through."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self.hashed = hashlib.sha256()

    def write(self, data: Any) -> int:
        self.hashed.update(data)
        return self._sink.write(data)


@contextmanager
def packing(to: Path, passphrase: str, work_factor: int | None) -> Iterator[Packed]:
    """Give a tar whose file appears whole and locked under its name, or not at all."""
    from exchange.sealing import age, permissions
    from exchange.sealing.keystore import LEAST_PASSPHRASE
    from exchange.sealing.recipients import WORK_FACTOR, PassphraseRecipient

    if len(passphrase) < LEAST_PASSPHRASE:
        raise Locked("sealing.passphrase-short", least=LEAST_PASSPHRASE)
    part = to.with_name(f".{to.name}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(permissions.create(part), "wb") as file:
            counting = _Counting(file)
            recipient = PassphraseRecipient(normal(passphrase), work_factor=work_factor or WORK_FACTOR)
            stream = age.encrypt(counting, [recipient])  # type: ignore[arg-type]  # all it does is write
            with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]  # the same
                packed = Packed(tar)
                yield packed
            stream.finish()
            file.flush()
            os.fsync(file.fileno())
        packed.digest = counting.hashed.hexdigest()
        if packed.before_publishing is not None:
            packed.before_publishing(packed.digest)
        permissions.publish(part, to)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise disk.unwritable(error, to) from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a member from bytes."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o600
    tar.addfile(entry, io.BytesIO(data))


def add_file(tar: tarfile.TarFile, name: str, path: Path) -> None:
    """Add a member from a file."""
    with path.open("rb") as source:
        entry = tarfile.TarInfo(name)
        # What is appended meanwhile (to the store, from its log) is in the log too, which comes after it.
        entry.size, entry.mode = os.fstat(source.fileno()).st_size, 0o600
        tar.addfile(entry, source)


# The register: which backups hold which transport keys ----------------------------------------------------------------


def holding(workspace: Workspace, recipients: frozenset[str]) -> tuple[str, ...]:
    """Return the backups and invitations that hold one of these transport keys."""
    return tuple(str(one["file"]) for one in _registered(workspace) if recipients & set(one["recipients"]))


def forget(workspace: Workspace, names: tuple[str, ...]) -> None:
    """Take backups off the register: a person destroyed them."""
    kept = [one for one in _registered(workspace) if one["file"] not in names]
    if len(kept) != len(_registered(workspace)):
        _write_register(workspace, kept)


def register(workspace: Workspace, to: Path, digest: str) -> None:
    """Remember that a file holds our transport keys as they are now."""
    from exchange.operations.rotating import digest_of

    entry = {
        "file": str(to),
        "made": workspace.now.isoformat(),
        "sha256": digest,
        "recipients": [digest_of(key) for key in workspace.keyring.opening],
    }
    _write_register(workspace, [*_registered(workspace), entry])


def _registered(workspace: Workspace) -> list[dict[str, Any]]:
    try:
        found = json.loads((workspace.folder / "keys" / REGISTER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        raise WorkspaceError("backups.register", hints=("hint.restore",), file=REGISTER) from None
    return list(found)


def _write_register(workspace: Workspace, entries: list[dict[str, Any]]) -> None:
    from exchange.sealing import permissions

    permissions.write(workspace.folder / "keys" / REGISTER, as_json(entries))


# Taking out -----------------------------------------------------------------------------------------------------------


def restore(file: Path, folder: Path, *, passphrase: str, now: datetime, on: date, user: str) -> Restored:
    """Make a workspace from a backup or an invitation, in a new or empty folder, whole or not at all.

    From a backup every stream of ours begins a new epoch, so that partners see no replay where numbers come again; and
    nothing about patients is sent until a person has gone through what clients withdrew since (`catching_up`).
    From an invitation the workspace is an instance of its own beside the one that invited it.
    """
    from exchange.operations import joining

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WorkspaceError("workspace.not-empty", hints=("hint.empty-folder",), folder=str(folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.parent / f".{folder.name}.{secrets.token_hex(4)}.part"
    part.mkdir(mode=0o700)
    try:
        heading = unpack(file, part, passphrase)
        for name in FOLDERS:
            (part / name).mkdir(mode=0o700, exist_ok=True)
        if heading["kind"] == INVITATION:
            joining.become_instance(part, passphrase, now=now)
        epochs, partners = _settle(part, heading, passphrase, now=now, on=on, user=user)
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    made = datetime.fromisoformat(heading["made"])
    return Restored(folder, heading["kind"], heading["name"], heading["party"], made, epochs, partners)


def unpack(file: Path, into: Path, passphrase: str) -> dict[str, Any]:
    """Write what is in the file into a folder; return its heading."""
    from exchange.sealing import age
    from exchange.sealing.failures import AgeFailure, MacFailure, NoMatch
    from exchange.sealing.recipients import PASSPHRASE, PassphraseIdentity

    try:
        with file.open("rb") as source:
            identity = PassphraseIdentity(normal(passphrase))
            stream = age.decrypt(source, [identity], kinds=frozenset({PASSPHRASE})).stream
            heading = _unpacked(_Reading(stream), into)
            while stream.read(_PIECE):  # the last chunk says that nothing was cut off
                pass
            return heading
    except OSError:
        raise CannotOpen(file=file.name) from None
    except (NoMatch, MacFailure):
        raise Locked("backups.wrong-passphrase", hints=("hint.backups-passphrase",), file=file.name) from None
    except (AgeFailure, tarfile.TarError, WasChanged, ValueError, KeyError, TypeError):
        raise CannotOpen(file=file.name) from None


class _Reading:
    """What was decrypted, as bytes that last: the stream's own are good until the next call only."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        return bytes(self._stream.read(size))


def _unpacked(stream: _Reading, into: Path) -> dict[str, Any]:
    heading: dict[str, Any] = {}
    with tarfile.open(fileobj=stream, mode="r|") as tar:  # type: ignore[call-overload]  # all it does is read
        for entry in tar:
            content = tar.extractfile(entry) if entry.isreg() else None
            if content is None or not _NAME.fullmatch(entry.name) or {".", ".."} & set(entry.name.split("/")):
                raise WasChanged
            if not heading:
                heading = _read_heading(entry.name, content.read(_MOST_FIRST))
                continue
            _write_out(content, into / entry.name)
    if not heading:
        raise WasChanged
    return heading


def _read_heading(name: str, data: bytes) -> dict[str, Any]:
    heading = json.loads(data)
    if name != FIRST or heading["format"] != FORMAT or heading["kind"] not in {BACKUP, INVITATION}:
        raise WasChanged
    return {key: str(heading[key]) for key in ("kind", "name", "party", "made", "by")}


def _write_out(content: Any, path: Path) -> None:
    from exchange.sealing import permissions

    permissions.make_folder(path.parent)
    with os.fdopen(permissions.create(path), "wb") as out:
        shutil.copyfileobj(content, out, _PIECE)
        out.flush()
        os.fsync(out.fileno())


def _settle(
    part: Path, heading: dict[str, Any], passphrase: str, *, now: datetime, on: date, user: str
) -> tuple[int, int]:
    """Open what came out once, before anybody relies on it; begin new epochs after a backup."""
    from exchange.operations import catching_up

    kind = heading["kind"]
    with Workspace.open(part, passphrase=lambda _name: passphrase, now=now, on=on, user=user) as workspace:
        epochs = 0
        if "://" not in workspace.settings.store:
            workspace.upgrade()  # a backup may be of an older program
        if kind == BACKUP and "://" not in workspace.settings.store:
            epochs = workspace.store.journal.new_epochs(workspace.settings.party)
            catching_up.fell_behind(workspace, datetime.fromisoformat(heading["made"]))
        trail.note(workspace, "restored" if kind == BACKUP else "joined", object=f"instance:{workspace.store.instance}")
        return epochs, len({one.party for one in workspace.store.partners.list()})


def as_json(value: object) -> bytes:
    """Return a value as JSON that a person can read."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode("utf-8")


def normal(passphrase: str) -> str:
    """Return a passphrase in one form, as the keystore takes it."""
    return unicodedata.normalize("NFC", passphrase)
