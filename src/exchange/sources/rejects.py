"""What of a file was not taken, in a few bytes a row: a file in which every line is wrong must not fill the memory."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import overload

from exchange.sources.rows import Rejected

# A rejected row is one number: its line above these bits, below them which field broke which rule.
_BITS = 16
_KINDS = 1 << _BITS


class Rejects(Sequence[Rejected]):
    """Rejected rows, in the order of line, field and rule whatever the order they came in."""

    def __init__(self) -> None:
        """Begin with none."""
        self._rows = array("Q")
        self._kinds: dict[tuple[str, str], int] = {}
        self._meant: list[tuple[str, str]] = []
        self._sorted = True

    def append(self, row: Rejected) -> None:
        """Keep one."""
        kind = self._kinds.setdefault((row.field, row.rule), len(self._meant))
        if kind == len(self._meant):
            if kind == _KINDS:
                raise OverflowError(_KINDS)
            self._meant.append((row.field, row.rule))
        self._rows.append(row.line << _BITS | kind)
        self._sorted = False

    def extend(self, rows: Sequence[Rejected]) -> None:
        """Keep several."""
        for row in rows:
            self.append(row)

    def __len__(self) -> int:
        """Count them."""
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Rejected: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Rejected, ...]: ...
    def __getitem__(self, index: int | slice) -> Rejected | tuple[Rejected, ...]:
        """Return one by its place, or several."""
        self._order()
        if isinstance(index, slice):
            return tuple(self._row(number) for number in self._rows[index])
        return self._row(self._rows[index])

    def __iter__(self) -> Iterator[Rejected]:
        """Go through them in order."""
        self._order()
        return map(self._row, self._rows)

    def lines(self) -> int:
        """Count the lines, however many rules one of them breaks."""
        self._order()
        return bool(self._rows) + sum(one >> _BITS != other >> _BITS for one, other in pairwise(self._rows))

    def reasons(self) -> list[tuple[str, str, int, int]]:
        """Return (field, rule, how many, first line), the most frequent first."""
        self._order()
        counts, first = Counter[int](), dict[int, int]()
        for number in self._rows:
            kind = number & _KINDS - 1
            counts[kind] += 1
            first.setdefault(kind, number >> _BITS)
        found = [(*self._meant[kind], count, first[kind]) for kind, count in counts.items()]
        return sorted(found, key=lambda one: (-one[2], one[3], one[0], one[1]))

    def _row(self, number: int) -> Rejected:
        return Rejected(number >> _BITS, *self._meant[number & _KINDS - 1])

    def _order(self) -> None:
        """Sort what was appended; by name of field and rule, not by which came first."""
        if self._sorted:
            return
        names = sorted(self._meant)
        if names != self._meant:
            place = {name: at for at, name in enumerate(names)}
            new = array("Q", (place[name] for name in self._meant))
            self._rows = array("Q", (row >> _BITS << _BITS | new[row & _KINDS - 1] for row in self._rows))
            self._meant, self._kinds = names, place
        if any(one > other for one, other in pairwise(self._rows)):
            self._rows = array("Q", sorted(self._rows))
        self._sorted = True
