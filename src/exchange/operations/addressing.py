"""Who a letter goes to and who is named in it: the insurer, and the partners with what was agreed with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from exchange.operations.workspace import Workspace
from exchange.reports import facts as pages


def insurer(workspace: Workspace, answers: Mapping[str, str]) -> pages.Insurer | None:
    """Return the insurer by the answers of `plan --ask`, else by the workspace's settings; None where neither says."""
    name = answers.get("insurer") or workspace.settings.insurer
    year = answers.get("contract-year", "")
    return pages.Insurer(name, contract_year=int(year) if year.isdecimal() else None) if name else None


def partners(workspace: Workspace, agreed: Collection[str]) -> tuple[pages.Partner, ...]:
    """Return every partner we have a card of; `agreed` are the parties of agreements in force."""
    listed = {one.party: one for one in workspace.store.partners.list()}
    return tuple(
        pages.Partner(one.name, one.kind.value, agreed=one.party in agreed)
        for one in listed.values()
        if one.kind != "practice"
    )
