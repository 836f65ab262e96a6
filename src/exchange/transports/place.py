"""Where sealed files are dropped and picked up: a folder, or a folder on an SFTP server written as a URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from exchange.errors import WorkspaceError

# What a file that we pick up may be called; also what is no device on Windows.
NAME = re.compile(r"(?!(?:con|prn|aux|nul|com\d|lpt\d)\.)[a-z0-9][a-z0-9._-]{0,120}\.age", re.IGNORECASE)
# What becomes of a file after it was taken in.
KEEP, MOVE, DELETE = "keep", "move", "delete"
DONE = "done"
MOST_ENTRIES = 10_000
STANDARD_PORT = 22

_HOST = re.compile(r"[A-Za-z0-9:](?:[A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Address:
    """A folder on an SFTP server; an empty `user` is whoever is logged in here."""

    host: str
    path: str
    user: str = ""
    port: int = STANDARD_PORT

    def __str__(self) -> str:
        """Write it as the URL it was read from."""
        who = f"{self.user}@" if self.user else ""
        port = "" if self.port == STANDARD_PORT else f":{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"sftp://{who}{host}{port}{self.path if self.path.startswith('/') else '/~/' + self.path}"


@dataclass(frozen=True, slots=True)
class Lying:
    """What lies in a place: the names that can be picked up, and how many entries are none we would touch."""

    names: tuple[str, ...]
    odd: int = 0


class Carrier(Protocol):
    """A place that is reached: what a folder and an SFTP server can both do.

    `usual` is what becomes of a file that was taken in, where nobody says otherwise.
    """

    usual: str

    def ready(self) -> None:
        """Raise WorkspaceError where nothing can be dropped or picked up there."""

    def drop(self, file: Path) -> str:
        """Bring a file there under its own name, whole or not at all; return where it is."""

    def waiting(self) -> Lying:
        """Return what can be picked up."""

    def fetch(self, name: str, into: Path) -> Path | None:
        """Copy what lies there under a name into a private folder; None where it is gone."""

    def settle(self, name: str, after: str) -> None:
        """Do with a file that was taken in what is asked: keep, move to `done`, delete. Gone already is fine."""

    def close(self) -> None:
        """Let go of the place."""


def read(text: str) -> Path | Address:
    """Read where to: `sftp://[user@]host[:port]/folder` (`/~/folder` in the account's home), else a folder here.

    Raises WorkspaceError, for a password in the URL too: it would stand in the history and in lists of processes.
    """
    if "://" not in text:
        return Path(text)
    try:
        parts = urlsplit(text)
        port = parts.port or STANDARD_PORT
    except ValueError:
        raise WorkspaceError("transports.address", hints=("hint.sftp-address",)) from None
    if parts.password is not None:
        raise WorkspaceError("transports.password-in-address", hints=("hint.sftp-login",))
    if parts.scheme.lower() != "sftp":
        raise WorkspaceError("transports.address", hints=("hint.sftp-address",))
    user, path = unquote(parts.username or ""), unquote(parts.path)
    usable = (
        _HOST.fullmatch(parts.hostname or ""),
        not user or _USER.fullmatch(user),
        not parts.query and not parts.fragment,
        path.isprintable(),
    )
    if not all(usable):
        raise WorkspaceError("transports.address", hints=("hint.sftp-address",))
    home = path in {"", "/~", "/~/"}
    return Address(parts.hostname or "", "." if home else path.removeprefix("/~/"), user, port)


def aside(name: str, token: str) -> str:
    """Return another name for a file in `done` where its own is taken."""
    return f"{name.removesuffix('.age')}.{token}.age"
