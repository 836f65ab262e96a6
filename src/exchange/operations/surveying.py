"""The quality of the practice's own data: what is doubtful and whose, what differs, and what is measured."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from exchange.errors import StoreError
from exchange.findings import Finding
from exchange.operations import loading, trail
from exchange.operations.workspace import Workspace
from exchange.records.model import Episode

if TYPE_CHECKING:
    from exchange.store.surveying import Held, Trial

# As the responders indicator has it: a score counts as the end score within so many days of the end.
_END_SCORE = timedelta(days=28)
GAPS = (7, 730)
_UNKNOWN = "episodes.service-unknown"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of the ended treatments: how many have a score on an instrument, and how many a start and an end score."""

    instrument: str
    any: int
    start_and_end: int


@dataclass(frozen=True, slots=True)
class Shown:
    """One doubtful thing as the practice can find it."""

    epd_number: str
    day: date | None
    code: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that is doubtful, by kind; differences of EPD and claims; coverage; and what another gap would give."""

    doubts: Mapping[str, int]
    held: tuple[Held, ...]
    self_paid: int
    differences: tuple[Finding, ...]
    unknown_codes: int
    ended: int
    coverage: tuple[Coverage, ...]
    gap_days: int
    now: Trial
    other_gap: int | None
    other: Trial | None
    shown: tuple[Shown, ...]

    @property
    def doubtful(self) -> bool:
        """Tell whether there is anything to look after."""
        return any(self.doubts.values()) or bool(self.differences) or bool(self.unknown_codes)


def report(workspace: Workspace, *, gap: int | None = None, show: str = "") -> Report:
    """Look at the data as they stand; `gap` tries another number of days, `show` lists one kind by EPD number.

    Nothing is changed: a trial rebuild is undone.
    """
    from exchange.store.surveying import DOUBTS

    if gap is not None and not GAPS[0] <= gap <= GAPS[1]:
        raise StoreError("surveying.gap", least=GAPS[0], most=GAPS[1])
    store, settings = workspace.store, loading.rebuilding(workspace)
    found = store.survey.doubts(on=workspace.on, gap_days=settings.gap_days, services=settings.services)
    counts = Counter(one.kind for one in found)
    now = store.survey.trial(settings, by=workspace.user, at=workspace.now)
    other = None
    if gap is not None:
        other = store.survey.trial(replace(settings, gap_days=gap), by=workspace.user, at=workspace.now)
    held = store.survey.held()
    ended, coverage = _coverage(workspace)
    shown = tuple(
        Shown(store.patient_identity(one.patient_id).epd_number or "", one.day, one.code)
        for one in found
        if one.kind == show
    )
    if shown:
        trail.note(workspace, "doubtful-shown", detail=f"{show}: {len(shown)}")
    return Report(
        doubts={kind: counts[kind] for kind in DOUBTS},
        held=held,
        self_paid=sum(one.self_paid for one in held),
        differences=tuple(one for one in now.differences if one.rule != _UNKNOWN),
        unknown_codes=sum(int(str(one.params["count"])) for one in now.differences if one.rule == _UNKNOWN),
        ended=ended,
        coverage=coverage,
        gap_days=settings.gap_days,
        now=now,
        other_gap=gap,
        other=other,
        shown=shown,
    )


def count_of(workspace: Workspace, kind: str) -> int:
    """Return how often one kind of thing is doubtful."""
    settings = loading.rebuilding(workspace)
    found = workspace.store.survey.doubts(on=workspace.on, gap_days=settings.gap_days, services=settings.services)
    return sum(one.kind == kind for one in found)


def _coverage(workspace: Workspace) -> tuple[int, tuple[Coverage, ...]]:
    dataset = workspace.store.dataset()
    ended: dict[str, Episode] = {one.episode_id: one for one in dataset.episodes if one.end and not one.foreign}
    days: dict[str, dict[str, list[date]]] = defaultdict(lambda: defaultdict(list))
    for one in dataset.measurements:
        if one.episode_id in ended:
            days[one.instrument][one.episode_id].append(one.day)
    found = []
    for instrument, by_episode in sorted(days.items()):
        whole = sum(_start_and_end(ended[episode], some) for episode, some in by_episode.items())
        found.append(Coverage(instrument, len(by_episode), whole))
    return len(ended), tuple(sorted(found, key=lambda one: (-one.any, one.instrument)))


def _start_and_end(episode: Episode, days: list[date]) -> bool:
    first, last = min(days), max(days)
    return first < last and episode.end is not None and abs(episode.end - last) <= _END_SCORE
