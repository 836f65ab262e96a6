"""What a partner is told of figures: those of its agreement, as of the last agreed moment, where the agreement says so.

A partner is an outsider to every patient that is not its own, so a figure goes under the disclosure control of
outsiders, the same one to every party, and stands in the ledger of releases. It is published once; as answers come
later it is sent again only when at least ten patients stand in another of its counts. The outcome of one patient goes
only to the party that refers or treats them, where the agreement names it and the consent stands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from exchange.errors import StoreError
from exchange.findings import Finding, Severity
from exchange.operations import figuring, releasing, tabling, weighing
from exchange.operations.choosing import Asked
from exchange.operations.gathering import Terms
from exchange.operations.passing import Onward
from exchange.operations.telling import Draft, add, keep, nobody, question
from exchange.operations.workspace import Workspace
from exchange.records.codes import ConsentState
from exchange.records.model import Case, Dataset

if TYPE_CHECKING:
    from exchange.indicators.figure import Figure

EVENT = "indicator-report"
FIGURE, INDIVIDUAL = "indicator.figure", "indicator.individual"
_KEY = 15


@dataclass(frozen=True, slots=True)
class _Ready:
    """One figure of an agreement: as asked, as counted, as its readers see it, and its report."""

    asked: Asked
    counted: Figure
    shown: Figure
    report: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Return the name under which is remembered what was told of this figure over this period."""
        return _named(self.asked.agreement, self.asked.definition.id, self.shown.start, self.shown.end)

    @property
    def digest(self) -> str:
        """Return the digest of all that the figure says; the day on which the report was made is no part of it."""
        return _digest({name: value for name, value in self.report.items() if name != "date"})


