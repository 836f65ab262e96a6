"""An agreement's figures per partner, or pooled per group of partners (a HAGRO, a region): for the practice's eyes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exchange.errors import AgreementError
from exchange.operations import agreeing, choosing, figuring, trail
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.indicators.figure import Figure
    from exchange.records.model import Dataset

PARTY, LABEL = "party", "label"


def figures(workspace: Workspace, agreement: str, *, by: str = PARTY) -> tuple[Figure, ...]:
    """Return each indicator of an agreement once per partner, or once per label with all its partners together.

    Only cases opened with those partners count, only their answers and their totals. Partners without a label are
    left out of the pooling. Internal: a partner is shown its own figures only, and few clients tell who they are.
    """
    from exchange.indicators import oracle
    from exchange.indicators.figures import figure
    from exchange.records.instruments import instruments

    stored = agreeing.find(workspace, agreement)
    frozen = agreeing.thawed(stored)
    if frozen.agreement.practice.party not in workspace.parties:
        raise AgreementError("sharing.practice-only", hints=("hint.agreement-list",), agreement=agreement)
    whole = choosing.whole_period(workspace)
    everything, load = workspace.store.dataset(), workspace.store.last_load()
    found = []
    for name, parties in _groups(workspace, agreement, by).items():
        theirs = of_partners(everything, agreement, parties)
        for asked in choosing.agreed(workspace, stored, frozen, whole):
            counted = oracle.cube(
                asked.definition, theirs, start=asked.start, end=asked.end, cut_off=workspace.on,
                instruments=instruments(), agreements=asked.agreements, within=asked.agreements,
            )  # fmt: skip
            for row in counted.rows:
                made = figure(
                    asked.definition, row, start=counted.start, end=counted.end, cut_off=counted.cut_off,
                    target=asked.target, baseline=asked.baseline, sources=figuring.sources(asked.definition),
                    as_of_load=load,
                )  # fmt: skip
                found.append(replace(made, group={by: name}))
    trail.note(workspace, "calculated", ground=agreement, detail=f"by {by}")
    return tuple(found)


def is_ours(workspace: Workspace, agreement: str) -> bool:
    """Say whether we are the practice of an agreement, whose cases are ours to count."""
    frozen = agreeing.thawed(agreeing.find(workspace, agreement))
    return frozen.agreement.practice.party in workspace.parties


def of_partners(everything: Dataset, agreement: str, parties: frozenset[str]) -> Dataset:
    """Return a dataset that knows no case, answer or total of other partners, or of other agreements."""
    cases = tuple(one for one in everything.cases if one.agreement_id == agreement and one.partner in parties)
    ours = {one.case_id for one in cases}
    return replace(
        everything,
        cases=cases,
        answers=tuple(one for one in everything.answers if not one.case_id or one.case_id in ours),
        aggregates=tuple(one for one in everything.aggregates if not one.partner or one.partner in parties),
    )


def _groups(workspace: Workspace, agreement: str, by: str) -> dict[str, frozenset[str]]:
    """Return the partners of an agreement by themselves, or by their label."""
    from exchange.operations import membership

    listed = [
        one for one in membership.members(workspace) if one.agreement_id == agreement and one.kind != "client"
    ]  # fmt: skip
    groups: dict[str, set[str]] = {}
    for one in listed:
        name = one.party if by == PARTY else one.label
        if name and not one.waiting:
            groups.setdefault(name, set()).add(one.party)
    return {name: frozenset(parties) for name, parties in sorted(groups.items())}
