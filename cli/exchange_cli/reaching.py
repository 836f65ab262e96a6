"""How the program gets into an SFTP server: the options that export and import share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from exchange.errors import ExchangeError
from exchange_cli.speaking import Speaker

if TYPE_CHECKING:
    from exchange.operations.carrying import Login

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--host-key", default="", metavar="SHA256:…", help="SFTP: the fingerprint you compared; pinned."),
    click.option(
        "--identity", type=click.Path(path_type=Path, dir_okay=False), help="SFTP: a private key; else your agent."
    ),
    click.option(
        "--ssh-secret-fd", type=int, metavar="FD", help="SFTP: read the key's passphrase or the password from FD."
    ),
)


def reaching(function: F) -> F:
    """Give a command the options for an SFTP server."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def login(speaker: Speaker, host_key: str, identity: Path | None, descriptor: int | None) -> Login:
    """Return how to get in; a secret comes from a descriptor or a prompt, never from the command line."""
    from exchange.operations.carrying import Login

    def secret(kind: str, name: str) -> str:
        if descriptor is not None:
            return Speaker(passphrase_fd=descriptor).passphrase(name)
        if not sys.stdin.isatty():
            raise ExchangeError("program.no-ssh-secret", hints=("hint.ssh-secret-fd",), name=name)
        asked = "program.ssh-passphrase" if kind == "key" else "program.ssh-password"
        answer: str = click.prompt(speaker.say(asked, name=name), hide_input=True, err=True)
        return answer

    return Login(host_key, identity, secret)
