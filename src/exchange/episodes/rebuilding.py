"""From claims and an EPD's rows of one patient to their episodes and sessions, the same for every order of loading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, timedelta

from exchange.episodes.anchoring import RANK, Anchor, anchors_of, choose, with_sessions
from exchange.episodes.facts import Derived, EpisodeSource, Line, SessionSource
from exchange.episodes.grouping import Group, group, in_order, location_of, span, trajectory_key
from exchange.episodes.plain import one_complaint, sessions_of
from exchange.episodes.reconciling import Claimed, SessionId, reconcile
from exchange.episodes.services import TREATMENTS, ServiceMap
from exchange.episodes.settling import settle
from exchange.findings import Finding, Severity
from exchange.records.codes import Access, Answered, EndReason, SessionType, SourceKind
from exchange.records.model import Episode

__all__ = ["Derived", "EpisodeSource", "Line", "SessionSource", "derive"]


_COUNTED = TREATMENTS | {SessionType.SCREENING}


@dataclass(frozen=True, slots=True)
class _Part:
    """One episode in the making: what an EPD says of it, and the claims that count."""

    anchor: Anchor | None
    lines: Group
    episode_id: str

    @property
    def span(self) -> tuple[date, date]:
        """Return first and last day; an open end is as far as days go."""
        if self.anchor is not None:
            return (self.anchor.primary.start, self.anchor.primary.end or date.max)
        return span(self.lines)


def _part(anchor: Anchor | None, lines: Group) -> _Part:
    """Name an episode by its primary source's earliest member."""
    if anchor is not None:
        return _Part(anchor, lines, anchor.primary.source_id)
    best = min({RANK[line.kind] for line in lines})
    members = [line for line in lines if RANK[line.kind] == best]
    earliest = min([line.day for line in members])
    return _Part(None, lines, min([line.line_id for line in members if line.day == earliest]))


def derive(
    lines: Iterable[Line],
    episodes: Iterable[EpisodeSource],
    sessions: Iterable[SessionSource],
    *,
    gap_days: int,
    services: ServiceMap,
    declarant: str,
    also: frozenset[str] = frozenset(),
    session_id: SessionId,
) -> Derived:
    """Rebuild one patient; `session_id(patient, day, therapist, type)` is the store's.

    `declarant` is our AGB, or empty where every practice is ours; `also` are our other ones.
    """
    ours = {declarant, *also} if declarant else set()
    lines = tuple({line.line_id: line for line in lines}.values())
    episodes, sessions = tuple(episodes), tuple(sessions)
    if not episodes and not sessions and (found := one_complaint(lines, gap_days, services)) is not None:
        return _plain(*found, services=services, ours=ours, gap_days=gap_days)
    return _derive(lines, episodes, sessions, gap_days=gap_days, services=services, ours=ours, session_id=session_id)


def _plain(lines: Group, kind: SessionType, *, services: ServiceMap, ours: Set[str], gap_days: int) -> Derived:
    part = _part(None, lines)
    placed = dict.fromkeys(sorted([line.line_id for line in lines]), part.episode_id)
    return Derived(
        (_episode(part, (part,), services=services, ours=ours, gap_days=gap_days),),
        sessions_of(lines, kind, part.episode_id),
        tuple(placed.items()),
        placed,
        (),
    )


