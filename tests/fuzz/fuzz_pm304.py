"""PM304 claims and PM305 answers."""

from __future__ import annotations

import io
from datetime import date

from consuming import consumed, courses

from exchange.operations.inventing import claiming
from exchange.sources import pm304

_CLAIMS = claiming.pm304(courses(), date(2022, 1, 1), date(2026, 1, 1))
# The insurer's answer: the same records, and behind each the sixty positions it adds.
_ANSWERS = b"".join(
    line.replace(b"01107", b"01108", 1).ljust(310) + (b" " * 8 + b"D" + line[182:191] + b" " * 42 + b"\r\n")
    for line in _CLAIMS.splitlines()
)
CORPUS = (_CLAIMS, _ANSWERS, _CLAIMS[:3000], _CLAIMS.replace(b"D", b"C"))


def one_input(data: bytes) -> None:
    """Read the bytes as claims."""
    consumed(lambda: pm304.rows(io.BytesIO(data)))
