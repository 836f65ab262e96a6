"""Two processes that export and import at once on one PostgreSQL, with one of them killed in between."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

CLOCK = datetime(2026, 11, 3, 9, tzinfo=UTC)
GP_A = "agb:01999991"

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

_RUN = """
import sys
from datetime import datetime
from exchange_cli import program
from exchange_cli.speaking import Speaker
now = datetime.fromisoformat(sys.argv[1])
Speaker.now = lambda _self: now
Speaker.today = lambda _self: now.date()
program.main(sys.argv[2:])
"""


def _opened(folder: Path) -> Any:
    from exchange.operations.workspace import Workspace

    return Workspace.open(folder, passphrase=lambda _name: "", now=CLOCK, on=CLOCK.date(), user="tester")


def started(*words: object) -> subprocess.Popen[str]:
    """Start the program in a process of its own."""
    environment = {**os.environ, "EXCHANGE_USER": "tester", "EXCHANGE_NO_KEYRING": "1", "LANG": "en_GB.UTF-8"}
    return subprocess.Popen(
        [sys.executable, "-c", _RUN, CLOCK.isoformat(), *map(str, words)], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=120)
    return process.returncode, said


def colleague(folder: Path, name: str) -> Path:
    """Give a second workspace on the same store and keys: a colleague's laptop."""
    other = folder.with_name(name)
    shutil.copytree(folder, other)
    settings = other / "exchange.toml"
    settings.write_text(re.sub(r'instance = "\w+"', f'instance = "{"b" * 32}"', settings.read_text()))
    return other


def require_gapless(folder: Path) -> None:
    """Every stream's numbers are 1, 2, 3, each once, and each message was noted as sent once."""
    with _opened(folder) as workspace:
        journal = workspace.store.journal.outgoing()
        streams: dict[tuple[str, str, str], list[int]] = {}
        for one in journal:
            streams.setdefault((one.agreement_id, one.other, one.epoch), []).append(one.sequence)
        assert all(sorted(numbers) == list(range(1, len(numbers) + 1)) for numbers in streams.values()), streams
        assert len({(one.agreement_id, one.other) for one in journal}) == len(streams)
        noted = Counter((one.event.event, one.event.object) for one in workspace.store.audit.show())
        done = [one for one in journal if one.state.value == "done"]
        assert [one.message_id for one in done if noted["sent", f"message:{one.message_id}"] != 1] == []
        assert workspace.store.audit.verify() == ()
        assert not [event for event, _ in noted if event == "epochs-renewed"]


def test_two_that_export_the_same_at_once_send_each_thing_once(pg_town, tmp_path):
    practice, drop = pg_town / "praktijk", tmp_path / "drop"
    drop.mkdir()
    other = colleague(practice, "collega")
    words = ("export", "huisartsen", "--to", drop)
    for again in range(2):
        both = [started("--workspace", folder, *words) for folder in (practice, other, practice)]
        outcomes = [ended(one) for one in both]
        # one of them may be told that another was first, and to try again
        assert {code for code, _ in outcomes} <= {0, 3, 14}, outcomes
        assert any(code in {0, 3} for code, _ in outcomes), outcomes
        if again == 0:
            assert len(list(drop.glob("*.age"))) == 2
    require_gapless(practice)
    files = sorted(drop.glob("*.age"))
    assert len(files) == 2
    taken = [ended(started("--workspace", pg_town / "huisarts-a", "import", file)) for file in files]
    assert sorted(code for code, _ in taken) == [0, 12], taken  # the other file is for GP B


def test_two_that_pick_up_at_once_take_each_file_once(pg_town, tmp_path):
    practice, gp, drop = pg_town / "praktijk", pg_town / "huisarts-a", tmp_path / "drop"
    drop.mkdir()
    code, said = ended(started("--workspace", practice, "export", "huisartsen", "--to", drop))
    assert code in {0, 3}, said
    with _opened(practice) as workspace:
        strange = {one.file_name for one in workspace.store.journal.outgoing() if one.other != GP_A}
    for name in strange:
        (drop / name).unlink(missing_ok=True)
    other = colleague(gp, "collega")
    both = [
        started("--workspace", folder, "import", "--from", drop, "--after", "move") for folder in (gp, other, gp, other)
    ]
    outcomes = [ended(one) for one in both]
    assert {code for code, _ in outcomes} <= {0, 3}, outcomes
    assert sum("was taken in" in said for _, said in outcomes) == 1, outcomes
    with _opened(gp) as workspace:
        taken = [one for one in workspace.store.journal.incoming() if one.agreement_id == "huisartsen"]
        assert len({one.message_id for one in taken}) == len(taken)
        noted = Counter((one.event.event, one.event.object) for one in workspace.store.audit.show())
        assert all(noted["received", f"message:{one.message_id}"] == 1 for one in taken)
        cases = [one.case_id for one in workspace.store.cases.received()]
        assert len(cases) == len(set(cases)) > 0
        loads = Counter(one.kind for one in workspace.store.loads())
        assert loads["case"] <= len(cases)
    assert not list(drop.glob("*.age"))
    assert len(list((drop / "done").glob("*.age"))) == 1


def test_export_and_import_at_once_with_a_kill_and_a_restart_in_between(pg_town, tmp_path):
    practice, out, back = pg_town / "praktijk", tmp_path / "out", tmp_path / "back"
    out.mkdir()
    back.mkdir()
    other = colleague(practice, "collega")
    with _opened(pg_town / "huisarts-a") as workspace:
        before = len(workspace.store.journal.incoming())
    victim = started("--workspace", other, "export", "huisartsen", "--to", out)
    time.sleep(1.5)
    running = [
        started("--workspace", practice, "export", "welzijn", "--to", out),
        started("--workspace", practice, "import", "--from", back),
    ]
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    assert all(code in {0, 3} for code, _ in map(ended, running))
    code, said = ended(started("--workspace", other, "export", "huisartsen", "--to", out))
    assert code in {0, 3}, said
    code, said = ended(started("--workspace", practice, "export", "huisartsen", "--to", out))
    assert code in {0, 3}, said
    require_gapless(practice)
    with _opened(practice) as workspace:
        assert {one.state.value for one in workspace.store.journal.outgoing()} == {"done"}
        names = {one.file_name for one in workspace.store.journal.outgoing() if one.agreement_id != ""}
    assert {one.name for one in out.glob("*.age")} <= names
    for file in sorted(out.glob("*.age")):
        ended(started("--workspace", pg_town / "huisarts-a", "import", file))
    with _opened(pg_town / "huisarts-a") as workspace:
        assert len(workspace.store.journal.incoming()) == before + 1