@dataclass
class Reports:
    """The figures that one export tells, each calculated once and held to the same ledger."""

    workspace: Workspace
    told: Mapping[tuple[str, str], str]
    _ready: dict[str, tuple[_Ready, ...]] = field(default_factory=dict)
    _ledger: releasing.Ledger | None = None
    _newest: int = 0

    def add(self, terms: Terms, draft: Draft, *, release: bool) -> None:
        """Draft what may go to one party; what may not is a decision or a finding of the draft."""
        allowed = terms.flow_elements(EVENT, "practice") if terms.us.role == "practice" else frozenset()
        moment = last_moment(terms)
        if moment is None:
            return
        if FIGURE in allowed:
            for one in self._figures(terms, moment):
                self._figure(terms, draft, one, release=release)
        if INDIVIDUAL in allowed:
            self._individuals(terms, draft, moment, release=release)

    def enter(self, draft: Draft, document: str) -> None:
        """Write in the ledger what a draft publishes, under the writers' lock; another may have released meanwhile."""
        if not draft.cells:
            return
        releases = self.workspace.store.releases
        if releases.newest() != self._newest:
            raise StoreError("exporting.meanwhile", hints=("hint.try-again",), party=draft.party.party)
        releasing.record(self.workspace, document, draft.cells)
        self._newest = releases.newest()

    # Over all patients --------------------------------------------------------------------------------------------

    def _figures(self, terms: Terms, moment: date) -> tuple[_Ready, ...]:
        """Return the figures of one version of an agreement, calculated for the first party it goes to."""
        digest = terms.stored.digest
        if digest not in self._ready:
            self._ready[digest] = tuple(_of_agreement(terms, moment))
        return self._ready[digest]

    def _figure(self, terms: Terms, draft: Draft, one: _Ready, *, release: bool) -> None:
        from exchange.agreements import gate

        asked = question(
            terms, draft.party, EVENT, elements=frozenset({FIGURE}), case=None, period=(one.shown.start, one.shown.end)
        )
        decision = gate.decide(asked, terms.frozen)
        keep(draft, EVENT, decision)
        if not decision.allowed or self.told.get((draft.party.party, one.key)) == one.digest:
            return
        judged = self.ledger.judge([(one.asked, one.counted, one.shown)])
        held = self._of_others(one, draft) or self._held_back(one, judged)
        if held is not None:
            draft.findings.append(held)
            return
        facts = replace(nobody(terms, draft.party), indicators=(one.report,))
        allowed = terms.flow_elements(EVENT, "practice")
        if add(terms, draft, EVENT, facts, allowed, self.told, release=release, key=one.key, digest=one.digest):
            draft.cells.extend(judged.cells)
            self.ledger.add(judged.cells, EVENT)

    @cached_property
    def _onward(self) -> Onward:
        return Onward(self.workspace)

    @cached_property
    def _plans(self) -> tabling.Plans:
        return tabling.Plans(self.workspace, self._onward)

    def _of_others(self, one: _Ready, draft: Draft) -> Finding | None:
        """Return why a figure does not go that rests on answers under agreements that keep them from this party."""
        agreement = one.asked.agreement
        behind = self._onward.behind(one.asked.definition, agreement) - {agreement}
        names = {name.casefold() for name in (draft.party.name, draft.party.label, draft.party.party) if name}
        refused = sorted(other for other in behind if not self._may_have(other, names))
        if not refused:
            return None
        params = {"title": one.asked.definition.id, "agreements": ", ".join(refused), "party": draft.party.name}
        return Finding("reporting.of-others", agreement, Severity.WARNING, params=params)

    def _may_have(self, agreement: str, names: set[str]) -> bool:
        """Say whether a clause on onward use names a party or its group; the words are people's own."""
        signed = self._plans.signed.get(agreement)
        clauses = signed.onward_use if signed is not None else ()
        return any(name in clause.to.casefold() for clause in clauses for name in names)

    @property
    def ledger(self) -> releasing.Ledger:
        """Return what outsiders have, with what this export tells."""
        if self._ledger is None:
            self._ledger = releasing.Ledger(self.workspace)
            self._newest = self._ledger.newest
        return self._ledger

    def _held_back(self, one: _Ready, judged: releasing.Judged) -> Finding | None:
        """Return why a figure does not go: it tells of a few beside what is known, or changed too little to say again.

        What any party was told counts: outsiders are one.
        """
        from exchange.indicators.disclosure import THRESHOLD

        params: dict[str, object] = {"title": one.asked.definition.id, "least": THRESHOLD}
        if judged.too_near is not None:
            params |= judged.too_near.said("nl") | {"title": one.asked.definition.id}
            return Finding("reporting.too-near", one.asked.agreement, Severity.WARNING, params=params)
        before = {digest for (_, key), digest in self.told.items() if key == one.key}
        # Of what was wholly withheld nothing is known yet; of totals without patients nobody knows how many changed.
        countable = judged.before or one.asked.definition.count == "aggregates"
        if before and one.digest not in before and countable and judged.changed < THRESHOLD:
            return Finding("reporting.changed-little", one.asked.agreement, Severity.INFORMATION, params=params)
        return None

    # Of one patient -----------------------------------------------------------------------------------------------

    def _individuals(self, terms: Terms, draft: Draft, moment: date, *, release: bool) -> None:
        """Draft the outcomes of each patient of one party, a message for each case.

        A case that this same export opens comes with the next one: over there its consent is known only by then.
        """
        kept = terms.workspace.store.cases.of_agreement(terms.stored.agreement_id)
        cases = [one for one in kept if one.partner == draft.party.party]
        everything = _Parts(terms.workspace.store.dataset()) if cases else None
        for case in sorted(cases, key=lambda one: one.case_id):
            if everything is not None and not _withdrawn(terms, draft, case):
                self._individual(terms, draft, case, everything.of(case), moment, release=release)

    def _individual(
        self, terms: Terms, draft: Draft, case: Case, part: Dataset, moment: date, *, release: bool
    ) -> None:  # fmt: skip
        from exchange.agreements import gate
        from exchange.agreements.facts import CaseFacts as GateFacts

        found = tuple(_of_patient(terms, moment, part))
        if not found:
            return
        said = terms.consent(case.patient_id, draft.party.party, terms.purpose(EVENT, "practice"))
        facts = GateFacts(case.opened_on, belongs=True, consent=said.state if said else None)
        asked = question(
            terms, draft.party, EVENT, elements=frozenset({"case.id", INDIVIDUAL}), case=facts,
            period=(min(one.start for one in found), moment),
        )  # fmt: skip
        decision = gate.decide(asked, terms.frozen)
        keep(draft, EVENT, decision)
        if not decision.allowed:
            return
        reports = tuple(_report(terms, one, subject=f"Patient/{case.case_id}") for one in found)
        digest = _digest([{name: value for name, value in one.items() if name != "date"} for one in reports])
        told = replace(
            nobody(terms, draft.party), case_id=case.case_id, indicators=reports,
        )  # fmt: skip
        allowed = terms.flow_elements(EVENT, "practice")
        key = _named(terms.stored.agreement_id, "", moment, moment)
        add(terms, draft, EVENT, told, allowed, self.told, release=release, key=key, digest=digest)


def last_moment(terms: Terms) -> date | None:
    """Return the last agreed day of evaluation that has come: figures are as of that day, so that they stand still."""
    come = [one.on for one in terms.frozen.agreement.evaluations if one.on <= terms.workspace.on]
    return max(come, default=None)


