"""Episodes that an EPD or a FHIR source names: claims and loose sessions are hung on these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from exchange.episodes.facts import EpisodeSource, SessionSource
from exchange.records.codes import SourceKind

PRECEDENCE = tuple(SourceKind)
RANK = {kind: place for place, kind in enumerate(PRECEDENCE)}


@dataclass(frozen=True, slots=True)
class Anchor:
    """One episode with all sources that describe it, the primary first.

    `implied` means that only sessions name it: their episode was not loaded, or has no key.
    """

    sources: tuple[EpisodeSource, ...]
    implied: bool = False

    @property
    def primary(self) -> EpisodeSource:
        """Return the source that decides where several describe the episode."""
        return self.sources[0]

    def holds(self, day: date, gap_days: int) -> bool:
        """Tell whether a day lies from the start to the end and the gap after it."""
        end = self.primary.end
        return self.primary.start <= day and (end is None or (day - end).days <= gap_days)


def anchors_of(episodes: Iterable[EpisodeSource]) -> tuple[Anchor, ...]:
    """Make one anchor per episode; a FHIR episode on an EPD's same location and days is that episode."""
    ordered = sorted(
        {one.source_id: one for one in episodes}.values(),
        key=lambda one: (RANK[one.kind], one.start, one.source_id),
    )
    anchors: list[Anchor] = []
    for source in ordered:
        place = next((number for number, anchor in enumerate(anchors) if _describes(source, anchor)), None)
        if place is None:
            anchors.append(Anchor((source,)))
        else:
            anchors[place] = replace(anchors[place], sources=(*anchors[place].sources, source))
    return tuple(anchors)


def _describes(source: EpisodeSource, anchor: Anchor) -> bool:
    other = anchor.primary
    return (
        source.kind is not other.kind
        and bool(source.location)
        and source.location == other.location
        and source.start <= (other.end or date.max)
        and other.start <= (source.end or date.max)
    )


def choose(anchors: Sequence[Anchor], *, day: date, location: str, declarant: str, gap_days: int) -> Anchor | None:
    """Return the anchor a claim of this day belongs to: same location before none named, then the latest start."""
    fitting = [
        anchor
        for anchor in anchors
        if anchor.holds(day, gap_days)
        and (not location or not anchor.primary.location or location == anchor.primary.location)
        and (not declarant or not anchor.primary.declarant or declarant == anchor.primary.declarant)
    ]
    if not fitting:
        return None
    return max(
        fitting,
        key=lambda anchor: (
            bool(location) and anchor.primary.location == location,
            anchor.primary.end is None or day <= anchor.primary.end,
            anchor.primary.start,
            anchor.primary.source_id,
        ),
    )


def with_sessions(
    anchors: Sequence[Anchor],
    sessions: Sequence[SessionSource],
    gap_days: int,
    name: Callable[[SessionSource], str],
) -> tuple[tuple[Anchor, ...], tuple[tuple[SessionSource, str], ...]]:
    """Place every session: under the episode it names, else under one of its days, else under an implied one.

    Return all anchors and each session with its anchor's primary source id.
    """
    primary_of = {source.source_id: anchor.primary.source_id for anchor in anchors for source in anchor.sources}
    named: dict[str, list[SessionSource]] = {}
    loose: list[SessionSource] = []
    placed: list[tuple[SessionSource, str]] = []
    for session in sorted(sessions, key=_order):
        if session.source_id in primary_of:
            placed.append((session, primary_of[session.source_id]))
        elif session.source_id:
            named.setdefault(session.source_id, []).append(session)
        else:
            loose.append(session)
    implied = [_implied(source_id, members) for source_id, members in named.items()]
    placed += [(session, source_id) for source_id, members in named.items() for session in members]
    everything = [*anchors, *implied]
    homeless: list[SessionSource] = []
    for session in loose:
        anchor = choose(everything, day=session.day, location="", declarant="", gap_days=gap_days)
        if anchor is None:
            homeless.append(session)
        else:
            placed.append((session, anchor.primary.source_id))
    for run in _runs(homeless, gap_days):
        one = _implied(name(run[0]), run)
        everything.append(one)
        placed += [(session, one.primary.source_id) for session in run]
    return tuple(everything), tuple(placed)


def _implied(source_id: str, members: Sequence[SessionSource]) -> Anchor:
    first = members[0]
    days = [session.day for session in members]
    source = EpisodeSource(source_id, first.kind, first.patient_id, min(days), max(days), therapist=first.therapist)
    return Anchor((source,), implied=True)


def _runs(sessions: Sequence[SessionSource], gap_days: int) -> list[list[SessionSource]]:
    runs: list[list[SessionSource]] = []
    for session in sessions:
        if runs and (session.day - runs[-1][-1].day).days <= gap_days:
            runs[-1].append(session)
        else:
            runs.append([session])
    return runs


def _order(session: SessionSource) -> tuple[object, ...]:
    return (
        session.day,
        RANK[session.kind],
        session.type,
        session.therapist,
        session.source_id,
        session.self_paid,
    )
