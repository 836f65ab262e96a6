"""The BSN detector: finds what can be a citizen service number in any text that is about to leave.

A candidate is nine digits, separators stripped, that pass the 11-test and adjoin no letter or digit. A
separator is one sign between digits. The detector names a field, never a number: callers ask `known`
with the digits and keep only the path.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from exchange.findings import Finding, Severity
from exchange.records.identifiers import bsn_valid

# A digit is any Unicode decimal digit; a separator is one space of any width but a line's end, a dot, hyphen or slash.
_SEPARATOR = r"[^\S\r\n]|[.\-\u2010\u2011\u2013/]"
_CANDIDATE = re.compile(rf"(?<![^\W_])\d(?:(?:{_SEPARATOR})?\d){{8}}(?![^\W_])")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Where a candidate stands in a text: its first and last position, and its nine digits."""

    start: int
    end: int
    digits: str

    def __repr__(self) -> str:  # the digits stay out of every trace
        return f"Candidate(start={self.start}, end={self.end})"


def candidates(text: str) -> Iterator[Candidate]:
    """Yield every candidate of a text, overlapping ones too, in order of position."""
    at = 0
    while (match := _CANDIDATE.search(text, at)) is not None:
        digits = "".join(str(unicodedata.digit(sign)) for sign in match.group() if sign.isdecimal())
        if bsn_valid(digits):
            yield Candidate(match.start(), match.end(), digits)
        at = match.start() + 1


def check(
    texts: Iterable[tuple[str, str]], *, known: Callable[[str], bool], allowed: Callable[[str], bool]
) -> tuple[Finding, ...]:
    """Look through (path, text) pairs and say where a BSN stands.

    `known(digits)` tells whether the number is one of the store's patients (by keyed index); such a candidate is
    an error unless `allowed(path)`, for this recipient may have it there. Any other candidate is a warning that a
    person can release.
    """
    findings = []
    for path, text in texts:
        if allowed(path):
            continue
        for candidate in candidates(text):
            known_here = known(candidate.digits)
            findings.append(
                Finding(
                    "records.bsn-known" if known_here else "records.bsn-candidate",
                    path,
                    Severity.ERROR if known_here else Severity.WARNING,
                )
            )
    return tuple(sorted(findings, key=lambda finding: finding.order))
