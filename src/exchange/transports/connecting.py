"""Connecting to an SFTP server: whose key it must have, and how we show who we are."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import ExchangeError, WorkspaceError
from exchange.sealing import permissions
from exchange.transports.place import STANDARD_PORT, Address

if TYPE_CHECKING:
    import asyncssh

FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_PATIENCE = 30
_LARGEST_KNOWN = 1 << 20

Secret = Callable[[str, str], str]
"""From what is asked ("key" or "password") and its name to the secret; raises an ExchangeError where there is none."""


@dataclass(frozen=True, slots=True)
class Login:
    """How to get in. `known_hosts` holds the pinned host keys, in OpenSSH's own form.

    `host_key` is the fingerprint that a person compared: a server with that key is pinned. `identity` is a private
    key; without one the agent and the account's own keys are tried.
    """

    known_hosts: Path
    host_key: str = ""
    identity: Path | None = None
    secret: Secret | None = field(default=None, repr=False)
    pinned: Callable[[str, str], None] | None = None


async def connected(address: Address, login: Login) -> asyncssh.SSHClientConnection:
    """Connect and log in; WorkspaceError where the host key is not pinned, is another, or nobody lets us in."""
    import asyncssh

    if login.host_key and not FINGERPRINT.fullmatch(login.host_key):
        raise WorkspaceError("transports.fingerprint", hints=("hint.fingerprint",))
    known = _known(login.known_hosts)
    client = _client_of(address, login, known)
    try:
        async with asyncio.timeout(_PATIENCE * 4):
            return await asyncssh.connect(
                address.host,
                address.port,
                username=address.user or _account(),
                client_factory=lambda: client,
                known_hosts=known,
                client_keys=_keys(login),
                x509_trusted_certs=None,
                config=None,
                request_pty=False,
                connect_timeout=_PATIENCE,
                login_timeout=_PATIENCE * 3,
                keepalive_interval=15,
            )
    except asyncssh.PermissionDenied:
        raise client.wrong or _wrong(address, "transports.not-let-in", "hint.sftp-login") from None
    except (OSError, asyncssh.Error, TimeoutError) as error:
        if client.wrong is not None:
            raise client.wrong from None
        # not the error's own words: asyncio puts the address in them once more
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else ""
        raise _wrong(address, "transports.no-connection", "hint.sftp-reach", why=why) from None


def _wrong(address: Address, rule: str, hint: str, **params: object) -> WorkspaceError:
    return WorkspaceError(rule, hints=(hint,), place=str(address), **params)


def _account() -> str:
    import getpass

    return getpass.getuser()


def _known(file: Path) -> asyncssh.SSHKnownHosts:
    import asyncssh

    try:
        with file.open("rb") as stream:
            text = stream.read(_LARGEST_KNOWN).decode()
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError):
        raise WorkspaceError("transports.known-hosts", hints=("hint.known-hosts",), file=str(file)) from None
    try:
        return asyncssh.import_known_hosts(text)
    except ValueError:
        raise WorkspaceError("transports.known-hosts", hints=("hint.known-hosts",), file=str(file)) from None


def _keys(login: Login) -> list[asyncssh.SSHKey] | tuple[()]:
    import asyncssh

    if login.identity is None:
        return ()
    try:
        try:
            return [asyncssh.read_private_key(login.identity)]
        except asyncssh.KeyImportError:
            if login.secret is None:
                raise
            secret = login.secret("key", str(login.identity))
            return [asyncssh.read_private_key(login.identity, secret)]
    except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        raise WorkspaceError("transports.identity", hints=("hint.sftp-login",), file=str(login.identity)) from None


def _client_of(address: Address, login: Login, known: asyncssh.SSHKnownHosts) -> _Client:
    """Make the object that asyncssh asks; its class is made here, so that asyncssh is imported only for SFTP."""
    import asyncssh

    class Client(_Client, asyncssh.SSHClient):
        pass

    return Client(address, login, known)


class _Client:
    """What asyncssh asks while connecting; `wrong` is what a person must be told when it fails."""

    def __init__(self, address: Address, login: Login, known: asyncssh.SSHKnownHosts) -> None:
        self.wrong: ExchangeError | None = None
        self._address, self._login, self._known = address, login, known
        self._asked = False

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Say no to a key that is not pinned, with its fingerprint; one that a person named is pinned now."""
        fingerprint = key.get_fingerprint()
        pinned = self._known.match(host, addr, None if port == STANDARD_PORT else port)[0]
        if self._login.host_key == fingerprint and not pinned:
            _pin(self._login.known_hosts, self._address, key)
            if self._login.pinned is not None:
                self._login.pinned(str(self._address), fingerprint)
            return True
        if pinned:
            rule, hint = "transports.host-changed", "hint.host-changed"
        else:
            rule, hint = "transports.host-unknown", "hint.host-key"
        self.wrong = WorkspaceError(
            rule, hints=(hint,), place=str(self._address), fingerprint=fingerprint, kind=key.get_algorithm(),
            file=str(self._login.known_hosts),
        )  # fmt: skip
        return False

    def password_auth_requested(self) -> str | None:
        """Give the account's password once, where somebody can give it."""
        if self._asked or self._login.secret is None:
            return None
        self._asked = True
        try:
            return self._login.secret("password", str(self._address))
        except ExchangeError as error:
            self.wrong = error
            return None

    def kbdint_auth_requested(self) -> str | None:
        """Take part where the server asks by questions, as some do for a password."""
        return None if self._asked else ""

    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        """Answer one hidden question with the password; anything else is not for a program."""
        if not prompts:
            return []
        if len(prompts) > 1 or prompts[0][1]:
            return None
        password = self.password_auth_requested()
        return None if password is None else [password]


def _pin(file: Path, address: Address, key: asyncssh.SSHKey) -> None:
    """Add a host key to the pinned ones, whole or not at all."""
    host = address.host if address.port == STANDARD_PORT else f"[{address.host}]:{address.port}"
    kind, data = key.export_public_key("openssh").decode("ascii").split()[:2]
    before = file.read_bytes() if file.exists() else b""
    if before and not before.endswith(b"\n"):
        before += b"\n"
    permissions.write(file, before + f"{host} {kind} {data}\n".encode("ascii"))
