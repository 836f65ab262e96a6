"""Fixtures that every kind of test shares: an invented town, the demo as it was played, and the program in-process."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

REPOSITORY = Path(__file__).resolve().parent.parent
BEGIN = datetime(2023, 12, 15, 9, tzinfo=UTC)
LOADED = datetime(2026, 11, 2, 10, tzinfo=UTC)
# a moment after all that the demo and the town did; the program's clock stands here unless a test says otherwise
CLOCK = datetime(2026, 11, 3, 9, tzinfo=UTC)


# The gate draws the same examples every time; a developer's run draws new ones.
settings.register_profile("gate", derandomize=True, database=None, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("gate")
    # Hypothesis mixes in constants of whatever local modules happen to be imported by then, which differs with the
    # worker a file falls to and with where the package is installed; there is no setting for it.
    vars(providers)["_get_local_constants"] = lambda: providers._local_constants


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of third-party files beside the repository, or skip by name where it is not."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("../shared is not here")
    return folder


# Invented worlds, each made once for all workers ------------------------------------------------------------------


def _once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Make a folder once per run of pytest, however many workers there are; nobody changes what stands in it."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder, lock, done = base / name, base / f"{name}.lock", base / f"{name}.done"
    try:
        lock.mkdir()
    except FileExistsError:
        for _ in range(1800):
            if done.exists():
                break
            time.sleep(0.2)
    else:
        try:
            make(folder)
            (folder / "made").touch()
        finally:
            done.touch()
    assert (folder / "made").exists(), f"{name} could not be made"
    return folder


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the demo as it was played (about twenty seconds, once); copy what you change.

    Folders: praktijk, huisarts-a, -b, -c, welzijn, bestanden, kaarten. `said.json` holds what it said, by rule.
    """

    def play(folder: Path) -> None:
        from exchange.operations import demo

        said: list[list[Any]] = []
        result = demo.play(folder, say=lambda rule, **params: said.append([rule, params]))
        (folder / "said.json").write_text(
            json.dumps({"said": said, "figures": result.figures, "files": [str(one) for one in result.files]})
        )

    return _once(tmp_path_factory, "played", play)


@pytest.fixture
def demo(played: Path, tmp_path: Path) -> Path:
    """Return a copy of the played demo, to change."""
    folder = tmp_path / "demo"
    shutil.copytree(played, folder)
    return folder


@dataclass(frozen=True, slots=True)
class Town:
    """A small invented practice with two GPs, a hospital on paper and a social partner; nothing was exported yet.

    Everyone has a folder of that name: praktijk, huisarts-a, huisarts-b, welzijn. Agreements: huisartsen (both GPs),
    welzijn, ziekenhuis (paper). `bestanden` holds the practice's files, `kaarten` everyone's card.
    """

    folder: Path

    def __getitem__(self, name: str) -> Path:
        """Return somebody's folder."""
        return self.folder / name

    def draft(self, practice: Any, kind: str, name: str, *parties: str, **more: Any) -> Path:
        """Return a draft between the practice and partners, complete enough to sign."""
        from exchange.operations import drafting
        from exchange.operations.inventing import drawing

        signs = drafting.Signing("praktijkhouder", "eigenaar", "privacy@voorbeeld.invalid")
        return drafting.new(
            practice, kind, parties=parties, agreement_id=name, start=date(2024, 1, 1), until=date(2027, 12, 31),
            covers_from=drawing.FIRST_DAY, signing=dict.fromkeys((drawing.PRACTICE, *parties), signs),
            place="Voorbeeldstad (verzonnen)", **more,
        )  # fmt: skip

    def open(self, name: str, *, now: datetime = CLOCK, user: str = "tester") -> Any:
        """Open somebody's workspace at a moment; use it in a `with` block."""
        from exchange.operations.workspace import Workspace

        return Workspace.open(self.folder / name, passphrase=lambda _name: "", now=now, on=now.date(), user=user)


