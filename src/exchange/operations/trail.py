"""The audit trail: what operations write into it, and how people read and verify it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from exchange.errors import StoreError
from exchange.findings import Finding
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.store.audit import Event


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


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk along the whole chain found."""

    entries: int
    hash: str
    findings: tuple[Finding, ...]


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


def note_each(workspace: Workspace, event: str, subjects: Iterable[str], *, object: str) -> None:  # noqa: A002 - the word of NEN 7513
    """Append one event for each patient whose record was looked into, all in one transaction."""
    events = [_event(workspace, event, subject=one, object=object) for one in subjects]
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


def show(workspace: Workspace, *, epd_number: str | None = None, last: int = 50) -> tuple[Entry, ...]:
    """Return the last entries, or everything about one client in order of time."""
    from exchange.sources.rows import PatientKey

    if epd_number is not None:
        patient = workspace.store.patient_named(PatientKey(epd_number=epd_number))
        if patient is None:
            raise StoreError("operations.unknown-epd", hints=("hint.epd-number",))
        recorded = workspace.store.audit.of_patient(patient)[-last:]
    else:
        count, _ = workspace.store.audit.head()
        recorded = workspace.store.audit.show(after=max(0, count - last))
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
        )
        for one in recorded
    )


def verify(workspace: Workspace) -> Verified:
    """Walk the chain and the journal: a changed, missing or moved entry, and gaps in partners' streams."""
    found = [*workspace.store.audit.verify(), *workspace.store.journal.gaps()]
    count, link = workspace.store.audit.head()
    return Verified(count, link, tuple(sorted(found, key=lambda finding: finding.order)))
