"""Improvement points: Plan, Do, Check, Act."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from exchange.operations import trail
from exchange.operations.workspace import Workspace
from exchange.records.model import ImprovementPoint


def record(
    workspace: Workspace, point: str, *, check_on: tuple[date, ...] = (), **texts: str | None
) -> ImprovementPoint:
    """Record an improvement point or change it; what is None or empty stays as it was."""
    before = next((one for one in listed(workspace) if one.point_id == point), None)
    base = before or ImprovementPoint(point, "", "", "", "", "", "", ())
    changed = replace(
        base,
        check_on=check_on or base.check_on,
        **{name: text for name, text in texts.items() if text is not None},
    )
    workspace.store.figures.save_improvement(changed, by=workspace.user, at=workspace.now)
    trail.note(workspace, "improvement-recorded", object=f"improvement:{point}")
    return changed


def listed(workspace: Workspace) -> tuple[ImprovementPoint, ...]:
    """Return the improvement points by id."""
    return workspace.store.figures.improvements()