@pytest.fixture(scope="session")
def town_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the town as it was made, once; nobody changes it."""
    return _once(tmp_path_factory, "town", _build_town)


@pytest.fixture
def town(town_made: Path, tmp_path: Path) -> Town:
    """Return a copy of the small invented town, to change."""
    shutil.copytree(town_made, tmp_path / "town")
    return Town(tmp_path / "town")


@pytest.fixture(scope="session")
def mailed_made(town_made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the town after its mail went round, once; nobody changes it."""

    def build(folder: Path) -> None:
        shutil.copytree(town_made, folder, ignore=shutil.ignore_patterns("made"))
        _send_mail(Town(folder))

    return _once(tmp_path_factory, "mailed", build)


@pytest.fixture
def mailed(mailed_made: Path, tmp_path: Path) -> Town:
    """Return a copy of the town with its mail, to change.

    The practice exported `huisartsen`; `post/` holds to-a.age, to-b.age and from-a.age. GP A took in its file and
    answered; GP B took in nothing, and the practice has not yet taken in from-a.age.
    """
    shutil.copytree(mailed_made, tmp_path / "mailed")
    return Town(tmp_path / "mailed")


@pytest.fixture
def town_at() -> Callable[[Path], Any]:
    """Return how to open any demo workspace by its folder: `with town_at(folder) as workspace:`."""
    return lambda folder: Town(folder.parent).open(folder.name)


class Forger:
    """Seals what our own export would never send, with the keys of somebody in the town: to test the other side."""

    def __init__(self, town: Town, name: str, agreement: str = "huisartsen") -> None:
        self.town, self.name, self.agreement = town, name, agreement

    def answer(self, case_id: str, element: str = "answer.specialist-referral", **changes: Any) -> bytes:
        """Return one partner-return as a line; `allowed` widens what the builder lets through."""
        from exchange.messages.building import build
        from exchange.messages.facts import AgreementReference, CaseFacts, Organisation
        from exchange.records.codes import Answered, Evidence
        from exchange.records.model import Answer
        from exchange.signing.pseudonyms import fhir_id

        with self.town.open(self.name) as workspace:
            stored = workspace.store.agreements.find(self.agreement)
            us = Organisation(workspace.settings.party, workspace.settings.name)
        answer = Answer("", case_id, "", element, date(2026, 1, 1), date(2026, 2, 1), Answered.NO, Evidence.SIGNED)
        facts = {
            "agreement": AgreementReference(stored.agreement_id, stored.version, stored.digest),
            "sender": us,
            "receiver": Organisation("agb:07999990", "Oefentherapie Voorbeeld (verzonnen)"),
            "case_id": case_id,
            "answers": (answer,),
        } | changes
        allowed = frozenset({element, "case.id", "case.code"})
        return build(
            "partner-return", CaseFacts(**facts), allowed, message_id=fhir_id(), sent_at=CLOCK, fhir_id=fhir_id
        )

    def seal(self, *lines: bytes, party: str = "agb:07999990", **changes: Any) -> Path:
        """Return a sealed data file with these lines; `now` is another moment of sealing."""
        from exchange.operations import posting
        from exchange.sealing.manifest import AgreementRef, Kind
        from exchange.sealing.sealing import Content

        content = Content(
            "messages.ndjson", "application/fhir+ndjson", len(lines), b"".join(one + b"\n" for one in lines)
        )
        with self.town.open(self.name, now=changes.pop("now", CLOCK)) as workspace:
            stored = workspace.store.agreements.find(self.agreement)
            named = AgreementRef(stored.agreement_id, stored.version, stored.digest)
            given: dict[str, Any] = {
                "kind": Kind.DATA, "party": party, "stream": self.agreement, "contents": (content,), "agreement": named
            } | changes  # fmt: skip
            return posting.post(workspace, **given).file


@pytest.fixture
def forger() -> type[Forger]:
    """Return the class that seals wrong things: `forger(town, "huisarts-a").seal(line)`."""
    return Forger


