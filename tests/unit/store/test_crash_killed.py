"""kill -9 at every fsync, rename, link, unlink and commit of export, import and load, on both kinds of store.

After a restart nothing is lost and nothing doubled; plaintext lies in private parts only, and the restart sweeps them.
A run of the suite takes a spread of the steps; EXCHANGE_EVERY_CRASH=1 takes every one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

CLOCK = datetime(2026, 11, 3, 9, tzinfo=UTC)
EVERY = bool(os.environ.get("EXCHANGE_EVERY_CRASH"))
SPREAD = {"export": 4, "import": 4, "load": 3}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork"),
]


class Program:
    """The fork server of `killing.py`."""

    def __init__(self) -> None:
        environment = {**os.environ, "EXCHANGE_USER": "tester", "EXCHANGE_NO_KEYRING": "1"}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("killing.py"))], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    def __call__(self, *words: object, at: int = -1) -> dict[str, Any]:
        """Run `exchange WORDS...`; killed at step `at`, counted at 0, and left alone at -1."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"words": [str(word) for word in words], "at": at, "now": CLOCK.isoformat()}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    made = Program()
    yield made
    made.close()


@dataclass
class World:
    """A town that can be copied with its stores: `practice` exports and loads, `gp` imports."""

    folder: Path
    on_server: Callable[[str], None] | None = None
    unique: str = ""
    number: int = 0

    def copy(self, to: Path, *names: str) -> Path:
        """Return another world that stands as this one did, with the stores of those who are named."""
        self.number += 1
        shutil.copytree(self.folder, to)
        if self.on_server is None:
            return to
        for name in names:
            settings = (to / name / "exchange.toml").read_text()
            before = re.search(r"postgres@/(\w+)\?", settings)
            assert before is not None
            mine = f"{self.unique}c{self.number}_{name[-1]}"
            self.on_server(f"CREATE DATABASE {mine} TEMPLATE {before[1]}")
            (to / name / "exchange.toml").write_text(settings.replace(f"@/{before[1]}?", f"@/{mine}?"))
        return to

    def drop(self, copied: Path) -> None:
        """Remove a copy; every database of it, for stopping a server with dozens of them takes its time."""
        for settings in copied.glob("*/exchange.toml"):
            found = re.search(rf"postgres@/({self.unique}c\w+)\?", settings.read_text())
            if found is not None and self.on_server is not None:
                self.on_server(f"DROP DATABASE {found[1]} WITH (FORCE)")
        shutil.rmtree(copied)


def _opened(folder: Path) -> Any:
    from exchange.operations.workspace import Workspace

    return Workspace.open(folder, passphrase=lambda _name: "", now=CLOCK, on=CLOCK.date(), user="tester")


