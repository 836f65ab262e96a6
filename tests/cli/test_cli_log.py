"""exchange log: who did what, and any change to it found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def test_an_operation_stands_in_the_log_with_who_did_it(run: Any, town: Any) -> None:
    practice = town["praktijk"]
    run("indicators", "measured", workspace=practice)
    entries = run("log", "show", "--last", "1", "--json", workspace=practice).json["entries"]
    assert [(one["event"], one["user"], one["detail"]) for one in entries] == [("calculated", "tester", "measured")]
    dutch = run("log", "show", "--last", "2", "--language", "nl", workspace=practice)
    assert "gebeurtenis" in dutch.out
    assert "berekend" in dutch.out


def test_what_concerns_one_client_is_shown_in_order(run: Any, treated: Any) -> None:
    practice = treated["praktijk"]
    epd = run("evaluate", "due", "--json", workspace=practice).json["due"][0]["epd_number"]
    words = ("evaluate", "record", "--epd", epd, "--session", "4", "--effect", "none", "--decision", "stop")
    assert run(*words, workspace=practice).code == 0
    entries = run("log", "show", "--epd", epd, "--json", workspace=practice).json["entries"]
    assert "evaluation-recorded" in {one["event"] for one in entries}
    assert [one["number"] for one in entries] == sorted(one["number"] for one in entries)
    assert len(run("log", "show", "--epd", epd, "--last", "1", "--json", workspace=practice).json["entries"]) == 1
    other = run("log", "show", "--epd", "nobody", "--json", workspace=practice)
    assert other.code == 14
    assert "nobody" not in other.out


@pytest.mark.parametrize("last", ["0", "-1"])
def test_a_number_of_entries_is_at_least_one(run: Any, town: Any, last: str) -> None:
    assert run("log", "show", "--last", last, "--json", workspace=town["praktijk"]).code == 2


def test_a_whole_chain_is_verified(run: Any, town: Any) -> None:
    ran = run("log", "verify", "--json", workspace=town["praktijk"])
    assert ran.code == 0
    assert ran.json["findings"] == []
    assert ran.json["entries"] > 0
    assert len(ran.json["hash"]) == 64


@pytest.mark.parametrize(
    "change",
    ["UPDATE audit SET user = 'someone else' WHERE number = 3", "DELETE FROM audit WHERE number = 3"],
)
def test_an_entry_changed_with_the_stores_own_key_is_found(run: Any, town: Any, change: str) -> None:
    practice = town["praktijk"]
    _with_the_key(practice, change)
    ran = run("log", "verify", "--language", "nl", workspace=practice)
    assert ran.code == 3, ran.out
    assert len(ran.out.splitlines()) >= 2
    assert run("log", "verify", "--json", workspace=practice).json["findings"]
    assert run("doctor", workspace=practice).code == 3


def _with_the_key(practice: Path, change: str) -> None:
    """Change the store as somebody could who has its key: by SQLCipher itself, past our own code."""
    import sqlcipher3

    from exchange.sealing import keystore

    key = keystore.unlock(practice / "keys", None).store.database
    connection = sqlcipher3.connect(str(practice / "store.db"))
    try:
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        assert connection.execute(change).rowcount == 1
        connection.commit()
    finally:
        connection.close()
