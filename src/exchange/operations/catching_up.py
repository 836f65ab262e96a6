"""After a backup was put back: nothing about patients is sent until a person went through what they withdrew since."""

from __future__ import annotations

from datetime import datetime

from exchange.errors import Refused
from exchange.operations import trail
from exchange.operations.workspace import Workspace

# Since when the store may have missed what clients said.
_BEHIND = "consents-behind"


def fell_behind(workspace: Workspace, since: datetime) -> None:
    """Remember that what clients said since then is not known here: the store is a backup's."""
    workspace.store.set_setting(_BEHIND, since.isoformat())


def behind_since(workspace: Workspace) -> datetime | None:
    """Return since when what clients said may be missing, or nothing."""
    since = workspace.store.setting(_BEHIND)
    return datetime.fromisoformat(since) if since else None


def caught_up(workspace: Workspace) -> None:
    """Note that a person recorded again what clients refused or withdrew since; exports go on."""
    since = behind_since(workspace)
    if since is not None:
        with workspace.store.at_once():
            workspace.store.set_setting(_BEHIND, "")
            trail.note(workspace, "consents-caught-up", detail=since.isoformat())


def require_caught_up(workspace: Workspace) -> None:
    """Raise Refused where a restored store may have forgotten that a client withdrew."""
    since = behind_since(workspace)
    if since is not None:
        raise Refused("consenting.behind", hints=("hint.consents-behind",), since=f"{since:%Y-%m-%d %H:%M} UTC")
