"""The release ledger: every count that left for outsiders, by whom it is about, so that two of them tell no third.

Whatever leaves is written here: a final edition, a released summary, a progress report, figures written to a file for
the insurer, minutes for one of several parties, and what an export tells a partner; each count with the keyed digests
of its patients. A later one is refused where a count of the same indicator and the same part holds an earlier one, or
lies within it, and 1 to 9 patients are the difference: subtracting would tell about them. It is refused too where the
same patients are counted otherwise (one of them has an episode more), and where two figures, also two that only
overlap, tell that of those by whom they differ none, all or a few have what is counted. Previews are held to the same
and written nowhere.

What it does not cover: counts of different indicators set against each other; of two counts that overlap without one
lying within the other, how many of a few were counted, and whatever it tells where people have several episodes; what
three or more counts together tell; means, medians and intervals beyond their counts;
totals that partners count themselves, of which nobody here knows the patients; what others publish about the same
people; and a patient whom two files named apart at the first release and who is one person now. One release by itself
is the work of disclosure control (`indicators.protecting`), not of the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import ReportError
from exchange.findings import say
from exchange.operations import instead, tracing, trail
from exchange.operations.choosing import Asked
from exchange.operations.comparing import Standing
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.indicators.figure import Figure
    from exchange.store.releases import ReleasedCell

_COUNTS = ("eligible", "due", "answered", "unknown", "censored", "excluded")
_LONGEST = 64


@dataclass(frozen=True, slots=True)
class _Cell:
    """One count as it will be published: the figure's name and part in the ledger, and its patients' digests."""

    asked: Asked
    figure: Figure
    part: str
    cell: ReleasedCell


@dataclass(frozen=True, slots=True)
class TooNear:
    """The first count that may not leave, and the document that has what it would be subtracted from."""

    cell: _Cell
    document: str

    def said(self, language: str) -> dict[str, object]:
        """Return the words for it, for `releasing.differencing`."""
        from exchange.indicators.disclosure import THRESHOLD

        return {"figure": _said(self.cell, language), "document": self.document, "least": THRESHOLD}


@dataclass(frozen=True, slots=True)
class Judged:
    """What the ledger says of some figures: the cells that are new, or why they may not leave.

    `before` is whether a figure of the same name (indicator, agreement, period, group) left earlier, and `changed`
    how many patients stand in another of its counts than then.
    """

    cells: tuple[ReleasedCell, ...] = ()
    too_near: TooNear | None = None
    before: bool = False
    changed: int = 0


class Ledger:
    """What outsiders have, looked up once for one document or one export; all outsiders are one."""

    def __init__(self, workspace: Workspace) -> None:
        """Read what was released."""
        self._workspace = workspace
        self._digests: dict[str, str] = {}
        self._traced: dict[tuple[object, ...], Mapping[str, frozenset[str]]] = {}
        self.newest = workspace.store.releases.newest()
        self._standing = Standing(workspace.store.releases.all())

    def __bool__(self) -> bool:
        """Say whether anything ever left."""
        return bool(self._standing)

    def add(self, cells: Iterable[ReleasedCell], document: str) -> None:
        """Take cells as released that this same run publishes."""
        self._standing.add(cells, document)

    def judge(self, published: Iterable[tuple[Asked, Figure, Figure]]) -> Judged:
        """Say whether figures may leave beside what outsiders have: as asked, as counted, and as they will see them."""
        new: list[ReleasedCell] = []
        changed: set[str] = set()
        before = False
        for asked, counted, shown in published:
            parts = self._parts(asked, counted, shown)
            refused = self._standing.refused(parts, shown.kind)
            if refused is not None:
                part, earlier = refused
                return Judged(too_near=TooNear(_Cell(asked, shown, part, parts[part]), earlier.document))
            new += self._standing.fresh(parts)
            same = self._standing.same(parts)
            before = before or bool(same)
            changed = changed.union(*(one.members ^ same[part].members for part, one in parts.items() if part in same))
        return Judged(tuple(new), None, before, len(changed))

    def refuses(self, published: Iterable[tuple[Asked, Figure, Figure]]) -> bool:
        """Say whether these figures may not leave: for what a document can also leave out."""
        return bool(self._standing) and self.judge(published).too_near is not None

    def _parts(self, asked: Asked, counted: Figure, shown: Figure) -> dict[str, ReleasedCell]:
        """Return the counts of people that a figure tells, each with its patients; counts of nobody tell of nobody."""
        from exchange.store.releases import ReleasedCell

        parts = published_parts(shown)
        members = self.members(asked, counted) if parts else {}
        return {
            part: ReleasedCell(_name(asked, shown, part), len(members[part]), members[part], units=units(shown, part))
            for part in parts
            if members.get(part)
        }

    def members(self, asked: Asked, counted: Figure) -> Mapping[str, frozenset[str]]:
        """Return the digests of the patients of each count of a figure; each figure is traced once."""
        group = tuple(counted.group.items())
        name = (asked.name, asked.definition.version, counted.start, counted.end, counted.cut_off, group)
        key = (*name, counted.as_of_load)
        if key not in self._traced:
            found = tracing.members(tracing.trace(self._workspace, asked, counted))
            self._traced[key] = {part: frozenset(map(self._digest, people)) for part, people in found.items()}
        return self._traced[key]

    def known(self, indicator: str, part: str) -> list[tuple[frozenset[str], int | None]]:
        """Return the digests of the patients and the number of every released count of this indicator and part."""
        return self._standing.known(indicator, part)

    def said(self, indicator: str) -> list[instead.Said]:
        """Return what every released figure of this indicator tells."""
        return self._standing.said(indicator)

    def _digest(self, patient: str) -> str:
        if patient not in self._digests:
            self._digests[patient] = self._workspace.store.releases.member(patient)
        return self._digests[patient]


def require_new(
    workspace: Workspace,
    published: Iterable[tuple[Asked, Figure, Figure]],
    language: str,
    *,
    preview: bool = False,
    ledger: Ledger | None = None,
) -> tuple[ReleasedCell, ...]:
    """Return the cells that a document would publish and that outsiders don't have yet.

    Raises ReportError, naming the first cell, where one differs too little from what was released before: a document
    leaves that out first (`operations.omitting`). With `preview` nobody needs the cells, and where nothing was ever
    released nothing is looked up.
    """
    ledger = ledger if ledger is not None else Ledger(workspace)
    if preview and not ledger:
        return ()
    judged = ledger.judge(published)
    if judged.too_near is not None:
        trail.note(workspace, "document-refused", outcome="refused", detail=judged.too_near.cell.cell.cell)
        raise ReportError("releasing.differencing", hints=("hint.releasing",), **judged.too_near.said(language))
    return judged.cells


def record(workspace: Workspace, document: str, cells: Sequence[ReleasedCell]) -> None:
    """Write in the ledger what a document published; the trail names document and number of counts."""
    named = f"{document} {workspace.on.isoformat()}"[:_LONGEST]
    written = workspace.store.releases.save(named, cells, at=workspace.now)
    trail.note(workspace, "released", object=document, detail=str(written))


def printed(shown: Figure, members: Callable[[], Mapping[str, frozenset[str]]]) -> instead.Counts:
    """Return the counts of people that a figure tells: the patients of each, and the number that stands there."""
    parts = published_parts(shown)
    found = members() if parts else {}
    numbers = {part: units(shown, part) for part in parts if found.get(part)}
    return {part: (found[part], len(found[part]) if one is None else one) for part, one in numbers.items()}


def units(shown: Figure, part: str) -> int | None:
    """Return the number that is printed for a part."""
    if shown.masked is not None:
        return int(shown.details["bound-of"]) if part == "answered" and "bound-of" in shown.details else None
    if part.startswith("parts."):
        return shown.parts.get(part.removeprefix("parts."))
    if part == "complement":
        known = shown.denominator is not None and shown.numerator is not None
        return (shown.denominator or 0) - (shown.numerator or 0) if known else None
    found: int | None = getattr(shown, part)
    return shown.denominator if part == "answered" and found is None else found


def written(
    workspace: Workspace, document: str, cells: Sequence[ReleasedCell], write: Callable[[], None], files: Iterable[Path]
) -> None:
    """Write what leaves and enter it; no file of a release that the ledger does not have may be left to send."""
    if not cells:
        write()
        return
    try:
        write()
        record(workspace, document, cells)
    except BaseException:
        for file in files:
            file.unlink(missing_ok=True)
        raise


def published_parts(shown: Figure) -> tuple[str, ...]:
    """Return the counts of people that a figure tells as its readers see it."""
    from exchange.indicators.disclosure import COUNTING_PEOPLE

    if shown.masked is not None:
        return ("answered",) if "bound-of" in shown.details else ()
    found = [name for name in _COUNTS if getattr(shown, name) is not None]
    if shown.denominator is not None and "answered" not in found:
        found.append("answered")  # the denominator is who was answered about
    if shown.kind in COUNTING_PEOPLE and shown.numerator is not None:
        found += ["numerator", "complement"]
    return (*found, *(f"parts.{name}" for name in shown.parts))


def _name(asked: Asked, figure: Figure, part: str) -> str:
    named = {
        "agreement": asked.agreement,
        "end": figure.end.isoformat(),
        "group": dict(figure.group),
        "indicator": figure.indicator,
        "part": part,
        "start": figure.start.isoformat(),
        "version": figure.version,
    }
    return json.dumps(named, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _said(one: _Cell, language: str) -> str:
    """Name a cell as people read it: title, group, part and period."""
    from exchange.reports.numbers import period

    figure, family = one.figure, one.part.removeprefix("parts.")
    title = ", ".join((one.asked.definition.title[language], *figure.group.values()))
    title += f" ({one.asked.agreement})" if one.asked.agreement else ""
    within = period(figure.start, figure.end, language)
    return say("releasing.cell", {"title": title, "part": _part(family, language), "period": within}, language)


def _part(name: str, language: str) -> str:
    from exchange.findings.wording import catalogue

    for rule in (f"releasing.part.{name}", f"reports.class.{name}"):
        if rule in catalogue():
            return say(rule, {}, language)
    return name
