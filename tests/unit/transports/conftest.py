"""A real OpenSSH server on loopback without privileges, a wire that is cut after some bytes, a hostile server."""

from __future__ import annotations

import asyncio
import getpass
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_SSHD = Path("/usr/sbin/sshd")
_OTHER = "nobody"

_CONFIGURATION = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/key.pub
StrictModes no
UsePAM yes
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
Subsystem sftp internal-sftp
"""


def _root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _key(path: Path, *words: str) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path), *words], check=True)


def _fingerprint(public: Path) -> str:
    import base64

    data = base64.b64decode(public.read_text().split()[1])
    return "SHA256:" + b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def _below(parent: int) -> list[int]:
    """Return every process below one: a connection of sshd is in a session of its own."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found, new = [], [parent]
    while new:
        new = [one for one, above in parents.items() if above in new]
        found += new
    return found


class Server:
    """OpenSSH's sshd with its SFTP server, as an unprivileged user; `home` is a folder that it may write in."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sshd"))
        self.user = _OTHER if _root() else getpass.getuser()
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        _key(self.folder / "host")
        _key(self.folder / "key")
        shutil.copy(self.folder / "key", self.folder / "identity")
        (self.folder / "sshd.conf").write_text(_CONFIGURATION.format(port=self.port, folder=self.folder))
        (self.folder / "home").mkdir()
        self.folder.chmod(0o755)
        if _root():
            for name in ("host", "home"):
                shutil.chown(self.folder / name, _OTHER)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def identity(self) -> Path:
        """The client's private key."""
        return self.folder / "identity"

    @property
    def fingerprint(self) -> str:
        """The server's."""
        return _fingerprint(self.folder / "host.pub")

    def make(self, name: str) -> Path:
        """Make a folder that the server may write in."""
        made = self.folder / "home" / name
        made.mkdir()
        made.chmod(0o777)
        if _root():
            shutil.chown(made, _OTHER)
        return made

    def url(self, folder: Path, port: int = 0) -> str:
        """The address of a folder, through another port where one is given."""
        return f"sftp://{self.user}@127.0.0.1:{port or self.port}{folder}"

    def start(self) -> None:
        """Start, and wait until it listens."""
        words = [str(_SSHD), "-D", "-e", "-f", str(self.folder / "sshd.conf")]
        command = ["runuser", "-u", _OTHER, "--", *words] if _root() else words
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(command, stderr=log, stdout=log, start_new_session=True)
        for _ in range(200):
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", self.port), 1)):
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def kill(self) -> None:
        """End it and every connection it has, at once."""
        if self._process is not None:
            for one in [*_below(self._process.pid), self._process.pid]:
                with suppress(ProcessLookupError):
                    os.kill(one, 9)
            self._process.wait()
            self._process = None


@pytest.fixture(scope="session")
def sshd() -> Iterator[Server]:
    """Give a running server, or skip by name where OpenSSH's is not."""
    pytest.importorskip("asyncssh", reason="asyncssh is not here")
    if not _SSHD.is_file() or shutil.which("ssh-keygen") is None:
        pytest.skip("sshd of openssh-server is not installed here")
    server = Server()
    server.start()
    yield server
    server.kill()
    shutil.rmtree(server.folder, ignore_errors=True)


@dataclass
class Wire:
    """A port on loopback that forwards to a server and is cut after so many bytes from the client."""

    port: int
    sent: int = 0


@pytest.fixture
def wire() -> Iterator[Callable[[int, int], Wire]]:
    """Give `wire(port, most)`: both ends are closed without a word once `most` bytes went to the server."""
    listeners: list[socket.socket] = []

    def forward(one: socket.socket, other: socket.socket, found: Wire | None, most: int) -> None:
        with suppress(OSError):
            while data := one.recv(16384):
                if found is not None:
                    found.sent += len(data)
                    if found.sent > most:
                        break
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def serve(listener: socket.socket, port: int, found: Wire, most: int) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", port))
                threading.Thread(target=forward, args=(client, server, found, most), daemon=True).start()
                threading.Thread(target=forward, args=(server, client, None, most), daemon=True).start()

    def make(port: int, most: int) -> Wire:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        found = Wire(listener.getsockname()[1])
        threading.Thread(target=serve, args=(listener, port, found, most), daemon=True).start()
        return found

    yield make
    for listener in listeners:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Callable[[type], tuple[int, str]]]:
    """Give `hostile(SFTPServer class)`: asyncssh's own server on loopback with that behaviour; port and fingerprint.

    Anybody gets in with the password `geheim`, and by no key.
    """
    asyncssh = pytest.importorskip("asyncssh", reason="asyncssh is not here")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    servers: list[Any] = []

    class Doorman(asyncssh.SSHServer):
        def begin_auth(self, _username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, _username: str, password: str) -> bool:
            return password == "geheim"

    def start(behaviour: type) -> tuple[int, str]:
        key = asyncssh.generate_private_key("ssh-ed25519")

        async def listen() -> Any:
            return await asyncssh.create_server(
                Doorman, "127.0.0.1", 0, server_host_keys=[key], sftp_factory=behaviour, keepalive_interval=0
            )

        server = asyncio.run_coroutine_threadsafe(listen(), loop).result(20)
        servers.append(server)
        return server.get_port(), key.get_fingerprint()

    yield start

    async def stop() -> None:
        for server in servers:
            server.close()
            await server.wait_closed()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.05)

    asyncio.run_coroutine_threadsafe(stop(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()
