"""The audit trail: what operations write into it, and how people read and verify it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from exchange.errors import StoreError
from exchange.findings import Finding, Severity
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.store.audit import Event

_LAST = 50


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the trail as people read it."""

    number: int
    at: datetime
    event: str
    outcome: str
    user: str
    object: str
    counterparty: str
    ground: str
    detail: str
    organisation: str = ""
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk along the whole chain found; `witnesses` is how many heads that others keep were compared."""

    entries: int
    hash: str
    findings: tuple[Finding, ...]
    witnesses: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """A head of our trail that somebody keeps, and the epoch of the message of ours that brought it."""

    keeper: str
    epoch: str
    count: int
    hash: str


def note(
    workspace: Workspace,
    event: str,
    *,
    subject: str = "",
    object: str = "",  # noqa: A002 - the word of NEN 7513
    counterparty: str = "",
    ground: str = "",
    outcome: str = "done",
    detail: str = "",
) -> None:
    """Append one event; `subject` is a surrogate patient id, nothing here is a value out of a record."""
    said = _event(
        workspace, event, subject=subject, object=object, counterparty=counterparty, ground=ground, outcome=outcome,
        detail=detail,
    )  # fmt: skip
    workspace.store.audit.append(said, at=workspace.now)


def note_each(
    workspace: Workspace,
    event: str,
    subjects: Iterable[str],
    *,
    object: str,  # noqa: A002 - the word of NEN 7513
    counterparty: str = "",
    ground: str = "",
) -> None:
    """Append one event for each patient whose record it was done with, all in one transaction."""
    events = [
        _event(workspace, event, subject=one, object=object, counterparty=counterparty, ground=ground)
        for one in subjects
    ]
    workspace.store.audit.append_all(events, at=workspace.now)


def _event(
    workspace: Workspace,
    event: str,
    *,
    subject: str = "",
    object: str = "",  # noqa: A002 - the word of NEN 7513
    counterparty: str = "",
    ground: str = "",
    outcome: str = "done",
    detail: str = "",
) -> Event:
    from exchange.store.audit import Event

    return Event(
        event=event,
        user=workspace.user,
        organisation=workspace.settings.party,
        subject=subject,
        object=object,
        counterparty=counterparty,
        ground=ground,
        outcome=outcome,
        detail={"text": detail} if detail else {},
    )


def show(workspace: Workspace, *, epd_number: str | None = None, last: int | None = None) -> tuple[Entry, ...]:
    """Return the last entries (fifty), or everything about one client in order of time; looking is an entry too."""
    from exchange.sources.rows import PatientKey

    if epd_number is not None:
        patient = workspace.store.patient_named(PatientKey(epd_number=epd_number))
        if patient is None:
            raise StoreError("operations.unknown-epd", hints=("hint.epd-number",))
        recorded = workspace.store.audit.of_patient(patient)[-(last or 0) :]
        note(workspace, "trail-shown", subject=patient)
    else:
        count, _ = workspace.store.audit.head()
        recorded = workspace.store.audit.show(after=max(0, count - (last or _LAST)))
    return tuple(
        Entry(
            one.number,
            one.at,
            one.event.event,
            one.event.outcome,
            one.event.user,
            one.event.object,
            one.event.counterparty,
            one.event.ground,
            str(one.event.detail.get("text", "")),
            one.event.organisation,
            one.erased,
        )
        for one in recorded
    )


def verify(workspace: Workspace, heads: Iterable[Kept] = ()) -> Verified:
    """Walk the chain and the journal: a changed, missing or moved entry, gaps in partners' streams, and kept heads."""
    kept = tuple(heads)
    found = [*workspace.store.audit.verify(), *workspace.store.journal.gaps(), *compare(workspace, kept)]
    count, link = workspace.store.audit.head()
    return Verified(count, link, tuple(sorted(found, key=lambda finding: finding.order)), len(kept))


def compare(workspace: Workspace, heads: Iterable[Kept]) -> tuple[Finding, ...]:
    """Compare our trail with heads that others keep: what somebody with our own keys changed does not fit them.

    After a backup was put back, what came after it is gone from our trail and still with the partners. Heads of an
    epoch before the restore count as far as this store reached when it was saved; those beyond are only mentioned.
    """
    from exchange.store.audit import Witness

    epochs = workspace.store.journal.heads_sent(workspace.settings.party)
    comparable: list[Witness] = []
    found: list[Finding] = []
    for head in heads:
        newest, reached = epochs.get(head.epoch, (False, 0))
        if newest or head.count <= reached:
            comparable.append(Witness(head.keeper, head.count, head.hash))
        else:
            params = {"witness": head.keeper, "number": head.count}
            found.append(Finding("trail.before-restore", severity=Severity.INFORMATION, params=params))
    return (*found, *workspace.store.audit.verify_witness(comparable))
