"""Figures: the same definitions read a second time with plain pandas, and what little data make of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from exchange.errors import IndicatorError, StoreError
from exchange.operations import figuring, reasoning
from exchange.operations.workspace import Workspace

START, END = date(2024, 1, 1), date(2026, 1, 1)
NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def practice(played: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("figuring") / "praktijk"
    shutil.copytree(played / "praktijk", folder)
    with Workspace.open(folder, passphrase=lambda _n: "", now=NOW, on=NOW.date(), user="t") as opened:
        yield opened


@pytest.fixture(scope="module")
def frames(practice: Workspace) -> dict[str, pd.DataFrame]:
    """Return the store's dataset as plain pandas frames: nothing of our counting is in them."""
    data = practice.store.dataset()
    return {
        name: pd.DataFrame([{field: _plain(getattr(one, field)) for field in _names(one)} for one in rows])
        for name, rows in {
            "episodes": data.episodes, "sessions": data.sessions, "evaluations": data.evaluations,
        }.items()
    }  # fmt: skip


def _names(record: Any) -> tuple[str, ...]:
    return tuple(getattr(record, "_fields", type(record).__slots__))


def _plain(value: Any) -> Any:
    return value.value if hasattr(value, "value") else value


def one(practice: Workspace, name: str, **more: Any) -> Any:
    (figure,) = figuring.figures(practice, (name,), start=START, end=END, **more)
    return figure


