"""Resending: the very same file once more, or a number taken back of a file that was never sent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import StoreError
from exchange.operations import carrying, catching_up, trail, withdrawing
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.store.journal import Entry


@dataclass(frozen=True, slots=True)
class Resent:
    """A file that goes out once more, or whose number was taken back; `dropped` is where it was brought."""

    file: Path
    party: str
    sequence: int
    dropped: str = ""


def again(
    workspace: Workspace,
    agreement: str,
    sequence: int,
    *,
    party: str | None = None,
    to: Path | str | None = None,
    login: carrying.Login = carrying.NO_LOGIN,
) -> Resent:
    """Bring the same sealed file out of the outbox once more: who has it already says so, and nothing doubles."""
    catching_up.require_caught_up(workspace)
    entry = _entry(workspace, agreement, sequence, party)
    file = workspace.folder / "outbox" / f"{entry.message_id}.age"
    if not file.is_file():
        raise StoreError(
            "acknowledging.not-in-outbox", hints=("hint.take-back",), sequence=sequence, party=entry.other
        )  # fmt: skip
    with carrying.carried(workspace, to, login) as carrier:
        if carrier is not None:
            carrier.ready()
        dropped = "" if carrier is None else carrier.drop(file)
    message = f"message:{entry.message_id}"
    trail.note(workspace, "sent-again", object=message, counterparty=entry.other, ground=agreement)
    return Resent(file, entry.other, entry.sequence, dropped)


def take_back(workspace: Workspace, agreement: str, sequence: int, *, party: str | None = None) -> Resent:
    """Take back a file that never left the outbox: the partner is told that its number will not come.

    What it told goes out anew with the next export. StoreError where its receiver confirmed it.
    """
    entry = _entry(workspace, agreement, sequence, party)
    withdrawing.take_back(workspace, entry)
    return Resent(workspace.folder / "outbox" / f"{entry.message_id}.age", entry.other, entry.sequence)


def _entry(workspace: Workspace, agreement: str, sequence: int, party: str | None) -> Entry:
    """Return our message with a number, of the newest epoch that has it."""
    found = [
        one
        for one in workspace.store.journal.outgoing()
        if (one.agreement_id, one.sequence) == (agreement, sequence)
        and party in (None, one.other)
        and one.state.value != "refused"
    ]
    if not found:
        raise StoreError("acknowledging.no-number", hints=("hint.log-sent",), agreement=agreement, sequence=sequence)
    if len({one.other for one in found}) > 1:
        raise StoreError(
            "acknowledging.which-party", hints=("hint.which-party",), agreement=agreement, sequence=sequence
        )  # fmt: skip
    return max(found, key=lambda one: one.epoch_order)
