"""Whether, within one document, the practice's own figure less those of its agreements tells about a few people.

The tables of disclosure control know periods and groups; that an agreement's cases are some of the practice's they
cannot know, for cases may stand under no agreement or under several. So the patients themselves are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

from exchange.operations import releasing

if TYPE_CHECKING:
    from exchange.indicators.figure import Figure

# With more agreements than this, only each one and all of them together are taken from the practice's figure.
_EVERY_COMBINATION = 8

People = frozenset[str]
Cells = Mapping[str, People]
# The patients of each count of a figure; and what was released of an indicator's part: patients and number printed.
Members = Callable[["Figure"], Cells]
_Told = Callable[[str], Sequence[tuple[People, int | None]]]
Known = Callable[[str, str], Sequence[tuple[People, int | None]]]


def apart(
    counted: Sequence[Figure],
    shown: Mapping[int, Figure],
    members: Members,
    would: Mapping[int, Figure] | None = None,
    known: Known = lambda _indicator, _part: (),
) -> dict[int, Figure]:
    """Return the figures as outsiders may see them beside each other, by the identity of those that were counted.

    `would` holds, for a figure that was left out, what would have been printed of it: no others may tell it.
    """
    from exchange.indicators.protecting import withhold

    found, hidden = dict(shown), would or {}
    while gone := frozenset(_too_near(counted, found, members, hidden, known)):
        found |= {identity: withhold(found[identity]) for identity in gone}
    return found


def _too_near(
    counted: Sequence[Figure], shown: Mapping[int, Figure], members: Members, would: Mapping[int, Figure], known: Known
) -> Iterator[int]:
    """Yield the identities of counted figures that may not stand beside others of the same indicator.

    From a figure a reader takes others that have no patient in common: where 1 to 9 patients are left of a count that
    all of them publish, the larger figure goes. It goes too where it holds a figure that was left out, and fewer than
    ten others of whom nothing was ever told; and where figures make up nearly all of one that was left out, the
    smallest of them goes.
    """
    groups: dict[tuple[object, ...], list[Figure]] = {}
    for one in counted:
        groups.setdefault((one.indicator, one.version, one.start, one.end, *one.group.items()), []).append(one)
    for together in groups.values():
        if len(together) > 1:
            cells = {id(one): _cells(members, one, would.get(id(one), shown[id(one)])) for one in together}
            yield from _of_one(cells, would, partial(known, together[0].indicator))


def _of_one(cells: Mapping[int, Cells], would: Mapping[int, Figure], known: _Told) -> Iterator[int]:
    printed = {identity: one for identity, one in cells.items() if identity not in would}
    hidden = [one for identity, one in cells.items() if identity in would]
    secret = [_untold(one, would[identity], known) for identity, one in cells.items() if identity in would]
    for place, whole in printed.items():
        others = [one for at, one in printed.items() if at != place]
        few = any(_leaves_few(people, part, others) for part, people in whole.items())
        if few or any(_holds(whole, one, others, known) for one in secret):
            yield place
    for gone in hidden:
        yield from _smallest_of(gone, printed)


def _cells(members: Members, counted: Figure, shown: Figure) -> Cells:
    parts = releasing.published_parts(shown)
    found = members(counted) if parts else {}
    return {part: found[part] for part in parts if found.get(part)}


def _leaves_few(whole: People, part: str, others: Sequence[Cells]) -> bool:
    from exchange.indicators.disclosure import THRESHOLD, too_few

    smaller = [one[part] for one in others if one.get(part, whole) < whole]
    return any(too_few(len(whole.difference(*chosen)), THRESHOLD) for chosen in _disjoint(smaller))


def _untold(cells: Cells, would: Figure, known: _Told) -> Cells:
    """Leave out the counts that were released just so: there is nothing to hide in them any more."""
    return {part: one for part, one in cells.items() if (one, releasing.units(would, part)) not in known(part)}


def _holds(whole: Cells, hidden: Cells, others: Sequence[Cells], known: _Told) -> bool:
    """Say whether a figure tells one that was left out and that lies within it, by what else is known of the rest."""
    from exchange.indicators.disclosure import THRESHOLD

    for part, people in hidden.items():
        if part in whole and people <= whole[part]:
            told = [one.get(part, frozenset()) for one in others] + [one for one, _ in known(part)]
            if len(whole[part].difference(people, *told)) < THRESHOLD:
                return True
    return False


def _smallest_of(hidden: Cells, printed: Mapping[int, Cells]) -> Iterator[int]:
    """Yield the smallest of the figures that make up nearly all of one that was left out."""
    from exchange.indicators.disclosure import THRESHOLD

    for part, whole in hidden.items():
        within = {one[part]: identity for identity, one in printed.items() if one.get(part, whole) < whole}
        for chosen in _disjoint(list(within)):
            if len(whole.difference(*chosen)) < THRESHOLD:
                yield within[min(chosen, key=len)]
                return


def _disjoint(smaller: Sequence[People]) -> Iterator[Iterable[People]]:
    """Yield the combinations that have no patient in common."""
    sizes = range(1, len(smaller) + 1) if len(smaller) <= _EVERY_COMBINATION else (1, len(smaller))
    for size in sizes:
        for chosen in combinations(smaller, size):
            if sum(map(len, chosen)) == len(frozenset[str]().union(*chosen)):
                yield chosen
