"""Record consent of clients, one by one or from a table."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

from exchange.errors import AgreementError, SourceError, StoreError
from exchange.operations import files, trail, withdrawing
from exchange.operations.workspace import Workspace
from exchange.records.codes import ConsentState
from exchange.records.identifiers import Party
from exchange.records.model import Consent

_MOST = 16 * 1024 * 1024
_COLUMNS = ("epd", "partner", "doel", "besluit", "datum", "bewijs", "door")
_STATES = {"gegeven": "given", "geweigerd": "refused", "ingetrokken": "withdrawn"}
_GIVERS = {"zelf": "self", "ouders": "parents", "beiden": "both"}
_BY = {"self": "self", "parents": "parents", "both": "parents-and-self"}


def record(
    workspace: Workspace,
    *,
    epd_number: str,
    partner: str,
    purpose: str,
    state: str,
    day: date | None,
    evidence: str,
    given_by: str,
) -> withdrawing.Cancelled:
    """Record what a client said; AgreementError where it can't have been given by that person.

    A refusal or withdrawal cancels what is about this client and was not dropped at the partner yet.
    """
    from exchange.agreements import consent as rules
    from exchange.sources.rows import PatientKey

    patient_id = workspace.store.patient_named(PatientKey(epd_number=epd_number))
    if patient_id is None:
        raise StoreError("operations.unknown-epd", hints=("hint.epd-number",))
    said = Consent(
        patient_id, _partner(workspace, partner), purpose, ConsentState(state), day or workspace.on, evidence.strip(),
        _BY[given_by],
    )  # fmt: skip
    wrong = rules.check(said, workspace.store.patient_identity(patient_id).birth_date)
    if wrong:
        raise AgreementError(
            wrong[0].rule,
            hints=("hint.consent-giver",),
            **{str(name): text for name, text in wrong[0].params.items() if name != "hints"},
        )
    workspace.store.consents.save(said, by=workspace.user, at=workspace.now)
    trail.note(
        workspace, f"consent-{state}", subject=patient_id, counterparty=said.partner, ground=purpose
    )  # fmt: skip
    if said.state is ConsentState.GIVEN:
        return withdrawing.Cancelled()
    return withdrawing.cancel(workspace, {patient_id}, said.partner)


def _partner(workspace: Workspace, given: str) -> str:
    """Return a party by its register, or the clients themselves as an agreement here names them (local:clients)."""
    from exchange.operations import agreeing

    named = given.strip().lower()
    if named.startswith("local:"):
        for stored in workspace.store.agreements.list():
            if agreeing.thawed(stored).agreement.party(named) is not None:
                return named
    return str(Party.parse(given))


def load(workspace: Workspace, file: Path) -> int:
    """Record every consent of a CSV file with the columns epd;partner;doel;besluit;datum;bewijs;door, or none."""
    text = files.read(file, most=_MOST).decode("utf-8-sig", "replace")
    reader = csv.DictReader(io.StringIO(text), delimiter=";")
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise SourceError("operations.consent-columns", hints=("hint.consent-columns",), file=file.name)
    count = 0
    with workspace.store.together(by=workspace.user, at=workspace.now):
        for row in reader:
            try:
                state, given_by = _STATES[row["besluit"]], _GIVERS[row["door"]]
                day = date.fromisoformat(row["datum"])
            except (KeyError, ValueError, TypeError):
                raise SourceError(
                    "operations.consent-row", hints=("hint.consent-columns",), file=file.name, line=reader.line_num
                ) from None
            record(
                workspace,
                epd_number=row["epd"],
                partner=row["partner"],
                purpose=row["doel"],
                state=state,
                day=day,
                evidence=row["bewijs"],
                given_by=given_by,
            )
            count += 1
    return count
