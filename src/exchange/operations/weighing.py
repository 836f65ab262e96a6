"""The figures of one agreement at one moment: of all its parties together, and of each party by itself.

A party is entitled to the records of its own cases and to no other's. Its own figures are shown whole; what all the
parties have together is shown to it only where neither that nor what is left of it without its own would tell of a few.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from exchange.indicators.disclosure import THRESHOLD, TOO_FEW, TOO_NEAR
from exchange.operations import choosing, figuring
from exchange.operations.choosing import Asked
from exchange.records.model import Case

if TYPE_CHECKING:
    from exchange.agreements.agreement import AgreedIndicator, Agreement
    from exchange.agreements.frozen import Frozen
    from exchange.indicators.definition import Definition
    from exchange.indicators.figure import Figure
    from exchange.operations.gathering import Terms
    from exchange.operations.releasing import Ledger, TooNear
    from exchange.records.model import Dataset
    from exchange.store.releases import ReleasedCell

EVERYONE = "all"


@dataclass(frozen=True, slots=True)
class Weighed:
    """One agreed indicator at a moment: its figure, or the first day on which there can be one."""

    definition: Definition
    agreed: AgreedIndicator
    knowable: date
    figure: Figure | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """How the exchange with one party stands: its cases, those it answered something about, and those it did not.

    `fewest` is the smallest number of patients that any of these counts is about, 0 where all are about nobody.
    """

    party: str
    name: str
    cases: int
    answered: int
    fewest: int

    @property
    def unanswered(self) -> int:
        """Return the cases about which nothing came back."""
        return self.cases - self.answered


def weigh(terms: Terms, cut_off: date) -> tuple[Weighed, ...]:
    """Calculate what the agreement names, on all of its cases, as of a day (that day excluded)."""
    asked = {one.definition.id: one for one in asked_of(terms, cut_off)}
    return tuple(
        _with(one, cut_off, asked, lambda each: _by_engine(terms, each, cut_off)) for one in _known(terms.frozen)
    )


def weigh_parts(terms: Terms, cut_off: date, parties: frozenset[str]) -> tuple[Weighed, ...]:
    """Calculate the same on the cases of some of the parties only."""
    asked = {one.definition.id: one for one in asked_of(terms, cut_off)}
    part = _of(terms.workspace.store.dataset(), parties)
    return tuple(
        _with(one, cut_off, asked, lambda each: _by_oracle(terms, each, cut_off, part)) for one in _known(terms.frozen)
    )


def shared(terms: Terms, cut_off: date, reader: str, whole: Sequence[Weighed]) -> tuple[Weighed, ...]:
    """Return the figures of all parties together as one of them, or all of them at one table, may see them."""
    names = frozenset(one.party for one in terms.others)
    if names <= {reader} or len(names) <= 1:
        return tuple(whole)
    apart = sorted(names) if reader == EVERYONE else [reader]
    rests = [weigh_parts(terms, cut_off, names - {one}) for one in apart]
    own = None if reader == EVERYONE else weigh_parts(terms, cut_off, frozenset({reader}))
    return tuple(
        _shown(one, [rest[place] for rest in rests], own[place] if own is not None else None)
        for place, one in enumerate(whole)
    )


def beside_released(
    terms: Terms, cut_off: date, reader: str, whole: Sequence[Weighed]
) -> tuple[tuple[Weighed, ...], tuple[ReleasedCell, ...], tuple[TooNear, ...]]:
    """Return what `shared` shows beside what outsiders have already, its counts for the ledger, and what was left out.

    A party is an outsider to the others' patients; with one party there are none, and nothing is held to the ledger.
    """
    from exchange.operations.releasing import Ledger

    shown = shared(terms, cut_off, reader, whole)
    if len({one.party for one in terms.others}) < 2:
        return shown, (), ()
    ledger = Ledger(terms.workspace)
    shown = _hushed(terms, ledger, whole, shown)
    found: list[Weighed] = []
    cells: list[ReleasedCell] = []
    left_out: list[TooNear] = []
    for one, seen in zip(whole, shown, strict=True):
        if one.figure is None or seen.figure is None:
            found.append(seen)
            continue
        judged = ledger.judge([(_asked(terms, one.definition, one.figure), one.figure, seen.figure)])
        if judged.too_near is None:
            found.append(seen)
        else:
            found.append(replace(seen, figure=_silent(seen.figure, TOO_NEAR)))
            left_out.append(judged.too_near)
        cells += judged.cells
    return tuple(found), tuple(cells), tuple(left_out)


def _asked(terms: Terms, definition: Definition, figure: Figure) -> Asked:
    return Asked(definition, figure.start, figure.end, terms.stored.agreement_id)


def _hushed(terms: Terms, ledger: Ledger, whole: Sequence[Weighed], shown: Sequence[Weighed]) -> tuple[Weighed, ...]:
    """Say no bound where it would tell beside what outsiders have: that alone goes then, and not why with it."""
    from exchange.operations import instead, releasing

    asked = {id(one.figure): _asked(terms, one.definition, one.figure) for one in whole if one.figure is not None}
    counted = [one.figure for one in whole if one.figure is not None]
    seen = {id(one.figure): each.figure for one, each in zip(whole, shown, strict=True) if each.figure is not None}

    def counts(one: Figure, printed: Figure) -> instead.Counts:
        return releasing.printed(printed, lambda: ledger.members(asked[id(one)], one))

    quiet = instead.hushed(counted, seen, counts, ledger.said)
    return tuple(replace(each, figure=quiet.get(id(one.figure))) for one, each in zip(whole, shown, strict=True))


def answers(terms: Terms) -> tuple[Answers, ...]:
    """Return how the exchange stands today with each party, by the order of the text."""
    store = terms.workspace.store
    cases = store.cases.of_agreement(terms.stored.agreement_id)
    answered = {one.case_id for one in store.answers.of_cases(case.case_id for case in cases)}
    found = []
    for party in terms.frozen.agreement.partners:
        own = [case for case in cases if case.partner == party.party]
        found.append(standing(own, answered, party=party.party, name=party.name))
    return tuple(found)


def standing(cases: Sequence[Case], answered: Collection[str], *, party: str = "", name: str = "") -> Answers:
    """Return how the exchange about some cases stands, given the ids of those about which something came back."""
    told = [case for case in cases if case.case_id in answered]
    silent = [case for case in cases if case.case_id not in answered]
    patients = [len({case.patient_id for case in some}) for some in (told, silent) if some]
    return Answers(party, name, len(cases), len(told), min(patients, default=0))


def kept(weighed: Sequence[Weighed]) -> dict[str, Mapping[str, Any]]:
    """Return figures as a review keeps them: what was said of each indicator then."""
    return {
        one.definition.id: {
            "version": one.definition.version,
            "value": one.figure.value,
            "numerator": one.figure.numerator,
            "denominator": one.figure.denominator,
            "unknown": one.figure.unknown,
            "verdict": one.figure.verdict.value if one.figure.verdict is not None else "",
            "start": one.figure.start.isoformat(),
            "end": one.figure.end.isoformat(),
            "load": one.figure.as_of_load,
        }
        for one in weighed
        if one.figure is not None
    }


def _known(frozen: Frozen) -> list[tuple[AgreedIndicator, Definition]]:
    from exchange.agreements import signing

    known = signing.definitions_of(frozen)
    return [(one, known[one.id]) for one in frozen.agreement.indicators if one.id in known]


def asked_of(terms: Terms, cut_off: date) -> tuple[Asked, ...]:
    """Return what is asked, over the period that the agreement covers and that is behind us at the cut-off."""
    start, _ = choosing.whole_period(terms.workspace)
    first = min(max(start, _covers(terms.frozen.agreement)), cut_off)
    asked = choosing.agreed(terms.workspace, terms.stored, terms.frozen, (first, cut_off))
    return tuple(replace(one, end=min(one.end, cut_off)) for one in asked)


def _covers(agreement: Agreement) -> date:
    return agreement.term.covers_from


def _with(
    known: tuple[AgreedIndicator, Definition], cut_off: date, asked: Mapping[str, Asked], count: Any
) -> Weighed:  # fmt: skip
    agreed, definition = known
    wanted = asked.get(definition.id)
    if wanted is None:
        return Weighed(definition, agreed, cut_off + timedelta(days=1))
    first = definition.knowable(wanted.start)
    # A case must be over by then, and each window after it: before that day every figure is empty.
    return Weighed(definition, agreed, first, count(wanted) if first < cut_off else None)


def _by_engine(terms: Terms, asked: Asked, cut_off: date) -> Figure:
    (figure,) = figuring.counted(
        terms.workspace, asked.definition, start=asked.start, end=asked.end, agreements=asked.agreements,
        cut_off=cut_off, target=asked.target, baseline=asked.baseline,
    )  # fmt: skip
    return figure


def _by_oracle(terms: Terms, asked: Asked, cut_off: date, part: Dataset) -> Figure:
    """Count by the plain-Python reading of the definition, which the engines are held to."""
    from exchange.indicators import oracle
    from exchange.indicators.figures import figure
    from exchange.records.instruments import instruments

    cube = oracle.cube(
        asked.definition, part, start=asked.start, end=asked.end, cut_off=cut_off, group_by=(),
        instruments=instruments(), agreements=asked.agreements, within=asked.agreements,
    )  # fmt: skip
    return figure(
        asked.definition, cube.rows[0], start=asked.start, end=asked.end, cut_off=cut_off, target=asked.target,
        baseline=asked.baseline, sources=figuring.sources(asked.definition),
        as_of_load=terms.workspace.store.last_load(),
    )  # fmt: skip


def _of(dataset: Dataset, parties: frozenset[str]) -> Dataset:
    """Return the dataset with the cases, answers and totals of some parties; another's case is none of theirs."""
    cases: tuple[Case, ...] = tuple(one for one in dataset.cases if one.partner in parties)
    known = {one.case_id for one in cases}
    return replace(
        dataset,
        cases=cases,
        answers=tuple(one for one in dataset.answers if one.case_id in known),
        aggregates=tuple(one for one in dataset.aggregates if one.partner in parties),
    )


