"""Consent of a patient, per partner and purpose: who may give it, and how it stands on a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from exchange.findings import Finding
from exchange.records.codes import ConsentState
from exchange.records.model import Consent

# WGBO, articles 7:447 and 7:450 of the Dutch Civil Code.
_TOGETHER_FROM = 12
_ALONE_FROM = 16


class GivenBy(StrEnum):
    """Who decides."""

    PARENTS = "parents"
    TOGETHER = "parents-and-self"
    SELF = "self"


def may_give(birth_date: date, on: date) -> GivenBy:
    """Return who decides for a person of this age: under 12 the parents, 12 to 15 both, from 16 the person alone."""
    age = on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))
    if age < _TOGETHER_FROM:
        return GivenBy.PARENTS
    return GivenBy.TOGETHER if age < _ALONE_FROM else GivenBy.SELF


def check(consent: Consent, birth_date: date | None) -> tuple[Finding, ...]:
    """Return what is amiss with one consent; a withdrawal or refusal may come from any who decide."""
    if consent.state is not ConsentState.GIVEN:
        return ()
    found = []
    if not consent.evidence.strip():
        found.append(Finding("agreements.consent-no-evidence", "evidence"))
    if birth_date is None:
        found.append(Finding("agreements.consent-age-unknown", "birth_date"))
    elif consent.given_by != (wanted := may_give(birth_date, consent.day)):
        found.append(Finding("agreements.consent-giver", "given_by", params={"wanted": wanted.value}))
    return tuple(found)


def as_of(consents: Iterable[Consent], *, patient_id: str, partner: str, purpose: str, on: date) -> ConsentState | None:
    """Return how consent stands on a day, for one patient, partner and purpose; None where nobody was ever asked.

    The latest record counts. On one day a withdrawal wins over a refusal, and a refusal over consent, in whatever
    order they were recorded.
    """
    relevant = [
        one
        for one in consents
        if (one.patient_id, one.partner, one.purpose) == (patient_id, partner, purpose) and one.day <= on
    ]
    if not relevant:
        return None
    last = max(one.day for one in relevant)
    states = {one.state for one in relevant if one.day == last}
    order = (ConsentState.WITHDRAWN, ConsentState.REFUSED, ConsentState.GIVEN)
    return next(state for state in order if state in states)
