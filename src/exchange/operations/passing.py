"""Onward use: what rests on a partner's answers goes to the insurer only where their agreement says so.

An agreement's clause on onward use names who may get its totals, and how many days before that the partner sees them
and may object. The list of receivers is people's own words, so a clause is taken to be about the insurer where it
names an insurer in general or ours by name. Whether a partner did object no program knows: a person records that the
figures were shown (`record_preview`), and leaves the sending to after the last day for an objection.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from exchange.errors import AgreementError
from exchange.findings import Finding, Severity
from exchange.operations import agreeing, trail
from exchange.operations.workspace import Workspace
from exchange.records.calendar import day_of

if TYPE_CHECKING:
    from exchange.agreements.agreement import Agreement, OnwardUse
    from exchange.indicators.definition import Definition
    from exchange.store.agreements import StoredAgreement

_PREVIEWS = "previews"
_INSURERS = re.compile(r"verzekeraar|insurer|\binsurance\b", re.IGNORECASE)
# Until both sides signed there is nothing that answers can have come in under.
_UNSIGNED = frozenset({"draft", "proposed", "signed-by-one"})


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether the insurer may have the totals of one agreement; `days` is how long before the partner sees them.

    `shown_on` is the preview that was recorded for its last version, `changed` that answers came in after it.
    """

    agreement: str
    title: str
    allowed: bool
    days: int = 0
    shown_on: date | None = None
    changed: bool = False

    def sendable_from(self, on: date) -> date:
        """Return the first day on which the figures may be sent; from `on` where no preview stands."""
        return (on if self.shown_on is None or self.changed else self.shown_on) + timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Preview:
    """That a partner was shown the figures of an agreement, and from when they may be sent."""

    agreement: str
    version: int
    shown_on: date
    sendable_from: date


class Onward:
    """What of one workspace may go to the insurer; look once, for one document."""

    def __init__(self, workspace: Workspace) -> None:
        """Look up permissions and whose answers came in under what."""
        self._workspace = workspace
        self._used: set[str] = set()
        self.left_out: dict[str, frozenset[str]] = {}
        self.permissions, self._of_partner = _permissions(workspace)
        dataset = workspace.store.dataset()
        of_case = {one.case_id: one.agreement_id for one in dataset.cases}
        self._answered: dict[str, set[str]] = {}
        for answer in dataset.answers:
            if answer.partner and answer.case_id in of_case:
                self._answered.setdefault(answer.element, set()).add(of_case[answer.case_id])
        for total in dataset.aggregates:
            self._answered.setdefault(total.element, set()).update(self._of_partner.get(total.partner, ()))

    def passes(self, definition: Definition, agreement: str = "") -> bool:
        """Say whether a figure may go to the insurer, and remember what was asked: every agreement behind it allows it.

        A figure of the practice's own data always may; whose partners answer rests on every agreement that brought
        such an answer, and on its own.
        """
        behind = self.behind(definition, agreement)
        refused = frozenset(one for one in behind if not self.allows(one))
        self._used |= behind
        if refused:
            self.left_out[definition.id] = self.left_out.get(definition.id, frozenset()) | refused
        return not refused

    def behind(self, definition: Definition, agreement: str = "") -> frozenset[str]:
        """Return the agreements whose answers a figure rests on."""
        asked = elements(definition)
        own = {agreement} if agreement and asked else set()
        return frozenset(own.union(*(self._answered.get(element, ()) for element in asked)))

    def allows(self, agreement: str) -> bool:
        """Say whether an agreement has a clause for the insurer; one that is not known here has none."""
        return agreement in self.permissions and self.permissions[agreement].allowed

    def title(self, agreement: str) -> str:
        """Return what people call an agreement."""
        return self.permissions[agreement].title if agreement in self.permissions else agreement

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return from when the figures that passed may be sent, and what was left out."""
        refused = frozenset().union(*self.left_out.values())
        return findings([self.permissions[one] for one in sorted(self._used - refused)], refused, self._workspace.on)


def _permissions(workspace: Workspace) -> tuple[dict[str, Permission], dict[str, set[str]]]:
    """Return the permission of each agreement by its last version that both sides signed, and each partner's ones."""
    found: dict[str, Permission] = {}
    of_partner: dict[str, set[str]] = {}
    for stored in workspace.store.agreements.list():  # by id and version: a later one stands in place of an earlier
        agreement = agreeing.thawed(stored).agreement
        if agreement.practice.party not in workspace.parties:
            continue
        for partner in agreement.partners:
            of_partner.setdefault(partner.party, set()).add(stored.agreement_id)
        signed = agreeing.state(workspace, stored) not in _UNSIGNED
        if signed or stored.agreement_id not in found:
            clause = for_insurer(agreement, workspace.settings.insurer) if signed else None
            found[stored.agreement_id] = _permission(workspace, stored, agreement, clause)
    return found, of_partner


