"""Acknowledging: tell a partner what became of its files, and take in what partners say of ours.

A receipt rides along with the next file to that partner, or goes in one of its own. What is nothing but a receipt is
never acknowledged, so that two programs do not thank each other for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import AgreementError, SealingError
from exchange.findings import Finding, Severity
from exchange.operations import carrying, posting, receiving, trail, withdrawing
from exchange.operations.gathering import Terms, terms_of
from exchange.operations.telling import question
from exchange.operations.workspace import Workspace
from exchange.records.calendar import day_of

if TYPE_CHECKING:
    from datetime import datetime

    from exchange.sealing.acknowledgement import Acknowledgement, Head, Named
    from exchange.sealing.manifest import AgreementRef
    from exchange.sealing.opening import Opened
    from exchange.sealing.sealing import Content
    from exchange.store.journal import Arrival, Entry
    from exchange.transports.place import Carrier

WITNESS = "audit-witness"
# The contents of a control file that want an answer of ours; a proposal is answered by signing it.
_WANTED = frozenset({"card", "response", "accession", "acceptance", "termination", "rotation", "revocation"})
_MOST_STRETCHES = 1000


@dataclass(frozen=True, slots=True)
class Due:
    """What a receipt to one partner under one agreement would say, and what it settles here."""

    agreement: str
    party: str
    receipt: Acknowledgement
    entries: tuple[int, ...]
    answers: tuple[withdrawing.Answer, ...] = ()

    @property
    def content(self) -> Content:
        """Return it as a content of a sealed file."""
        from exchange.sealing import acknowledgement
        from exchange.sealing.sealing import Content

        return Content(acknowledgement.NAME, acknowledgement.MEDIA_TYPE, 1, self.receipt.to_bytes())

    def __bool__(self) -> bool:
        return bool(self.entries or self.answers)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A receipt that went out in a file of its own."""

    file: Path
    party: str
    agreement: str
    received: int
    refused: int
    missing: int
    answers: int
    dropped: str = ""


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """Something we sent: how many days ago, and what its receiver said of it (`reason` where it refused)."""

    sequence: int
    agreement: str
    party: str
    kind: str
    at: datetime
    days: int
    state: str
    confirmed_at: datetime | None
    reason: str
    file: str


# Telling -------------------------------------------------------------------------------------------------------------


def due(workspace: Workspace, agreement: str, party: str, *, answers: bool = True) -> Due:
    """Return what a partner is still to hear of its files under an agreement; `answers` to withdrawals too."""
    from exchange.sealing.acknowledgement import MOST_MESSAGES, Acknowledgement, Stretch
    from exchange.store.journal import State

    receipts = workspace.store.receipts
    owed = [one for one in receipts.owed() if (one.agreement_id, one.party) == (agreement, party) and _wants(one)]
    owed = owed[:MOST_MESSAGES]
    never = [one for one in receipts.cancelled() if (one.agreement_id, one.other) == (agreement, party)]
    never = never[:MOST_MESSAGES]
    given = withdrawing.unsent(workspace, agreement, party) if answers else ()
    receipt = Acknowledgement(
        received=tuple(_named(one) for one in owed if one.state is State.DONE),
        refused=tuple(_named(one) for one in owed if one.state is State.REFUSED),
        missing=tuple(Stretch(*one) for one in receipts.missing(party, agreement)[:_MOST_STRETCHES]),
        cancelled=tuple((one.epoch, one.sequence) for one in never),
        witness=_witness(workspace, party),
        withdrawals=tuple(one.told for one in given),
    )
    return Due(agreement, party, receipt, tuple(one.entry_id for one in (*owed, *never)), given)


def riding(terms: Terms, party: str) -> Due | None:
    """Return the receipt that goes along with a file under an agreement, where there is something to say."""
    found = due(terms.workspace, terms.stored.agreement_id, party)
    return found if found and _may(terms, found) else None


def note(workspace: Workspace, told: Due, message_id: str) -> None:
    """Write, in the transaction that takes the file's number, that all this was told."""
    workspace.store.receipts.answered(told.entries, at=workspace.now)
    withdrawing.note_sent(workspace, told.answers, message_id)


def send(
    workspace: Workspace,
    agreement: str | None = None,
    *,
    to: Path | str | None = None,
    login: carrying.Login = carrying.NO_LOGIN,
) -> tuple[Acknowledged, ...]:
    """Send every receipt that is owed, under one agreement or all, each in a file of its own and at once.

    Where the agreement does not allow even a receipt (it is over, or unknown here) a control file carries it: there is
    no patient in it. A partner whose card nobody verified gets nothing.
    """
    done = []
    with carrying.carried(workspace, to, login) as carrier:
        if carrier is not None:
            carrier.ready()
        for name, party in _places(workspace):
            if agreement in (None, name) and _has_card(workspace, party):
                done.append(_send(workspace, name, party, carrier))
    return tuple(one for one in done if one is not None)