@pytest.fixture(scope="session")
def treated_made(town_made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the town after its practice loaded its claims, once; nobody changes it."""

    def build(folder: Path) -> None:
        from exchange.operations import loading
        from exchange.operations.inventing import claiming, drawing

        shutil.copytree(town_made, folder, ignore=shutil.ignore_patterns("made"))
        courses = drawing.draw(clients=26, courses=32)
        claims = folder / "bestanden" / "declaraties.xml"
        claims.write_bytes(claiming.gds801(courses, drawing.FIRST_DAY, drawing.TODAY))
        with Town(folder).open("praktijk") as practice:
            loading.load(practice, [claims])

    return _once(tmp_path_factory, "treated", build)


@pytest.fixture
def treated(treated_made: Path, tmp_path: Path) -> Town:
    """Return a copy of the town whose practice also has sessions, to change."""
    shutil.copytree(treated_made, tmp_path / "treated")
    return Town(tmp_path / "treated")


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, object]]:
    """Return all that a workspace holds but its trail: to show that an operation stored or left nothing."""

    def taken(folder: Path) -> dict[str, object]:
        with Town(folder.parent).open(folder.name) as workspace:
            store = workspace.store
            cases = [*store.cases.received(), *(one for agreement in store.agreements.list()
                     for one in store.cases.of_agreement(agreement.agreement_id))]  # fmt: skip
            held: dict[str, object] = {
                "dataset": store.dataset(),
                "loads": store.loads(),
                "partners": store.partners.list(),
                "agreements": store.agreements.list(),
                "cases": cases,
                "answers": store.answers.of_cases({one.case_id for one in cases}),
                "totals": store.answers.aggregates(),
                "consents": store.consents.all_standing(workspace.on),
                "outgoing": store.journal.outgoing(),
                "incoming": [one for one in store.journal.incoming() if one.state.value == "done"],
                "told": dict(store.sent.digests()),
            }
        skipped = {folder / "store.db-wal", folder / "store.db-shm"}
        held["files"] = sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one not in skipped)
        return held

    return taken


def _build_town(top: Path) -> None:
    from exchange.operations import agreeing, consenting, importing, loading, partners
    from exchange.operations.inventing import drawing, tables
    from exchange.operations.workspace import Workspace

    def make(name: str, party: str) -> Workspace:
        return Workspace.create(
            top / name, party=party, name=drawing.NAMES[party], contact="privacy@voorbeeld.invalid", passphrase=None,
            now=BEGIN, on=BEGIN.date(), user="town",
        )  # fmt: skip

    top.mkdir()
    practice = make("praktijk", drawing.PRACTICE)
    kinds = {"huisarts-a": "gp", "huisarts-b": "gp", "welzijn": "social"}
    ids = dict(zip(kinds, (*drawing.GPS[:2], drawing.SOCIAL), strict=True))
    others = {name: make(name, ids[name]) for name in kinds}
    for name, other in others.items():
        for giver, taker, kind in ((other, practice, kinds[name]), (practice, other, "practice")):
            file = top / "kaarten" / f"{giver.folder.name}.json"
            card = partners.own_card(giver, to=file)
            partners.add(taker, file, kind=kind)
            partners.verify(
                taker, card.parties[0], fingerprint=card.fingerprint, ours=taker.card.fingerprint,
                how="telefonisch vergeleken",
            )  # fmt: skip
    partners.add_paper(practice, drawing.HOSPITAL, name=drawing.NAMES[drawing.HOSPITAL], kind="specialist")
    (top / "scan.txt").write_text("Verzonnen: hier hoort de scan.\n")

    def draft(kind: str, name: str, *parties: str, **more: Any) -> Path:
        return Town(top).draft(practice, kind, name, *parties, **more)

    for file, names in (
        (draft("gp", "huisartsen", *drawing.GPS[:2]), ("huisarts-a", "huisarts-b")),
        (draft("social", "welzijn", drawing.SOCIAL), ("welzijn",)),
    ):
        for posted in agreeing.sign(practice, file).files:
            partner = next(others[name] for name in names if ids[name] == posted.party)
            importing.take_in(partner, [posted.file])
            importing.take_in(practice, [one.file for one in agreeing.accept(partner, file.stem).files])
    agreeing.sign(practice, draft("specialist", "ziekenhuis", drawing.HOSPITAL, passphrase_until=date(2027, 12, 31)))
    agreeing.sign_paper(
        practice, "ziekenhuis", party=drawing.HOSPITAL, signatory="hoofd van de afdeling", authority="volmacht",
        signed_on=practice.on, scan=top / "scan.txt",
    )  # fmt: skip
    practice.at(now=LOADED, on=LOADED.date())
    courses = drawing.draw(clients=26, courses=32)
    purposes = {**dict.fromkeys((*drawing.GPS, drawing.HOSPITAL), ("effect",)), drawing.SOCIAL: ("handover", "effect")}
    folder = top / "bestanden"
    folder.mkdir()
    for name, data in {
        "trajecten.csv": tables.episodes(courses),
        "metingen.csv": tables.measurements(courses),
        "evaluaties.csv": tables.evaluations(courses),
        "toestemming.csv": tables.consents(courses, purposes).decode("cp1252").encode(),
    }.items():
        (folder / name).write_bytes(data)
    loading.load(practice, [folder / name for name in ("trajecten.csv", "metingen.csv", "evaluaties.csv")])
    consenting.load(practice, folder / "toestemming.csv")
    for one in (practice, *others.values()):
        one.close()


def _send_mail(town: Town) -> None:
    from exchange.operations import exporting, forms, importing, loading
    from exchange.operations.inventing import drawing, tables

    truth: dict[tuple[str, str], list[drawing.Course]] = {}
    for course in drawing.draw(clients=26, courses=32):
        truth.setdefault((course.client.name, f"{course.client.born:%d-%m-%Y}"), []).append(course)
    post = town.folder / "post"
    post.mkdir()
    with town.open("praktijk") as practice:
        for sent in exporting.export(practice, "huisartsen").files:
            shutil.copy(sent.file, post / f"to-{'a' if sent.party == drawing.GPS[0] else 'b'}.age")
    with town.open("huisarts-a") as partner:
        importing.take_in(partner, [post / "to-a.age"])
        asked, filled = town["bestanden"] / "gevraagd-a.csv", town["bestanden"] / "antwoorden-a.csv"
        forms.ask(partner, "huisartsen", to=asked)
        filled.write_bytes(tables.answer(asked, truth))
        loading.load(partner, [filled], mapping="partner-answers")
        (back,) = exporting.export(partner, "huisartsen").files
        shutil.copy(back.file, post / "from-a.age")


# The program ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run of the program left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return the one JSON document on standard output; anything beside it is a failure."""
        return json.loads(self.out)


class _Input(io.StringIO):
    """Standard input that is no terminal."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run `exchange WORDS...` in this process: `run("load", file, workspace=folder)`.

    `at` sets the program's clock, `stdin` its input, `cwd` where it stands. The user is `tester`, English unless
    `--language` is among the words, and no keyring is asked.
    """
    from exchange_cli import program
    from exchange_cli.speaking import Speaker

    for name in ("LC_ALL", "LC_MESSAGES", "EXCHANGE_WORKSPACE", "EXCHANGE_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    monkeypatch.setenv("EXCHANGE_USER", "tester")
    monkeypatch.setenv("EXCHANGE_NO_KEYRING", "1")

    def ran(
        *words: object,
        workspace: Path | None = None,
        stdin: str = "",
        cwd: Path | None = None,
        at: datetime = CLOCK,
    ) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        before = [] if workspace is None else ["--workspace", str(workspace)]
        with monkeypatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(Speaker, "now", lambda _self: at)
            patch.setattr(Speaker, "today", lambda _self: at.date())
            patch.setattr(sys, "stdin", _Input(stdin))
            if cwd is not None:
                patch.chdir(cwd)
            with pytest.raises(SystemExit) as left:
                program.main([*before, *map(str, words)])
        code = left.value.code
        assert isinstance(code, int)
        return Ran(code, out.getvalue(), err.getvalue())

    return ran
