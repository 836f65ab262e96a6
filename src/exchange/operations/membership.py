"""Who is in which agreement, partner by partner: group, state, end and cases; and the drafts nobody signed yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from exchange.errors import AgreementError
from exchange.operations import agreeing, drafting
from exchange.operations.agreeing import Overview
from exchange.operations.gathering import terms_of
from exchange.operations.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Member:
    """One partner in one agreement: `until` is the first day on which it is no longer in force for this partner.

    `version` is the one that holds with this partner. `waiting` says that its accession is still to be accepted;
    `acceded` that it joined after the text was signed.
    """

    agreement_id: str
    version: int
    party: str
    name: str
    kind: str
    label: str
    signs: str
    state: str
    until: date
    cases: int
    unanswered: int
    acceded: bool = False
    waiting: bool = False


def members(workspace: Workspace, *, label: str | None = None) -> tuple[Member, ...]:
    """Return every partner of every agreement, and who asked to join; with `label` those of one group.

    A partner sees its own place only.
    """
    found: list[Member] = []
    for name in sorted({one.agreement_id for one in workspace.store.agreements.list()}):
        found += _of(workspace, name)
    return tuple(one for one in found if label is None or one.label.casefold() == label.casefold())


def _of(workspace: Workspace, agreement: str) -> list[Member]:
    from exchange.agreements import life, signing

    newest = agreeing.find(workspace, agreement)
    try:
        terms = terms_of(workspace, agreement)
    except AgreementError:
        return []  # offered to us and not acceded to: it has no place for us yet
    cases = workspace.store.cases.of_agreement(agreement)
    answered = {one.case_id for one in workspace.store.answers.of_cases(case.case_id for case in cases)}
    later = {one.party.party for one in signing.accessions(agreeing.signatures(newest))}
    found = []
    mine = terms.us.role == "practice"
    # Who joins may not name its group; the practice then goes by the label it gave that partner itself.
    ours = {one.party: one.label for one in workspace.store.partners.list()} if mine else {}
    for party in terms.frozen.agreement.partners:
        if not mine and party.party != terms.us.party:
            continue  # what other partners signed is between them and the practice
        holds = terms.toward(party) if mine else terms
        # At a partner every case is with the practice.
        theirs = [one for one in cases if one.partner == party.party or not mine]
        found.append(
            Member(
                agreement,
                holds.stored.version,
                party.party,
                party.name,
                party.kind.value,
                party.label or ours.get(party.party, ""),
                party.signs,
                agreeing.state(workspace, holds.stored, party.party),
                life.last_day(holds.frozen.agreement, workspace.on, agreeing.ended_on(holds.stored, party.party)),
                len(theirs),
                sum(one.case_id not in answered for one in theirs),
                acceded=party.party in later,
            )
        )
    until = life.last_day(agreeing.thawed(newest).agreement, workspace.on)
    for asked in signing.waiting(agreeing.signatures(newest)):
        party = asked.party
        found.append(
            Member(
                agreement,
                newest.version,
                party.party,
                party.name,
                party.kind.value,
                party.label or ours.get(party.party, ""),
                party.signs,
                life.State.SIGNED_BY_ONE.value,
                until,
                0,
                0,
                waiting=True,
            )
        )
    return found


def state(workspace: Workspace, agreement: str) -> str:
    """Return where an agreement stands today by its name; a draft's file is a draft."""
    from exchange.agreements import life

    if agreement.endswith((".yaml", ".yml")):
        return life.State.DRAFT.value
    return agreeing.state(workspace, agreeing.find(workspace, agreement))


def drafts(workspace: Workspace) -> tuple[Overview, ...]:
    """Return the drafts in agreements/ whose version nobody signed; one that can't be read is left out."""
    from exchange.agreements import life

    found = []
    for file in sorted((workspace.folder / "agreements").glob("*.y*ml")):
        try:
            agreement = drafting.read(file)
        except AgreementError:
            continue
        if workspace.store.agreements.find(agreement.id, agreement.version) is None:
            coming = [moment.on for moment in agreement.evaluations if moment.on >= workspace.on]
            found.append(
                Overview(
                    agreement.id, agreement.version, agreement.title["nl"], life.State.DRAFT.value,
                    agreement.term.until, min(coming, default=None), 0, 0,
                )
            )  # fmt: skip
    return tuple(found)
