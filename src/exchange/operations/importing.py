"""Import: open, check, ask the gate, and only then store all of one file in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import (
    AgreementError,
    CannotOpen,
    ExchangeError,
    MessageError,
    SealingError,
    WasChanged,
    WorkspaceError,
)
from exchange.findings import Finding, Severity
from exchange.operations import (
    acceding,
    acknowledging,
    agreeing,
    carrying,
    ending,
    partners,
    receiving,
    standing,
    trail,
)
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.sealing.opening import Opened
    from exchange.store.journal import Arrival
    from exchange.transports.place import Carrier


# What only a card that a person accepted may say.
_STATEMENTS = frozenset(
    {agreeing.PROPOSAL, agreeing.RESPONSE, acceding.ACCESSION, acceding.ACCEPTANCE, ending.TERMINATION}
)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file: `state` is done, already, acknowledgement, or what a control file carried."""

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
    folder: Path | str | None = None,
    after: str | None = None,
    login: carrying.Login = carrying.NO_LOGIN,
    progress: Callable[[int, int], None] | None = None,
    failed: list[ExchangeError] | None = None,
) -> tuple[Imported, ...]:
    """Take in sealed files, each whole or not at all; `folder` may be `sftp://…`, `after` is keep, move or delete.

    With several files a bad one does not hold up the others: they are taken in first, then its error is raised. Who
    gives a list as `failed` finds every error in it, with the file's name, and what was taken in as the answer.
    """
    done: list[Imported] = []
    wrong: list[ExchangeError] = []
    with carrying.carried(workspace, folder, login) as carrier:
        lying = carrier.waiting() if carrier is not None else None
        names = lying.names if lying is not None else ()
        for number, file in enumerate((*files, *names), 1):
            try:
                if isinstance(file, str) and carrier is not None:
                    done += _picked_up(workspace, carrier, file, after or carrier.usual)
                elif isinstance(file, Path):
                    done.append(_one(workspace, file))
            except WorkspaceError as error:
                wrong.insert(0, error)
                break  # the place itself does not answer: it would not for the next file either
            except ExchangeError as error:
                error.params.setdefault("file", file.name if isinstance(file, Path) else str(file))
                wrong.append(error)
            if progress is not None:
                progress(number, len(files) + len(names))
    if wrong and failed is None:
        raise wrong[0]
    if failed is not None:
        failed += wrong
    if lying is not None and lying.odd:
        odd = Finding("transports.odd-entries", severity=Severity.WARNING, params={"count": lying.odd})
        done.append(Imported("", "", "", "skipped", findings=(odd,)))
    return tuple(done)


def _picked_up(workspace: Workspace, carrier: Carrier, name: str, after: str) -> list[Imported]:
    """Fetch one file into a folder that is swept, take it in, and only then move it out of the way."""
    from exchange.sealing import parts

    with parts.folder(workspace.folder / "inbox") as into:
        file = carrier.fetch(name, into)
        if file is None:
            return []  # another process that picks up there was first
        result = _one(workspace, file)
    try:
        carrier.settle(name, after)
    except WorkspaceError as error:
        stays = Finding(error.rule, severity=Severity.WARNING, params=error.params)
        result = replace(result, findings=(*result.findings, stays))
    return [result]


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


class _Meanwhile(Exception):  # noqa: N818 - not an error: how an import leaves its transaction
    pass


def _one(workspace: Workspace, file: Path) -> Imported:
    from exchange.sealing import parts

    if not file.is_file():
        raise CannotOpen(file=file.name)
    # Opening the store sweeps what a crash left, by our clock: before there is a part of our own.
    _ = workspace.store
    # Until all of it is stored the plaintext lies in a part, so that a crash leaves nothing that is not swept.
    with parts.folder(workspace.folder / "inbox") as into:
        try:
            read = opened(workspace, file, into)
        except SealingError as error:
            trail.note(workspace, "import-refused", outcome="refused", object=f"file:{file.name}", detail=error.rule)
            raise
        return _examined(workspace, file, read)


def _examined(workspace: Workspace, file: Path, read: Opened) -> Imported:
    from exchange.store.journal import Seen

    arrival = _arrival(read, file)
    seen = workspace.store.journal.examine(arrival)
    if seen.seen is Seen.CONFLICT:
        trail.note(workspace, "message-replaced", counterparty=arrival.party, outcome="refused")
        raise WasChanged(file=file.name)
    already = Imported(file.name, arrival.party, arrival.kind, "already")
    if seen.seen is Seen.ALREADY:
        return already
    try:
        return _store(workspace, file, read, arrival, seen.findings)
    except _Meanwhile:
        return already


