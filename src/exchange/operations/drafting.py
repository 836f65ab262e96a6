"""Drafts of agreements: from a template, checked, shown, compared, put in a calendar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import AgreementError, StoreError
from exchange.findings import Finding, Severity, say
from exchange.operations import files
from exchange.operations.workspace import Workspace
from exchange.records.codes import PartnerKind

if TYPE_CHECKING:
    from exchange.agreements.agreement import Agreement, Party
    from exchange.agreements.frozen import Frozen
    from exchange.agreements.signing import PaperRecord
    from exchange.store.agreements import StoredAgreement


@dataclass(frozen=True, slots=True)
class Signing:
    """Who signs for a party, on what authority, and whom to ask about privacy."""

    function: str = ""
    authority: str = ""
    privacy_contact: str = ""


def new(
    workspace: Workspace,
    kind: str,
    *,
    parties: tuple[str, ...],
    agreement_id: str | None = None,
    start: date | None = None,
    until: date | None = None,
    covers_from: date | None = None,
    to: Path | None = None,
    targets: Mapping[str, float] | None = None,
    baselines: Mapping[str, float] | None = None,
    indicators: Iterable[str] | None = None,
    signing: Mapping[str, Signing] | None = None,
    passphrase_until: date | None = None,
    place: str = "",
    open_until: date | None = None,
    open_to_others: bool = False,
) -> Path:
    """Write a draft from a template with the partners that were added; return its file.

    With `open_to_others` (or a day until which) others of the same kind may accede later.
    """
    from exchange.agreements import drafting
    from exchange.agreements.agreement import Joining
    from exchange.indicators.reading import shipped_definitions

    begins = start or workspace.on
    signs = signing or {}
    others = [_partner(workspace, party, signs.get(party, Signing())) for party in parties]
    if not others and kind != "client":
        raise AgreementError("agreeing.no-partner", hints=("hint.partners-add",))
    if kind == "client":
        others = [_clients(workspace.settings.language)]
    name = agreement_id or f"{kind}-{begins.year}"
    months = 24 if until is None else max(1, (until.year - begins.year) * 12 + until.month - begins.month)
    text = drafting.new(
        PartnerKind(kind),
        _practice(workspace, signs.get(workspace.settings.party, Signing())),
        others,
        id=name,
        on=begins,
        definitions=shipped_definitions(),
        indicators=indicators,
        targets=targets,
        baselines=baselines,
        months=months,
        until=until,
        covers_from=covers_from,
        passphrase_until=passphrase_until,
        place=place,
        accession=Joining((PartnerKind(kind),), open_until, passphrase_until)
        if open_to_others or open_until is not None
        else None,
    )
    file = to or workspace.folder / "agreements" / f"{name}.yaml"
    if file.exists():
        raise AgreementError("agreeing.draft-exists", hints=("hint.other-id",), file=str(file))
    files.write(file, text.encode("utf-8"))
    return file


def check(file: Path, *, on: date) -> tuple[Finding, ...]:
    """Return every finding on a draft, with line numbers."""
    from exchange.agreements import checking, reading
    from exchange.indicators.reading import shipped_definitions

    draft, found = reading.read(_text(file), file.name)
    if draft is None:
        return found
    every = [*found, *checking.check(draft, shipped_definitions(), on)]
    return tuple(sorted(every, key=lambda finding: finding.order))


def show(
    workspace: Workspace,
    agreement: str,
    *,
    elements: bool = False,
    clause: str | None = None,
    language: str = "nl",
    to: Path | None = None,
) -> str:
    """Return (and print to a file) an agreement: a stored one from its signed content, or a draft's file.

    `clause` gives one article as a page of its own, such as the letter or the questions for a client.
    """
    from exchange.agreements import listing, printing, signing
    from exchange.operations import agreeing

    payload, draft = _payload(workspace, agreement)
    stored = None if draft else agreeing.find(workspace, agreement)
    frozen = signing.thaw(payload) if stored is None else agreeing.thawed(stored)
    if elements:
        text = listing.page(frozen, language)
    elif clause is not None:
        text = printing.clause(payload, clause, language)
    else:
        text = printing.document(
            payload,
            language,
            signed=_printed(workspace, stored),
            draft=draft,
            acceded=() if stored is None else signing.accessions(agreeing.signatures(stored)),
            papers=() if stored is None else _papers(workspace, stored),
            ended=() if stored is None else agreeing.terminations(stored),
        )
    if to is not None:
        if to.suffix == ".md":
            files.write(to, text.encode("utf-8"))
        else:
            from exchange.reports.pages import agreement_document

            agreement_document(text, to, title=frozen.agreement.title[language], language=language, on=workspace.on)
    return text


def frozen_of(workspace: Workspace, agreement: str) -> Frozen:
    """Return the content of an agreement: a stored one with who acceded to it, or a draft's file."""
    from exchange.agreements import signing
    from exchange.operations import agreeing

    payload, draft = _payload(workspace, agreement)
    return signing.thaw(payload) if draft else agreeing.thawed(agreeing.find(workspace, agreement))


