"""Which claimed lines stand: credits cancel, rejected lines never counted, a resubmission replaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exchange.episodes.facts import Line
from exchange.findings import Finding, Severity
from exchange.records.codes import SourceKind

_CLAIMS = (SourceKind.GDS801, SourceKind.PM304)
_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Settled:
    """`standing` lines count; `void` ones are debits that do not; `of_credit` leads a credit to its debit."""

    standing: tuple[Line, ...]
    void: tuple[Line, ...]
    of_credit: Mapping[str, str]
    findings: tuple[Finding, ...]


def settle(lines: Iterable[Line]) -> Settled:
    """Work out what stands; the same for every order of lines."""
    known = sorted({line.line_id: line for line in lines}.values(), key=_order)
    if not any(line.credit or line.rejected or line.previous_reference for line in known):
        # Most patients: nothing to settle.
        standing = [line for line in known if line.quantity > 0]
        void = [line for line in known if line.quantity <= 0]
        return Settled(tuple(standing), tuple(void), {}, ())
    debits = [line for line in known if not line.credit]
    credits_ = [line for line in known if line.credit and not line.rejected]
    by_key = {_own(line): line.line_id for line in debits}
    named = {line.line_id: _named(line, by_key) for line in known if line.previous_reference}
    cancelled = {named[line.line_id] for line in credits_ if line.previous_reference}
    # A debit that names an earlier reference is that line once more: the insurer pays one of them.
    replaced = {
        named[line.line_id]
        for line in debits
        if line.previous_reference and not line.rejected and line.previous_reference != line.reference
    }
    gone = cancelled | replaced
    standing = [line for line in debits if not line.rejected and line.quantity > 0 and _own(line) not in gone]
    stands = {line.line_id for line in standing}
    of_credit = {line.line_id: by_key[key] for line in credits_ if (key := named.get(line.line_id)) in by_key}
    unmatched = len(credits_) - len(of_credit)
    findings = (
        (Finding("episodes.credit-without-debit", severity=Severity.WARNING, params={"count": unmatched}),)
        if unmatched
        else ()
    )
    return Settled(tuple(standing), tuple(line for line in debits if line.line_id not in stands), of_credit, findings)


def _order(line: Line) -> tuple[object, ...]:
    return (line.day, line.kind, line.line_id)


def _own(line: Line) -> _Key:
    return (line.kind, line.declarant, line.reference)


def _named(line: Line, debits: Mapping[_Key, str]) -> _Key:
    """Return the line that this one names: of its own format, else of the other, for in 2025 the format changed."""
    own = (line.kind, line.declarant, line.previous_reference)
    if own in debits:
        return own
    others = ((kind, line.declarant, line.previous_reference) for kind in _CLAIMS if kind is not line.kind)
    return next((other for other in others if other in debits), own)
