"""The life of an agreement: from draft to the end of its follow-up, as of a day."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from enum import StrEnum

from exchange.agreements.agreement import Agreement
from exchange.agreements.frozen import Frozen
from exchange.findings import Finding
from exchange.indicators.moments import add_months
from exchange.records.codes import PartnerKind

TAIL = timedelta(days=90)
OVERLAP = timedelta(days=30)


class State(StrEnum):
    """Where an agreement stands."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    SIGNED_BY_ONE = "signed-by-one"
    SIGNED = "signed"  # by both sides, its first day still to come
    ACTIVE = "active"
    ACTIVE_PAPER = "active-paper-signed"
    UNDER_REVIEW = "under-review"
    REVISED = "revised"
    FOLLOW_UP = "follow-up-tail"
    ENDED = "ended"
    EXPIRED = "expired"


IN_FORCE = frozenset({State.ACTIVE, State.ACTIVE_PAPER, State.UNDER_REVIEW})


def state(
    frozen: Frozen,
    signed: Collection[str],
    on: date,
    *,
    party: str | None = None,
    proposed: bool = False,
    reviewing: bool = False,
    ended_on: date | None = None,
    superseded_on: date | None = None,
) -> State:
    """Return the state as of a day, for one acceding partner or, without `party`, for the agreement as a whole.

    `signed` are the parties with a valid signature or a recorded paper signature. A framework is active as a whole
    from its first accession; what a member may send or get depends on that member's own. `proposed` says that the
    text lies with us and waits for our own signature.
    """
    agreement = frozen.agreement
    before = _before_force(agreement, signed, party, proposed=proposed)
    if before is not None:
        return before
    end = last_day(agreement, on, ended_on)
    if on >= end:
        if on < follow_up_until(frozen, end):
            return State.FOLLOW_UP
        return State.ENDED if ended_on is not None and ended_on <= on else State.EXPIRED
    if superseded_on is not None and on >= superseded_on:
        return State.REVISED
    if on < agreement.term.start:
        return State.SIGNED
    if reviewing:
        return State.UNDER_REVIEW
    return State.ACTIVE_PAPER if _on_paper(agreement, signed, party) else State.ACTIVE


def last_day(agreement: Agreement, on: date, ended_on: date | None = None) -> date:
    """Return the day from which the agreement is no longer in force; automatic renewal moves it on."""
    until = agreement.term.until
    if agreement.term.renewal == "automatic":
        periods = 0
        while until <= on and (ended_on is None or until < ended_on):
            periods += 1
            until = add_months(agreement.term.until, periods * agreement.term.renewal_months)
    return until if ended_on is None else min(until, ended_on)


def follow_up_until(frozen: Frozen, end: date) -> date:
    """Return the day on which the tail is over: the end, the longest window, and ninety days."""
    return add_months(end, frozen.window.months) + timedelta(days=frozen.window.days) + TAIL


def overlap_until(superseded_on: date) -> date:
    """Return the day from which an older version is no longer accepted: thirty days after the switch."""
    return superseded_on + OVERLAP


def conflicting(
    versions: Collection[tuple[Frozen, Collection[str], date | None, date | None]], on: date
) -> tuple[Finding, ...]:
    """Find agreements of which two versions are in force on one day.

    Each version comes with the parties that signed it, the day it was ended and the day it was superseded.
    """
    active: dict[str, int] = {}
    found = []
    for frozen, signed, ended_on, superseded_on in versions:
        if state(frozen, signed, on, ended_on=ended_on, superseded_on=superseded_on) not in IN_FORCE:
            continue
        agreement = frozen.agreement
        if agreement.id in active:
            params = {"agreement": agreement.id, "first": active[agreement.id], "second": agreement.version}
            found.append(Finding("agreements.two-active", agreement.id, params=params))
        active[agreement.id] = agreement.version
    return tuple(found)


def _before_force(agreement: Agreement, signed: Collection[str], party: str | None, *, proposed: bool) -> State | None:
    partners = {one.party for one in agreement.partners if party is None or one.party == party}
    clients = all(one.kind is PartnerKind.CLIENT for one in agreement.partners)
    ours = agreement.practice.party in signed
    theirs = clients or bool(partners & set(signed))
    if ours and theirs:
        return None
    if ours and proposed:
        return State.PROPOSED
    if ours or (theirs and not clients):
        return State.SIGNED_BY_ONE
    return State.PROPOSED if proposed else State.DRAFT


def _on_paper(agreement: Agreement, signed: Collection[str], party: str | None) -> bool:
    partners = [one for one in agreement.partners if one.party in signed and party in (None, one.party)]
    return bool(partners) and all(one.signs == "paper" for one in partners)
