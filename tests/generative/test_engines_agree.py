"""The oracle and the compiled query give the same integers, on data made to hit every edge."""

from __future__ import annotations

import importlib.util
import itertools
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.counting import counting, functions, laying
from exchange.counting.engines import OnStore
from exchange.indicators import oracle
from exchange.indicators.classes import CLASSES
from exchange.indicators.cohort import Question
from exchange.indicators.definition import Definition
from exchange.indicators.moments import add_months
from exchange.indicators.reading import read, shipped_definitions
from exchange.indicators.reference import AgeBand, ReferenceTable
from exchange.records import codes
from exchange.records.instruments import Instrument, instruments
from exchange.records.model import (
    Aggregate,
    Answer,
    Case,
    Dataset,
    Episode,
    Evaluation,
    Measurement,
    Patient,
    Referral,
    Session,
)
from exchange.store import tables


def _rows() -> ModuleType:
    path = Path(__file__).parent.parent / "unit" / "counting" / "rows.py"
    spec = importlib.util.spec_from_file_location("counting_rows", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


write = _rows().write

START, END, CUT_OFF = date(2024, 1, 1), date(2025, 1, 1), date(2025, 2, 28)
# Few days, many ties: month ends around a leap day, edges of the period, days that a window may just touch.
DAYS = [
    date(2023, 12, 31), date(2024, 1, 1), date(2024, 1, 31), date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1),
    date(2024, 3, 28), date(2024, 3, 29), date(2024, 8, 29), date(2024, 8, 31), date(2024, 12, 31), date(2025, 1, 1),
    date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 1),
]  # fmt: skip
INVENTED = ["nprs", "percent", "berg", "startback", "psk", ""]
# What a client or GP is asked about one window before the treatment and one after it.
PAIRED = {"gp-contact": ((455, 90), 365), "fall": ((273, 90), 183)}
LASTED = ("analgesic", "work-days-lost")


def _instruments() -> dict[str, Instrument]:
    known = instruments()
    percent = replace(known["qbpds"], id="percent", mic=None, mic_percent=20, mdc=30, mdc_confidence=90)
    return {**known, "percent": percent}


INSTRUMENTS = _instruments()
TABLE = ReferenceTable(
    id="invented",
    version="1",
    unit="trajectory",
    source="invented for this test",
    characteristics=("age-band", "sex", "diagnosis-group", "chronic"),
    bands=(AgeBand("0-17", 0, 18), AgeBand("18-", 18, None)),
    rows={
        (band, sex, place, chronic): 1000 * (i + 1) + 7
        for i, (band, sex, place, chronic) in enumerate(
            itertools.product(("0-17", "18-"), ("male", "female"), ("34", "40"), ("yes", "no"))
        )
    },
)


SERVER = Path("/usr/lib/postgresql")