def for_insurer(agreement: Agreement, insurer: str) -> OnwardUse | None:
    """Return the clause that lets totals go to the insurer; of several the one with the longest term."""
    chosen = [
        one
        for one in agreement.onward_use
        if _INSURERS.search(one.to) or (insurer and insurer.casefold() in one.to.casefold())
    ]
    return max(chosen, key=_days, default=None)


def elements(definition: Definition) -> frozenset[str]:
    """Return what a definition asks of partners and clients."""
    from exchange.indicators.needing import needed

    return frozenset(one.element for one in needed(definition) if one.supplier != "practice")


def findings(passed: Iterable[Permission], refused: Iterable[str], on: date) -> tuple[Finding, ...]:
    """Return from when each agreement's figures may be sent, where that is not yet, and which are left out."""
    said = [Finding("passing.left-out", one, Severity.WARNING, params={"agreement": one}) for one in refused]
    for one in passed:
        first = one.sendable_from(on)
        params: dict[str, object] = {"agreement": one.agreement, "days": one.days, "date": first.isoformat()}
        if one.days and (one.shown_on is None or one.changed):
            rule = "passing.changed" if one.changed else "passing.not-shown"
            said.append(Finding(rule, one.agreement, Severity.WARNING, params=params))
        elif first > on:
            said.append(Finding("passing.not-yet", one.agreement, Severity.WARNING, params=params))
    return tuple(sorted(said, key=lambda finding: finding.order))


def record_preview(workspace: Workspace, agreement: str, *, on: date) -> Preview:
    """Record that the partners saw the figures of an agreement on a day; it stands for its last signed version.

    It is kept as a setting of the store, without a history of its own; the trail has who recorded it and when.
    """
    from exchange.agreements import signing

    stored = agreeing.find(workspace, agreement)
    clause = for_insurer(signing.thaw(stored.payload).agreement, workspace.settings.insurer)
    if clause is None:
        raise AgreementError("passing.no-clause", hints=("hint.passing-clause",), agreement=agreement)
    if on > workspace.on:
        raise AgreementError("passing.future", hints=("hint.passing-day",), on=on.isoformat())
    with workspace.store.together(by=workspace.user, at=workspace.now):
        kept = _previews(workspace)
        kept[stored.agreement_id] = {"version": stored.version, "on": on.isoformat(), "load": _load_on(workspace, on)}
        workspace.store.set_setting(_PREVIEWS, json.dumps(kept, sort_keys=True))
    trail.note(
        workspace, "figures-shown", object=f"agreement:{stored.digest}", ground=stored.agreement_id,
        detail=on.isoformat(),
    )  # fmt: skip
    return Preview(stored.agreement_id, stored.version, on, on + timedelta(days=_days(clause)))


def _permission(
    workspace: Workspace, stored: StoredAgreement, agreement: Agreement, clause: OnwardUse | None
) -> Permission:
    title = agreement.title[workspace.settings.language]
    if clause is None:
        return Permission(stored.agreement_id, title, allowed=False)
    kept = _previews(workspace).get(stored.agreement_id)
    if kept is None or kept["version"] != stored.version:
        return Permission(stored.agreement_id, title, allowed=True, days=_days(clause))
    return Permission(
        stored.agreement_id,
        title,
        allowed=True,
        days=_days(clause),
        shown_on=date.fromisoformat(kept["on"]),
        changed=_changed_since(workspace, stored.agreement_id, kept["load"]),
    )


def _days(clause: OnwardUse) -> int:
    return max(clause.preview_days, clause.objection_days)


def _previews(workspace: Workspace) -> dict[str, dict[str, Any]]:
    kept: dict[str, dict[str, Any]] = json.loads(workspace.store.setting(_PREVIEWS, "{}"))
    return kept


def _load_on(workspace: Workspace, on: date) -> int:
    """Return the last load of a day: what could be shown on it."""
    return max((one.load_id for one in workspace.store.loads() if day_of(one.at) <= on), default=0)


def _changed_since(workspace: Workspace, agreement: str, load: int) -> bool:
    """Say whether what partners answered under an agreement is other than it was as of a load."""
    cases = [one.case_id for one in workspace.store.cases.of_agreement(agreement)]
    return workspace.store.answers.of_cases(cases) != workspace.store.answers.of_cases(cases, as_of=load)
