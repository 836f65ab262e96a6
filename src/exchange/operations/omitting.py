"""What one document leaves out because outsiders have something too near it, and what would let that be worked out.

A figure that the ledger refuses is not printed. Disclosure control then looks at the rest again, with that figure
hidden as if it were small, and the patients of the agreements' figures are compared with those of the one that went.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from exchange.errors import ReportError
from exchange.findings import Finding, Severity
from exchange.operations import figuring, instead, nesting, releasing, trail
from exchange.operations.choosing import Asked
from exchange.operations.releasing import Ledger, TooNear
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.indicators.figure import Figure

Why = TypeVar("Why")


@dataclass(frozen=True, slots=True)
class Beside:
    """Figures as outsiders may see them, by the identity of the one that was counted, and which were left out by what.

    `standing` are the identities of those of which something would be printed if nothing had been released before.
    """

    ledger: Ledger
    shown: Mapping[int, Figure]
    near: Mapping[int, TooNear]
    standing: frozenset[int]

    def findings(self, language: str) -> tuple[Finding, ...]:
        """Return, for the practice alone, which figures were left out and which document has what is too near them."""
        return findings(self.near.values(), language)


def findings(near: Iterable[TooNear], language: str) -> tuple[Finding, ...]:
    """Return a warning for each figure that was left out."""
    said = [one.said(language) for one in near]
    return tuple(Finding("releasing.left-out", str(one["figure"]), Severity.WARNING, params=one) for one in said)


def beside(
    workspace: Workspace, counted: Sequence[Figure], asked: Mapping[int, Asked], audience: str = "insurer"
) -> Beside:
    """Protect figures as one release, and leave out what is too near an earlier one until nothing more is."""
    ledger = Ledger(workspace)

    def refused(one: Figure, shown: Figure) -> TooNear | None:
        return ledger.judge([(asked[id(one)], one, shown)]).too_near if ledger else None

    def members(one: Figure) -> nesting.Cells:
        return ledger.members(asked[id(one)], one)

    shown, near, standing = settled(counted, refused, members, ledger.known, audience, ledger.said)
    return Beside(ledger, shown, near, standing)


def settled(
    counted: Sequence[Figure],
    refused: Callable[[Figure, Figure], Why | None],
    members: nesting.Members,
    known: nesting.Known,
    audience: str = "insurer",
    said: instead.Earlier = lambda _indicator: (),
) -> tuple[dict[int, Figure], dict[int, Why], frozenset[int]]:
    """Return figures as outsiders see them, why some were left out, and what would stand if nothing had been released.

    `refused` says why a figure, as counted and as shown, is too near an earlier release. What is left out publishes
    nothing, so that there is an end to it. `said` is what released figures of an indicator tell: a bound that would
    tell something beside them, or beside another figure here, is not said.
    """

    def counts(one: Figure, seen: Figure) -> instead.Counts:
        return releasing.printed(seen, lambda: members(one))

    near: dict[int, Why] = {}
    would: dict[int, Figure] = {}
    standing: frozenset[int] | None = None
    while True:
        places = [place for place, one in enumerate(counted) if id(one) in near]
        seen = figuring.protected(counted, audience, near=places)
        shown = nesting.apart(counted, dict(zip(map(id, counted), seen, strict=True)), members, would, known)
        shown = instead.hushed(counted, shown, counts, said)
        if standing is None:
            standing = frozenset(identity for identity, one in shown.items() if one.masked is None)
        found = {id(one): refused(one, shown[id(one)]) for one in counted}
        fresh = {identity: why for identity, why in found.items() if why is not None}
        if not fresh:
            return shown, near, standing
        near |= fresh
        would |= {identity: shown[identity] for identity in fresh}


def require_rest(workspace: Workspace, found: Beside, language: str, main: Collection[int] | None = None) -> None:
    """Raise ReportError where every figure that a document is mainly about was left out; else all of them are meant."""
    left = [one for identity, one in found.near.items() if main is None or identity in main]
    stand = (found.shown[identity] for identity in found.standing if main is None or identity in main)
    if not left or any(one.masked is None for one in stand):
        return
    trail.note(workspace, "document-refused", outcome="refused", detail=left[0].cell.cell.cell)
    raise ReportError("releasing.differencing", hints=("hint.releasing",), **left[0].said(language))
