"""From one row per case to one row per group, added up here: where an engine hands its rows over at no cost.

The same sums as `folding` writes into a query. Most patients have one case in a group and few cases differ, so that a
group's integers are so many times those of one patient, worked out once for all groups that look alike.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import add
from typing import Any

from exchange.counting.folding import COUNTED
from exchange.counting.packing import said
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
    names: tuple[str, ...] = ()
    groups: dict[tuple[tuple[int, int], ...], Sums] = field(default_factory=dict)

    def group(self, held: Mapping[int, int]) -> Sums:
        """Return the counts, parts and levels of evidence of so many patients with each pattern, by its number."""
        key = tuple(sorted(held.items()))
        known = self.groups.get(key)
        if known is None:
            known = self.groups[key] = self._summed(held)
        return known

    def _summed(self, held: Mapping[int, int]) -> Sums:
        if not self.names:
            self.names = tuple(self.fold(()))
        none = (0,) * (len(self.names) + len(self.parts) + len(self.evidence))
        each = (
            self.patients[pattern] if times == 1 else [times * number for number in self.patients[pattern]]
            for pattern, times in held.items()
        )
        sums = map(sum, zip(none, *each, strict=True))
        named = [dict(zip(names, islice(sums, len(names)), strict=True)) for names in (self.names, self.parts)]
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


class _Numbers(dict[What, int]):
    """The numbers of sorts, each given when it is first asked for."""

    def __missing__(self, sort: What) -> int:
        number = self[sort] = len(self)
        return number


@dataclass(frozen=True, slots=True)
class Cases:
    """How many cases there are of each sort: rows that say the same of a case are one sort, which has a number.

    `alike` tells how many patients have one case in a group, of the same sort: the numbers of group and sort, and how
    many. `single` has the groups and the sorts of other patients with one case. `others` has a row for each patient
    with more, those with as many together: the group, then a sort for each.
    """

    sorts: tuple[What, ...]
    alike: Sequence[tuple[int, int, int]]
    single: tuple[Sequence[int], Sequence[int]]
    others: Sequence[Sequence[tuple[int, ...]]]


def cases(of: People, found: Iterable[tuple[Any, ...]]) -> Cases:
    """Sort cases out, one a row: its key, and what was found of it; some thousands at a time."""
    sorts = _Numbers()
    same: Counter[tuple[int, int]] = Counter()
    rows = iter(found)
    while some := list(islice(rows, _AT_ONCE)):
        keys, *what = zip(*some, strict=True)
        numbers = map(sorts.__getitem__, zip(*what, strict=True))
        same.update(zip(map(of.whose.__getitem__, keys), numbers, strict=True))
    alike, single, patients = list[tuple[int, int, int]](), (array("q"), array("q")), dict[int, list[int]]()
    for (who, sort), times in same.items():
        if who >= 0:
            patients.setdefault(who, [of.several[who]]).extend([sort] * times)
        elif times > 1:
            alike.append((-1 - who, sort, times))
        else:
            single[0].append(-1 - who)
            single[1].append(sort)
    others: dict[int, list[tuple[int, ...]]] = {}
    for row in patients.values():
        others.setdefault(len(row), []).append(tuple(row))
    return Cases(tuple(sorts), alike, single, tuple(others.values()))


def rows(
    question: Question, groups: Iterable[tuple[int, Mapping[str, str]]], columns: Sequence[str], found: Cases
) -> list[CubeRow]:
    """Return a row per listed group, in order, from one per case: its status and what belongs to it, by `columns`."""
    return _rows(question, groups, columns, found, found.sorts)


def rows_at_once(
    questions: Sequence[tuple[Question, tuple[str, ...]]], of: People, found: Iterable[tuple[int, ...]]
) -> list[Sequence[CubeRow]]:
    """Return the rows of several questions of one split, each with the names of its numbers, from one row per case.

    A row is the key of a case, and for each question what `said` reads and then its numbers.
    """
    answered: list[Sequence[CubeRow]] = []
    counted = cases(of, found)
    listed = of.listed(questions[0][0].group_by)
    columns = iter(zip(*counted.sorts, strict=True))
    for question, names in questions:
        what = _said(question.definition, next(columns, ()), [next(columns, ()) for _ in names])
        answered.append(_rows(question, listed, ("status", "evidence", *(names or ("change",))), counted, what))
    return answered


def _said(definition: Definition, what: Sequence[int], numbers: Sequence[Sequence[int]]) -> list[What | None]:
    """Return what is said of each sort: status, evidence, then numbers or change; nothing of what is not looked at."""
    means = {each: said(definition, each) for each in set(what)}
    whole = {each: None if status == OUTSIDE else (status, evidence) for each, (status, evidence, _) in means.items()}
    if not numbers:
        return [None if whole[each] is None else means[each] for each in what]
    return [
        None if (known := whole[each]) is None else (*known, *more) for each, *more in zip(what, *numbers, strict=True)
    ]


def _rows(
    question: Question,
    groups: Iterable[tuple[int, Mapping[str, str]]],
    columns: Sequence[str],
    found: Cases,
    what: Sequence[What | None],
) -> list[CubeRow]:
    """Return a row per listed group with a case that is looked at; `what` is said of each sort."""
    adding = _adding(question.definition, columns)
    held = _patterns(adding, found, what)
    if not question.group_by:
        held.setdefault(0, {})
    return [CubeRow(group, *adding.group(held[number])) for number, group in groups if number in held]


def _patterns(adding: _Adding, found: Cases, what: Sequence[What | None]) -> dict[int, dict[int, int]]:
    """Return of each group how many patients have which pattern, by their numbers."""
    held: dict[int, dict[int, int]] = {}
    # What is not looked at has no number of its own, which 0 stands for.
    alone = [0 if each is None else 1 + adding.number((each,)) for each in what]
    most = 1 + max(alone, default=0)
    once = Counter(map(add, map(most.__mul__, found.single[0]), map(alone.__getitem__, found.single[1])))
    for both, times in once.items():
        if number := both % most:
            held.setdefault(both // most, {})[number - 1] = times
    for group, sort, times in found.alike:
        if number := alone[sort]:
            patterns = held.setdefault(group, {})
            patterns[number - 1] = patterns.get(number - 1, 0) + times
    means = {number: each for number, each in zip(alone, what, strict=True) if each is not None}
    for patients in found.others:
        groups_of, *sorts = zip(*patients, strict=True)
        alike = Counter(zip(groups_of, *(map(alone.__getitem__, each) for each in sorts), strict=True))
        for (group, *numbers), times in alike.items():
            if pattern := tuple([means[number] for number in numbers if number]):
                patterns, number = held.setdefault(group, {}), adding.number(pattern)
                patterns[number] = patterns.get(number, 0) + times
    return held


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
