"""One list of sessions: the EPD's are primary, claims fill in where it recorded none, and differences are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from exchange.episodes.anchoring import RANK
from exchange.episodes.facts import Line, SessionSource
from exchange.episodes.services import TREATMENTS
from exchange.findings import Finding, Severity
from exchange.records.codes import SessionType
from exchange.records.model import Session

SessionId = Callable[[str, date, str, str], str]
Claimed = tuple[Line, SessionType, str]  # a line, what its service is, and its episode


def reconcile(
    recorded: Sequence[tuple[SessionSource, str]], claimed: Iterable[Claimed], session_id: SessionId
) -> tuple[tuple[Session, ...], tuple[Finding, ...]]:
    """Make the sessions of one patient; `recorded` carries each session with its episode."""
    if not recorded:
        return _claimed_only(claimed), ()
    made: dict[tuple[date, str, SessionType], Session] = {}
    for source, episode in sorted(recorded, key=lambda one: _rank(one[0], one[1])):
        key = (source.day, source.therapist, source.type)
        if key not in made and not _named_twice(made, key):
            made[key] = _session(source, episode, session_id)
    by_day: dict[date, list[Session]] = {}
    for session in made.values():
        by_day.setdefault(session.day, []).append(session)
    authorities = {episode for source, episode in recorded if source.type in TREATMENTS}
    counts: dict[tuple[str, str], int] = {}
    matched: set[str] = set()
    spans: dict[str, tuple[date, date]] = {}
    for line, kind, episode in sorted(claimed, key=lambda one: _claim_rank(one[0], one[2])):
        first, last = spans.get(episode, (line.day, line.day))
        spans[episode] = (min(first, line.day), max(last, line.day))
        verdict = _compare(line, kind, by_day.get(line.day, ()), matched)
        if verdict == "same":
            continue
        if episode not in authorities or kind not in TREATMENTS:
            made.setdefault((line.day, line.therapist, kind), _of_claim(line, kind, episode))
        else:
            rule = f"episodes.{verdict}"
            counts[rule, episode] = counts.get((rule, episode), 0) + 1
    for episode, unclaimed in _unclaimed(made.values(), matched, spans, authorities).items():
        counts["episodes.recorded-not-claimed", episode] = unclaimed
    sessions = sorted(made.values(), key=lambda one: (one.day, one.type, one.therapist, one.session_id))
    return tuple(sessions), tuple(_finding(rule, episode, count) for (rule, episode), count in counts.items())


def _claimed_only(claimed: Iterable[Claimed]) -> tuple[Session, ...]:
    """Make the sessions of a patient whom no EPD's sessions name: claims are all there is."""
    made: dict[tuple[date, SessionType, str], tuple[Line, str]] = {}
    for line, kind, episode in sorted(claimed, key=lambda one: _claim_rank(one[0], one[2])):
        made.setdefault((line.day, kind, line.therapist), (line, episode))
    return tuple(_of_claim(line, key[1], episode) for key, (line, episode) in sorted(made.items(), key=_by_key))


def _by_key(item: tuple[tuple[date, SessionType, str], object]) -> tuple[date, SessionType, str]:
    return item[0]


def _rank(source: SessionSource, episode: str) -> tuple[object, ...]:
    # Named therapists first, so that a row without one can be seen to be the same session.
    return (
        RANK[source.kind],
        not source.therapist,
        source.day,
        source.type,
        source.therapist,
        episode,
        source.self_paid,
    )


def _claim_rank(line: Line, episode: str) -> tuple[object, ...]:
    return (RANK[line.kind], line.day, episode, line.line_id)


def _named_twice(made: Mapping[tuple[date, str, SessionType], Session], key: tuple[date, str, SessionType]) -> bool:
    day, therapist, kind = key
    return not therapist and any(one[0] == day and one[2] == kind for one in made)


def _session(source: SessionSource, episode: str, session_id: SessionId) -> Session:
    return Session(
        session_id(source.patient_id, source.day, source.therapist, source.type.value),
        episode,
        source.patient_id,
        source.day,
        source.type,
        source.therapist,
        source.kind,
        source.self_paid,
    )


def _of_claim(line: Line, kind: SessionType, episode: str) -> Session:
    """Make the session of a claim, known by that line: an id of its own would say no more."""
    return Session(
        line.line_id,
        episode,
        line.patient_id,
        line.day,
        kind,
        line.therapist,
        line.kind,
    )


def _compare(line: Line, kind: SessionType, recorded: Sequence[Session], matched: set[str]) -> str:
    """Say whether the EPD has this session: the same, another therapist or type that day, or none."""
    exact = [one for one in recorded if one.type is kind and one.therapist == line.therapist]
    near = [one for one in recorded if one.type is kind and not (one.therapist and line.therapist)]
    for one in (*exact, *near)[:1]:
        matched.add(one.session_id)
        return "same"
    other = [one for one in recorded if one.type in TREATMENTS]
    matched.update(one.session_id for one in other)
    return "recorded-otherwise" if other else "claimed-not-recorded"


def _unclaimed(
    sessions: Iterable[Session], matched: set[str], spans: Mapping[str, tuple[date, date]], authorities: set[str]
) -> Mapping[str, int]:
    """Count the recorded sessions without a claim, within the days from which there are claims."""
    counts: dict[str, int] = {}
    for one in sessions:
        first, last = spans.get(one.episode_id, (date.max, date.min))
        if (
            one.episode_id in authorities
            and one.type in TREATMENTS
            and not one.self_paid
            and one.session_id not in matched
            and first <= one.day <= last
        ):
            counts[one.episode_id] = counts.get(one.episode_id, 0) + 1
    return counts


def _finding(rule: str, episode: str, count: int) -> Finding:
    severity = Severity.INFORMATION if rule == "episodes.recorded-not-claimed" else Severity.WARNING
    return Finding(rule, path=f"episode:{episode}", severity=severity, params={"count": count})
