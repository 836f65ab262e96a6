"""Whether, within one document, the practice's own figure less those of its agreements tells about a few people.

The tables of disclosure control know periods and groups; that an agreement's cases are some of the practice's they
cannot know, for cases may stand under no agreement or under several. So the patients themselves are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from exchange.operations import releasing, tracing
from exchange.operations.choosing import Asked
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.indicators.figure import Figure

# With more agreements than this, only each one and all of them together are taken from the practice's figure.
_EVERY_COMBINATION = 8

_Cells = dict[str, frozenset[str]]


def apart(
    workspace: Workspace, counted: Sequence[Figure], shown: Mapping[int, Figure], asked: Mapping[int, Asked]
) -> dict[int, Figure]:
    """Return the figures as outsiders may see them beside each other, by the identity of those that were counted."""
    from exchange.indicators.protecting import withhold

    near = too_near(workspace, [(asked[id(one)], one, shown[id(one)]) for one in counted])
    return {identity: withhold(one) if identity in near else one for identity, one in shown.items()}


def too_near(workspace: Workspace, published: Iterable[tuple[Asked, Figure, Figure]]) -> frozenset[int]:
    """Return the identities of counted figures that may not stand beside smaller ones of the same indicator.

    From a figure a reader takes others that have no patient in common: where 1 to 9 patients are left of a count that
    all of them publish, the larger figure goes.
    """
    groups: dict[tuple[object, ...], list[tuple[Asked, Figure, Figure]]] = {}
    for asked, counted, shown in published:
        key = (asked.definition.id, asked.definition.version, counted.start, counted.end, tuple(counted.group.items()))
        groups.setdefault(key, []).append((asked, counted, shown))
    return frozenset(
        identity for together in groups.values() if len(together) > 1 for identity in _of_one(workspace, together)
    )


def _of_one(workspace: Workspace, together: Sequence[tuple[Asked, Figure, Figure]]) -> Iterator[int]:
    cells = []
    for asked, counted, shown in together:
        parts = releasing.published_parts(shown)
        members = tracing.members(tracing.trace(workspace, asked, counted)) if parts else {}
        cells.append({part: members[part] for part in parts if members.get(part)})
    for place, (_, counted, _) in enumerate(together):
        others = [one for at, one in enumerate(cells) if at != place]
        if any(_leaves_few(whole, part, others) for part, whole in cells[place].items()):
            yield id(counted)


def _leaves_few(whole: frozenset[str], part: str, others: Sequence[_Cells]) -> bool:
    from exchange.indicators.disclosure import THRESHOLD, too_few

    smaller = [one[part] for one in others if one.get(part, whole) < whole]
    sizes = range(1, len(smaller) + 1) if len(smaller) <= _EVERY_COMBINATION else (1, len(smaller))
    for size in sizes:
        for chosen in combinations(smaller, size):
            union = frozenset[str]().union(*chosen)
            if sum(map(len, chosen)) == len(union) and too_few(len(whole - union), THRESHOLD):
                return True
    return False
