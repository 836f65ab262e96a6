"""Whether a session was paid twice: at another's expense and claimed all the same, or on two insurances."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from exchange.episodes.facts import Line
from exchange.episodes.services import TREATMENTS, ServiceMap
from exchange.episodes.settling import settle
from exchange.records.codes import Payer, SessionType

# What goes to a health insurer; every other payer excludes a claim there.
INSURED = frozenset({Payer.ZVW, Payer.SUPPLEMENTARY, Payer.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Paid:
    """One session and who pays for it: by the column of the EPD, or by the entitlement code of its claim."""

    patient_id: str
    day: date
    type: SessionType
    therapist: str
    payer: Payer


def claimed_twice(sessions: Iterable[Paid], lines: Iterable[Line], services: ServiceMap) -> tuple[Paid, ...]:
    """Return the sessions that one paid for and that were claimed with another too.

    Those are sessions of the EPD at another's expense for which a claim with an insurer stands, sessions of the EPD on
    the supplementary insurance for which a claim on the basic insurance stands, and sessions claimed on both.

    A claim that was credited, replaced or rejected does not stand. A service code that the map does not know is taken
    for a treatment: better one finding to look at than a session that was paid twice. An entitlement code that the map
    does not know says nothing of which insurance paid.
    """
    standing: dict[tuple[str, date], list[Paid]] = defaultdict(list)
    for line in settle(lines).standing:
        kind = services.type_of(line.code_list, line.service_code) or SessionType.SESSION
        claim = Paid(line.patient_id, line.day, kind, line.therapist, services.payer(line.entitlement))
        standing[line.patient_id, line.day].append(claim)
    found = []
    for one in sessions:
        claims = standing.get((one.patient_id, one.day), [])
        match = next((claim for claim in claims if _same(one, claim) and _apart(one.payer, claim.payer)), None)
        if match is not None and one.type in TREATMENTS:
            claims.remove(match)
            found.append(one)
    return (*found, *(one for claims in standing.values() for one in _on_both(claims)))


def _on_both(claims: Iterable[Paid]) -> Iterable[Paid]:
    """Yield the claims of one day on the supplementary insurance beside which one on the basic insurance stands."""
    basic = [one for one in claims if one.payer is Payer.ZVW and one.type in TREATMENTS]
    for one in claims:
        beside = next((other for other in basic if one.payer is Payer.SUPPLEMENTARY and _same(one, other)), None)
        if beside is not None:
            basic.remove(beside)
            yield one


def _apart(payer: Payer, claimed: Payer) -> bool:
    """Tell whether a session that this payer pays for ought not to be claimed with that one."""
    return payer not in INSURED or (payer is Payer.SUPPLEMENTARY and claimed is Payer.ZVW)


def _same(session: Paid, claim: Paid) -> bool:
    """Tell whether a claim can be of this session; a therapist that one of them lacks parts nothing."""
    apart = session.therapist and claim.therapist and session.therapist != claim.therapist
    return claim.type is session.type and not apart
