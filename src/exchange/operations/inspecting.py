"""Say what a sealed file shows, to anybody and to us, without storing anything."""

from __future__ import annotations

from pathlib import Path

from exchange.errors import ExchangeError
from exchange.operations import importing
from exchange.operations.workspace import Workspace


def inspect(file: Path, workspace: Workspace | None) -> dict[str, object]:
    """Return facts by name; what needs our key is there only when it opens the file."""
    from exchange.sealing import parts
    from exchange.sealing.opening import inspect as outside

    seen = outside(file)
    facts: dict[str, object] = {
        "file": file.name,
        "size": seen.size,
        "kinds": ", ".join(sorted(set(seen.kinds))),
        "armored": seen.armored,
        "payload": seen.payload,
    }
    if workspace is None:
        return facts
    with parts.folder(workspace.folder / "inbox") as folder:
        try:
            read = importing.opened(workspace, file, folder)
        except ExchangeError:
            return {**facts, "opened": False}
        manifest = read.manifest
        known = workspace.store.journal.find(manifest.message_id, manifest.sender)
        return {
            **facts,
            "opened": True,
            "sender": manifest.sender,
            "kind": manifest.kind.value,
            "agreement": manifest.stream.agreement,
            "message": manifest.message_id,
            "sequence": manifest.sequence,
            "created": manifest.created.isoformat(),
            "expires": manifest.expires.isoformat(),
            "contents": ", ".join(f"{one.name} ({one.records})" for one in manifest.contents),
            "known": known is not None,
        }
