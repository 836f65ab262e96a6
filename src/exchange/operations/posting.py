"""Seal and put away one file: number, manifest and contents in the journal first, the file after that.

After a crash `resume` goes on where the journal says it stopped; the manifest is signed once, so what is written
again is the same message.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import SealingError
from exchange.operations import catching_up, standing, trail
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.sealing.addressees import Addressees
    from exchange.sealing.manifest import AgreementRef, Kind, Position
    from exchange.sealing.sealing import Content
    from exchange.signing.cards import Card
    from exchange.store.journal import Entry, State
    from exchange.store.streams import Slot
    from exchange.transports.place import Carrier

VALID = timedelta(days=90)
_HIGH_WATER = "high-water.json"


@dataclass(frozen=True, slots=True)
class Posted:
    """A sealed file that stands ready; `dropped` is where it was brought, as words."""

    file: Path
    party: str
    message_id: str
    kind: str
    dropped: str = ""


def card_of(workspace: Workspace, party: str) -> Card:
    """Return the verified card of a partner; SealingError where a person has not verified one."""
    from exchange.signing.cards import read_card
    from exchange.store.partners import VERIFIED

    partner = standing.partner(workspace, party)
    if partner is None or partner.card is None or partner.state != VERIFIED:
        state = partner.state if partner is not None else "unknown"
        raise SealingError("partners.not-verified", hints=("hint.partners-verify",), party=party, state=state)
    return read_card(partner.card)


def post(
    workspace: Workspace,
    *,
    kind: Kind,
    party: str,
    stream: str,
    contents: Sequence[Content],
    agreement: AgreementRef | None,
    to: Carrier | Path | None = None,
) -> Posted:
    """Reserve, seal and publish one file for one partner; with `to` it is dropped there as well."""
    entry = reserve(workspace, kind=kind, party=party, stream=stream, contents=contents, agreement=agreement)
    return publish(workspace, entry, to=to)


def reserve(
    workspace: Workspace,
    *,
    kind: Kind,
    party: str,
    stream: str,
    contents: Sequence[Content],
    agreement: AgreementRef | None,
    addressees: Addressees | None = None,
) -> Entry:
    """Take the next number for a partner and keep the signed manifest with its contents in the journal.

    Without `addressees` the file is for the partner's verified card.
    """
    from exchange.sealing import sealing
    from exchange.sealing.manifest import AuditHead, Stream
    from exchange.store.journal import Outgoing

    renew_epochs(workspace)
    sealed_for = addressees or _addressees(workspace, party)
    message_id = sealing.random_name().removesuffix(".age")

    def sign(slot: Slot) -> tuple[bytes, str]:
        heading = sealing.Heading(
            kind=kind,
            stream=Stream(workspace.settings.party, stream, slot.epoch, slot.epoch_order + 1, _position(slot)),
            sequence=slot.sequence,
            created=workspace.now.replace(microsecond=0),
            expires=workspace.now.replace(microsecond=0) + VALID,
            agreement=agreement,
            previous=slot.previous,
            audit=AuditHead(slot.audit_count, slot.audit_hash if slot.audit_count else ""),
            message_id=message_id,
        )
        prepared = sealing.prepare(contents, heading, sealed_for, workspace.keyring, workspace.card)
        return prepared.jws, prepared.manifest.digest

    outgoing = Outgoing(message_id, kind.value, workspace.settings.party, stream, party, _packed(contents))
    return workspace.store.journal.reserve(outgoing, at=workspace.now, sign=sign)


def publish(
    workspace: Workspace, entry: Entry, *, to: Carrier | Path | None = None, addressees: Addressees | None = None
) -> Posted:
    """Write the sealed file of a reserved entry into the outbox, and drop it where it is asked.

    Another process of the same workspace may be at it too: each step that was taken already is as good.
    """
    from exchange.sealing import parts, permissions, sealing
    from exchange.store.journal import State
    from exchange.transports.folder import Folder

    # Only now the number is committed: a mark ahead of the store would be taken for a backup that was put back.
    _keep_high_water(workspace)
    file = workspace.folder / "outbox" / f"{entry.message_id}.age"
    if entry.manifest is None or entry.contents is None:
        raise SealingError("posting.nothing-kept", message=entry.message_id)
    if entry.state in {State.RESERVED, State.WRITTEN} and not file.exists():
        sealed_for = addressees or _addressees(workspace, entry.other)
        with parts.folder(file.parent) as part:
            sealing.write(entry.manifest, _unpacked(entry.contents), sealed_for, part / file.name)
            # Sealed anew it is another file: the first of two processes stands, and both drop that one.
            permissions.publish_first(part / file.name, file)
    # sealing.write is fsync and rename in one step, so both states follow each other here
    for state in (State.WRITTEN, State.PUBLISHED):
        _move_on(workspace, entry, state, file_name=file.name)
    dropped = "" if to is None else (Folder(to) if isinstance(to, Path) else to).drop(file)
    with workspace.store.at_once():
        if _move_on(workspace, entry, State.DONE):
            trail.note(
                workspace,
                "sent",
                object=f"message:{entry.message_id}",
                counterparty=entry.other,
                ground=entry.agreement_id,
            )
    stands = Path(dropped) if dropped and "://" not in dropped else file
    return Posted(stands, entry.other, entry.message_id, entry.kind, dropped)


def _move_on(workspace: Workspace, entry: Entry, state: State, *, file_name: str | None = None) -> bool:
    """Mark a state in the journal; False where the message is there already, or further."""
    journal, order = workspace.store.journal, ("reserved", "written", "published", "done")
    with workspace.store.at_once():
        found = journal.find(entry.message_id, entry.party)
        stands = found.state.value if found is not None else ""
        if stands in order and order.index(stands) >= order.index(state.value):
            return False
        journal.mark(entry.entry_id, state, at=workspace.now, file_name=file_name)
        return True


def resume(
    workspace: Workspace, *, to: Carrier | Path | None = None, agreement: str | None = None
) -> tuple[Posted, ...]:
    """Finish what a crash interrupted: every message that was reserved and not yet done, of one agreement or of all.

    With `to` name the agreement: what is for one partner has no business at another's. One for a passphrase
    is cancelled: the passphrase was never kept, and its form is made again.
    """
    from exchange.sealing.manifest import TO_PASSPHRASE, Manifest
    from exchange.signing import jws
    from exchange.store.journal import State

    posted = []
    for entry in workspace.store.journal.unfinished():
        if agreement is not None and entry.agreement_id != agreement:
            continue
        manifest = Manifest.from_bytes(jws.payload(entry.manifest or b""))
        if manifest.recipients == TO_PASSPHRASE and entry.state is State.RESERVED:
            workspace.store.journal.mark(entry.entry_id, State.REFUSED, at=workspace.now, reason="posting.nothing-kept")
            continue
        posted.append(publish(workspace, entry, to=to))
    return tuple(posted)


def renew_epochs(workspace: Workspace) -> None:
    """Begin new epochs where the store is behind the high-water mark beside the keys: a backup was put back."""
    try:
        kept = json.loads((workspace.folder / "keys" / _HIGH_WATER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    mark = {str(epoch): int(sequence) for epoch, sequence in kept.items()} if isinstance(kept, dict) else {}
    if workspace.store.journal.behind(workspace.settings.party, mark):
        workspace.store.journal.new_epochs(workspace.settings.party)
        trail.note(workspace, "epochs-renewed")
        (last,) = workspace.store.audit.show(after=workspace.store.audit.head()[0] - 2, limit=1)
        catching_up.fell_behind(workspace, last.at)
        # The epochs it was ahead of are never used again.
        _keep_high_water(workspace)


def _keep_high_water(workspace: Workspace) -> None:
    from exchange.sealing import permissions

    mark = json.dumps(workspace.store.journal.high_water(workspace.settings.party), sort_keys=True)
    permissions.write(workspace.folder / "keys" / _HIGH_WATER, mark.encode("ascii"))


def _addressees(workspace: Workspace, party: str) -> Addressees:
    from exchange.sealing import addressees

    return addressees.to_cards([card_of(workspace, party)], on=workspace.on)


def _position(slot: Slot) -> Position | None:
    from exchange.sealing.manifest import Position

    if not slot.after:
        return None
    epoch, sequence, digest = slot.after.split(":")
    return Position(epoch, int(sequence), digest)


def _packed(contents: Sequence[Content]) -> bytes:
    """Keep contents in the (encrypted) journal until they are published."""
    return json.dumps(
        [
            [one.name, one.media_type, one.records, b64encode(one.data or b"").decode("ascii")]
            for one in contents
        ]
    ).encode("ascii")  # fmt: skip


def _unpacked(packed: bytes) -> list[Content]:
    from exchange.sealing.sealing import Content

    return [
        Content(name, media_type, records, b64decode(data)) for name, media_type, records, data in json.loads(packed)
    ]
