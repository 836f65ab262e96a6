"""The release ledger: every count that left for outsiders, by whom it is about, so that two of them tell no third.

Whatever leaves is written here: a final edition, a released summary, a progress report, figures written to a file for
the insurer, minutes for one of several parties, and what an export tells a partner; each count with the keyed digests
of its patients. A later one is refused where a count of the same indicator and the same part holds an earlier one, or
lies within it, and 1 to 9 patients are the difference: subtracting would tell about them. It is refused too where the
same patients are counted otherwise (one of them has an episode more), and where the difference of two figures would be
of people of whom none, or all, have what is counted. Previews are held to the same and written nowhere.

What it does not cover: counts of different indicators set against each other; two counts that overlap without one
lying within the other; what three or more counts together tell; means, medians and intervals beyond their counts;
totals that partners count themselves, of which nobody here knows the patients; what others publish about the same
people; and a patient whom two files named apart at the first release and who is one person now. One release by itself
is the work of disclosure control (`indicators.protecting`), not of the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import ReportError
from exchange.findings import say
from exchange.operations import tracing, trail
from exchange.operations.choosing import Asked
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.indicators.figure import Figure
    from exchange.store.releases import ReleasedCell

_COUNTS = ("eligible", "due", "answered", "unknown", "censored", "excluded")
_LONGEST = 64
_SIDES = ("numerator", "complement")


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
        self._cells: dict[tuple[str, str], list[ReleasedCell]] = {}
        self._figures: dict[str, dict[str, dict[str, ReleasedCell]]] = {}
        self._digests: dict[str, str] = {}
        self.newest = workspace.store.releases.newest()
        self.add(workspace.store.releases.all())

    def add(self, cells: Iterable[ReleasedCell], document: str = "") -> None:
        """Take cells as released: what is in the store, and what this same run publishes."""
        for given in cells:
            one = replace(given, document=document) if document else given
            name = json.loads(one.cell)
            part = name.pop("part")
            self._cells.setdefault((name["indicator"], part), []).append(one)
            self._figures.setdefault(name["indicator"], {}).setdefault(_key(name), {})[part] = one

    def judge(self, published: Iterable[tuple[Asked, Figure, Figure]]) -> Judged:
        """Say whether figures may leave beside what outsiders have: as asked, as counted, and as they will see them."""
        new: list[ReleasedCell] = []
        changed: set[str] = set()
        before = False
        for asked, counted, shown in published:
            cells = self._of(asked, counted, shown)
            for one in cells:
                found = self._too_near(one)
                if found is not None:
                    return Judged(too_near=TooNear(one, found.document))
            told = self._none_or_all(cells)
            if told is not None:
                return Judged(too_near=told)
            new += [one.cell for one in cells if not self._known(one)]
            earlier = self._same(cells)
            before = before or bool(earlier)
            for one in cells:
                changed |= one.cell.members ^ earlier[one.part].members if one.part in earlier else set()
        return Judged(tuple(new), None, before, len(changed))

    def refuses(self, published: Iterable[tuple[Asked, Figure, Figure]]) -> bool:
        """Say whether these figures may not leave: for what a document can also leave out."""
        return bool(self._cells) and self.judge(published).too_near is not None

    def _of(self, asked: Asked, counted: Figure, shown: Figure) -> list[_Cell]:
        """Return the counts of people that a figure tells, each with its patients; counts of nobody tell of nobody."""
        from exchange.store.releases import ReleasedCell

        parts = published_parts(shown)
        members = tracing.members(tracing.trace(self._workspace, asked, counted)) if parts else {}
        found = []
        for part in parts:
            patients = members.get(part, frozenset())
            for patient in patients - self._digests.keys():
                self._digests[patient] = self._workspace.store.releases.member(patient)
            if patients:
                cell = ReleasedCell(
                    _name(asked, shown, part), len(patients), frozenset(self._digests[one] for one in patients),
                    units=_units(shown, part),
                )  # fmt: skip
                found.append(_Cell(asked, shown, part, cell))
        return found

    def _before(self, one: _Cell) -> list[ReleasedCell]:
        return self._cells.get((one.asked.definition.id, one.part), [])

    def _known(self, one: _Cell) -> bool:
        return any(one.cell.members == cell.members for cell in self._before(one))

    def _same(self, cells: Sequence[_Cell]) -> Mapping[str, ReleasedCell]:
        """Return the counts of the figure of this very name that left before, the newest of each."""
        if not cells:
            return {}
        name = json.loads(cells[0].cell.cell)
        name.pop("part")
        return self._figures.get(name["indicator"], {}).get(_key(name), {})

    def _too_near(self, one: _Cell) -> ReleasedCell | None:
        """Return the released count from which this one differs by a few."""
        from exchange.indicators.disclosure import Published, refuse_differencing

        before = self._before(one)
        same = [cell for cell in before if cell.members == one.cell.members]
        if same:
            # The same people, and yet another number: one of them has something more.
            return next((cell for cell in same if None is not cell.units != one.cell.units), None)
        known = {id(cell): Published(cell.cell, cell.members) for cell in before}
        for cell in before:
            if refuse_differencing(one.cell.members, (known[id(cell)],), key=one.cell.cell):
                return cell
        return None

    def _none_or_all(self, cells: Sequence[_Cell]) -> TooNear | None:
        """Find an earlier figure within or around this one where nobody of the difference, or everybody, has it."""
        from exchange.indicators.disclosure import NOT_SENSITIVE

        parts = {one.part: one for one in cells}
        if not cells or cells[0].figure.kind in NOT_SENSITIVE or "answered" not in parts:
            return None
        for earlier in self._figures.get(cells[0].asked.definition.id, {}).values():
            if "answered" in earlier and _telling(parts, earlier):
                return TooNear(parts["answered"], earlier["answered"].document)
        return None


def _telling(parts: Mapping[str, _Cell], earlier: Mapping[str, ReleasedCell]) -> bool:
    """Say whether two nested figures tell that of their difference none, or all, are confirmed."""
    whole, known = parts["answered"].cell.members, earlier["answered"].members
    if whole == known or not (whole < known or known < whole):
        return False
    sides = [(parts[side].cell.members, earlier[side].members) for side in _SIDES if side in parts and side in earlier]
    nested = [(one, two) for one, two in sides if one <= two or two <= one]
    return len(nested) == len(_SIDES) and any(one == two for one, two in nested)


def require_new(
    workspace: Workspace, published: Iterable[tuple[Asked, Figure, Figure]], language: str, *, preview: bool = False
) -> tuple[ReleasedCell, ...]:
    """Return the cells that a document would publish and that outsiders don't have yet.

    Raises ReportError, naming the first cell, where one differs too little from what was released before. With
    `preview` nobody needs the cells, and where nothing was ever released nothing is looked up.
    """
    ledger = Ledger(workspace)
    if preview and not ledger.newest:
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


def _units(shown: Figure, part: str) -> int | None:
    """Return the number that is printed for a part."""
    if part.startswith("parts."):
        return shown.parts.get(part.removeprefix("parts."))
    if part == "complement":
        known = shown.denominator is not None and shown.numerator is not None
        return (shown.denominator or 0) - (shown.numerator or 0) if known else None
    found: int | None = getattr(shown, part)
    return shown.denominator if part == "answered" and found is None else found


def _key(name: Mapping[str, object]) -> str:
    return json.dumps(name, sort_keys=True)


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
    within = period(figure.start, figure.end, language)
    return say("releasing.cell", {"title": title, "part": _part(family, language), "period": within}, language)


def _part(name: str, language: str) -> str:
    from exchange.findings.wording import catalogue

    for rule in (f"releasing.part.{name}", f"reports.class.{name}"):
        if rule in catalogue():
            return say(rule, {}, language)
    return name