@pytest.fixture(params=["sqlcipher", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def world(request: pytest.FixtureRequest, town: Any, tmp_path: Path) -> World:
    """Give the town on each kind of store."""
    if request.param == "sqlcipher":
        return World(town.folder)
    to_postgresql, on_server = request.getfixturevalue("to_postgresql"), request.getfixturevalue("on_server")
    unique = f"w{abs(hash(request.node.name)) % 10**6}"
    for name in ("praktijk", "huisarts-a"):
        to_postgresql(town[name], f"{unique}_{name[-1]}")

    return World(town.folder, on_server, unique)


# What must be so ----------------------------------------------------------------------------------------------------


def _canaries() -> list[bytes]:
    from exchange.operations.inventing import drawing

    clients = {course.client for course in drawing.draw(clients=26, courses=32)}
    return [one.name.encode() for one in clients] + [one.bsn.encode() for one in clients]


def plaintext(folder: Path, canaries: list[bytes]) -> list[Path]:
    """Return the files below a folder in which somebody's name or BSN can be read."""
    found = []
    for file in folder.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            if any(canary in data for canary in canaries):
                found.append(file)
    return found


def require_private(files: list[Path], folder: Path) -> None:
    """Plaintext that a kill left may lie in a part only, with nobody else let in."""
    for file in files:
        below = file.relative_to(folder).parts
        assert any(part.startswith(".") and part.endswith(".part") for part in below), file
        assert file.stat().st_mode & 0o077 == 0, file


def held(folder: Path) -> dict[str, Any]:
    """Return all that a store holds, without the numbers that an undone transaction uses up on PostgreSQL."""
    with _opened(folder) as workspace:
        store = workspace.store
        cases = [*store.cases.received(), *(one for agreement in store.agreements.list()
                 for one in store.cases.of_agreement(agreement.agreement_id))]  # fmt: skip
        return {
            "dataset": store.dataset(),
            "loads": [(one.kind, one.file_name, one.digest, one.counts) for one in store.loads()],
            "cases": cases,
            "answers": store.answers.of_cases({one.case_id for one in cases}),
            "consents": store.consents.all_standing(workspace.on),
            "incoming": [
                (one.message_id, one.sequence, one.epoch_order, one.state.value) for one in store.journal.incoming()
            ],
            "messages": [one for case in cases for one in store.received.of_case(case.case_id)],
            "originals": sorted(one.name for one in (folder / "inbox").iterdir()),
            "verified": store.audit.verify(),
        }


def trail(folder: Path) -> Counter[tuple[str, str]]:
    """Return how often each event about each object stands in the trail."""
    with _opened(folder) as workspace:
        return Counter((one.event.event, one.event.object) for one in workspace.store.audit.show())


def chosen(steps: list[str], kind: str, world: World) -> list[int]:
    """Return the steps at which to kill: all, or a spread that differs by kind of store."""
    every = list(range(1, len(steps) + 1))
    if EVERY or len(every) <= SPREAD[kind]:
        return every
    stride = len(every) / SPREAD[kind]
    shift = 0.75 if world.on_server else 0.25
    return sorted({every[min(len(every) - 1, int((number + shift) * stride))] for number in range(SPREAD[kind])})


# The three commands -------------------------------------------------------------------------------------------------


def test_an_export_that_is_killed_anywhere_sends_each_message_once(world, program, tmp_path):
    canaries = _canaries()

    def sent(folder: Path, at: int) -> dict[str, Any]:
        (folder / "drop").mkdir(exist_ok=True)
        return program(
            "--workspace", folder / "praktijk", "export", "huisartsen", "--to", folder / "drop", at=at
        )  # fmt: skip

    def arrived(folder: Path) -> dict[str, Any]:
        """Let a partner take in what lies there, and say what it then knows, whatever the random names are."""
        outcomes = Counter(
            program("--workspace", folder / "huisarts-a", "import", file)["code"]
            for file in sorted((folder / "drop").glob("*.age"))
        )
        with _opened(folder / "huisarts-a") as gp:
            cases = gp.store.cases.received()
            events = Counter(one.event for case in cases for one in gp.store.received.of_case(case.case_id))
            people = Counter(gp.store.patient_identity(one.patient_id).bsn for one in cases)
            numbers = [one.sequence for one in gp.store.journal.incoming() if one.agreement_id == "huisartsen"]
            return {"outcomes": outcomes, "events": events, "people": people, "numbers": sorted(numbers)}

    whole = world.copy(tmp_path / "whole", "praktijk", "huisarts-a")
    steps = sent(whole, 0)
    assert steps["code"] in {0, 3}, steps
    expected = arrived(whole)
    assert expected["people"]
    for at in chosen(steps["steps"], "export", world):
        here = world.copy(tmp_path / f"at{at}", "praktijk", "huisarts-a")
        assert sent(here, at)["killed"], at
        require_private(plaintext(here / "praktijk", canaries), here)
        assert not plaintext(here / "drop", canaries)
        again = sent(here, -1)
        assert again["code"] in {0, 3}, (at, again)
        name = f"step {at}: {steps['steps'][at - 1]}"
        assert not plaintext(here / "praktijk", canaries), name
        with _opened(here / "praktijk") as practice:
            mine = [one for one in practice.store.journal.outgoing() if one.agreement_id == "huisartsen"]
            assert {one.state.value for one in mine} == {"done"}, name
            for party in {one.other for one in mine}:
                numbers = [one.sequence for one in mine if one.other == party]
                assert numbers == list(range(1, len(numbers) + 1)), name
            assert len({(one.other, one.epoch) for one in mine}) == len({one.other for one in mine}), name
            assert practice.store.audit.verify() == (), name
        noted = trail(here / "praktijk")
        assert all(noted["sent", f"message:{one.message_id}"] == 1 for one in mine), name
        assert not [event for event in noted if event[0] == "epochs-renewed"], name
        assert len(list((here / "drop").glob("*.age"))) == len(list((whole / "drop").glob("*.age"))), name
        assert arrived(here) == expected, name
        world.drop(here)


def test_an_import_that_is_killed_anywhere_takes_each_message_once(world, program, tmp_path):
    canaries = _canaries()
    drop = world.folder / "drop"
    drop.mkdir()
    done = program("--workspace", world.folder / "praktijk", "export", "huisartsen", "--to", drop)
    assert done["code"] in {0, 3}, done
    with _opened(world.folder / "praktijk") as practice:
        names = {one.file_name for one in practice.store.journal.outgoing() if one.other != "agb:01999991"}
    for name in names:
        (drop / name).unlink(missing_ok=True)
    assert len(list(drop.glob("*.age"))) == 1

    def taken(folder: Path, at: int) -> dict[str, Any]:
        return program(
            "--workspace", folder / "huisarts-a", "import", "--from", folder / "drop", "--after", "move", at=at
        )  # fmt: skip

    whole = world.copy(tmp_path / "whole", "huisarts-a")
    steps = taken(whole, 0)
    assert steps["code"] in {0, 3}, steps
    expected, events = held(whole / "huisarts-a"), trail(whole / "huisarts-a")
    for at in chosen(steps["steps"], "import", world):
        name = f"step {at}: {steps['steps'][at - 1]}"
        here = world.copy(tmp_path / f"at{at}", "huisarts-a")
        assert taken(here, at)["killed"], name
        require_private(plaintext(here / "huisarts-a", canaries), here)
        again = taken(here, -1)
        assert again["code"] in {0, 3}, (name, again)
        assert not plaintext(here / "huisarts-a", canaries), name
        assert held(here / "huisarts-a") == expected, name
        assert trail(here / "huisarts-a") == events, name
        assert list(drop.glob("*.age"))
        assert not list((here / "drop").glob("*.age")), name
        assert len(list((here / "drop" / "done").glob("*.age"))) == 1, name
        world.drop(here)


def test_a_load_that_is_killed_anywhere_leaves_nothing_or_all(world, program, tmp_path):
    from exchange.operations.inventing import claiming, drawing

    canaries = _canaries()
    courses = drawing.draw(clients=26, courses=32)
    claims = tmp_path / "declaraties.xml"
    claims.write_bytes(claiming.gds801(courses, drawing.FIRST_DAY, drawing.TODAY))

    def loaded(folder: Path, at: int) -> dict[str, Any]:
        return program("--workspace", folder / "praktijk", "load", claims, at=at)

    before = held(world.copy(tmp_path / "before", "praktijk") / "praktijk")
    whole = world.copy(tmp_path / "whole", "praktijk")
    steps = loaded(whole, 0)
    assert steps["code"] in {0, 3}, steps
    expected, events = held(whole / "praktijk"), trail(whole / "praktijk")
    assert expected != before
    for at in chosen(steps["steps"], "load", world):
        name = f"step {at}: {steps['steps'][at - 1]}"
        here = world.copy(tmp_path / f"at{at}", "praktijk")
        assert loaded(here, at)["killed"], name
        require_private(plaintext(here / "praktijk", canaries), here)
        assert held(here / "praktijk") in (before, expected), name
        again = loaded(here, -1)
        assert again["code"] in {0, 3}, (name, again)
        assert not plaintext(here / "praktijk", canaries), name
        assert held(here / "praktijk") == expected, name
        assert trail(here / "praktijk") == events, name
        world.drop(here)
