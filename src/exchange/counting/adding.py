"""From one row per case to one row per group, added up here: where an engine hands its rows over at no cost.

The same sums as `folding` writes into a query. Most patients have one case in a group and few cases differ, so that a
group's integers are so many times those of one patient, worked out once for all groups that look alike.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import add
from typing import Any

from exchange.counting.folding import COUNTED
from exchange.counting.packing import MOST, said
from exchange.indicators.cohort import CONFIRMED, EXCLUDED, NOT_DUE, OUTSIDE, WHERE_UNKNOWN, Question
from exchange.indicators.cube import (
    CASE_TOTALS,
    CHANGE_TOTALS,
    EVIDENCE,
    INDEX_TOTALS,
    PAIRED_TOTALS,
    CubeRow,
    case_counts,
    change_counts,
    index_counts,
    paired_counts,
)
from exchange.indicators.definition import Definition
from exchange.indicators.oracle import part_names

# How many rows are held while they are sorted out.
_AT_ONCE = 10_000

# What was found of a case: its status, and what belongs to it by the kind of definition.
What = tuple[Any, ...]
# The cases of one patient in one group.
Pattern = tuple[What, ...]
# Counts, parts and levels of evidence.
Sums = tuple[dict[str, int], dict[str, int], dict[str, int]]
Fold = Callable[[Iterable[Mapping[str, int]]], dict[str, int]]


@dataclass(slots=True)
class _Adding:
    """One definition's sums: what each case adds, and what has been worked out of patients and groups so far."""

    definition: Definition
    columns: Sequence[str]
    totals: tuple[str, ...]
    fold: Fold
    parts: tuple[str, ...]
    evidence: tuple[str, ...]
    numbers: dict[Pattern, int] = field(default_factory=dict)
    # Of each pattern the counts of one patient, then the parts and the levels of evidence.
    patients: list[tuple[int, ...]] = field(default_factory=list)
    groups: dict[frozenset[tuple[int, int]], Sums] = field(default_factory=dict)

    def group(self, held: Mapping[int, int]) -> Sums:
        """Return the counts, parts and levels of evidence of so many patients with each pattern, by its number."""
        key = frozenset(held.items())
        known = self.groups.get(key)
        if known is None:
            known = self.groups[key] = self._summed(held)
        return known

    def _summed(self, held: Mapping[int, int]) -> Sums:
        counts = self.fold(())
        none = (0,) * (len(counts) + len(self.parts) + len(self.evidence))
        each = (
            self.patients[pattern] if times == 1 else [times * number for number in self.patients[pattern]]
            for pattern, times in held.items()
        )
        sums = map(sum, zip(none, *each, strict=True))
        named = [dict(zip(names, islice(sums, len(names)), strict=True)) for names in (counts, self.parts)]
        return named[0], named[1], dict(zip(self.evidence, sums, strict=True))

    def number(self, pattern: Pattern) -> int:
        """Return the number of a pattern."""
        known = self.numbers.get(pattern)
        if known is None:
            known = self.numbers[pattern] = len(self.patients)
            self.patients.append(self._patient(pattern))
        return known

    def _patient(self, pattern: Pattern) -> tuple[int, ...]:
        totals = dict.fromkeys(self.totals, 0)
        parts = dict.fromkeys((*self.parts, *self.evidence), 0)
        for what in pattern:
            of = dict(zip(self.columns, what, strict=True))
            for name in self.totals:
                totals[name] += self._adds(name, of)
            for name in parts:
                parts[name] += _part(self.definition, name, of)
        return (*self.fold((totals,)).values(), *parts.values())

    def _adds(self, name: str, of: Mapping[str, Any]) -> int:
        """Return what a case adds to a total: 1 by its status, or a number of its own once it is settled."""
        if name in of:
            return int(of[name]) if of["status"] == CONFIRMED else 0
        if self.totals is INDEX_TOTALS:
            return _of_index(name, of["status"])
        return int(of["status"] in COUNTED[name])


@dataclass(frozen=True, slots=True)
class People:
    """Whose each row is, by its key: one patient's alone in a group, or one of several of theirs.

    Rows of patients with one in a group bear the number of the group, and need not be told apart; those of a patient
    with more bear a number of the patient in the group.
    """

    groups: tuple[tuple[str, ...], ...]
    # The number of a group is below zero, that of a patient with several rows is not, and then leads to the group.
    whose: Sequence[int]
    several: Sequence[int]

    def listed(self, names: tuple[str, ...]) -> list[tuple[int, Mapping[str, str]]]:
        """Return the groups in their order, each with its number, by the names of the split."""
        if not names:
            return [(0, {})]
        ordered = sorted((group, number) for number, group in enumerate(self.groups))
        return [(number, dict(zip(names, group, strict=True))) for group, number in ordered]


def people(rows: Iterable[tuple[Any, ...]]) -> People:
    """Return whose rows are: each a key from zero up, a patient, its groups; those of a patient in a group together."""
    numbers: dict[tuple[str, ...], int] = {}
    whose, several = array("q"), array("q")
    before: tuple[Any, ...] | None = None
    first = 0
    for row in rows:
        key, who = row[0], row[1:]
        if key >= len(whose):
            whose.frombytes(bytes(whose.itemsize * (key + 1 - len(whose))))
        if who != before:
            before, first = who, key
            whose[key] = -1 - numbers.setdefault(who[1:], len(numbers))
            continue
        if whose[first] < 0:
            several.append(-1 - whose[first])
            whose[first] = len(several) - 1
        whose[key] = whose[first]
    return People(tuple(numbers), whose, several)


