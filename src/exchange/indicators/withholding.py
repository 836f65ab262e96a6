"""A table whose small cells must stay hidden: withhold further cells until no reader can work one out."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exchange.indicators.bounding import Range, Sum, component, ranges

Limits = tuple[int, int | None]
OPEN: Limits = (0, None)
# So many cells are tried one by one before a sum with a lone withheld cell is closed.
_TRIALS = 12


@dataclass(slots=True)
class Table:
    """Cells and their sums, and of each cell whether it is withheld, must stay hidden, or is known for good.

    `together` names the cells that go when one goes, `quiet` the further ones that go when nothing may be said instead
    of it. `limits` are what a reader learns from the fact of withholding.
    """

    values: Mapping[Any, int]
    sums: Sequence[Sum]
    totals: Collection[Hashable] = ()
    fixed: set[Hashable] = field(default_factory=set)
    together: Mapping[Hashable, tuple[Hashable, ...]] = field(default_factory=dict)
    quiet: Mapping[Hashable, Hashable] = field(default_factory=dict)
    hidden: dict[Hashable, None] = field(default_factory=dict)
    unsafe: dict[Hashable, tuple[int, int]] = field(default_factory=dict)
    limits: dict[Hashable, Limits] = field(default_factory=dict)

    def withhold(self, cell: Hashable, must_span: tuple[int, int] | None = None, limits: Limits = OPEN) -> None:
        """Withhold a cell; a reader must still think everything in `must_span` possible."""
        if cell in self.fixed:
            return
        self.hidden.update(dict.fromkeys(self.together.get(cell, (cell,))))
        if limits != OPEN:
            self.limits[cell] = limits
        if must_span is not None:
            self.unsafe[cell] = must_span

    def complete(self) -> None:
        """Withhold further cells, and say less instead, until none that must stay hidden can be bounded."""
        while self._step():
            pass

    def _step(self) -> bool:
        found = self._ranges(list(self.unsafe), self.hidden)
        for cell, span in self.unsafe.items():
            known = found[cell]
            if known is not None and known.hides(*span):
                continue
            equations, members = component(cell, self.sums, self.values.keys() - self.hidden.keys())
            if known is None:
                # Too large to be sure of: the table is refused and only what is no part of another figure stands.
                chosen = [part for one in equations for part in one.parts if self._free(part)]
                chosen = [part for part in chosen if part not in self.totals] or chosen
            else:
                chosen = self._partner(cell, span, equations)
            for each in chosen:
                self.withhold(each)
            if chosen or self._hush(members):
                return True
        return False

    def _hush(self, members: Sequence[Hashable]) -> bool:
        """Say nothing instead of these withheld cells any more: there is nothing else left to withhold."""
        telling = [each for each in members if each in self.limits]
        silent = [self.quiet[each] for each in members if each in self.quiet and self._free(self.quiet[each])]
        for each in telling:
            del self.limits[each]
        self.hidden.update(dict.fromkeys(silent))
        return bool(telling or silent)

    def _ranges(self, cells: Sequence[Hashable], hidden: Collection[Hashable]) -> Mapping[Hashable, Range | None]:
        published = {cell: value for cell, value in self.values.items() if cell not in hidden}
        return ranges(cells, sums=self.sums, published=published, limits=self.limits)

    def _open(self, cell: Hashable) -> bool:
        return cell in self.values and cell not in self.hidden

    def _free(self, cell: Hashable) -> bool:
        return self._open(cell) and cell not in self.fixed

    def _partner(self, cell: Hashable, span: tuple[int, int], equations: Sequence[Sum]) -> list[Hashable]:
        """Return the cell to withhold beside an exposed one: the smallest part that hides it, a total last.

        Where no single part does, the smallest in a sum with only one withheld cell, which gives that one away.
        """
        for total in (False, True):
            candidates = self._candidates(equations, total=total)
            for each in candidates[:_TRIALS]:
                found = self._ranges([cell], {*self.hidden, *self.together.get(each, (each,))})[cell]
                if found is not None and found.hides(*span):
                    return [each]
            lone = [one for one in equations if sum(not self._open(each) for each in one.cells) == 1]
            chosen = self._candidates(lone, total=total) or candidates
            if chosen:
                return chosen[:1]
        return []

    def _candidates(self, equations: Sequence[Sum], *, total: bool) -> list[Hashable]:
        """Return what may still be withheld from these sums, the smallest first; an empty part hides nothing."""
        order = {each: i for i, each in enumerate(self.values)}
        found = {each for one in equations for each in one.cells if self._free(each) and (each in self.totals) is total}
        return sorted((each for each in found if self.values[each] > 0), key=lambda e: (self.values[e], order[e]))
