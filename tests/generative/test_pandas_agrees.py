"""Every shipped indicator, read a second time in pandas, gives the integers of the product's cubes."""

from __future__ import annotations

import ast
import importlib.util
import math
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from exchange.counting import counting
from exchange.counting.engines import OnStore
from exchange.indicators.cohort import Question
from exchange.indicators.reading import shipped_definitions
from exchange.records import codes
from exchange.records.model import Answer, Dataset, Episode, Measurement
from exchange.store import tables


def _beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"pandas_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


reading = _beside("pandas_reading")
made = _beside("test_engines_agree")

# The first period is that of the other generated tests; in the later ones long windows close, one on the very day.
PERIODS = [
    (date(2024, 1, 1), date(2025, 1, 1), date(2025, 2, 28)),
    (date(2024, 2, 29), date(2025, 3, 1), date(2026, 1, 31)),
    (date(2025, 1, 1), date(2026, 1, 1), date(2025, 3, 30)),
]
AGREED = frozenset({"a1"})
PRACTICES: list[tuple[int, int, dict[str, Any]]] = [
    (1, 0, {}), (2, 3, {}), (4, 40, {}), (5, 200, {"agreements": AGREED}),
    (6, 250, {"within": AGREED}), (7, 250, {}),
]  # fmt: skip
# What cannot be: in its own records a practice loses nobody from view, and what was not done is known.
OWN = ("advice-taken-up", "durable-discharge-6", "durable-discharge-12", "measured", "onward-advice", "responders")
NOUGHT = {(name, "censored") for name in (*OWN, "returns-on-time")} | {
    (name, "unknown") for name in ("evaluation-moments", "measured", "returns-on-time")
}
# What is asked over how many days before and after: the first day and the last day that is asked about.
ASKED = [("fall", 182, 92), ("fall", 273, 183), ("fall", 455, 365), ("gp-contact", 455, 365)]
SCALES = {
    name: reading.Scale(
        one.better == "lower", one.lowest if one.better == "lower" else one.highest, one.mic, one.mic_percent,
        one.mdc and math.ceil(one.mdc * 1.959964 / {90: 1.644854, 95: 1.959964, None: 1.959964}[one.mdc_confidence]),
        one.effect,
    )
    for name, one in made.INSTRUMENTS.items()
}  # fmt: skip


def expected(row: Any) -> int | None:
    """Look a patient up in the invented table: aged under 18 or not at the start, in whole years."""
    if pd.isna(row.birth_date) or not isinstance(row.chronic, bool):
        return None
    of_age = row.birth_date + pd.DateOffset(years=18) <= row.start
    key = ("18-" if of_age else "0-17", row.sex, row.diagnosis[:2], "yes" if row.chronic else "no")
    return made.TABLE.rows.get(key)  # type: ignore[no-any-return]


def sharpened(dataset: Dataset, seed: int) -> Dataset:
    """Add what the drawn records seldom hold, each with its edges a day before, on, or after the day that decides."""
    drawn = random.Random(seed)
    dataset = _lost_after_handover(dataset, drawn)
    ended = [(one, one.end) for one in dataset.episodes if one.end is not None and drawn.random() < 0.7]
    answers = [each for one, end in ended for each in _followed(one, end, drawn)]
    scores = [each for one, end in ended for each in _scored(one, end, drawn)]
    return replace(
        dataset,
        answers=(*dataset.answers, *answers, *_returned(dataset, drawn)),
        measurements=(*dataset.measurements, *scores),
    )


def _months(day: date, number: int) -> date:
    return (pd.Timestamp(day) + pd.DateOffset(months=number)).date()


def _said(name: str, one: Episode, event: str, window: tuple[date, date], status: str, **more: Any) -> Answer:
    more = {"case_id": "c", "evidence": codes.Evidence.SIGNED} | more
    return Answer(
        answer_id=f"{name}{one.episode_id}",
        episode_id=one.episode_id,
        element=f"answer.{event}",
        start=window[0],
        end=window[1],
        status=codes.Answered(status),
        **more,
    )


def _lost_after_handover(dataset: Dataset, drawn: random.Random) -> Dataset:
    """Let clients who were handed over die or move around the window's last day, with a "no" of the partner."""
    handovers: dict[str, date] = {}
    for each in dataset.evaluations:
        if each.decision is codes.NextStep.HAND_OVER:
            handovers[each.episode_id] = min(each.day, handovers.get(each.episode_id, each.day))
    episodes, answers = list(dataset.episodes), list(dataset.answers)
    for number, one in enumerate(episodes):
        day = handovers.get(one.episode_id)
        if day is None or drawn.random() < 0.5:
            continue
        event, until = drawn.choice([("programme-start", day + timedelta(42)), ("programme-active", _months(day, 5))])
        reason = drawn.choice([codes.EndReason.DIED, codes.EndReason.MOVED])
        episodes[number] = replace(one, end=until + timedelta(drawn.choice([-1, 0, 0, 30])), end_reason=reason)
        answers.append(_said("u", one, event, (day, until), "no"))
    return replace(dataset, episodes=tuple(episodes), answers=tuple(answers))


