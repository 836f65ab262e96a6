"""SFTP against OpenSSH's own server: pinned host keys, whole files only, nothing overwritten, cut off in the middle."""

from __future__ import annotations

import os
import threading
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest

from exchange.errors import WorkspaceError
from exchange.transports import place
from exchange.transports.connecting import Login
from exchange.transports.sftp import Sftp

pytestmark = pytest.mark.referee

NOW = datetime.now(UTC)
NAME = "0123456789abcdef0123456789abcdef.age"


@pytest.fixture
def known(tmp_path):
    (tmp_path / "keys").mkdir(mode=0o700)
    return tmp_path / "keys" / "known_hosts"


@pytest.fixture
def reach(sshd, known):
    """Return `reach(folder)`: a carrier to a folder of the server, whose key is pinned by its fingerprint."""

    def made(folder, *, port=0, mine="aaaaaaaa", **changes):
        login = Login(known, **({"host_key": sshd.fingerprint, "identity": sshd.identity} | changes))
        return closing(Sftp(place.read(sshd.url(folder, port)), login, mine=mine, now=NOW))

    return made


@pytest.fixture
def there(sshd, request):
    return sshd.make(f"{request.node.name[:60]}-{time.monotonic_ns()}")


def file_of(tmp_path, data=b"sealed" * 1000, name=NAME):
    file = tmp_path / name
    file.write_bytes(data)
    return file


def refused(rule, doing, *words):
    with pytest.raises(WorkspaceError) as caught:
        doing(*words)
    assert caught.value.rule == rule
    return caught.value


def test_a_file_is_dropped_whole_and_the_same_again_changes_nothing(reach, there, tmp_path):
    file = file_of(tmp_path, os.urandom(6 << 20))
    with reach(there) as carrier:
        carrier.ready()
        first, second = carrier.drop(file), carrier.drop(file)
    assert first == second
    assert first.startswith("sftp://")
    assert first.endswith(f"{there}/{NAME}")
    assert [one.name for one in there.iterdir()] == [NAME]
    assert (there / NAME).read_bytes() == file.read_bytes()


def test_another_file_of_that_name_is_never_overwritten(reach, there, tmp_path):
    (there / NAME).write_bytes(b"of somebody else")
    with reach(there) as carrier:
        refused("transports.name-taken", carrier.drop, file_of(tmp_path))
    assert (there / NAME).read_bytes() == b"of somebody else"
    assert len(list(there.iterdir())) == 1


def test_a_server_without_links_gets_the_plain_rename_and_it_does_not_overwrite(reach, there, tmp_path, monkeypatch):
    import asyncssh

    def no_links(self, *_):
        raise asyncssh.SFTPOpUnsupported("no links")

    monkeypatch.setattr(asyncssh.SFTPClient, "link", no_links)
    monkeypatch.delattr(asyncssh.SFTPClient, "posix_rename")
    file = file_of(tmp_path)
    with reach(there) as carrier:
        carrier.drop(file)
        assert [one.name for one in there.iterdir()] == [NAME]
        (there / NAME).write_bytes(b"of somebody else")
        refused("transports.name-taken", carrier.drop, file)
    assert (there / NAME).read_bytes() == b"of somebody else"


def test_an_unknown_host_key_is_refused_with_its_fingerprint_and_never_pinned(reach, sshd, there, known):
    with reach(there, host_key="") as carrier:
        error = refused("transports.host-unknown", carrier.ready)
    assert error.params["fingerprint"] == sshd.fingerprint
    assert sshd.fingerprint in str(error)
    assert not known.exists()


def test_a_fingerprint_that_a_person_gave_pins_the_server_once(reach, there, known):
    said = []
    with reach(there, pinned=lambda server, print_: said.append(print_)) as carrier:
        carrier.ready()
    assert len(said) == 1
    assert known.stat().st_mode & 0o077 == 0
    with reach(there, host_key="", pinned=lambda *_: said.append("again")) as carrier:
        carrier.ready()
    assert len(said) == 1


def test_another_fingerprint_than_the_servers_does_not_let_it_in(reach, there, known):
    with reach(there, host_key="SHA256:" + "A" * 43) as carrier:
        refused("transports.host-unknown", carrier.ready)
    with reach(there, host_key="whatever") as carrier:
        refused("transports.fingerprint", carrier.ready)
    assert not known.exists()


def test_a_server_with_another_key_than_the_pinned_one_is_refused_even_when_its_fingerprint_is_given(
    reach, sshd, there, known, tmp_path
):
    import asyncssh

    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    known.write_text(f"[127.0.0.1]:{sshd.port} {other}\n")
    before = known.read_text()
    with reach(there) as carrier:
        refused("transports.host-changed", carrier.ready)
    assert known.read_text() == before


def test_known_hosts_that_can_not_be_read_stop_everything(reach, there, known):
    known.write_bytes(b"\xff\xfe")
    with reach(there) as carrier:
        refused("transports.known-hosts", carrier.ready)