def rows(question: Question, of: People, columns: Sequence[str], found: Iterable[tuple[Any, ...]]) -> list[CubeRow]:
    """Return a row per group, in order, from one per case: its key, its status and what belongs to it."""
    same = ((who, what, times) for (who, what), times in _same(of.whose, found).items())
    return _rows(question, of, of.listed(question.group_by), columns, same)


def rows_at_once(
    questions: Sequence[tuple[Question, tuple[str, ...]]], of: People, found: Iterable[tuple[int, ...]]
) -> list[Sequence[CubeRow]]:
    """Return the rows of several questions of one split, each with the names of its numbers, from one row per case.

    A row is the key of a case, and for each question what `said` reads and then its numbers.
    """
    answered: list[Sequence[CubeRow]] = []
    counted = _counted(of.whose, [len(names) for _, names in questions], found)
    listed = of.listed(questions[0][0].group_by)
    for (question, names), (plain, numbered) in zip(questions, counted, strict=True):
        columns = ("status", "evidence", *(names or ("change",)))
        looked_at = _looked_at(question.definition, plain, numbered)
        answered.append(_rows(question, of, listed, columns, looked_at))
    return answered


def _looked_at(
    definition: Definition, plain: Counter[int], numbered: Counter[tuple[int, ...]]
) -> Iterator[tuple[int, What, int]]:
    """Yield whose cases there are, what was found of them, and how many are alike; none that is not looked at."""
    means = {what: said(definition, what) for what in {number % MOST for number in plain}}
    for number, times in plain.items():
        what = means[number % MOST]
        if what[0] != OUTSIDE:
            yield number // MOST, what, times
    means = {what: said(definition, what) for what in {number % MOST for number, *_ in numbered}}
    for (number, *numbers), times in numbered.items():
        status, evidence, _ = means[number % MOST]
        if status != OUTSIDE:
            yield number // MOST, (status, evidence, *numbers), times


def _rows(
    question: Question,
    of: People,
    listed: Sequence[tuple[int, Mapping[str, str]]],
    columns: Sequence[str],
    same: Iterable[tuple[int, What, int]],
) -> list[CubeRow]:
    """Return a row per group from whose cases there are, what was found of them, and how many are alike in that."""
    adding = _adding(question.definition, columns)
    groups: dict[int, dict[int, int]] = {} if question.group_by else {0: {}}
    patients: dict[int, Pattern] = {}
    for who, what, times in same:
        if who < 0:
            groups.setdefault(-1 - who, {})[adding.number((what,))] = times
        else:
            patients[who] = (*patients.get(who, ()), *(what,) * times)
    for who, pattern in patients.items():
        held, number = groups.setdefault(of.several[who], {}), adding.number(pattern)
        held[number] = held.get(number, 0) + 1
    return [CubeRow(group, *adding.group(groups[number])) for number, group in listed if number in groups]


def _same(whose: Sequence[int], found: Iterable[tuple[Any, ...]]) -> Counter[tuple[int, What]]:
    """Return how many rows there are of each sort, some thousands at a time: a column is faster than its rows."""
    same: Counter[tuple[int, What]] = Counter()
    rows = iter(found)
    while some := list(islice(rows, _AT_ONCE)):
        keys, *what = zip(*some, strict=True)
        same.update(zip(map(whose.__getitem__, keys), zip(*what, strict=True), strict=True))
    return same


def _counted(
    whose: Sequence[int], numbers: Sequence[int], found: Iterable[tuple[int, ...]]
) -> list[tuple[Counter[int], Counter[tuple[int, ...]]]]:
    """Return for each question how many cases there are of each sort: whose it is times `MOST` and what it is.

    Questions with so many numbers have these beside it, and others have nothing there.
    """
    same: list[tuple[Counter[int], Counter[tuple[int, ...]]]] = [(Counter(), Counter()) for _ in numbers]
    rows = iter(found)
    while some := list(islice(rows, _AT_ONCE)):
        keys, *listed = zip(*some, strict=True)
        who, columns = [MOST * whose[key] for key in keys], iter(listed)
        for (plain, numbered), more in zip(same, numbers, strict=True):
            what = map(add, who, next(columns))
            if more:
                numbered.update(zip(what, *islice(columns, more), strict=True))
            else:
                plain.update(what)
    return same


def _adding(definition: Definition, columns: Sequence[str]) -> _Adding:
    totals: tuple[str, ...]
    fold: Fold
    if definition.instrument:
        totals, fold = CHANGE_TOTALS, change_counts
    elif definition.paired:
        totals, fold = PAIRED_TOTALS, paired_counts
    elif definition.kind == "standardised-ratio" or definition.agreed:
        totals, fold = INDEX_TOTALS, index_counts
    else:
        totals, fold = CASE_TOTALS, case_counts
    evidence = EVIDENCE if definition.asks_partner else ()
    return _Adding(definition, columns, totals, fold, part_names(definition), evidence)


def _of_index(name: str, status: str) -> int:
    if name == "eligible":
        return int(status in (CONFIRMED, "no-reference", "no-sessions"))
    return int(status == (CONFIRMED if name == "due" else EXCLUDED))


def _part(definition: Definition, name: str, of: Mapping[str, Any]) -> int:
    """Return whether a case belongs to a named part."""
    status = of["status"]
    if name in (NOT_DUE, WHERE_UNKNOWN, "no-reference", "no-sessions"):
        return int(status == name)
    if name in EVIDENCE:
        return int(status in COUNTED["answered"] and of["evidence"] == 1 + EVIDENCE.index(name))
    if status not in COUNTED["due"]:
        return 0
    if definition.count in ("moments", "returns"):
        return int(of[name.replace("-", "_")])
    return int(of["change"] == name)
