"""Pooled data: what an agreement lets out of the practice's records, without anyone in them, as partitioned Parquet."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.errors import AgreementError, Refused
from exchange.findings import Decision, Premise
from exchange.operations import catching_up, files, telling, trail
from exchange.operations.coarsening import LEAST, Known, by_weeks, coarsened
from exchange.operations.gathering import Terms, terms_of
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.agreements.agreement import Party
    from exchange.records.model import Dataset, Episode

EVENT = "pooled-records"
FORMAT = "pooled-records/1"
ABOUT = "about"


@dataclass(frozen=True, slots=True)
class Pooled:
    """What was exported, or would be; `refused` counts patients by the premise that kept them back.

    `coarser` are the patients whose year of birth, sex or diagnosis group is less exact than it is known, `hidden`
    those who would have been recognisable all the same and were left out.
    """

    agreement: str
    party: str
    folder: Path | None
    source: str
    rows: Mapping[str, int]
    patients: int
    coarser: int
    hidden: int
    refused: Mapping[str, int] = field(default_factory=dict)
    dry_run: bool = False


def export(workspace: Workspace, agreement: str, *, to: Path | None = None, dry_run: bool = False) -> Pooled:
    """Write what an agreement with a clause on pooled records lets out, into a new folder.

    Raises Refused where the gate lets nobody's data through on one ground, and AgreementError where the agreement
    has no such clause, more than one receiver, or nothing to export.
    """
    if not dry_run:
        catching_up.require_caught_up(workspace)
    terms = terms_of(workspace, agreement)
    party = _receiver(terms)
    folder = to or workspace.folder / "outbox" / f"records-{agreement}-{workspace.on.isoformat()}"
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise AgreementError("pooling.not-empty", hints=("hint.empty-folder",), folder=str(folder))
    dataset = workspace.store.dataset()
    episodes, refused = _admitted(terms, party, dataset)
    chosen = _Chosen.of(terms, dataset, episodes)
    _require_hidden(chosen)
    source = f"p{secrets.token_hex(8)}"
    rows = {name: list(found) for name, found in chosen.tables().items()}
    done = Pooled(
        agreement, party.party, None if dry_run else folder, source, {name: len(one) for name, one in rows.items()},
        len(chosen.people), chosen.coarser, chosen.hidden, refused, dry_run,
    )  # fmt: skip
    if not dry_run:
        _write(terms, done, folder, rows, sorted(chosen.people))
    return done


def _receiver(terms: Terms) -> Party:
    """Return the one party that may have pooled records."""
    if terms.us.role != "practice" or terms.frozen.flow(EVENT, "practice") is None:
        raise AgreementError("pooling.no-clause", hints=("hint.pooling-clause",), id=terms.stored.agreement_id)
    if len(terms.others) != 1:
        raise AgreementError("pooling.several", hints=("hint.pooling-several",), id=terms.stored.agreement_id)
    return terms.others[0]


def _admitted(terms: Terms, party: Party, dataset: Dataset) -> tuple[list[Episode], Mapping[str, int]]:
    """Ask the gate about each patient, and return the episodes of those it lets through."""
    from exchange.agreements import gate
    from exchange.agreements.facts import CaseFacts

    begin, on = terms.frozen.agreement.term.covers_from, terms.workspace.on
    within = [one for one in dataset.episodes if begin <= one.start < on and not one.foreign]
    refused: Counter[str] = Counter()
    first: Sequence[Premise] = ()
    passed: set[str] = set()
    for patient in sorted({one.patient_id for one in within}):
        said = terms.consent(patient, party.party, terms.purpose(EVENT, "practice"))
        facts = CaseFacts(opened_on=None, belongs=False, consent=None if said is None else said.state)
        elements = terms.flow_elements(EVENT, "practice")
        asked = telling.question(terms, party, EVENT, elements=elements, case=facts, period=(min(begin, on), on))
        decision = gate.decide(asked, terms.frozen)
        if decision.allowed:
            passed.add(patient)
        else:
            refused[decision.failed[0].rule] += 1
            first = first or decision.premises
    if not passed:
        _refuse(terms, first)
    return [one for one in within if one.patient_id in passed], dict(sorted(refused.items()))


def _refuse(terms: Terms, premises: Sequence[Premise]) -> None:
    from exchange.agreements import gate

    ground = terms.stored.agreement_id
    if not premises:
        raise AgreementError("pooling.nobody", id=ground)
    decision = Decision(tuple(premises))
    failed = decision.failed[0]
    trail.note(terms.workspace, "export-refused", ground=ground, outcome="refused", detail=failed.rule)
    raise Refused(failed.rule, decision=decision, hints=gate.remedies(decision), clause=failed.clause, **failed.params)


def _write(terms: Terms, done: Pooled, folder: Path, rows: Mapping[str, Any], patients: Sequence[str]) -> None:
    """Write the tables and what they are, then the trail: for each patient that their data went out."""
    from exchange.counting import parquet

    parquet.write(folder, done.source, rows)
    about = asdict(done) | {
        "format": FORMAT,
        "digest": terms.stored.digest,
        "on": terms.workspace.on.isoformat(),
        "covers_from": terms.frozen.agreement.term.covers_from.isoformat(),
        "dates": "weeks-since-start",
        "least": LEAST,
    }
    del about["folder"], about["dry_run"], about["refused"]
    (folder / ABOUT).mkdir(exist_ok=True)
    text = json.dumps(about, ensure_ascii=False, indent=1, sort_keys=True)
    files.write(folder / ABOUT / f"{done.source}.json", text.encode("utf-8"))
    trail.note_each(
        terms.workspace, "pooled", patients, object=f"records:{done.source}", counterparty=done.party,
        ground=terms.stored.agreement_id,
    )  # fmt: skip


def _require_hidden(chosen: _Chosen) -> None:
    """Look once more, at what will be written and not at how it came about."""
    from exchange.agreements import gate

    people = chosen.people.values()
    cells = [cell for known in people for cell in known.cells()]
    if not people or gate.too_few(cells, LEAST):
        raise AgreementError("pooling.recognisable", least=LEAST)


@dataclass
class _Chosen:
    """The records that go out, under ids that are drawn for this export and mean nothing elsewhere."""

    terms: Terms
    dataset: Dataset
    episodes: Mapping[str, Episode]
    people: Mapping[str, Known]
    coarser: int
    hidden: int
    allowed: frozenset[str]
    under: frozenset[str]

    @classmethod
    def of(cls, terms: Terms, dataset: Dataset, episodes: Sequence[Episode]) -> _Chosen:
        """Coarsen what can be recognised."""
        allowed = terms.flow_elements(EVENT, "practice")
        patients = {one.patient_id: one for one in dataset.patients}
        groups: dict[str, set[str]] = {}
        for one in episodes:
            groups.setdefault(one.patient_id, set()).add(one.location if "episode.location" in allowed else "")
        known: dict[str, Known] = {}
        for patient, places in groups.items():
            person = patients.get(patient)
            born = person.birth_date if person is not None and "patient.birth-date:year" in allowed else None
            sex = person.sex.value if person is not None and "patient.sex" in allowed else "unknown"
            known[patient] = Known(None if born is None else born.year, sex, frozenset(places), 1 if born else 0)
        hidden = coarsened(known)
        return cls(
            terms,
            dataset,
            {one.episode_id: one for one in episodes if one.patient_id in hidden},
            hidden,
            sum(hidden[one] != known[one] for one in hidden),
            len(known) - len(hidden),
            allowed,
            _agreements_that_pool(terms),
        )

    def tables(self) -> Mapping[str, Iterator[tuple[Any, ...]]]:
        """Return the rows of each table, in the order of its columns."""
        self._names: dict[str, str] = {}
        return {
            "patient": self._patients(),
            "episode": self._episodes(),
            "session": self._sessions(),
            "measurement": self._measurements(),
            "referral": self._referrals(),
            "evaluation": self._evaluations(),
            "answer": self._answers(),
            "case_opened": self._cases(),
        }

    def _name(self, ident: str) -> str:
        return self._names.setdefault(ident, secrets.token_hex(16))

    def _may(self, element: str, value: Any, otherwise: Any = None) -> Any:
        return value if element in self.allowed else otherwise

    def _patients(self) -> Iterator[tuple[Any, ...]]:
        for ident, known in self.people.items():
            yield self._name(ident), known.sex, None if known.year is None else date(known.year, 1, 1)

    def _episodes(self) -> Iterator[tuple[Any, ...]]:
        for one in self.episodes.values():
            places = self.people[one.patient_id].groups
            yield (
                self._name(one.episode_id),
                self._name(one.patient_id),
                by_weeks(one.start, one.start),
                self._may("episode.end:weeks-since-start", by_weeks(one.end, one.start)),
                "",
                one.location if one.location in places else "",
                self._may("episode.access", one.access.value, "unknown"),
                self._may("episode.end-reason", one.end_reason.value, "unknown"),
                self._may("episode.onward-advice", one.onward_advice.value, "unknown"),
                self._may("episode.chronic", None if one.chronic is None else int(one.chronic)),
                self._may("measurement.instrument", one.instrument, ""),
                "",
                0,
            )

    def _sessions(self) -> Iterator[tuple[Any, ...]]:
        if "session.count" not in self.allowed:
            return
        kept = [one for one in self.dataset.sessions if one.episode_id in self.episodes]
        for number, one in enumerate(sorted(kept, key=lambda one: (one.day, one.session_id))):
            start = self.episodes[one.episode_id].start
            yield number, self._name(one.episode_id), by_weeks(one.day, start), one.type.value

    def _measurements(self) -> Iterator[tuple[Any, ...]]:
        if "measurement.instrument" not in self.allowed:
            return
        kept = [one for one in self.dataset.measurements if one.episode_id in self.episodes]
        for number, one in enumerate(sorted(kept, key=lambda one: (one.day, one.measurement_id))):
            start = self.episodes[one.episode_id].start
            score = self._may("measurement.score", one.score)
            yield number, self._name(one.episode_id), one.instrument, by_weeks(one.day, start), score

    def _referrals(self) -> Iterator[tuple[Any, ...]]:
        if "referral.counterfactual" not in self.allowed:
            return
        kept = [one for one in self.dataset.referrals if one.episode_id in self.episodes]
        for number, one in enumerate(sorted(kept, key=lambda one: (one.recorded_on or date.max, one.referral_id))):
            start = self.episodes[one.episode_id].start
            recorded = by_weeks(one.recorded_on, start, up=True)
            day = self._may("referral.day", by_weeks(one.day, start))
            yield number, self._name(one.episode_id), day, one.counterfactual.value, recorded

    def _evaluations(self) -> Iterator[tuple[Any, ...]]:
        if "evaluation.day" not in self.allowed and "evaluation.session-number" not in self.allowed:
            return
        kept = [one for one in self.dataset.evaluations if one.episode_id in self.episodes]
        for number, one in enumerate(sorted(kept, key=lambda one: (one.day, one.evaluation_id))):
            start = self.episodes[one.episode_id].start
            yield (
                number,
                self._name(one.episode_id),
                one.session_number,
                by_weeks(one.day, start),
                self._may("evaluation.effect", one.effect.value, "unknown"),
                self._may("evaluation.advice-taken-up", one.advice_taken_up.value, "unknown"),
                self._may("evaluation.decision", one.decision.value, "continue"),
                self._may("evaluation.told-referrer-on", by_weeks(one.told_referrer_on, start)),
            )

    def _answers(self) -> Iterator[tuple[Any, ...]]:
        of_case = {one.case_id: one.agreement_id for one in self.dataset.cases}
        for one in self.dataset.answers:
            passes = one.element in self.allowed and of_case.get(one.case_id) in self.under
            if not passes or one.episode_id not in self.episodes:
                continue
            start = self.episodes[one.episode_id].start
            yield (
                self._name(one.case_id),
                self._name(one.episode_id),
                one.element,
                by_weeks(one.start, start),
                by_weeks(one.end, start, up=True),
                one.status.value,
                one.evidence.value,
                one.count,
                by_weeks(one.first_day, start),
                by_weeks(one.received_on, start, up=True),
            )

    def _cases(self) -> Iterator[tuple[Any, ...]]:
        for one in self.dataset.cases:
            if one.episode_id in self.episodes and one.agreement_id in self.under:
                start = self.episodes[one.episode_id].start
                yield self._name(one.case_id), self._name(one.episode_id), "", by_weeks(one.opened_on, start)


def _agreements_that_pool(terms: Terms) -> frozenset[str]:
    """Return the agreements in force whose partners' answers may go along: those that say so themselves."""
    from exchange.agreements import life
    from exchange.operations import agreeing

    in_force = {one.value for one in life.IN_FORCE}
    return frozenset(
        one.agreement_id
        for one in terms.workspace.store.agreements.list()
        if agreeing.state(terms.workspace, one) in in_force and agreeing.thawed(one).flow(EVENT, "practice") is not None
    )