def test_a_key_that_the_server_does_not_know_is_not_let_in(reach, there, tmp_path):
    import asyncssh

    stranger = tmp_path / "stranger"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(stranger)
    with reach(there, identity=stranger) as carrier:
        refused("transports.not-let-in", carrier.ready)


def test_a_key_with_a_passphrase_asks_for_it_and_a_wrong_one_opens_nothing(reach, sshd, there, tmp_path):
    import asyncssh

    locked = tmp_path / "locked"
    asyncssh.read_private_key(sshd.identity).write_private_key(
        locked, "pkcs8-pem", passphrase="open sesam", cipher_name="aes256-cbc"
    )
    asked = []

    def secret(kind, name):
        asked.append((kind, name))
        return "open sesam"

    with reach(there, identity=locked, secret=secret) as carrier:
        carrier.ready()
    assert asked == [("key", str(locked))]
    with reach(there, identity=locked, secret=lambda *_: "wrong") as carrier:
        refused("transports.identity", carrier.ready)
    with reach(there, identity=tmp_path / "none") as carrier:
        refused("transports.identity", carrier.ready)


def test_a_folder_that_is_not_there_and_a_server_that_is_not_there_are_said(reach, sshd, there):
    with reach(there / "none") as carrier:
        refused("transports.no-folder", carrier.ready)
    with reach(there, port=1) as carrier:
        refused("transports.no-connection", carrier.ready)


def test_a_folder_where_nothing_may_be_written_is_said(reach, there, tmp_path):
    os.chown(there, 0, 0) if os.geteuid() == 0 else None
    there.chmod(0o555)
    with reach(there) as carrier:
        refused("transports.not-allowed", carrier.drop, file_of(tmp_path))


@pytest.mark.parametrize("most", [1 << 14, 1 << 19, 3 << 20, 5 << 20])
def test_a_connection_that_is_cut_leaves_nothing_half_and_a_retry_goes_on(reach, sshd, there, tmp_path, wire, most):
    file = file_of(tmp_path, os.urandom(6 << 20))
    with reach(there) as carrier:
        carrier.ready()  # pins
    cut = wire(sshd.port, most)
    with reach(there, port=cut.port) as carrier:
        error = refused("transports.broken-off", carrier.drop, file)
    assert "half" in str(error)
    time.sleep(0.2)
    assert all(one.name.startswith(".") for one in there.iterdir())
    with reach(there) as carrier:
        assert carrier.waiting() == place.Lying(())
        carrier.drop(file)
        assert carrier.waiting() == place.Lying((NAME,))
    assert (there / NAME).read_bytes() == file.read_bytes()


def test_a_server_that_dies_in_the_middle_leaves_nothing_half(reach, sshd, there, tmp_path):
    file = file_of(tmp_path, os.urandom(48 << 20))
    started = threading.Event()

    def die():
        started.wait(10)
        for _ in range(2000):
            if any(one.stat().st_size > 1 << 20 for one in there.glob(".*.part")):
                break
            time.sleep(0.002)
        sshd.kill()

    killer = threading.Thread(target=die)
    killer.start()
    try:
        with reach(there) as carrier:
            carrier.ready()
            started.set()
            refused("transports.broken-off", carrier.drop, file)
    finally:
        killer.join()
        sshd.start()
    assert not (there / NAME).exists()
    with reach(there) as carrier:
        carrier.drop(file)
    assert (there / NAME).read_bytes() == file.read_bytes()


def test_only_our_own_parts_are_swept_and_only_old_ones(reach, there, tmp_path):
    ours_old, ours_new = there / ".a.age.aaaaaaaa.1234.part", there / ".b.age.aaaaaaaa.1234.part"
    others_old = there / ".c.age.bbbbbbbb.1234.part"
    for part in (ours_old, ours_new, others_old):
        part.touch()
        part.chmod(0o666)
    for part in (ours_old, others_old):
        os.utime(part, (NOW.timestamp() - 3 * 86400,) * 2)
    with reach(there) as carrier:
        carrier.drop(file_of(tmp_path))
    assert {one.name for one in there.iterdir()} == {NAME, ours_new.name, others_old.name}


def test_what_is_picked_up_is_fetched_privately_and_then_moved_without_overwriting(reach, there, tmp_path):
    for name in (NAME, "odd name.age", "con.age", ".hidden.age", "notes.txt"):
        (there / name).write_bytes(name.encode())
    (there / "link.age").symlink_to("/etc/passwd")
    (there / "folder.age").mkdir()
    into = tmp_path / "into"
    into.mkdir()
    with reach(there) as carrier:
        assert carrier.waiting() == place.Lying((NAME,), odd=4)
        fetched = carrier.fetch(NAME, into)
        assert fetched.read_bytes() == NAME.encode()
        assert fetched.stat().st_mode & 0o077 == 0
        assert carrier.fetch("f" * 32 + ".age", into) is None
        carrier.settle(NAME, place.KEEP)
        assert (there / NAME).exists()
        carrier.settle(NAME, place.MOVE)
        carrier.settle(NAME, place.MOVE)  # gone already
        assert (there / place.DONE / NAME).read_bytes() == NAME.encode()
        (there / NAME).write_bytes(b"the same name again")
        carrier.settle(NAME, place.MOVE)
        (there / NAME).write_bytes(b"a third")
        carrier.settle(NAME, place.DELETE)
    kept = sorted(one.read_bytes() for one in (there / place.DONE).iterdir())
    assert kept == sorted([NAME.encode(), b"the same name again"])
    assert not (there / NAME).exists()


