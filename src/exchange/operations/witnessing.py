"""Witnessing: keep the heads of partners' audit trails, and let theirs prove that nobody rewrote ours.

Every manifest carries its sender's head. A receiver keeps it in its journal and gives the last one back with each
acknowledgement; on request it signs all that it keeps.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import SealingError, StoreError, WasChanged
from exchange.operations import acknowledging, files, partners, trail
from exchange.operations.trail import Kept, Verified
from exchange.operations.workspace import Workspace
from exchange.records.identifiers import Party

if TYPE_CHECKING:
    from exchange.signing.cards import Card

FORMAT = "outcome-exchange-audit-heads/1"
_TYP = "audit-head"
_MOST = 3 * 1024 * 1024


def write(workspace: Workspace, party: str, *, to: Path) -> int:
    """Write, signed, every head of a partner's trail that came with its messages; return how many."""
    from exchange.signing import jws
    from exchange.signing.canonical import canonical

    other = str(Party.parse(party))
    seen = [one for one in workspace.store.journal.incoming() if one.party == other and one.audit_count]
    if not seen:
        raise StoreError("witnessing.none", hints=("hint.witness-exchange",), party=other)
    count, link = workspace.store.audit.head()
    said = {
        "format": FORMAT,
        "keeper": workspace.settings.party,
        "of": other,
        "on": workspace.on.isoformat(),
        "heads": [
            {"epoch": one.epoch, "sequence": one.sequence, "count": one.audit_count, "hash": one.audit_hash}
            for one in seen
        ],
        "own": {"count": count, "hash": link},
    }
    files.write(to, jws.sign(canonical(said), _TYP, workspace.keyring.signing))
    trail.note(workspace, "witness-written", counterparty=other, detail=f"{len(seen)} heads")
    return len(seen)


def verify(workspace: Workspace, witness: str | None = None) -> Verified:
    """Verify the trail beside what partners keep of it: all that came with receipts, or one partner's, or its file."""
    if witness is None:
        heads = _received(workspace, None)
    elif Path(witness).is_file():
        heads = _of_file(workspace, Path(witness))
    else:
        party = str(Party.parse(witness))
        heads = _received(workspace, party)
        if not heads:
            raise StoreError("witnessing.none-of-ours", hints=("hint.witness-file",), party=party)
    return trail.verify(workspace, heads)


def _of_file(workspace: Workspace, file: Path) -> tuple[Kept, ...]:
    """Read a partner's signed heads; SealingError where a verified partner did not sign them, or not about us."""
    from exchange.signing import jws

    data = files.read(file, most=_MOST)
    try:
        claimed = json.loads(jws.payload(data))
        keeper = str(claimed["keeper"])
    except (ValueError, KeyError, TypeError, WasChanged):
        raise SealingError("witnessing.malformed", hints=("hint.ask-sender-again",), file=file.name) from None
    for card in partners.cards_of(workspace).get(keeper, []):
        if keeper in workspace.parties:
            break  # our own signature witnesses nothing
        try:
            said = json.loads(jws.verify(data, _TYP, card))
        except WasChanged:
            continue
        if said.get("format") == FORMAT and said.get("of") in workspace.parties:
            return tuple(Kept(keeper, one["epoch"], one["count"], one["hash"]) for one in said["heads"])
    raise SealingError("witnessing.not-signed", hints=("hint.partners-verify",), file=file.name)


def _received(workspace: Workspace, party: str | None) -> tuple[Kept, ...]:
    """Return the heads that came back with receipts, each only where its manifest still vouches for it."""
    from exchange.sealing.acknowledgement import Acknowledgement

    cards = partners.cards_of(workspace)
    heads = []
    for message in workspace.store.received.of_event(acknowledging.WITNESS):
        if party not in (None, message.party) or not _vouched(workspace, message.message_id, message.content, cards):
            continue
        head = Acknowledgement.from_bytes(message.content).witness
        if head is not None:
            heads.append(Kept(message.party, head.epoch, head.count, head.hash))
    return tuple(heads)


def _vouched(workspace: Workspace, message_id: str, content: bytes, cards: dict[str, list[Card]]) -> bool:
    from exchange.sealing.manifest import Manifest
    from exchange.signing import jws

    entry = workspace.store.journal.find(message_id)
    if entry is None or entry.manifest is None:
        return False
    for card in cards.get(entry.party, []):
        try:
            manifest = Manifest.from_bytes(jws.verify(entry.manifest, "manifest", card))
        except SealingError:
            continue
        return hashlib.sha256(content).hexdigest() in {one.sha256 for one in manifest.contents}
    return False