def _derive(
    lines: Sequence[Line],
    episodes: Sequence[EpisodeSource],
    sessions: Sequence[SessionSource],
    *,
    gap_days: int,
    services: ServiceMap,
    ours: Set[str],
    session_id: SessionId,
) -> Derived:
    known = {line.line_id: line for line in lines}
    settled = settle(known.values())
    codes = {(line.code_list, line.service_code) for line in settled.standing}
    meant = {code: services.type_of(*code) for code in codes}
    types = {line.line_id: meant[line.code_list, line.service_code] for line in settled.standing}
    treatments = [line for line in settled.standing if types[line.line_id] in TREATMENTS]
    anchors, recorded = with_sessions(
        anchors_of(episodes),
        sessions,
        gap_days,
        lambda one: session_id(one.patient_id, one.day, one.therapist, one.type.value),
    )
    parts = _parts(anchors, treatments, gap_days)
    placed = {line.line_id: part.episode_id for part in parts for line in part.lines}
    followers = [line for line in known.values() if line.line_id not in placed and not line.credit]
    placed |= {line.line_id: found for line in followers if (found := _place(line, parts, gap_days))}
    placed |= {credit: placed[debit] for credit, debit in settled.of_credit.items() if debit in placed}
    claimed: list[Claimed] = [
        (line, kind, placed[line.line_id])
        for line in settled.standing
        if (kind := types[line.line_id]) in _COUNTED and line.line_id in placed
    ]
    made, differences = reconcile(recorded, claimed, session_id)
    findings = (*settled.findings, *_unknown_services(settled.standing, types), *differences)
    built = (_episode(part, parts, services=services, ours=ours, gap_days=gap_days) for part in parts)
    return Derived(
        tuple(sorted(built, key=lambda one: (one.start, one.episode_id))),
        made,
        _aliases(parts, placed),
        dict(sorted(placed.items())),
        tuple(sorted(findings, key=lambda finding: finding.order)),
    )


def _parts(anchors: Sequence[Anchor], treatments: Sequence[Line], gap_days: int) -> tuple[_Part, ...]:
    """Hang each claim on an EPD's episode where one fits, and rebuild episodes from the rest."""
    if not anchors:
        return tuple(_part(None, one) for one in group(treatments, gap_days))
    joined: dict[str, list[Line]] = {anchor.primary.source_id: [] for anchor in anchors}
    loose: list[Line] = []
    home_of: dict[tuple[str, str, str], str] = {}
    for line in in_order(treatments):
        anchor = choose(anchors, day=line.day, location=line.location, declarant=line.declarant, gap_days=gap_days)
        if anchor is None:
            loose.append(line)
        else:
            joined[anchor.primary.source_id].append(line)
            home_of.setdefault(trajectory_key(line), anchor.primary.source_id)
    home_of.pop(("", "", ""), None)
    rest: list[Line] = []
    for line in loose:
        # A trajectory is one episode: its days before the EPD's start belong to where its other days went.
        home = home_of.get(trajectory_key(line))
        if home is None or not _fits(line, joined[home]):
            rest.append(line)
        else:
            joined[home].append(line)
    hung = [_part(anchor, in_order(joined[anchor.primary.source_id])) for anchor in anchors]
    return (*hung, *(_part(None, one) for one in group(rest, gap_days)))


def _fits(line: Line, members: Sequence[Line]) -> bool:
    location = location_of(members)
    return not location or not line.location or location == line.location


def _place(line: Line, parts: Sequence[_Part], gap_days: int) -> str:
    """Find the episode of a line that makes none: one that was cancelled, or no treatment of its own."""
    key = trajectory_key(line)
    near: list[tuple[bool, timedelta, date, str]] = []
    for part in parts:
        first, last = part.span
        distance = max(first - line.day, line.day - last, timedelta(0))
        same = any(key) and any(trajectory_key(one) == key for one in part.lines)
        of_place = part.anchor.primary.location if part.anchor else location_of(part.lines)
        of_party = part.anchor.primary.declarant if part.anchor else part.lines[0].declarant
        agrees = (not of_place or not line.location or of_place == line.location) and (
            not of_party or of_party == line.declarant
        )
        if agrees and (same or distance <= timedelta(days=gap_days)):
            near.append((not same, distance, first, part.episode_id))
    return min(near)[3] if near else ""


def _unknown_services(lines: Iterable[Line], types: Mapping[str, SessionType | None]) -> tuple[Finding, ...]:
    if None not in types.values():
        return ()
    counts: dict[tuple[str, str], int] = {}
    for line in lines:
        if types[line.line_id] is None:
            key = (line.code_list, line.service_code)
            counts[key] = counts.get(key, 0) + 1
    return tuple(
        Finding(
            "episodes.service-unknown",
            severity=Severity.WARNING,
            params={"list": code_list, "code": code, "count": count},
        )
        for (code_list, code), count in sorted(counts.items())
    )


