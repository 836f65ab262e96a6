"""Which figures add up to which: groups under their total, practices under the pooled figure, months under the year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from exchange.indicators.bounding import Sum
from exchange.indicators.figure import Figure

Key = frozenset[tuple[str, str]]


def sums_of(figures: Sequence[Figure], values: Mapping[int, int]) -> list[Sum]:
    """Return the sums a reader can see among the figures at the places of `values`, in a fixed order.

    Parts that add up to less than their total get a cell that nobody publishes for the rest; parts that add up to more
    overlap (patients in several groups) and are no sum.
    """
    found: list[Sum] = []
    for places in _families(figures, values):
        for total in places:
            for parts in _partitions(figures, total, places):
                rest = values[total] - sum(values[part] for part in parts)
                if rest == 0:
                    found.append(Sum(total, tuple(parts)))
                elif rest > 0:
                    found.append(Sum(total, (*parts, ("rest", total, *parts))))
    return found


def _families(figures: Sequence[Figure], values: Iterable[int]) -> list[list[int]]:
    """Return the places of the figures of one indicator version, in order of appearance."""
    families: dict[tuple[str, int], list[int]] = {}
    for i in values:
        families.setdefault((figures[i].indicator, figures[i].version), []).append(i)
    return list(families.values())


def _key(figure: Figure) -> Key:
    scope = () if figure.scope == "pooled" else (("scope", figure.scope),)
    return frozenset((*figure.group.items(), *scope))


def _partitions(figures: Sequence[Figure], total: int, places: Sequence[int]) -> list[list[int]]:
    whole = figures[total]
    key = _key(whole)
    by_dimension: dict[str, list[int]] = {}
    by_length: dict[int, list[int]] = {}
    for i in places:
        other = figures[i]
        extra = _key(other) - key
        if (other.start, other.end) == (whole.start, whole.end):
            if len(extra) == 1 and key < _key(other):
                by_dimension.setdefault(next(iter(extra))[0], []).append(i)
        elif _key(other) == key and whole.start <= other.start and other.end <= whole.end:
            by_length.setdefault(round((other.end - other.start).days / 15), []).append(i)
    chains = [_without_overlap(figures, by_length[length]) for length in sorted(by_length)]
    return [by_dimension[name] for name in sorted(by_dimension)] + chains


def _without_overlap(figures: Sequence[Figure], places: Iterable[int]) -> list[int]:
    kept: list[int] = []
    for i in sorted(places, key=lambda place: (figures[place].start, place)):
        if not kept or figures[i].start >= figures[kept[-1]].end:
            kept.append(i)
    return kept
