"""Good practice ("zinnige zorg"): what the practice does otherwise now, since when, with whom, and what shows it.

Kept as one setting of the store: it has no versions of its own, and the trail has who changed what and when.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date

from exchange.errors import StoreError
from exchange.operations import trail
from exchange.operations.workspace import Workspace
from exchange.reports import facts as pages

_SETTING = "good-practices"


@dataclass(frozen=True, slots=True)
class Practice:
    """One good practice by its name."""

    name: str
    changed: str = ""
    since: date | None = None
    partner: str = ""
    evidence: str = ""


def record(workspace: Workspace, name: str, *, since: date | None = None, **texts: str | None) -> Practice:
    """Record a good practice or change it; what is None stays as it was. A new one says what changed."""
    with workspace.store.together(by=workspace.user, at=workspace.now):
        kept = {one.name: one for one in listed(workspace)}
        before = kept.get(name, Practice(name))
        given = {part: text.strip() for part, text in texts.items() if text is not None}
        made = Practice(**{**asdict(before), "since": since or before.since, **given})
        if not (name.strip() and made.changed):
            raise StoreError("practising.what-changed", hints=("hint.practising",), name=name)
        _keep(workspace, {**kept, name: made})
    trail.note(workspace, "good-practice-recorded", object="good-practice")
    return made


def remove(workspace: Workspace, name: str) -> None:
    """Take a good practice away."""
    with workspace.store.together(by=workspace.user, at=workspace.now):
        kept = {one.name: one for one in listed(workspace)}
        if kept.pop(name, None) is None:
            raise StoreError("practising.unknown", hints=("hint.practising-list",), name=name)
        _keep(workspace, kept)
    trail.note(workspace, "good-practice-removed", object="good-practice")


def listed(workspace: Workspace) -> tuple[Practice, ...]:
    """Return the good practices by name."""
    kept = json.loads(workspace.store.setting(_SETTING, "{}"))
    return tuple(
        Practice(name, one["changed"], date.fromisoformat(one["since"]) if one["since"] else None, one["partner"],
                 one["evidence"])
        for name, one in sorted(kept.items())
    )  # fmt: skip


def shown(workspace: Workspace) -> tuple[pages.GoodPractice, ...]:
    """Return the good practices as the plan prints them, the oldest first."""
    ordered = sorted(listed(workspace), key=lambda one: (one.since or date.max, one.name))
    return tuple(pages.GoodPractice(**asdict(one)) for one in ordered)


def _keep(workspace: Workspace, kept: dict[str, Practice]) -> None:
    told = {
        name: {**asdict(one), "since": one.since.isoformat() if one.since else ""} for name, one in kept.items()
    }  # fmt: skip
    workspace.store.set_setting(_SETTING, json.dumps(told, ensure_ascii=False, sort_keys=True))
