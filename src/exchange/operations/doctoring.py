"""Look whether everything of a workspace is as it should be; change nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exchange.errors import ExchangeError
from exchange.operations.workspace import FOLDERS, Workspace


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    rule: str
    sound: bool
    params: Mapping[str, object] = field(default_factory=dict)


def examine(workspace: Workspace) -> tuple[Check, ...]:
    """Return every check in the order of what rests on what."""
    return tuple(_checks(workspace))


def _checks(workspace: Workspace) -> Iterator[Check]:
    from importlib.metadata import version

    missing = [name for name in FOLDERS if not (workspace.folder / name).is_dir()]
    yield Check("doctor.version", True, {"version": version("outcome-exchange")})
    yield Check("doctor.folders", not missing, {"missing": ", ".join(missing) or "-"})
    loose = _loose(workspace.folder)
    yield Check("doctor.permissions", not loose, {"loose": ", ".join(loose) or "-"})
    yield Check("doctor.keys", workspace.keyring.demo == workspace.settings.demo)
    yield Check("doctor.card", workspace.card.valid_on(workspace.on), {"until": workspace.card.valid_until.isoformat()})
    found = workspace.store.integrity()
    yield Check("doctor.store", not found, {"count": len(found)})
    open_entries = workspace.store.journal.unfinished()
    yield Check("doctor.outbox", not open_entries, {"count": len(open_entries)})
    gaps = workspace.store.journal.gaps()
    yield Check("doctor.gaps", not gaps, {"count": len(gaps)})
    yield _sealing(workspace)
    yield _documents()


def _loose(folder: Path) -> list[str]:
    """Return what others can reach, or what leads out of the workspace; the settings others may read, not change."""
    from exchange.sealing.permissions import open_to_others

    private = [name for name in (*FOLDERS, "store.db") if open_to_others(folder / name)]
    return private + [name for name in ("exchange.toml",) if open_to_others(folder / name, may_read=True)]


def _sealing(workspace: Workspace) -> Check:
    """Seal a few bytes for ourselves and open them again."""
    from exchange.sealing import originals

    with tempfile.TemporaryDirectory() as folder:
        plain, sealed, again = (Path(folder, name) for name in ("plain", "sealed", "again"))
        plain.write_bytes(b"self-test")
        try:
            originals.keep(plain, sealed, workspace.keyring.storage.recipient)
            originals.fetch(sealed, again, workspace.keyring.storage)
        except ExchangeError:
            return Check("doctor.sealing", False)
        return Check("doctor.sealing", again.read_bytes() == b"self-test")


def _documents() -> Check:
    from importlib.util import find_spec

    missing = [name for name in ("pypandoc", "typst", "matplotlib") if find_spec(name) is None]
    return Check("doctor.documents", not missing, {"missing": ", ".join(missing) or "-"})