def _aliases(parts: Sequence[_Part], placed: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    of_sources = {source.source_id: part.episode_id for part in parts if part.anchor for source in part.anchor.sources}
    return tuple(sorted({**placed, **of_sources}.items()))


def _episode(part: _Part, parts: Sequence[_Part], *, services: ServiceMap, ours: Set[str], gap_days: int) -> Episode:
    claims = _of_claims(part, services) if part.lines else None
    if part.anchor is None:
        if claims is None:
            raise AssertionError
        end = claims.end or _ended_by_gap(part, parts, gap_days)
        rebuilt = all(line.kind is SourceKind.PM304 or not any(trajectory_key(line)) for line in part.lines)
        made = replace(claims, end=end, rebuilt=rebuilt)
    else:
        made = _of_anchor(part.anchor, claims)
    return replace(made, foreign=bool(ours and made.declarant and made.declarant not in ours))


def _of_claims(part: _Part, services: ServiceMap) -> Episode:
    """Describe an episode by its claims alone."""
    lines = part.lines
    first, last = span(lines)
    best = min(lines, key=lambda line: (RANK[line.kind], line.day, line.line_id))
    entitlements = {code for code in {line.entitlement for line in lines} if code.strip("0")}
    ends = [line.end_code for line in lines if line.day == last and line.end_code.strip("0")]
    diagnoses = [line.diagnosis for line in lines if line.diagnosis]
    return Episode(
        part.episode_id,
        best.patient_id,
        best.kind,
        first,
        end=last if ends else None,
        # The last diagnosis is what the practice thinks now.
        diagnosis=diagnoses[-1] if diagnoses else "",
        access=_access(lines),
        end_reason=services.end_reason(max(ends)) if ends else EndReason.UNKNOWN,
        chronic="001" in entitlements if entitlements else None,
        declarant=best.declarant,
        therapist=best.therapist,
    )


def _access(lines: Sequence[Line]) -> Access:
    """GDS801 without a referrer is direct access; PM304 without one says nothing."""
    # A referrer without an AGB code is zeros (NOBODY_AGB), and may leave the day of the referral.
    if any(line.referrer or line.referral_day for line in lines):
        return Access.REFERRED
    return Access.DIRECT if any(line.kind is SourceKind.GDS801 for line in lines) else Access.UNKNOWN


def _ended_by_gap(part: _Part, parts: Sequence[_Part], gap_days: int) -> date | None:
    """Return the last day of a rebuilt episode after which the same complaint began anew, past the gap."""
    last = part.span[1]
    location = location_of(part.lines)
    again = any(
        other is not part
        and (other.anchor.primary.location if other.anchor else location_of(other.lines)) == location
        and (other.span[0] - last).days > gap_days
        for other in parts
    )
    return last if again else None


def _of_anchor(anchor: Anchor, claims: Episode | None) -> Episode:
    """Describe an episode by its sources in their order; claims fill in what none of them says."""
    primary = anchor.primary

    def first_of(name: str, nothing: object, fallback: object) -> object:
        values = (getattr(source, name) for source in anchor.sources)
        return next((value for value in values if value != nothing), fallback if claims is not None else nothing)

    known = claims or Episode(primary.source_id, primary.patient_id, primary.kind, primary.start)
    return Episode(
        primary.source_id,
        primary.patient_id,
        primary.kind,
        primary.start,
        end=None if anchor.implied else first_of("end", None, known.end),  # type: ignore[arg-type]  # of the named field
        diagnosis=str(first_of("diagnosis", "", known.diagnosis)),
        access=Access(str(first_of("access", Access.UNKNOWN, known.access))),
        end_reason=EndReason(str(first_of("end_reason", EndReason.UNKNOWN, known.end_reason))),
        onward_advice=Answered(str(first_of("onward_advice", Answered.UNKNOWN, known.onward_advice))),
        chronic=first_of("chronic", None, known.chronic),  # type: ignore[arg-type]  # of the named field
        instrument=str(first_of("instrument", "", "")),
        declarant=str(first_of("declarant", "", known.declarant)),
        therapist=str(first_of("therapist", "", known.therapist)),
        rebuilt=anchor.implied,
    )
