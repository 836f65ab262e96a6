"""The generated practices of `test_engines_agree` as exported tables, and the comparison with the oracle."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from exchange.counting import counting, parquet
from exchange.counting.engines import Engine
from exchange.indicators import oracle
from exchange.indicators.cohort import Question
from exchange.records.model import Dataset

_RENAMED = {"start_date": "start", "end_date": "end"}


def _generated() -> ModuleType:
    spec = importlib.util.spec_from_file_location("engines_agree", Path(__file__).with_name("test_engines_agree.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generated = _generated()


def _cell(record: Any, column: str, kind: str) -> Any:
    value = getattr(record, _RENAMED.get(column, column))
    if value is None:
        return None
    return {parquet.FLAG: int, parquet.LARGE: int, parquet.TEXT: str}.get(kind, lambda same: same)(value)


def write(folder: Path, dataset: Dataset, source: str = "made") -> dict[str, int]:
    """Write a dataset as it is: no weeks for days, no coarsening."""
    records: dict[str, tuple[Any, ...]] = {
        "patient": dataset.patients,
        "episode": dataset.episodes,
        "session": dataset.sessions,
        "measurement": dataset.measurements,
        "referral": dataset.referrals,
        "evaluation": dataset.evaluations,
        "answer": dataset.answers,
        "aggregate": dataset.aggregates,
        "case_opened": dataset.cases,
    }
    return parquet.write(
        folder,
        source,
        {
            name: [tuple(_cell(one, *column) for column in parquet.TABLES[name].columns.items()) for one in listed]
            for name, listed in records.items()
        },
    )


def halves(dataset: Dataset) -> Iterator[Dataset]:
    """Yield a dataset in two, as if of two practices: each with the records of every other patient."""
    known = {one.patient_id for one in dataset.patients}
    patients = sorted(known | {one.patient_id for one in dataset.episodes})
    for here in (set(patients[::2]), set(patients[1::2])):
        episodes = tuple(one for one in dataset.episodes if one.patient_id in here)
        ids = {one.episode_id for one in episodes}
        rest = {
            name: tuple(one for one in getattr(dataset, name) if one.episode_id in ids)
            for name in ("sessions", "measurements", "referrals", "evaluations", "answers", "cases")
        }
        people = tuple(one for one in dataset.patients if one.patient_id in here)
        totals = dataset.aggregates if patients[0] in here else ()
        yield replace(dataset, patients=people, episodes=episodes, aggregates=totals, **rest)


def differing(
    engine: Engine,
    dataset: Dataset,
    group_by: tuple[str, ...],
    under: tuple[frozenset[str] | None, ...] = (None, frozenset({"a1"})),
) -> Iterator[str]:
    """Yield each definition for which an engine gives other integers than the oracle."""
    g = generated
    asked = [
        Question(one, g.START, g.END, g.CUT_OFF, g._split(one, group_by), g.INSTRUMENTS, agreements)
        for agreements in under
        for one in g._definitions()
    ]
    for q, cube in zip(asked, counting.cubes(engine, asked, reference=g.TABLE), strict=True):
        expected = oracle.cube(
            q.definition,
            dataset,
            start=q.start,
            end=q.end,
            cut_off=q.cut_off,
            group_by=q.group_by,
            instruments=q.instruments,
            reference=g.TABLE if q.definition.reference else None,
            agreements=q.agreements,
        )
        if cube != expected:
            yield q.definition.id
