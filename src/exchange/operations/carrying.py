"""Carrying: where a command drops sealed files or picks them up, by the words that a person gave."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import WorkspaceError
from exchange.operations import trail
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.transports.place import Carrier

KNOWN_HOSTS = "known_hosts"


@dataclass(frozen=True, slots=True)
class Login:
    """How to get into an SFTP server; for a folder nothing of it counts.

    `host_key` is the fingerprint (`SHA256:…`) that a person compared with the server's operator: it is pinned, in
    keys/known_hosts. `identity` is a private SSH key, else the agent and the account's own keys are tried. `secret` is
    asked for a key's passphrase ("key") or the account's password ("password").
    """

    host_key: str = ""
    identity: Path | None = None
    secret: Callable[[str, str], str] | None = field(default=None, repr=False)


NO_LOGIN = Login()


@contextmanager
def carried(workspace: Workspace, where: Path | str | None, login: Login = NO_LOGIN) -> Iterator[Carrier | None]:
    """Reach a folder or an `sftp://` place, and let go of it afterwards; None for nowhere."""
    from exchange.transports import place
    from exchange.transports.folder import Folder

    if where is None:
        yield None
        return
    found = place.read(where) if isinstance(where, str) else where
    # The mark says nothing of who we are: a server's operator sees it in the names of unfinished files.
    mine = hashlib.sha256(f"parts of {workspace.settings.instance}".encode("ascii")).hexdigest()[:8]
    if isinstance(found, Path):
        yield Folder(found, mine=mine, now=workspace.now)
        return
    try:
        from exchange.transports import connecting, sftp

        carrier = sftp.Sftp(
            found,
            connecting.Login(
                workspace.folder / "keys" / KNOWN_HOSTS,
                login.host_key,
                login.identity,
                login.secret,
                lambda server, print_: trail.note(workspace, "host-key-pinned", object=server, detail=print_),
            ),
            mine=mine,
            now=workspace.now,
        )
        import asyncssh  # noqa: F401 - a missing extra is said here, before anything is sealed
    except ImportError:
        raise WorkspaceError("transports.no-sftp", hints=("hint.transports-extra",)) from None
    with closing(carrier):
        yield carrier
