"""`exchange export --to sftp://…` and `exchange import --from sftp://…`, against OpenSSH's own server."""

from __future__ import annotations

import json
import os
import time

import pytest

pytestmark = pytest.mark.referee


@pytest.fixture
def there(sshd, request):
    return sshd.make(f"{request.node.name[:60]}-{time.monotonic_ns()}")


def test_a_round_trip_by_sftp_with_the_line_cut_in_between(town, run, sshd, there, wire):
    words = ("export", "huisartsen", "--identity", sshd.identity)
    practice = town["praktijk"]
    unknown = run(*words, "--to", sshd.url(there), workspace=practice)
    assert unknown.code == 16
    assert sshd.fingerprint in unknown.err
    assert f"--host-key {sshd.fingerprint}" in unknown.err
    dutch = run("--language", "nl", *words, "--to", sshd.url(there), workspace=practice)
    assert "is hier niet bekend" in dutch.err
    with town.open("praktijk") as workspace:
        assert [one for one in workspace.store.journal.outgoing() if one.kind == "data"] == []

    cut = wire(sshd.port, 9_000)
    broken = run(*words, "--to", sshd.url(there, cut.port), "--host-key", sshd.fingerprint, workspace=practice)
    assert broken.code == 16, broken.err
    assert not list(there.glob("*.age"))

    sent = run("--json", *words, "--to", sshd.url(there), "--host-key", sshd.fingerprint, workspace=practice)
    assert sent.code in {0, 3}, sent.err
    told = [*sent.json["resumed"], *sent.json["files"]]
    assert sorted(one["party"] for one in told) == ["agb:01999991", "agb:01999992"]
    assert all(one["dropped"].startswith("sftp://") for one in told)
    assert len(list(there.glob("*.age"))) == 2
    with town.open("praktijk") as workspace:
        mine = [one for one in workspace.store.journal.outgoing() if one.kind == "data"]
        assert [one.state.value for one in mine] == ["done", "done"]
        assert any(one.event.event == "host-key-pinned" for one in workspace.store.audit.show())

    gp = town["huisarts-a"]
    taken = run("--json", "import", "--from", sshd.url(there), "--identity", sshd.identity, "--host-key",
                sshd.fingerprint, workspace=gp)  # fmt: skip
    # one of the two is for the other GP: it is refused and stays, ours is taken in and moved
    assert taken.code == 12
    assert len(list(there.glob("*.age"))) == 1
    (moved,) = (there / "done").iterdir()
    with town.open("huisarts-a") as workspace:
        arrived = [one for one in workspace.store.journal.incoming() if one.kind == "data"]
        assert [one.file_name for one in arrived] == [moved.name]
        assert workspace.store.cases.received()

    os.link(moved, there / moved.name)
    again = run("import", "--from", sshd.url(there), "--identity", sshd.identity, workspace=gp)
    assert again.code == 12
    assert [one.name for one in (there / "done").glob(moved.name)] == [moved.name]


def test_secrets_never_come_by_address_and_a_bad_address_is_said_in_both_languages(town, run):
    where = "sftp://praktijk:geheim@server.example/uit"
    for language, words in (("nl", "geen wachtwoord in het adres"), ("en", "no password in the address")):
        refused = run("--language", language, "export", "huisartsen", "--to", where, workspace=town["praktijk"])
        assert refused.code == 16
        assert words in refused.err
        assert "geheim" not in refused.err
    wrong = run("--json", "import", "--from", "ftp://server.example/in", workspace=town["praktijk"])
    assert json.loads(wrong.out)["error"]["rule"] == "transports.address"


def test_things_that_are_no_sealed_file_are_counted_and_left(town, run, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "odd name.age").touch()
    taken = run("import", "--from", tmp_path / "in", workspace=town["praktijk"])
    assert taken.code == 3
    assert "they were skipped" in taken.out
