"""Keep our own keys locked: change their passphrase."""

from __future__ import annotations

from exchange.errors import Locked
from exchange.operations import trail
from exchange.operations.workspace import Workspace


def change_passphrase(workspace: Workspace, *, old: str, new: str) -> None:
    """Lock the same keys with another passphrase; Locked where the old one is wrong or there is none."""
    from exchange.sealing import keystore

    require_passphrase(workspace)
    workspace.unlock(old)  # the trail below needs the keys, and no one is asked twice
    keystore.change_passphrase(workspace.folder / "keys", old, new)
    trail.note(workspace, "passphrase-changed")


def require_passphrase(workspace: Workspace) -> None:
    """Refuse a demo workspace: its keys lie open."""
    if workspace.settings.demo:
        raise Locked("keeping.demo", hints=("hint.init-with-passphrase",))
