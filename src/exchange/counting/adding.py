"""From one row per case to one row per group, added up here: where an engine hands its rows over at no cost.

The same sums as `folding` writes into a query. Most patients have one case in a group and few cases differ, so that a
group's integers are so many times those of one patient, worked out once for all groups that look alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from exchange.counting.folding import COUNTED
from exchange.indicators.cohort import CONFIRMED, EXCLUDED, NOT_DUE, WHERE_UNKNOWN, Question
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
    patients: dict[Pattern, tuple[dict[str, int], dict[str, int]]] = field(default_factory=dict)
    groups: dict[frozenset[tuple[Pattern, int]], Sums] = field(default_factory=dict)

    def group(self, held: Mapping[Pattern, int]) -> Sums:
        """Return the counts, parts and levels of evidence of so many patients with each pattern."""
        key = frozenset(held.items())
        if key not in self.groups:
            counts = self.fold(())
            parts = dict.fromkeys((*self.parts, *self.evidence), 0)
            for pattern, times in held.items():
                for sums, one in zip((counts, parts), self._patient(pattern), strict=True):
                    for name, number in one.items():
                        sums[name] += times * number
            self.groups[key] = (
                counts,
                {name: parts[name] for name in self.parts},
                {name: parts[name] for name in self.evidence},
            )
        return self.groups[key]

    def _patient(self, pattern: Pattern) -> tuple[dict[str, int], dict[str, int]]:
        if pattern not in self.patients:
            totals = dict.fromkeys(self.totals, 0)
            parts = dict.fromkeys((*self.parts, *self.evidence), 0)
            for what in pattern:
                of = dict(zip(self.columns, what, strict=True))
                for name in self.totals:
                    totals[name] += self._adds(name, of)
                for name in parts:
                    parts[name] += _part(self.definition, name, of)
            self.patients[pattern] = (self.fold((totals,)), parts)
        return self.patients[pattern]

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
    whose: Mapping[int, int]
    several: tuple[int, ...]

    def named(self, names: tuple[str, ...]) -> Sequence[Mapping[str, str]]:
        """Return the groups by the names of the split, by their number."""
        return [dict(zip(names, group, strict=True)) for group in self.groups] if names else [{}]


def people(rows: Iterable[tuple[Any, ...]]) -> People:
    """Return whose rows are: each a key, a patient, and its groups."""
    held: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        held.setdefault(row[1:], []).append(row[0])
    numbers = {group: number for number, group in enumerate(sorted({who[1:] for who in held}))}
    whose: dict[int, int] = {}
    several: list[int] = []
    for who, keys in held.items():
        number = numbers[who[1:]]
        if len(keys) == 1:
            whose[keys[0]] = -1 - number
        else:
            whose |= dict.fromkeys(keys, len(several))
            several.append(number)
    return People(tuple(numbers), whose, tuple(several))


def rows(question: Question, of: People, columns: Sequence[str], found: Iterable[tuple[Any, ...]]) -> list[CubeRow]:
    """Return a row per group, in order, from one per case: its key, its status and what belongs to it."""
    adding = _adding(question.definition, columns)
    groups: dict[int, dict[Pattern, int]] = {} if question.group_by else {0: {}}
    patients: dict[int, Pattern] = {}
    for (who, what), times in _same(of.whose, found).items():
        if who < 0:
            groups.setdefault(-1 - who, {})[(what,)] = times
        else:
            patients[who] = (*patients.get(who, ()), *(what,) * times)
    for who, pattern in patients.items():
        held = groups.setdefault(of.several[who], {})
        held[pattern] = held.get(pattern, 0) + 1
    named = of.named(question.group_by)
    return [CubeRow(named[number], *adding.group(groups[number])) for number in sorted(groups)]


def _same(whose: Mapping[int, int], found: Iterable[tuple[Any, ...]]) -> Counter[tuple[int, What]]:
    """Return how many rows there are of each sort, some thousands at a time: a column is faster than its rows."""
    same: Counter[tuple[int, What]] = Counter()
    rows = iter(found)
    while some := list(islice(rows, _AT_ONCE)):
        keys, *what = zip(*some, strict=True)
        same.update(zip(map(whose.__getitem__, keys), zip(*what, strict=True), strict=True))
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