def test_a_fetch_that_is_cut_off_is_said_and_a_file_that_is_too_large_is_not_fetched(reach, sshd, there, tmp_path):
    (there / NAME).write_bytes(b"x" * 10_000)
    login = Login(tmp_path / "keys" / "known_hosts", sshd.fingerprint, sshd.identity)
    with closing(Sftp(place.read(sshd.url(there)), login, mine="a", now=NOW, most=9_999)) as carrier:
        assert carrier.waiting() == place.Lying((), odd=1)
        refused("transports.too-large", carrier.fetch, NAME, tmp_path)


# A hostile server ---------------------------------------------------------------------------------------------------


@pytest.fixture
def visit(hostile, known):
    """Return `visit(behaviour)`: a carrier to a server that behaves so."""

    def made(behaviour, **changes):
        port, fingerprint = hostile(behaviour)
        login = Login(known, fingerprint, secret=lambda *_: "geheim", **changes)
        return closing(Sftp(place.read(f"sftp://u@127.0.0.1:{port}/in"), login, mine="a", now=NOW, most=1 << 20))

    return made


def listing(names, size=5, kind=None):
    import asyncssh

    class Lists(asyncssh.SFTPServer):
        async def scandir(self, _path):
            for name in names() if callable(names) else names:
                attrs = asyncssh.SFTPAttrs(size=size, permissions=0o100644, type=1, mtime=0)
                yield asyncssh.SFTPName(name, attrs=attrs)

        def stat(self, _path):
            return asyncssh.SFTPAttrs(permissions=0o040755, type=2, size=0)

    return Lists


def test_names_that_would_lead_elsewhere_are_not_picked_up(visit):
    tricks = [b"../../x.age", b"/etc/x.age", b"a\0.age", b"a\n.age", b"\xff\xfe.age", b"..age", b"NUL.age", b"a/b.age",
              b"x" * 400 + b".age", b"C:x.age", b"-rf.age", b"\xe2\x80\xae.age", b"AB.age", b"ab.age"]  # fmt: skip
    with visit(listing(tricks)) as carrier:
        found = carrier.waiting()
    assert found.names == ("AB.age", "ab.age")
    assert found.odd == len(tricks) - 4  # two begin with a dot, which hides them


def test_a_listing_without_end_is_left(visit):
    def names():
        number = 0
        while True:
            number += 1
            yield b"%d.age" % number

    with visit(listing(names)) as carrier:
        refused("transports.too-many", carrier.waiting)


def test_a_file_without_end_is_left_and_nothing_of_it_is_used(visit, tmp_path):
    import asyncssh

    class Endless(listing([b"a.age"])):
        def open(self, _path, _flags, _attrs):
            return object()

        def read(self, _file, _offset, size):
            return b"x" * size

        def fstat(self, _file):
            return asyncssh.SFTPAttrs(size=5)

        def close(self, _file):
            pass

    with visit(Endless) as carrier:
        refused("transports.too-large", carrier.fetch, "a.age", tmp_path)
    assert (tmp_path / "a.age").stat().st_size < 16 << 20


def test_what_a_server_says_is_never_repeated(visit, tmp_path):
    import asyncssh

    class Rude(listing([])):
        def stat(self, _path):
            raise asyncssh.SFTPFailure("\x1b[2Jsecret words of the server")

        lstat = stat

    with visit(Rude) as carrier:
        error = refused("transports.server-refused", carrier.ready)
    assert "secret words" not in str(error)


def test_a_password_is_asked_for_where_the_server_wants_one_and_only_after_its_key_was_checked(hostile, known):
    port, fingerprint = hostile(listing([]))
    asked = []

    def secret(kind, name):
        asked.append(kind)
        return "geheim"

    address = place.read(f"sftp://u@127.0.0.1:{port}/in")
    with closing(Sftp(address, Login(known, secret=secret), mine="a", now=NOW)) as carrier:
        refused("transports.host-unknown", carrier.ready)
    assert asked == []
    with closing(Sftp(address, Login(known, fingerprint, secret=secret), mine="a", now=NOW)) as carrier:
        carrier.ready()
    assert asked == ["password"]
    with closing(Sftp(address, Login(known, secret=lambda *_: "wrong"), mine="a", now=NOW)) as carrier:
        refused("transports.not-let-in", carrier.ready)


def test_a_server_that_drops_the_line_is_said_to(known):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def hang_up():
            client, _ = listener.accept()
            client.close()

        threading.Thread(target=hang_up, daemon=True).start()
        address = place.read(f"sftp://u@127.0.0.1:{port}/in")
        with closing(Sftp(address, Login(known), mine="a", now=NOW)) as carrier:
            refused("transports.no-connection", carrier.ready)
