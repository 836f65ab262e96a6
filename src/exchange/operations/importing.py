"""Import: open, check, ask the gate, and only then store all of one file in one transaction."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import CannotOpen, ExchangeError, SealingError
from exchange.findings import Finding
from exchange.operations import agreeing, partners, receiving, standing, trail
from exchange.operations.workspace import Workspace
from exchange.transports import folder as folder_transport

if TYPE_CHECKING:
    from exchange.sealing.opening import Opened
    from exchange.store.journal import Arrival


# A part that another process may still be writing is left alone.
STALE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file: `state` is done, already, proposal, response, rotation, revocation, acknowledgement."""

    file: str
    party: str
    kind: str
    state: str
    messages: int = 0
    cases: int = 0
    answers: int = 0
    findings: tuple[Finding, ...] = ()


def take_in(
    workspace: Workspace,
    files: Sequence[Path],
    *,
    folder: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Imported, ...]:
    """Take in sealed files, each whole or not at all.

    With several files a bad one does not hold up the others: they are taken in first, then its error is raised.
    """
    from exchange.sealing.opening import sweep

    for inner in ("inbox", "outbox", "quarantine"):
        sweep(workspace.folder / inner, before=workspace.now - STALE)
    waiting = [*files, *(folder_transport.waiting(folder) if folder is not None else ())]
    done: list[Imported] = []
    wrong: list[ExchangeError] = []
    for number, file in enumerate(waiting, 1):
        try:
            done.append(_one(workspace, file))
        except ExchangeError as error:
            wrong.append(error)
        if progress is not None:
            progress(number, len(waiting))
    if wrong:
        raise wrong[0]
    return tuple(done)


def opened(workspace: Workspace, file: Path, into: Path) -> Opened:
    """Open a sealed file into a folder; one whose card does not count says just what is wrong with that card."""
    from exchange.sealing.opening import open_file

    find_card = standing.Finder(workspace)
    try:
        return open_file(file, workspace.keyring, find_card, now=workspace.now, into=into)
    except CannotOpen:
        if find_card.why is not None:
            raise find_card.why from None
        raise


def _one(workspace: Workspace, file: Path) -> Imported:
    from exchange.errors import WasChanged
    from exchange.store.journal import Seen

    if not file.is_file():
        raise CannotOpen(file=file.name)
    try:
        read = opened(workspace, file, workspace.folder / "inbox")
    except SealingError as error:
        trail.note(workspace, "import-refused", outcome="refused", object=f"file:{file.name}", detail=error.rule)
        raise
    folder = next(iter(read.contents.values())).parent
    try:
        arrival = _arrival(read, file)
        seen = workspace.store.journal.examine(arrival)
        if seen.seen is Seen.CONFLICT:
            trail.note(workspace, "message-replaced", counterparty=arrival.party, outcome="refused")
            raise WasChanged(file=file.name)
        if seen.seen is Seen.ALREADY:
            return Imported(file.name, arrival.party, arrival.kind, "already")
        return _store(workspace, file, read, arrival, seen.epoch_order, seen.findings)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _store(
    workspace: Workspace, file: Path, read: Opened, arrival: Arrival, epoch_order: int, found: Iterable[Finding]
) -> Imported:
    from exchange.sealing.manifest import Kind

    try:
        if read.manifest.kind is Kind.CONTROL:
            state = _control(workspace, read, arrival)
            result = Imported(file.name, arrival.party, arrival.kind, state, findings=tuple(found))
        else:
            taken = receiving.receive(workspace, read, epoch_order, lambda: _journal(workspace, read, arrival))
            result = Imported(
                file.name, arrival.party, arrival.kind, "done", taken.messages, taken.cases, taken.answers,
                (*found, *taken.findings),
            )  # fmt: skip
    except ExchangeError as error:
        trail.note(
            workspace,
            "import-refused",
            counterparty=arrival.party,
            ground=arrival.agreement_id,
            outcome="refused",
            object=f"message:{arrival.message_id}",
            detail=error.rule,
        )
        raise
    trail.note(
        workspace,
        "received",
        counterparty=arrival.party,
        ground=arrival.agreement_id,
        object=f"message:{arrival.message_id}",
    )
    return result


def _control(workspace: Workspace, read: Opened, arrival: Arrival) -> str:
    state = "acknowledgement"
    for name in partners.STATEMENTS & read.contents.keys():
        # in a transaction of its own: two cards that block each other stay blocked, though the file is refused
        partners.take_statement(workspace, read.contents[name])
    with workspace.store.together(by=workspace.user, at=workspace.now):
        for name, path in read.contents.items():
            if name in {agreeing.PROPOSAL, agreeing.RESPONSE}:
                standing.require_accepted(workspace, read.card, arrival.party)
            if name == agreeing.PROPOSAL:
                agreeing.receive_proposal(workspace, arrival.party, path.read_bytes())
                state = "proposal"
            elif name == agreeing.RESPONSE:
                agreeing.receive_response(workspace, arrival.party, path.read_bytes())
                state = "response"
            elif name in partners.STATEMENTS:
                state = name.partition(".")[0]
            else:
                raise SealingError("importing.control-unknown", hints=("hint.newer-version",), name=name)
        _journal(workspace, read, arrival)
    return state


def _journal(workspace: Workspace, read: Opened, arrival: Arrival) -> None:
    workspace.store.journal.receive(arrival, at=workspace.now, manifest=read.manifest_jws)


def _arrival(read: Opened, file: Path) -> Arrival:
    from exchange.store.journal import Arrival

    manifest = read.manifest
    after = manifest.stream.after
    return Arrival(
        message_id=manifest.message_id,
        kind=manifest.kind.value,
        party=manifest.sender,
        agreement_id=manifest.stream.agreement,
        epoch=manifest.stream.epoch,
        sequence=manifest.sequence,
        previous=manifest.previous,
        digest=manifest.digest,
        after="" if after is None else f"{after.epoch}:{after.sequence}:{after.digest}",
        audit_count=manifest.audit.count,
        audit_hash=manifest.audit.hash,
        file_name=file.name,
    )