def own_sessions(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the sessions that count, of treatments of this practice."""
    sessions, episodes = frames["sessions"], frames["episodes"]
    ours = episodes.loc[~episodes.foreign, "episode_id"]
    return sessions[sessions.type.isin(["session", "group"]) & sessions.episode_id.isin(ours)]


def test_sessions_per_patient_read_with_pandas(practice: Workspace, frames: dict[str, pd.DataFrame]) -> None:
    figure = one(practice, "sessions-per-patient")
    sessions = own_sessions(frames)
    per_patient = sessions[(sessions.day >= START) & (sessions.day < END)].groupby("patient_id").size()
    assert figure.numerator == per_patient.sum()
    assert figure.patients == figure.denominator == len(per_patient)
    assert figure.value == pytest.approx(per_patient.mean())
    assert figure.details["median"] == per_patient.median()
    assert figure.details["sd"] == pytest.approx(per_patient.std())
    assert figure.details["upper-quartile"] == pytest.approx(per_patient.quantile(0.75))
    classes = pd.cut(per_patient, [0, 3, 6, 9, 12, 18, 24, 10**6], labels=list(figure.parts)).value_counts()
    assert dict(figure.parts) == classes.to_dict()


def test_onward_advice_read_with_pandas(practice: Workspace, frames: dict[str, pd.DataFrame]) -> None:
    figure = one(practice, "onward-advice")
    episodes = frames["episodes"]
    ended = episodes[~episodes.foreign & episodes.end.notna()]
    ended = ended[(ended.end >= START) & (ended.end < END)]
    counted = ended[ended.end_reason != "died"]
    answered = counted[counted.onward_advice.isin(["yes", "no"])]
    without = answered[answered.onward_advice == "no"]
    assert figure.excluded == len(ended) - len(counted)
    assert figure.due == len(counted)
    assert (figure.numerator, figure.denominator) == (len(without), len(answered))
    assert figure.unknown == len(counted) - len(answered)
    assert figure.patients == answered.patient_id.nunique()
    assert figure.numerator_patients == without.patient_id.nunique()
    assert figure.bounds is None or figure.bounds == (
        pytest.approx(len(without) / len(counted)),
        pytest.approx((len(without) + figure.unknown) / len(counted)),
    )


def test_evaluation_moments_read_with_pandas(practice: Workspace, frames: dict[str, pd.DataFrame]) -> None:
    figure = one(practice, "evaluation-moments")
    sessions = own_sessions(frames).sort_values(["episode_id", "day", "session_id"])
    sessions = sessions.assign(number=sessions.groupby("episode_id").cumcount() + 1)
    due = sessions[sessions.number.isin([4, 8, 12]) & (sessions.day >= START) & (sessions.day < END)]
    done = frames["evaluations"][["episode_id", "session_number"]].drop_duplicates()
    both = due.merge(done, left_on=["episode_id", "number"], right_on=["episode_id", "session_number"])
    assert (figure.numerator, figure.denominator) == (len(both), len(due))
    assert figure.value == pytest.approx(len(both) / len(due))
    assert figure.patients == due.patient_id.nunique()


def test_a_split_by_location_read_with_pandas(practice: Workspace, frames: dict[str, pd.DataFrame]) -> None:
    figures = figuring.figures(practice, ("onward-advice",), start=START, end=END, group_by=("location",))
    episodes = frames["episodes"]
    ended = episodes[~episodes.foreign & episodes.end.notna() & (episodes.end_reason != "died")]
    ended = ended[(ended.end >= START) & (ended.end < END) & ended.onward_advice.isin(["yes", "no"])]
    by_location = ended.groupby(ended.diagnosis.str[:2]).size().to_dict()
    assert {figure.group["location"]: figure.denominator for figure in figures if figure.denominator} == by_location


def test_a_frame_has_a_row_per_figure_and_a_column_per_count(practice: Workspace) -> None:
    found = figuring.figures(practice, ("onward-advice", "sessions-per-patient"), start=START, end=END)
    frame = figuring.frame(found)
    assert list(frame.indicator) == ["onward-advice", "sessions-per-patient"]
    assert {"interval_lower", "interval_method", "parts_1-3", "details_median"} <= set(frame.columns)
    assert {"interval_design_effect", "interval_design_effect_best", "interval_standard_error"} <= set(frame.columns)
    assert all(pd.api.types.is_scalar(cell) for cell in frame.to_numpy().ravel())  # a cell holds one number
    assert figuring.frame(()).empty


def test_queries_are_those_of_the_store_it_runs_on(practice: Workspace) -> None:
    from dataclasses import replace

    (sqlite,) = figuring.queries(practice, ("measured",)).values()
    settings = practice.settings
    try:
        practice.settings = replace(settings, store="postgresql+psycopg://nobody@nowhere/none")
        (postgresql,) = figuring.queries(practice, ("measured",)).values()
    finally:
        practice.settings = settings
    assert sqlite != postgresql
    assert "SELECT" in postgresql


def test_why_needs_a_client_and_answers_for_every_kind_of_indicator(practice: Workspace) -> None:
    with pytest.raises(StoreError) as nobody:
        reasoning.why(practice, (), "nobody")
    assert nobody.value.rule == "operations.unknown-epd"
    told = reasoning.why(practice, (), "P00001", language="en")
    heads = [line for line in told if not line.startswith("  ")]
    assert len(heads) == len(figuring.definitions())
    for name in ("sessions-per-patient", "evaluation-moments", "gp-contacts", "returns-on-time", "treatment-index"):
        first, *steps = reasoning.why(practice, (name,), "P00001", language="en")
        assert steps, first
        assert all(
            step.strip().startswith(("yes:", "no:", "unknown:", "not reached:", "not due yet:")) for step in steps
        )
    (totals,) = reasoning.why(practice, ("specialist-referral-rate",), "P00001", language="en")
    assert "counts partners' totals" in totals


def test_no_sessions_no_measurements_and_no_answers_is_no_score(town: Any) -> None:
    with town.open("praktijk") as workspace:
        found = {figure.indicator: figure for figure in figuring.figures(workspace)}
        oracle = {figure.indicator: figure for figure in figuring.figures(workspace, engine="oracle")}
    assert found == oracle
    for name in ("sessions-per-patient", "evaluation-moments", "substitution-net"):
        assert found[name].value is None, name
        assert found[name].denominator in {0, None}
        assert found[name].interval is None
        assert found[name].verdict is None


def test_an_empty_practice_has_no_figures_and_no_zeros(town: Any) -> None:
    with town.open("welzijn") as workspace:
        for figure in figuring.figures(workspace):
            assert figure.value is None, figure.indicator
            assert figuring.row(figure, "nl")[2] != "0,0%"
            assert "None" not in " ".join(figuring.row(figure, "nl"))


def test_one_patient_is_masked_for_everyone_outside(treated: Any) -> None:
    with treated.open("praktijk") as workspace:
        day = min(one.day for one in workspace.store.dataset().sessions)
        (ours,) = figuring.figures(workspace, ("sessions-per-patient",), start=day, end=_after(day))
        (theirs,) = figuring.figures(
            workspace, ("sessions-per-patient",), start=day, end=_after(day), audience="insurer"
        )  # fmt: skip
    assert ours.patients in range(1, 10)
    assert ours.value is not None
    assert theirs.masked == "disclosure.too-few"
    assert theirs.value is theirs.patients is None
    assert theirs.parts == theirs.details == {}


def _after(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)


def test_quartiles_of_few_patients_are_withheld(treated: Any) -> None:
    with treated.open("praktijk") as workspace:
        (figure,) = figuring.figures(workspace, ("sessions-per-patient",), audience="insurer")
    assert 10 <= figure.patients < 40
    assert "lower-quartile" not in figure.details
    assert "details.upper-quartile" in figure.withheld


def test_a_period_without_data_ends_where_it_was_asked(town: Any) -> None:
    with town.open("welzijn") as workspace:
        assert figuring.period(workspace, None, date(2025, 1, 1)) == (date(2025, 1, 1), date(2025, 1, 1))
        with pytest.raises(IndicatorError):
            figuring.period(workspace, date(2025, 1, 2), date(2025, 1, 1))
