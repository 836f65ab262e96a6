"""What changed between two versions of an agreement, and whether it needs new signatures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from exchange.agreements.agreement import Agreement
from exchange.agreements.lines import Path
from exchange.agreements.reading import dotted

# Lists whose items have a name of their own: an item that moved is no change.
_NAMED: Mapping[str, tuple[str, ...]] = {
    "parties": ("id",),
    "purposes": ("id",),
    "indicators": ("id",),
    "own-clauses": ("id",),
    "flows": ("event", "from"),
    "exceptions": ("party", "suite"),
    "evaluations": ("on",),
    "table-plan": ("indicator", "by"),
}
# What the text itself lets a party change by telling the other: a contact, a card accepted by the rules on keys.
_TOLD = frozenset({"privacy-contact", "card", "address"})


class Kind(StrEnum):
    """What happened to a place."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: where, what kind, both values, and whether it needs new signatures."""

    path: str
    kind: Kind
    before: Any
    after: Any
    new_signatures: bool


def diff(before: Agreement, after: Agreement) -> tuple[Change, ...]:
    """Return every difference in the order of the text; the version number itself is none."""
    return tuple(
        change
        for change in _compare(dict(before.raw), dict(after.raw), ())
        if change.path not in ("version", "format", "revises")
    )


def _compare(before: Any, after: Any, path: Path) -> Iterator[Change]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _keyed(key, before, after, path)
    elif isinstance(before, list) and isinstance(after, list) and path and path[-1] in _NAMED:
        names = _NAMED[str(path[-1])]
        yield from _compare(_by_name(before, names), _by_name(after, names), path)
    elif before != after:
        yield Change(dotted(path), Kind.CHANGED, before, after, _weighs(path))


def _keyed(key: str, before: Mapping[str, Any], after: Mapping[str, Any], path: Path) -> Iterator[Change]:
    place = (*path, key)
    if key not in after:
        yield Change(dotted(place), Kind.REMOVED, before[key], None, _weighs(place))
    elif key not in before:
        yield Change(dotted(place), Kind.ADDED, None, after[key], _weighs(place))
    else:
        yield from _compare(before[key], after[key], place)


def _by_name(items: list[Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {" ".join(str(item[name]) for name in names): item for item in items}


def _weighs(path: Path) -> bool:
    return not (path[0] == "parties" and path[-1] in _TOLD)