def _followed(one: Episode, end: date, drawn: random.Random) -> Iterator[Answer]:
    """Answer both about the time before a treatment and about the time after it."""
    months = drawn.choice([3, 6, 12])
    event = drawn.choice(["analgesic", "work-days-lost"])
    yield _said("v", one, event, (_months(one.start, -1), one.start), "yes")
    late = (_months(end, months - 1), _months(end, months) - timedelta(drawn.choice([0, 0, 0, 1])))
    yield _said("w", one, event, late, drawn.choice(["no", "no", "yes"]))
    event, first, last = drawn.choice(ASKED)
    early = (one.start - timedelta(first), one.start - timedelta(90))
    yield _said("x", one, event, early, "yes", count=drawn.randint(1, 4))
    status, count = drawn.choice([("no", None), ("yes", 1), ("yes", 3)])
    yield _said("y", one, event, (end, end + timedelta(last)), status, count=count)


def _scored(one: Episode, end: date, drawn: random.Random) -> Iterator[Measurement]:
    """Score the PSK at the start and around a day on which a window after the end opens or closes."""
    after = _months(end, drawn.choice([2, 3, 4, 5, 6, 7, 11, 12, 13])) + timedelta(drawn.choice([-1, 0]))
    for name, day in (("v", one.start + timedelta(drawn.choice([-28, 0, 28]))), ("w", after)):
        yield Measurement(f"{name}{one.episode_id}", one.episode_id, one.patient_id, "psk", day, drawn.randint(0, 100))


def _returned(dataset: Dataset, drawn: random.Random) -> Iterator[Answer]:
    """Answer until a year after the end or a day less, on the last day on which that is in time or a day beside it."""
    episodes = {one.episode_id: one for one in dataset.episodes}
    for case in dataset.cases:
        one = episodes[case.episode_id]
        if one.end is not None and drawn.random() < 0.7:
            until = _months(one.end, 12)
            by = max(until, case.opened_on) + timedelta(30 + drawn.choice([-1, 0, 0, 1]))
            window = (one.end, until - timedelta(drawn.choice([0, 0, 0, 1])))
            ident = {"case_id": case.case_id, "received_on": by}
            yield replace(_said("z", one, "admission", window, "unknown", **ident), answer_id=f"z{case.case_id}")


@pytest.fixture(scope="module")
def engine() -> Iterator[sa.Engine]:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    tables.metadata.create_all(engine)
    yield engine
    engine.dispose()


def compared(engine: sa.Engine, seed: int, size: int, under: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return for each definition what pandas finds in a generated practice and what the product's cube holds."""
    dataset = sharpened(made._Maker(seed, size).dataset(), seed)
    frames, definitions = reading.frames(dataset), shipped_definitions()
    found = []
    with engine.connect() as connection, connection.begin() as transaction:
        made.write(connection, dataset)
        for start, end, cut_off in PERIODS:
            asked = [
                Question(definitions[name], start, end, cut_off, (), made.INSTRUMENTS, **under)
                for name in reading.READINGS
            ]
            practice = reading.Practice(frames, SCALES, reading.Asked(start, end, cut_off, **under), expected)
            cubes = list(counting.cubes(OnStore(connection), asked, reference=made.TABLE))
            for question, cube in zip(asked, cubes, strict=True):
                name = question.definition.id
                found.append((name, (seed, size, start), reading.READINGS[name](practice), cube.total.counts))
        transaction.rollback()
    return found


def test_every_shipped_indicator_has_a_second_reading_or_a_reason_why_not() -> None:
    assert set(reading.READINGS).isdisjoint(reading.NOT_READ)
    assert {*reading.READINGS, *reading.NOT_READ} == set(shipped_definitions())
    assert all(reading.NOT_READ.values())
    # A new version says something else, so it is read anew here as well.
    assert {one.version for one in shipped_definitions().values()} == {1}


def test_the_second_reading_knows_nothing_of_the_product() -> None:
    tree = ast.parse(Path(__file__).with_name("pandas_reading.py").read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names} | {
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
    }
    assert imported == {"__future__", "collections.abc", "dataclasses", "datetime", "typing", "pandas"}


def test_pandas_finds_the_integers_of_the_cubes_in_generated_practices(engine: sa.Engine) -> None:
    reached: dict[str, Counter[str]] = {}
    for seed, size, under in PRACTICES:
        for name, where, mine, theirs in compared(engine, seed, size, under):
            assert mine == {each: theirs[each] for each in mine}, (name, where, under)
            reached.setdefault(name, Counter()).update(mine)
    # Agreement on counts that are always nought would show nothing.
    never = {(name, each) for name, counts in reached.items() for each, count in counts.items() if not count}
    assert never == NOUGHT
