"""Keep our own keys: change their passphrase."""

from __future__ import annotations

from exchange.errors import Locked
from exchange.operations import trail
from exchange.operations.workspace import Workspace


def change_passphrase(workspace: Workspace, *, old: str, new: str) -> None:
    """Lock the same keys with another passphrase; Locked where the old one is wrong or there is none."""
    from exchange.sealing import keystore

    if workspace.settings.demo:
        raise Locked("keeping.demo", hints=("hint.init-with-passphrase",))
    workspace.unlock(old)  # the trail below needs the keys, and no one is asked twice
    keystore.change_passphrase(workspace.folder / "keys", old, new)
    trail.note(workspace, "passphrase-changed")