def read(file: Path) -> Agreement:
    """Return the agreement of a draft; AgreementError while it can't be read without an error."""
    from exchange.agreements import reading

    draft, found = reading.read(_text(file), file.name)
    if draft is None or any(one.severity is Severity.ERROR for one in found):
        raise AgreementError("agreeing.unreadable", hints=("hint.agreements.check",), file=file.name, count=len(found))
    return draft.agreement


def calendar(workspace: Workspace, agreement: str, *, to: Path, language: str = "nl") -> None:
    """Write the evaluation moments as an iCalendar file."""
    from exchange.agreements import calendar as moments
    from exchange.operations import agreeing

    frozen = agreeing.thawed(agreeing.find(workspace, agreement))
    files.write(to, moments.events(frozen, now=workspace.now, language=language).encode("utf-8"))


def _text(file: Path) -> bytes:
    """Return a draft's bytes; one that is too big for a draft is refused as such, whatever is in it."""
    from exchange.agreements.lines import LARGEST

    if file.is_file() and file.stat().st_size > LARGEST:
        hints = ("hint.agreements.see-template",)
        raise AgreementError("agreements.yaml-too-big", hints=hints, source=file.name, line=1)
    return files.read(file, most=LARGEST)


def _payload(workspace: Workspace, agreement: str) -> tuple[bytes, bool]:
    from exchange.agreements import signing
    from exchange.indicators.reading import shipped_definitions
    from exchange.operations import agreeing

    file = Path(agreement)
    if file.suffix not in {".yaml", ".yml"}:
        return agreeing.find(workspace, agreement).payload, False
    return signing.freeze(read(file), shipped_definitions(), on=workspace.on, draft=True), True


def _printed(workspace: Workspace, stored: StoredAgreement | None) -> Iterable[tuple[str, date | None, bool]]:
    from exchange.agreements import signing
    from exchange.operations import agreeing

    if stored is None:
        return ()
    holding = agreeing.signed_by(workspace, stored)
    days = {one.party: one.on for one in _papers(workspace, stored)}
    kinds = (signing.SIGNATURE, signing.ACCESSION)
    return [
        (one.party, days.get(one.party), one.paper)
        for one in agreeing.signatures(stored)
        if one.party in holding and one.kind in kinds
    ]


def _papers(workspace: Workspace, stored: StoredAgreement) -> tuple[PaperRecord, ...]:
    """Return what the practice recorded of each signature on paper that counts."""
    from exchange.agreements import signing
    from exchange.operations import agreeing

    holding = agreeing.signed_by(workspace, stored)
    return tuple(
        signing.paper_record(one)
        for one in agreeing.signatures(stored)
        if one.paper and one.kind == signing.SIGNATURE and one.party in holding
    )


def _practice(workspace: Workspace, signs: Signing) -> Party:
    from exchange.agreements.agreement import Party, Signatory

    return Party(
        party=workspace.settings.party,
        name=workspace.settings.name,
        role="practice",
        kind=PartnerKind.PRACTICE,
        signs="keys",
        signatory=Signatory(signs.function, signs.authority),
        privacy_contact=signs.privacy_contact or workspace.settings.contact,
        care_provider=True,
        card=workspace.card.fingerprint,
    )


def _partner(workspace: Workspace, party: str, signs: Signing) -> Party:
    from exchange.agreements.agreement import Party, Signatory
    from exchange.store.partners import PAPER

    known = workspace.store.partners.find(party)
    if known is None:
        raise StoreError("partners.unknown", hints=("hint.partners-add",), party=party)
    return Party(
        party=known.party,
        name=known.name,
        role="partner",
        kind=known.kind,
        signs="paper" if known.state == PAPER else "keys",
        signatory=Signatory(signs.function, signs.authority),
        privacy_contact=signs.privacy_contact,
        care_provider=known.kind in {PartnerKind.GP, PartnerKind.SPECIALIST, PartnerKind.OTHER},
        label=known.label,
        card=known.fingerprint,
    )


def _clients(language: str) -> Party:
    """Return the clients as a party: each signs a copy of their own, so there is nothing to fill in."""
    from exchange.agreements.agreement import Party, Signatory

    function, authority = (say(f"drafting.client-{what}", {}, language) for what in ("function", "authority"))
    return Party(
        party="local:clients",
        name=say("drafting.clients", {}, language),
        role="partner",
        kind=PartnerKind.CLIENT,
        signs="paper",
        signatory=Signatory(function, authority),
        privacy_contact=say("drafting.client-contact", {}, language),
    )
