"""Claims without an EPD's episode: a GDS801 trajectory is one, PM304 is rebuilt by location and a visible gap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import groupby, pairwise

from exchange.episodes.facts import Line
from exchange.records.codes import SourceKind

Group = tuple[Line, ...]


def in_order(lines: Iterable[Line]) -> Group:
    """Sort lines by day; those with a diagnosis before those without, so that the latter find a home."""
    return tuple(sorted(lines, key=lambda line: (line.day, not line.diagnosis, line.kind, line.line_id)))


def location_of(group: Sequence[Line]) -> str:
    """Return the first location that a line of the group names."""
    return next((line.location for line in group if line.diagnosis), "")


def group(lines: Iterable[Line], gap_days: int) -> tuple[Group, ...]:
    """Cut the treatment lines of one patient into episodes, earliest first."""
    ordered = in_order(lines)
    trajectories = _trajectories([line for line in ordered if has_trajectory(line)])
    loose = [line for line in ordered if not has_trajectory(line)] if trajectories else ordered
    groups = _across_the_change(trajectories, _runs(loose, gap_days), gap_days)
    return tuple(sorted(groups, key=lambda one: _first(one).toordinal()))


def span(lines: Sequence[Line]) -> tuple[date, date]:
    """Return the first day (a trajectory's own start where it is earlier) and the last day."""
    return (_first(lines), max(line.day for line in lines))


def _first(lines: Sequence[Line]) -> date:
    started = [line.trajectory_start for line in lines if line.trajectory_start is not None]
    return min([line.day for line in lines] + started)


def has_trajectory(line: Line) -> bool:
    """Tell whether a line says which trajectory it belongs to."""
    return line.kind is SourceKind.GDS801 and bool(line.trajectory or line.trajectory_start)


def trajectory_key(line: Line) -> tuple[str, str, str]:
    """Return what names a trajectory: its number, else its start date; empty where the line has none."""
    if not has_trajectory(line):
        return ("", "", "")
    started = "" if line.trajectory or line.trajectory_start is None else line.trajectory_start.isoformat()
    return (line.declarant, line.trajectory, started)


def _trajectories(lines: Sequence[Line]) -> list[Group]:
    found: list[Group] = []
    for key, members in groupby(sorted(lines, key=trajectory_key), key=trajectory_key):
        one = in_order(members)
        if key[1]:
            found.append(one)
            continue
        # Without a number, two complaints that began on one day are told apart by location.
        locations = sorted({line.location for line in one if line.location}) or [""]
        found += [tuple(line for line in one if (line.location or locations[0]) == location) for location in locations]
    return found


def _runs(lines: Sequence[Line], gap_days: int) -> list[Group]:
    if _one_run(lines, gap_days):
        return [tuple(lines)]
    runs: list[list[Line]] = []
    for line in lines:
        near = [run for run in runs if _within(run[-1].day, line.day, gap_days) and _same(run, line)]
        if not near:
            runs.append([line])
            continue
        exact = [run for run in near if location_of(run) == line.location]
        max(exact or near, key=lambda run: (run[-1].day, run[0].day, run[0].line_id)).append(line)
    return [tuple(run) for run in runs]


def _one_run(lines: Sequence[Line], gap_days: int) -> bool:
    """Tell at a glance, as is true of most patients, that one complaint goes on without a gap."""
    if not lines or len({(line.declarant, line.diagnosis[:2]) for line in lines}) > 1:
        return False
    days = [line.day.toordinal() for line in lines]
    return all(later - day <= gap_days for day, later in pairwise(days))


def _same(run: Sequence[Line], line: Line) -> bool:
    """Tell whether a line may continue a run; a line or run without a diagnosis goes with any."""
    location = location_of(run)
    return run[0].declarant == line.declarant and (not location or not line.location or location == line.location)


def _within(last: date, day: date, gap_days: int) -> bool:
    return (day - last).days <= gap_days


def _across_the_change(trajectories: list[Group], runs: list[Group], gap_days: int) -> list[Group]:
    """Join each run to the nearest trajectory of the same location: care went on while the format changed."""
    merged = {number: list(one) for number, one in enumerate(trajectories)}
    alone: list[Group] = []
    for run in runs:
        near = [
            (distance, number)
            for number, one in enumerate(trajectories)
            if _same(one, run[0])
            and _same(one, next((line for line in run if line.location), run[0]))
            and (distance := _distance(run, one)) <= timedelta(days=gap_days)
        ]
        if near:
            merged[min(near)[1]] += run
        else:
            alone.append(run)
    return [in_order(one) for one in merged.values()] + alone


def _distance(one: Sequence[Line], other: Sequence[Line]) -> timedelta:
    first, last = span(one)
    other_first, other_last = span(other)
    return max(other_first - last, first - other_last, timedelta(0))
