"""The records of a Dataset by what they belong to, so that the oracle looks each up once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from exchange.indicators.vocabulary import SESSION_TYPES
from exchange.records.codes import NextStep
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

_T = TypeVar("_T", Session, Measurement, Referral, Evaluation, Answer, Case)


@dataclass(frozen=True, slots=True)
class Facts:
    """A Dataset by episode and patient; sessions are treatment sessions only, in order."""

    patients: Mapping[str, Patient]
    episodes: Sequence[Episode]
    by_patient: Mapping[str, Sequence[Episode]]
    sessions: Mapping[str, Sequence[Session]]
    measurements: Mapping[str, Sequence[Measurement]]
    referrals: Mapping[str, Sequence[Referral]]
    evaluations: Mapping[str, Sequence[Evaluation]]
    answers: Mapping[str, Sequence[Answer]]
    cases: Mapping[str, Sequence[Case]]
    aggregates: Sequence[Aggregate]
    handovers: Mapping[str, Evaluation]


def facts_of(dataset: Dataset) -> Facts:
    """Return a dataset's records by what they belong to; every order ends in a unique key."""
    by_patient: dict[str, list[Episode]] = defaultdict(list)
    for episode in dataset.episodes:
        by_patient[episode.patient_id].append(episode)
    treatments = (each for each in dataset.sessions if each.type.value in SESSION_TYPES)
    return Facts(
        patients={patient.patient_id: patient for patient in dataset.patients},
        episodes=tuple(sorted(dataset.episodes, key=lambda episode: episode.episode_id)),
        by_patient=by_patient,
        sessions=_by_episode(sorted(treatments, key=lambda each: (each.day, each.session_id))),
        measurements=_by_episode(sorted(dataset.measurements, key=lambda each: (each.day, each.measurement_id))),
        referrals=_by_episode(dataset.referrals),
        evaluations=_by_episode(sorted(dataset.evaluations, key=lambda each: (each.day, each.evaluation_id))),
        answers=_by_episode(dataset.answers),
        cases=_by_episode(dataset.cases),
        aggregates=dataset.aggregates,
        handovers=_handovers(dataset.evaluations),
    )


def _handovers(evaluations: Iterable[Evaluation]) -> dict[str, Evaluation]:
    """Return the evaluation that first handed each episode over to a partner."""
    found: dict[str, Evaluation] = {}
    for each in sorted(evaluations, key=lambda each: (each.day, each.evaluation_id)):
        if each.decision is NextStep.HAND_OVER:
            found.setdefault(each.episode_id, each)
    return found


def _by_episode(records: Iterable[_T]) -> dict[str, list[_T]]:
    found: dict[str, list[_T]] = defaultdict(list)
    for record in records:
        found[record.episode_id].append(record)
    return found