def _send(workspace: Workspace, agreement: str, party: str, to: Carrier | None) -> Acknowledged | None:
    from exchange.sealing.manifest import Kind

    told = due(workspace, agreement, party)
    ref = _under(workspace, told)
    if ref is None:
        told = due(workspace, agreement, party, answers=False)
    if not told:
        return None
    with workspace.store.together(by=workspace.user, at=workspace.now):
        entry = posting.reserve(
            workspace,
            kind=Kind.ACKNOWLEDGEMENT if ref is not None else Kind.CONTROL,
            party=party,
            stream=agreement,
            contents=(told.content,),
            agreement=ref,
        )
        note(workspace, told, entry.message_id)
    posted = posting.publish(workspace, entry, to=to)
    said = told.receipt
    return Acknowledged(
        posted.file,
        party,
        agreement,
        len(said.received),
        len(said.refused),
        len(said.missing),
        len(told.answers),
        posted.dropped,
    )


def _under(workspace: Workspace, told: Due) -> AgreementRef | None:
    """Return the agreement that lets this receipt pass, None where none does."""
    from exchange.sealing.manifest import AgreementRef

    try:
        terms = terms_of(workspace, told.agreement)
    except AgreementError:
        return None
    stored = terms.stored
    return AgreementRef(stored.agreement_id, stored.version, stored.digest) if _may(terms, told) else None


def _may(terms: Terms, told: Due) -> bool:
    from exchange.agreements import gate
    from exchange.agreements.facts import CaseFacts

    other = terms.frozen.agreement.party(told.party)
    if other is None:
        return False
    purpose = terms.frozen.agreement.purposes[0].id
    cases = [CaseFacts(one.opened_on, belongs=True) for one in told.answers]
    asked = [
        question(
            terms,
            other,
            "acknowledgement",
            elements=frozenset({"case.id"} if case is not None else ()),
            case=case,
            period=None,
        )
        for case in (None, *cases)
    ]
    return all(gate.decide(replace(one, purpose=purpose), terms.frozen).allowed for one in asked)


def _places(workspace: Workspace) -> tuple[tuple[str, str], ...]:
    """Return where something is owed, by agreement and party."""
    receipts = workspace.store.receipts
    found = {(one.agreement_id, one.party) for one in receipts.owed() if _wants(one)}
    found |= {(one.agreement_id, one.other) for one in receipts.cancelled()}
    found |= {(one.agreement, one.party) for one in withdrawing.unsent(workspace)}
    return tuple(sorted(found))


def _has_card(workspace: Workspace, party: str) -> bool:
    try:
        posting.card_of(workspace, party)
    except SealingError:
        return False
    return True


def _wants(entry: Entry) -> bool:
    from exchange.store.journal import State

    if entry.kind != "control" or entry.state is State.REFUSED:
        return True
    return bool(_stems(entry) & _WANTED)


def _stems(entry: Entry) -> frozenset[str]:
    from exchange.sealing.manifest import Manifest
    from exchange.signing import jws

    if not entry.manifest:
        return frozenset()
    contents = Manifest.from_bytes(jws.payload(entry.manifest)).contents
    return frozenset(one.name.replace("-", ".").partition(".")[0] for one in contents)


def _named(entry: Entry) -> Named:
    from exchange.sealing.acknowledgement import Named
    from exchange.store.journal import State

    return Named(entry.message_id, entry.digest, entry.reason if entry.state is State.REFUSED else "")


def _witness(workspace: Workspace, party: str) -> Head | None:
    """Return the longest head of a partner's trail that we keep: it can see that nobody shortened it."""
    from exchange.sealing.acknowledgement import Head

    seen = [one for one in workspace.store.journal.incoming() if one.party == party and one.audit_count]
    if not seen:
        return None
    last = max(seen, key=lambda one: (one.epoch_order, one.sequence))
    return Head(last.epoch, last.sequence, last.audit_count, last.audit_hash)


# Taking in -----------------------------------------------------------------------------------------------------------


def require_receipt(workspace: Workspace, read: Opened) -> None:
    """Refuse a file that calls itself an acknowledgement and is something else, or that no agreement lets in."""
    from exchange.agreements import gate
    from exchange.sealing import acknowledgement

    if set(read.contents) != {acknowledgement.NAME}:
        raise SealingError("acknowledging.alone", hints=("hint.ask-sender-again",), file="")
    terms, other = receiving.agreement_of(workspace, read)
    asked = question(terms, other, "acknowledgement", elements=frozenset(), case=None, period=None, inward=True)
    purpose = terms.frozen.agreement.purposes[0].id
    switched = terms.superseded_on(other)
    before = switched is not None and day_of(read.manifest.created) <= switched
    gate.require(replace(asked, purpose=purpose, before_switch=before), terms.frozen)