def _as_nobody_special(command: list[str], folder: Path) -> None:
    """Run a server program as `postgres` where we are root: the server refuses to run as root."""
    user = "postgres" if os.geteuid() == 0 else None
    subprocess.run(command, check=True, cwd=folder, user=user, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def postgresql_engine() -> Iterator[sa.Engine]:
    """Start a server of our own on a socket in a folder of our own, or skip where there are no server programs."""
    programs = sorted(SERVER.glob("*/bin/initdb"))
    if not programs or not hasattr(os, "geteuid"):
        pytest.skip("no PostgreSQL server programs here")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    control = str(programs[-1].parent / "pg_ctl")
    data = str(folder / "data")
    _as_nobody_special([str(programs[-1]), "-D", data, "-A", "trust", "-U", "tester", "--no-sync"], folder)
    options = f"-k {folder} -c listen_addresses='' -c fsync=off -c min_wal_size=32MB -c max_wal_size=64MB"
    _as_nobody_special([control, "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start"], folder)
    engine = sa.create_engine(f"postgresql+psycopg://tester@/postgres?host={folder}")
    try:
        tables.metadata.create_all(engine)
        yield engine
    finally:
        engine.dispose()
        _as_nobody_special([control, "-D", data, "-w", "-m", "immediate", "stop"], folder)
        shutil.rmtree(folder)


class _Maker:
    """Draws an invented practice in which anything can be missing, doubled or on the same day, but much is whole.

    Drawn from a seed and not by Hypothesis itself, whose small draws seldom make a whole case.
    """

    def __init__(self, seed: int, size: int) -> None:
        self.random = random.Random(seed)
        self.size = size
        self.patients = [f"p{i}" for i in range(1 + size // 3)]
        self.episodes = [f"e{i}" for i in range(size)]
        self.owner = {each: self.random.choice(self.patients) for each in self.episodes}
        self.numbered = itertools.count()
        self.handed: dict[str, list[date]] = {}
        self.opened: dict[str, str] = {}

    def ident(self) -> str:
        return f"{next(self.numbered):05d}"

    def day(self) -> date:
        if self.random.random() < 0.7:
            return self.random.choice(DAYS)
        return date(2024, 2, 29) + timedelta(self.random.randint(-40, 40))

    def maybe(self, value: Any, share: float = 0.8) -> Any:
        return value if self.random.random() < share else None

    def one_of(self, values: Any) -> Any:
        return self.random.choice(list(values))

    def many(self, count: int, make: Callable[[], Any]) -> tuple[Any, ...]:
        return tuple(make() for _ in range(self.random.randint(count // 2, count) if self.episodes else 0))

    def episode(self, ident: str) -> Episode:
        start = self.day()
        ends = [start, add_months(start, 1), start + timedelta(30), self.day()]
        return Episode(
            episode_id=ident,
            patient_id=self.owner[ident],
            source=codes.SourceKind.EPD,
            start=start,
            end=self.maybe(self.one_of(ends), 0.9),
            diagnosis=self.one_of(["3427", "4021", "3499", ""]),
            access=self.one_of(codes.Access),
            end_reason=self.one_of([*codes.EndReason, *[codes.EndReason.GOALS_REACHED] * 8]),
            onward_advice=self.one_of(codes.Answered),
            chronic=self.one_of([None, True, False]),
            instrument=self.one_of(INVENTED),
            therapist=self.one_of(["", "12345678"]),
            foreign=self.random.random() < 0.1,
        )

    def dataset(self) -> Dataset:
        births = [None, date(2006, 2, 28), date(2004, 2, 29), date(1960, 5, 5)]
        episodes = [self.episode(each) for each in self.episodes]
        self.spans = {each.episode_id: each for each in episodes}
        cases = self.many(self.size, self.case)
        referrals = self.many(self.size * 2, self.referral)
        ruled_out = [each for referral in referrals for each in self.neither(referral)]
        people = [Patient(each, self.one_of(births), self.one_of(codes.Sex)) for each in self.patients]
        return Dataset(
            patients=tuple(each for each in people if self.random.random() < 0.9),
            episodes=tuple(episodes),
            sessions=self.many(self.size * 8, self.session),
            measurements=tuple(each for one in episodes for each in self.scores(one)),
            referrals=referrals,
            evaluations=self.many(self.size * 3, self.evaluation),
            answers=(
                *self.many(self.size * 6, self.answer),
                *self.many(self.size * 6, self.answer_beside),
                *ruled_out,
            ),
            aggregates=self.many(self.size, self.aggregate),
            cases=cases,
        )

    def session(self) -> Session:
        episode = self.one_of(self.episodes)
        kind = self.one_of([*codes.SessionType, *[codes.SessionType.SESSION] * 6])
        return Session(self.ident(), episode, self.owner[episode], self.day(), kind)

    def scores(self, episode: Episode) -> Iterator[Measurement]:
        for anchor in (episode.start, episode.end or episode.start):
            later = [add_months(anchor, 2), add_months(anchor, 4) - timedelta(1), add_months(anchor, 4)]
            for _ in range(self.random.randint(0, 1)):
                day, score = self.one_of([anchor, *later]), 5 * self.random.randint(0, 12)
                yield Measurement(self.ident(), episode.episode_id, episode.patient_id, "psk", day, score)
            for _ in range(self.random.randint(0, 2)):
                near = anchor + timedelta(self.one_of([-29, -28, -14, 0, 0, 0, 14, 15, 28, 29]))
                name = self.one_of([episode.instrument, episode.instrument, *INVENTED])
                score = 5 * self.random.randint(0, 12)
                yield Measurement(self.ident(), episode.episode_id, episode.patient_id, name, near, score)

    def referral(self) -> Referral:
        episode = self.spans[self.one_of(self.episodes)]
        recorded = self.one_of([episode.start + timedelta(n) for n in (-20, 0, 6, 7, 8)])
        often = [codes.Counterfactual.HOSPITAL] * 5 + [
            codes.Counterfactual.IMAGING,
            codes.Counterfactual.INTERVENTION,
        ] * 2
        alternative = self.one_of([*codes.Counterfactual, *often])
        when = self.maybe(self.one_of([episode.start, self.day()]))
        return Referral(self.ident(), episode.episode_id, "p", "agb:1", when, "", alternative, "", self.maybe(recorded))

    def evaluation(self) -> Evaluation:
        episode, day = self.spans[self.one_of(self.episodes)], self.day()
        decision = self.one_of([*codes.NextStep, codes.NextStep.STOP, codes.NextStep.STOP])
        if decision is codes.NextStep.HAND_OVER:
            day = self.one_of([day, episode.start, episode.end or episode.start])
            self.handed.setdefault(episode.episode_id, []).append(day)
        return Evaluation(
            self.ident(),
            episode.episode_id,
            self.one_of([2, 4, 8]),
            day,
            effect=self.one_of(codes.Effect),
            advice_taken_up=self.one_of(codes.Answered),
            decision=decision,
            told_referrer_on=self.maybe(self.day(), 0.5),
        )

    def answer(self) -> Answer:
        episode = self.spans[self.one_of(self.episodes)]
        if episode.episode_id in self.handed and self.random.random() < 0.5:
            return self.answer_after(episode, min(self.handed[episode.episode_id]))
        end = episode.end or episode.start
        elements = ["specialist-referral"] * 6 + ["imaging", "injection", "surgery"] * 2 + ["imaging", "left-list"]
        starts = [episode.start, episode.start, episode.start + timedelta(1), episode.start - timedelta(9), end]
        ends = [add_months(end, 12), add_months(end, 12), add_months(end, 12) - timedelta(1), end, date(2026, 3, 1)]
        status = self.one_of(codes.Answered)
        firsts = [episode.start, episode.start - timedelta(1), add_months(end, 12), end, self.day()]
        on_time = add_months(end, 2) + timedelta(14)
        return Answer(
            self.ident(),
            self.opened.get(episode.episode_id, "c"),
            episode.episode_id,
            "answer." + self.one_of(elements),
            self.one_of(starts),
            self.one_of(ends),
            status,
            self.one_of(codes.Evidence),
            count=self.one_of([None, 1, 1, 2]),
            first_day=self.maybe(self.one_of(firsts)),
            received_on=self.maybe(self.one_of([on_time, on_time + timedelta(1), end, self.day()])),
        )

    def answer_after(self, episode: Episode, handover: date) -> Answer:
        six_weeks, three, five = handover + timedelta(42), add_months(handover, 3), add_months(handover, 5)
        firsts = [handover, handover - timedelta(1), six_weeks, six_weeks - timedelta(1), three, five, self.day()]
        return Answer(
            self.ident(),
            "c",
            episode.episode_id,
            "answer." + self.one_of(["programme-start", "programme-active"]),
            self.one_of([episode.start, handover, three, handover + timedelta(1)]),
            self.one_of([six_weeks, five, five - timedelta(1), date(2026, 3, 1)]),
            self.one_of(codes.Answered),
            self.one_of(codes.Evidence),
            count=self.one_of([None, 1, 1, 2]),
            first_day=self.maybe(self.one_of(firsts)),
        )

    def neither(self, referral: Referral) -> Iterator[Answer]:
        """Rule out an injection and an operation together, which two answers drawn apart seldom do."""
        if referral.counterfactual is not codes.Counterfactual.INTERVENTION or self.random.random() < 0.6:
            return
        episode = self.spans[referral.episode_id]
        until = add_months(episode.end or episode.start, 12)
        no, signed = codes.Answered.NO, codes.Evidence.SIGNED
        for element in ("answer.injection", "answer.surgery"):
            yield Answer(self.ident(), "c", episode.episode_id, element, episode.start, until, no, signed)

    def answer_beside(self) -> Answer:
        """Answer about the time before a treatment and after it, in exactly the windows asked or a day beside them."""
        episode = self.spans[self.one_of(self.episodes)]
        end, start = episode.end or episode.start, episode.start
        event = self.one_of([*PAIRED, *PAIRED, *LASTED])
        if event in PAIRED:
            (first, last), after = PAIRED[event]
            before, later = (start - timedelta(first), start - timedelta(last)), (end, end + timedelta(after))
        else:
            months = self.one_of([3, 6, 12])
            before, later = (add_months(start, -1), start), (add_months(end, months - 1), add_months(end, months))
        begin, until = self.one_of([before, later])
        begin += timedelta(self.one_of([0, 0, 0, 0, -1, 1]))
        until += timedelta(self.one_of([0, 0, 0, 0, -1, 1]))
        return Answer(
            self.ident(),
            self.opened.get(episode.episode_id, "c"),
            episode.episode_id,
            f"answer.{event}",
            begin,
            until,
            self.one_of([codes.Answered.YES, codes.Answered.NO, codes.Answered.UNKNOWN, codes.Answered.YES]),
            self.one_of(codes.Evidence),
            count=self.one_of([None, 1, 2, 5]),
            first_day=self.maybe(self.one_of([begin, until, until - timedelta(1)]), 0.4),
            received_on=self.maybe(self.one_of([add_months(end, 1), add_months(end, 3), self.day()])),
        )

    def aggregate(self) -> Aggregate:
        return Aggregate(
            self.one_of(["agb:1", "agb:2", "agb:3", "agb:4"]),
            self.one_of(["aggregate.specialist-referrals", "aggregate.eligible-patients"]),
            self.one_of([date(2023, 1, 1), date(2024, 1, 1)]),
            self.one_of([date(2024, 1, 1), date(2025, 1, 1)]),
            self.random.randint(0, 30),
            self.random.randint(1, 99),
            self.one_of(codes.Evidence),
            self.ident(),
        )

    def case(self) -> Case:
        episode, ident = self.one_of(self.episodes), self.ident()
        self.opened[episode] = ident
        return Case(ident, "", self.one_of(["a1", "a2"]), "agb:1", episode, "p", self.day())


@pytest.fixture(scope="module")
def engine() -> Iterator[sa.Engine]:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    tables.metadata.create_all(engine)
    yield engine
    engine.dispose()


VARIED = b"""
id: varied
version: 1
kind: proportion
count: episodes
improvement: higher
title: {nl: Verzonnen, en: Invented}
rationale: {nl: Verzonnen, en: Invented}
limits: {nl: Verzonnen, en: Invented}
sources: [{text: invented for a test}]
period: start
where:
  - {element: episode.access, is: [referred, direct]}
  - {element: patient.sex, is: [female, male]}
exclude:
  - {element: episode.end-reason, is: [other, moved]}
outcome:
  - {element: episode.onward-advice, is: ["no"]}
  - exists: {event: imaging, from: start - 1 days, to: end + 1 months}
  - absent: {event: specialist-referral, from: start, to: start + 3 months}
  - scores: {wanted: both, instrument: psk, within: 14 days}
supplier:
  - who: client
    system: {nl: vragenlijst, en: questionnaire}
    minutes: 1
    level: patient
    ground: {nl: toestemming, en: consent}
example: {nl: Geen, en: None, expect: {due: 0}}
"""


# An instrument by its name, compared before and after; a window of days that touches; a split by an event.
_NAMED = VARIED[VARIED.index(b"supplier:") :]
_HEAD = VARIED[: VARIED.index(b"period:")]
NAMED = (
    _HEAD.replace(b"varied", b"named").replace(b"proportion", b"category-share")
    + b"""period: start
where:
  - exists: {event: fall, from: start - 273 days, to: start - 90 days}
outcome:
  - scores: {wanted: improved, instrument: psk, within: 28 days}
"""
    + _NAMED
)
HANDED = (
    _HEAD.replace(b"varied", b"handed").replace(b"proportion", b"rate-ratio")
    + b"""period: start
where:
  - {element: episode.access, is: [referred, direct]}
before: {from: start - 455 days, to: start - 90 days}
after: {from: end, to: end + 365 days}
events: answer.analgesic
"""
    + _NAMED
)

RETURNED = (
    _HEAD.replace(b"varied", b"returned").replace(b"count: episodes", b"count: returns")
    + b"""period: due
returns: {until: end + 2 months, within: 14 days}
"""
    + _NAMED
)


def _definitions() -> list[Definition]:
    own = {"varied": VARIED, "named": NAMED, "handed": HANDED, "returned": RETURNED}
    return [*shipped_definitions().values(), *(read(data, f"{name}.yaml") for name, data in own.items())]


def agree(connection: sa.Connection, dataset: Dataset, definition: Definition, group_by: tuple[str, ...]) -> None:
    """Compare the two calculations of one definition."""
    asked: dict[str, Any] = {
        "start": START,
        "end": END,
        "cut_off": CUT_OFF,
        "group_by": group_by,
        "instruments": INSTRUMENTS,
        "reference": TABLE if definition.reference else None,
    }
    for agreements in (None, frozenset({"a1"})):
        expected = oracle.cube(definition, dataset, **asked, agreements=agreements)
        assert counting.cube(connection, definition, **asked, agreements=agreements) == expected
    narrowed = oracle.cube(definition, dataset, **asked, within=frozenset({"a1"}))
    assert counting.cube(connection, definition, **asked, within=frozenset({"a1"})) == narrowed


GROUPS = [(), ("location",), ("month", "sex"), ("chronic", "access"), ("year", "therapist", "diagnosis")]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), size=st.sampled_from([0, 1, 3, 12, 40, 40]), group_by=st.sampled_from(GROUPS))
def test_sqlite_agrees_with_the_oracle_on_generated_practices(
    engine: sa.Engine, seed: int, size: int, group_by: tuple[str, ...]
) -> None:
    dataset = _Maker(seed, size).dataset()
    with engine.connect() as connection, connection.begin() as transaction:
        write(connection, dataset)
        for definition in _definitions():
            agree(connection, dataset, definition, _split(definition, group_by))
        transaction.rollback()


def _split(definition: Definition, group_by: tuple[str, ...]) -> tuple[str, ...]:
    return ("partner",) if definition.count == "aggregates" and group_by else group_by


def test_the_generated_practices_reach_every_class_of_every_definition() -> None:
    """Agreement on cases that never occur would show nothing."""
    reached: dict[str, set[str]] = {}
    for seed in range(45):
        dataset = _Maker(seed, 60).dataset()
        for definition in _definitions():
            total = oracle.cube(
                definition,
                dataset,
                start=START,
                end=END,
                cut_off=CUT_OFF,
                instruments=INSTRUMENTS,
                reference=TABLE if definition.reference else None,
            ).total
            names = {**total.counts, **total.parts, **total.evidence}
            reached.setdefault(definition.id, set()).update(name for name, count in names.items() if count)
    for name in (
        "substitution-net",
        "no-imaging",
        "no-intervention",
        "warm-handover",
        "warm-handover-active",
        "advice-taken-up",
        "durable-discharge-12",
        "responders",
        "analgesic-reduction",
        "work-regained",
    ):
        assert {"numerator", "refuted", "unknown"} <= reached[name], name
    for name in ("warm-handover", "warm-handover-active"):
        assert {"censored", "no_agreement", "signed", "form", "client"} <= reached[name], name
    assert "not-due" in reached["warm-handover-active"]
    assert {"refuted", "unknown", "signed"} <= reached["varied"]
    assert {"censored", "no_agreement", "excluded", "where-unknown", "not-due", "signed", "form", "client"} <= reached[
        "substitution-net"
    ]
    assert {*CLASSES, "not-measured", "no-threshold"} <= reached["responders"]
    assert {"without-effect", "stopped", "stopped-and-told", "excluded", "refuted"} <= reached["evaluation-moments"]
    assert {"o", "e", "no-reference", "no-sessions", "excluded"} <= reached["treatment-index"]
    assert {"answered", "unknown"} <= reached["specialist-referral-rate"]
    for name in ("gp-contacts", "falls"):
        assert {"a", "b", "ab", "unknown", "censored", "no_agreement", "not-due", "form"} <= reached[name], name
    assert {"gain", "answered", "unknown", "excluded", "not-due"} <= reached["participation-regained"]
    assert {"numerator", "late", "missing", "excluded"} <= reached["returned"]
    assert {"o", "e", "no-sessions", "excluded"} <= reached["sessions-against-plan"]
    assert {"numerator", "refuted", "where-unknown"} <= reached["named"]


@pytest.mark.postgresql
def test_postgresql_agrees_with_the_oracle_on_generated_practices(postgresql_engine: sa.Engine) -> None:
    with postgresql_engine.connect() as connection:
        for seed, group_by in enumerate((*GROUPS, ("location", "month"))):
            dataset = _Maker(seed, 25).dataset()
            with connection.begin() as transaction:
                write(connection, dataset)
                for definition in _definitions():
                    agree(connection, dataset, definition, _split(definition, group_by))
                transaction.rollback()


def share(connection: sa.Connection, dataset: Dataset) -> None:
    """Compare a whole catalogue, counted at once from shared episodes, with each definition counted by itself."""
    asked = [Question(one, START, END, CUT_OFF, _split(one, ("month",)), INSTRUMENTS) for one in _definitions()]
    for question, cube in zip(asked, counting.cubes(OnStore(connection), asked, reference=TABLE), strict=True):
        alone = counting.cubes(OnStore(connection), [question], reference=TABLE)
        assert list(alone) == [cube], question.definition.id


def test_sqlite_gives_the_same_from_shared_episodes(engine: sa.Engine) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        dataset = _Maker(11, 30).dataset()
        write(connection, dataset)
        share(connection, dataset)
        transaction.rollback()


@pytest.mark.parametrize("group_by", [(), ("location", "month")])
def test_sqlite_gives_the_same_where_the_store_is_too_vast_to_be_laid_out(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, group_by: tuple[str, ...]
) -> None:
    asked = [Question(one, START, END, CUT_OFF, _split(one, group_by), INSTRUMENTS) for one in _definitions()]
    with engine.connect() as connection, connection.begin() as transaction:
        write(connection, _Maker(12, 40).dataset())
        laid = list(counting.cubes(OnStore(connection), asked, reference=TABLE))
        monkeypatch.setattr(laying, "MOST_ROWS", -1)
        assert list(counting.cubes(OnStore(connection), asked, reference=TABLE)) == laid
        transaction.rollback()


@pytest.mark.postgresql
def test_postgresql_gives_the_same_from_shared_episodes(postgresql_engine: sa.Engine) -> None:
    with postgresql_engine.connect() as connection, connection.begin() as transaction:
        dataset = _Maker(11, 30).dataset()
        write(connection, dataset)
        share(connection, dataset)
        transaction.rollback()


@pytest.mark.postgresql
def test_postgresql_adds_months_as_the_oracle_does(postgresql_engine: sa.Engine) -> None:
    for months in (-13, -1, 1, 12):
        adds_as_the_oracle(postgresql_engine, months)


@pytest.mark.parametrize("months", [-13, -12, -1, 0, 1, 6, 11, 12, 13])
def test_sqlite_adds_months_as_the_oracle_does(engine: sa.Engine, months: int) -> None:
    adds_as_the_oracle(engine, months)


def adds_as_the_oracle(engine: sa.Engine, months: int) -> None:
    """Compare the engine's calendar with ours on days around two leap years' ends of months."""
    with engine.connect() as connection:
        for offset in range(0, 800, 3):
            one = date(2023, 1, 1) + timedelta(offset)
            column = sa.literal(one, tables.session.c.day.type)
            found = connection.execute(
                sa.select(functions.add_months(column, months), functions.add_days(column, months))
            )
            assert tuple(found.one()) == (add_months(one, months), one + timedelta(months))
