"""Improvement points: Plan, Do, Check, Act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from exchange.findings import say
from exchange.operations import trail
from exchange.operations.workspace import Workspace
from exchange.records.model import ImprovementPoint
from exchange.reports import facts as pages

if TYPE_CHECKING:
    from exchange.indicators.figure import Figure


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


def shown(
    workspace: Workspace, titles: Mapping[str, str], measured: Mapping[str, Figure], language: str
) -> tuple[pages.ImprovementPoint, ...]:
    """Return the improvement points as pages show them; `titles` and figures `measured` are those of the indicators."""
    return tuple(
        pages.ImprovementPoint(
            title=one.title or one.point_id,
            do=one.actions,
            check=say("composing.measured-by", {"title": titles.get(one.indicator, one.indicator)}, language)
            if one.indicator
            else "",
            act=one.act,
            owner=one.owner,
            baseline=one.baseline,
            goal=one.goal,
            realised=one.realised,
            check_on=one.check_on,
            # what came of it is in words; whether that reached the goal is for the reader to say
            state="checked" if one.realised else "open",
            measured=measured.get(one.indicator),
        )
        for one in listed(workspace)
    )