def _store(workspace: Workspace, file: Path, read: Opened, arrival: Arrival, found: Iterable[Finding]) -> Imported:
    from exchange.sealing.manifest import Kind

    said: list[Finding] = []

    def journal() -> int:
        order = _journal(workspace, read, arrival)
        said.extend(_settled(workspace, read, arrival))
        return order

    def still() -> tuple[Finding, ...]:
        """A number that this very file says will never come is not missing."""
        missing = {first for _, first, _ in workspace.store.receipts.missing(arrival.party, arrival.agreement_id)}
        return tuple(one for one in found if one.rule != "store.sequence-gap" or one.params["first"] in missing)

    try:
        if read.manifest.kind is Kind.CONTROL:
            state = _control(workspace, read, arrival, journal)
            result = Imported(file.name, arrival.party, arrival.kind, state, findings=(*still(), *said))
        elif read.manifest.kind is Kind.ACKNOWLEDGEMENT:
            acknowledging.require_receipt(workspace, read)
            with workspace.store.together(by=workspace.user, at=workspace.now):
                journal()
            result = Imported(file.name, arrival.party, arrival.kind, "acknowledgement", findings=(*still(), *said))
        else:
            taken = receiving.receive(workspace, read, journal)
            result = Imported(
                file.name, arrival.party, arrival.kind, "done", taken.messages, taken.cases, taken.answers,
                (*still(), *taken.findings, *said),
            )  # fmt: skip
    except ExchangeError as error:
        if isinstance(error, MessageError | AgreementError | SealingError):
            _journal_refused(workspace, read, arrival, error)
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
    return result


def _settled(workspace: Workspace, read: Opened, arrival: Arrival) -> tuple[Finding, ...]:
    """Take in the receipt that a file carries, in the file's own transaction."""
    from exchange.sealing import acknowledgement

    path = read.contents.get(acknowledgement.NAME)
    if path is None:
        return ()
    return acknowledging.settle(workspace, arrival, path.read_bytes(), read.card.parties)


def _journal_refused(workspace: Workspace, read: Opened, arrival: Arrival, error: ExchangeError) -> None:
    """Write that a verified file was refused and on what ground: its sender is told with the next receipt."""
    from exchange.store.journal import State

    workspace.store.journal.receive(
        arrival, at=workspace.now, manifest=read.manifest_jws, state=State.REFUSED, reason=error.rule
    )


def _control(workspace: Workspace, read: Opened, arrival: Arrival, journal: Callable[[], int]) -> str:
    from exchange.sealing import acknowledgement

    state = "acknowledgement"
    for name in partners.STATEMENTS & read.contents.keys():
        # in a transaction of its own: two cards that block each other stay blocked, though the file is refused
        partners.take_statement(workspace, read.contents[name])
    with workspace.store.together(by=workspace.user, at=workspace.now):
        for name, path in read.contents.items():
            if name in _STATEMENTS:
                standing.require_accepted(workspace, read.card, arrival.party)
            if name == agreeing.PROPOSAL:
                named_in = agreeing.receive_proposal(workspace, arrival.party, path.read_bytes()).named
                state = "proposal" if named_in else "offer"
            elif name == agreeing.RESPONSE:
                agreeing.receive_response(workspace, arrival.party, path.read_bytes())
                state = "response"
                named = read.manifest.agreement
                acknowledging.settle_proposal(workspace, arrival.party, named.digest if named else "")
            elif name in _STATEMENTS:
                state = name.partition(".")[0]
                _statement(workspace, read, arrival, name, path.read_bytes())
            elif name in partners.STATEMENTS:
                state = name.partition(".")[0]
            elif name != acknowledgement.NAME:
                raise SealingError("importing.control-unknown", hints=("hint.newer-version",), name=name)
        journal()
    return state


def _statement(workspace: Workspace, read: Opened, arrival: Arrival, name: str, jws: bytes) -> None:
    if name == acceding.ACCESSION:
        acceding.receive_accession(workspace, arrival.party, jws)
        named = read.manifest.agreement
        acknowledging.settle_proposal(workspace, arrival.party, named.digest if named else "")
    elif name == acceding.ACCEPTANCE:
        acceding.receive_acceptance(workspace, arrival.party, jws)
    else:
        ending.receive(workspace, arrival.party, jws, read.manifest)


def _journal(workspace: Workspace, read: Opened, arrival: Arrival) -> int:
    """Write that it came, in journal and trail, in the transaction of its contents; return the epoch's precedence.

    Under the writers' lock another process may prove to have been first: then nothing of ours is stored.
    """
    from exchange.store.journal import Seen

    found = workspace.store.journal.receive(arrival, at=workspace.now, manifest=read.manifest_jws)
    if found.seen is Seen.ALREADY:
        raise _Meanwhile
    if found.seen is Seen.CONFLICT:
        raise WasChanged(file=arrival.file_name)
    trail.note(
        workspace,
        "received",
        counterparty=arrival.party,
        ground=arrival.agreement_id,
        object=f"message:{arrival.message_id}",
    )
    return found.epoch_order


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