def _of_agreement(terms: Terms, moment: date) -> Iterator[_Ready]:
    """Calculate what the agreement names over all its parties, and protect it as one release and for each of them."""
    weighed = [one for one in weighing.weigh(terms, moment) if one.figure is not None]
    beside = weighing.shared(terms, moment, weighing.EVERYONE, weighed)
    seen = figuring.protected([one.figure for one in weighed if one.figure is not None], "insurer")
    for one, alone, shown in zip(weighed, beside, seen, strict=True):
        counted = one.figure or shown
        if not counted.denominator:
            continue  # nothing to tell yet: cases that this same export opens count from the next one on
        # What is left of it without one party's own patients may be about a few, which the release by itself is not.
        told = alone.figure if alone.figure is not None and alone.figure.masked is not None else shown
        # A report has no place for "fewer than 10 of 30": what is not said is not entered, and holds nothing back.
        told = told if told.masked is None else replace(told, details={})
        asked = Asked(one.definition, counted.start, counted.end, terms.stored.agreement_id)
        yield _Ready(asked, counted, told, _report(terms, told, improvement=one.definition.improvement))


def _of_patient(terms: Terms, moment: date, part: Dataset) -> Iterator[Figure]:
    """Calculate what the agreement names over one case alone; what says nothing of it yet is left out."""
    from exchange.indicators import oracle
    from exchange.indicators.figures import figure
    from exchange.records.instruments import instruments

    for asked in weighing.asked_of(terms, moment):
        if figuring.needs_more(asked.definition) or asked.definition.knowable(asked.start) >= moment:
            continue
        counted = oracle.cube(
            asked.definition, part, start=asked.start, end=asked.end, cut_off=moment, group_by=(),
            instruments=instruments(), agreements=asked.agreements, within=asked.agreements,
        )  # fmt: skip
        for row in counted.rows:
            made = figure(
                asked.definition, row, start=asked.start, end=asked.end, cut_off=moment,
                sources=figuring.sources(asked.definition), as_of_load=None,
            )  # fmt: skip
            if made.denominator:
                yield replace(made, interval=None, bounds=None)


def _report(
    terms: Terms, figure: Figure, *, improvement: str = "descriptive", subject: str | None = None
) -> Mapping[str, Any]:
    from exchange.indicators.measure import measure_report

    return measure_report(
        figure, reporter=terms.us.party, made_on=terms.workspace.on, improvement=improvement, subject=subject,
        kind="summary" if subject is None else "individual", agreement=terms.stored.agreement_id,
    )  # fmt: skip


def _withdrawn(terms: Terms, draft: Draft, case: Case) -> bool:
    """Say whether any consent of a patient was withdrawn: after that nothing of the case is told but that."""
    purposes = (one.id for one in terms.frozen.agreement.purposes)
    said = (terms.consent(case.patient_id, draft.party.party, purpose) for purpose in purposes)
    return any(one is not None and one.state is ConsentState.WITHDRAWN for one in said)


def _named(agreement: str, indicator: str, start: date, end: date) -> str:
    return f"{EVENT}:{_digest([agreement, indicator, start.isoformat(), end.isoformat()])[:_KEY]}"


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode("utf-8")).hexdigest()


class _Parts:
    """The dataset by patient, so that each case is calculated on what is known of that patient alone."""

    def __init__(self, dataset: Dataset) -> None:
        """Index the dataset once."""
        self._dataset = dataset
        self._episodes: dict[str, list[Any]] = {}
        self._hanging: dict[str, dict[str, list[Any]]] = {}
        for one in dataset.episodes:
            self._episodes.setdefault(one.patient_id, []).append(one)
        for name in ("sessions", "measurements", "referrals", "evaluations"):
            by_episode = self._hanging.setdefault(name, {})
            for each in getattr(dataset, name):
                by_episode.setdefault(each.episode_id, []).append(each)
        self._patients = {one.patient_id: one for one in dataset.patients}
        self._answers: dict[str, list[Any]] = {}
        for answer in dataset.answers:
            self._answers.setdefault(answer.case_id, []).append(answer)

    def of(self, case: Case) -> Dataset:
        """Return what is known of one case: its patient's treatments, and what was answered about it."""
        episodes = tuple(self._episodes.get(case.patient_id, ()))
        hanging = {
            name: tuple(each for one in episodes for each in by_episode.get(one.episode_id, ()))
            for name, by_episode in self._hanging.items()
        }
        person = self._patients.get(case.patient_id)
        return Dataset(
            patients=(person,) if person is not None else (), episodes=episodes, cases=(case,),
            answers=tuple(self._answers.get(case.case_id, ())), **hanging,
        )  # fmt: skip