def _shown(whole: Weighed, rests: Sequence[Weighed], own: Weighed | None) -> Weighed:
    """Withhold a figure of all where it, or what is left of it without one's own, is about a few.

    `own` is the one reader's; None where everybody reads.
    """
    if whole.figure is None:
        return whole
    from exchange.indicators.disclosure import Audience
    from exchange.indicators.protecting import protect

    (seen,) = protect((whole.figure,), audience=Audience.OUTSIDE)
    if seen.masked is not None:
        silent = not _tells_nothing(seen, rests[0].figure, own.figure if own is not None else None)
        return replace(whole, figure=replace(seen, details={}) if silent else seen)
    others = [one.figure for one in rests if one.figure is not None]
    alone = [protect((one,), audience=Audience.OUTSIDE)[0] for one in others if one.eligible]
    if any(one.masked is not None or one.withheld for one in alone):
        return replace(whole, figure=_silent(seen, TOO_FEW))
    return replace(whole, figure=seen)


def _tells_nothing(seen: Figure, rest: Figure | None, own: Figure | None) -> bool:
    """Say whether "fewer than 10 of 30" tells a party no more of the others than it tells of all.

    A party with a case of its own on the small side knows of the others more than "fewer than 10". Of many readers
    there is one: if it were said where none of them has such a case, it would tell that nobody has.
    """
    from exchange.indicators.disclosure import small_whole

    if rest is None or own is None or small_whole(rest, THRESHOLD):
        return False
    inside = own.numerator or 0
    return inside == 0 if "bound-under" in seen.details else inside == (own.denominator or 0)


def _silent(figure: Figure, reason: str) -> Figure:
    """Return a figure with nothing in it but why."""
    return replace(
        figure, eligible=None, due=None, answered=None, unknown=None, censored=None, excluded=None, numerator=None,
        denominator=None, patients=None, value=None, interval=None, bounds=None, verdict=None, parts={}, details={},
        evidence={}, masked=reason, withheld=(), numerator_patients=None, complement_patients=None,
    )  # fmt: skip
