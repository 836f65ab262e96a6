"""What goes with an agreement and is not signed: input for a DPIA, notes for a lawyer, Measures, and local consents."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.errors import AgreementError
from exchange.findings import say
from exchange.operations import drafting, files, trail
from exchange.operations.gathering import terms_of
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.agreements.frozen import Frozen

DPIA, NOTES, FHIR = KINDS = ("dpia", "notes", "fhir")
# Folders whose files go to others, or came from them.
_TRAVELS = frozenset({"outbox", "inbox", "quarantine", "keys"})


def show(workspace: Workspace, agreement: str, kind: str, *, language: str = "nl", to: Path | None = None) -> str:
    """Return (and write to a file) what goes with an agreement, stored or a draft's file.

    `dpia` and `notes` are for people; `fhir` is a Bundle with the Measure of each indicator, in which no patient is.
    """
    from exchange.agreements import clauses, signing

    frozen = drafting.frozen_of(workspace, agreement)
    if kind == FHIR:
        text = _json(
            _bundle(_measures(frozen, language), f"{frozen.agreement.id}@{frozen.agreement.version}", language)
        )
    elif kind == DPIA:
        text = clauses.dpia(frozen.agreement, signing.definitions_of(frozen), language)
    else:
        text = clauses.notes(frozen.agreement, language)
    if to is None:
        return text
    if kind == FHIR or to.suffix == ".md":
        files.write(to, text.encode("utf-8"))
    else:
        from exchange.reports.pages import agreement_document

        title = say(f"annexes.{kind}", {"title": frozen.agreement.title[language]}, language)
        agreement_document(text, to, title=title, language=language, on=workspace.on)
    return text


def consents(workspace: Workspace, agreement: str, *, to: Path | None = None, language: str = "nl") -> tuple[Path, int]:
    """Write a FHIR Consent for each patient, partner and purpose of an agreement, within the workspace alone.

    Everyone's last word stands in it, with their EPD number. AgreementError for a place that others see.
    """
    from exchange.messages import consenting
    from exchange.messages.facts import AgreementReference

    terms = terms_of(workspace, agreement)
    file = to or workspace.folder / "reports" / f"{say('annexes.consents-file', {}, 'nl')}-{agreement}.fhir.json"
    _require_local(workspace, file)
    reference = AgreementReference(terms.stored.agreement_id, terms.stored.version, terms.stored.digest)
    parties = {one.party for one in terms.frozen.agreement.partners}
    purposes = {one.id for one in terms.frozen.agreement.purposes}
    said = [one for key, one in sorted(workspace.store.consents.all_standing(workspace.on).items())
            if one.partner in parties and one.purpose in purposes and key]  # fmt: skip
    made = [
        consenting.resource(
            one, epd_number=workspace.store.patient_identity(one.patient_id).epd_number or one.patient_id,
            practice=terms.us.party, agreement=reference, language=language,
        )
        for one in said
    ]  # fmt: skip
    files.write(file, _json(_bundle(made, f"consents/{agreement}/{workspace.on}", language)).encode("utf-8"))
    file.chmod(0o600)
    trail.note_each(
        workspace, "consents-written", sorted({one.patient_id for one in said}), object=f"agreement:{reference.digest}",
        ground=agreement,
    )  # fmt: skip
    return file, len(made)


def _require_local(workspace: Workspace, file: Path) -> None:
    """Refuse a place outside the workspace, and its folders whose files travel."""
    inside = file.resolve().parent
    home = workspace.folder.resolve()
    if home != inside and home not in inside.parents:
        raise AgreementError("annexes.consents-elsewhere", hints=("hint.annexes-consents",), file=str(file))
    if inside != home and inside.relative_to(home).parts[0] in _TRAVELS:
        raise AgreementError("annexes.consents-elsewhere", hints=("hint.annexes-consents",), file=str(file))


def _measures(frozen: Frozen, language: str) -> list[dict[str, Any]]:
    """Return the Measure of each indicator, by the definition as it was signed."""
    from exchange.indicators.measure import measure

    known = {str(raw["id"]): raw for raw in frozen.definitions}
    return [measure(known[one.id], language=language) for one in frozen.agreement.indicators if one.id in known]


def _bundle(resources: Iterable[Mapping[str, Any]], name: str, language: str) -> dict[str, Any]:
    from exchange.messages.codes import BASE

    space = uuid.uuid5(uuid.NAMESPACE_URL, f"{BASE}/agreement/{name}")
    entry = [
        {"fullUrl": f"urn:uuid:{uuid.uuid5(space, one['resourceType'] + '/' + one['id'])}", "resource": one}
        for one in resources
    ]
    built: dict[str, Any] = {"resourceType": "Bundle", "language": language, "type": "collection"}
    return built | ({"entry": entry} if entry else {})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
