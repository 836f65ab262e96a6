"""What a file held besides what it brought: rows of others, answers of an insurer, or nothing of use."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exchange.findings import Finding, Severity

if TYPE_CHECKING:
    from exchange.sources.reading import Reading
    from exchange.sources.rows import Rejected, Row

# GDS801's lists of other disciplines (073 physiotherapy, 075 to 082 the rest); exercise therapy has 074.
OTHER_LISTS = frozenset({"073", *(f"{number:03}" for number in range(75, 83))})


@dataclass(slots=True)
class Tally:
    """Sees every row of one file go by; `own` are our AGB codes, empty where we have none."""

    own: frozenset[str]
    rows: int = 0
    others: int = 0
    answered: int = 0
    refused: int = 0
    scored: int = 0
    lists: Counter[str] = field(default_factory=Counter)

    def see(self, row: Row | Rejected) -> None:
        """Count one row."""
        self.rows += 1
        declarant = getattr(row, "declarant", "")
        if declarant and self.own and declarant not in self.own:
            self.others += 1
        code_list = getattr(row, "code_list", "")
        if code_list in OTHER_LISTS:
            self.lists[code_list] += 1
        self.scored += getattr(row, "from_items", False)
        refused = getattr(row, "rejected", None)
        if refused is not None:
            self.answered += 1
            self.refused += refused

    def findings(self, reading: Reading) -> tuple[Finding, ...]:
        """Return what to say of the file."""
        file = reading.path.name
        found = []
        if reading.answer and not self.answered:
            # Whether the whole file was rejected is said by codes of which no list is public: nothing is settled.
            found.append(Finding("loading.answer-without-lines", file, Severity.WARNING))
        elif not self.rows:
            found.append(Finding("loading.nothing", file, Severity.WARNING))
        if self.others:
            # Kept and marked, and left out of the index.
            found.append(Finding("loading.other-practice", file, Severity.WARNING, params={"count": self.others}))
        for code_list, count in sorted(self.lists.items()):
            params = {"count": count, "list": code_list}
            found.append(Finding("loading.other-discipline", file, Severity.WARNING, params=params))
        if self.answered:
            params = {"count": self.answered, "refused": self.refused}
            found.append(Finding("loading.answers", file, Severity.INFORMATION, params=params))
        if self.scored:
            params = {"count": self.scored}
            found.append(Finding("loading.scored", file, Severity.INFORMATION, params=params))
        number, of = reading.sheet
        if of > 1:
            found.append(Finding("loading.one-sheet", file, Severity.INFORMATION, params={"number": number, "of": of}))
        return tuple(found)