def settle(workspace: Workspace, arrival: Arrival, data: bytes, parties: Collection[str]) -> tuple[Finding, ...]:
    """Take in a receipt, in the transaction of the file it came with; `parties` are the sender's identifiers."""
    from exchange.sealing.acknowledgement import Acknowledgement

    receipt = Acknowledgement.from_bytes(data)
    journal, receipts = workspace.store.journal, workspace.store.receipts
    by = sorted({arrival.party, *parties})
    found: list[Finding] = []
    unknown = 0
    for one in receipt.received:
        unknown += not any(journal.acknowledge(one.message, one.digest, at=workspace.now, by=party) for party in by)
    for one in receipt.refused:
        if any(receipts.refused(one.message, one.digest, one.rule, by=party) for party in by):
            entry = journal.find(one.message)
            params = {"party": arrival.party, "sequence": entry.sequence if entry else 0, "rule": one.rule}
            found.append(Finding("acknowledging.refused", severity=Severity.WARNING, params=params))
        else:
            unknown += 1
    if unknown:
        params = {"party": arrival.party, "count": unknown}
        found.append(Finding("acknowledging.unknown", severity=Severity.INFORMATION, params=params))
    found += _asked(workspace, arrival, receipt, by)
    for epoch, sequence in receipt.cancelled:
        receipts.never_comes(arrival.party, arrival.agreement_id, epoch, sequence, at=workspace.now)
    found += withdrawing.take_answers(workspace, arrival, receipt.withdrawals)
    found += _keep_witness(workspace, arrival, receipt, data)
    return tuple(found)


def _asked(workspace: Workspace, arrival: Arrival, receipt: Acknowledgement, by: Iterable[str]) -> list[Finding]:
    """Say which of our files a partner misses, where we know them; a cancelled number is told of by itself."""
    from exchange.store.journal import State

    sent = {
        (one.epoch, one.sequence)
        for one in workspace.store.journal.outgoing()
        if one.agreement_id == arrival.agreement_id and one.other in by and one.state is not State.REFUSED
    }
    found = []
    for gap in receipt.missing:
        numbers = sorted(number for epoch, number in sent if epoch == gap.epoch and gap.first <= number <= gap.last)
        if numbers:
            params = {
                "party": arrival.party,
                "agreement": arrival.agreement_id,
                "numbers": ", ".join(map(str, numbers)),
                "first": numbers[0],
            }
            found.append(Finding("acknowledging.asked", severity=Severity.WARNING, params=params))
    return found


def _keep_witness(workspace: Workspace, arrival: Arrival, receipt: Acknowledgement, data: bytes) -> list[Finding]:
    """Keep what the partner says of our audit trail, and compare it at once."""
    from exchange.store.received import ReceivedMessage

    if receipt.witness is None:
        return []
    kept = ReceivedMessage(arrival.message_id, "", WITNESS, data, arrival.party)
    workspace.store.received.save(kept, by=workspace.user, at=workspace.now)
    head = receipt.witness
    return list(trail.compare(workspace, [trail.Kept(arrival.party, head.epoch, head.count, head.hash)]))


# Looking back --------------------------------------------------------------------------------------------------------


def sent(workspace: Workspace, *, everything: bool = False) -> tuple[Unconfirmed, ...]:
    """Return what we sent and nobody confirmed, oldest first; with `everything` all that we sent."""
    from exchange.store.journal import State

    found = []
    for one in workspace.store.journal.outgoing():
        bare = one.kind == "acknowledgement" or (one.kind == "control" and _stems(one) == {"acknowledgement"})
        open_ = one.state in {State.PUBLISHED, State.DONE} and one.acknowledged_at is None and not bare
        paper = not one.other or one.kind == "form"
        if everything or (open_ and not paper):
            found.append(
                Unconfirmed(
                    one.sequence, one.agreement_id, one.other, one.kind, one.at, (workspace.now - one.at).days,
                    one.state.value, None if one.state is State.REFUSED else one.acknowledged_at, one.reason,
                    one.file_name,
                )
            )  # fmt: skip
    return tuple(found)


def settle_proposal(workspace: Workspace, party: str, digest: str) -> None:
    """A signature over a proposal shows that it arrived: it needs no other receipt."""
    from exchange.sealing.manifest import Manifest
    from exchange.signing import jws

    for one in workspace.store.journal.outgoing():
        if one.kind != "control" or one.other != party or one.acknowledged_at is not None or not one.manifest:
            continue
        named = Manifest.from_bytes(jws.payload(one.manifest)).agreement
        if named is not None and named.digest == digest and "proposal" in _stems(one):
            workspace.store.journal.acknowledge(one.message_id, one.digest, at=workspace.now)
