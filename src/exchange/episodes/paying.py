"""Whether a session that somebody else pays for was claimed with an insurer too."""

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
    """One session of the EPD and who pays for it by its own column."""

    patient_id: str
    day: date
    type: SessionType
    therapist: str
    payer: Payer


def claimed_twice(sessions: Iterable[Paid], lines: Iterable[Line], services: ServiceMap) -> tuple[Paid, ...]:
    """Return the sessions at another's expense for which a claim with an insurer stands.

    A claim that was credited, replaced or rejected does not stand. A service code that the map does not know is taken
    for a treatment: better one finding to look at than a session that was paid twice.
    """
    standing: dict[tuple[str, date], list[tuple[SessionType, str]]] = defaultdict(list)
    for line in settle(lines).standing:
        kind = services.type_of(line.code_list, line.service_code) or SessionType.SESSION
        standing[line.patient_id, line.day].append((kind, line.therapist))
    found = []
    for one in sessions:
        if one.payer in INSURED or one.type not in TREATMENTS:
            continue
        claims = standing.get((one.patient_id, one.day), [])
        match = next((claim for claim in claims if _same(one, *claim)), None)
        if match is not None:
            claims.remove(match)
            found.append(one)
    return tuple(found)


def _same(session: Paid, kind: SessionType, therapist: str) -> bool:
    """Tell whether a claim can be of this session; a therapist that one of them lacks parts nothing."""
    apart = session.therapist and therapist and session.therapist != therapist
    return kind is session.type and not apart
