"""GDS801 claims and GDS802 answers."""

from __future__ import annotations

import io
from datetime import date

from consuming import consumed, courses

from exchange.operations.inventing import claiming
from exchange.sources import gds801

_CLAIMS = claiming.gds801(courses(), date(2022, 1, 1), date(2026, 1, 1))
_ANSWERS = _CLAIMS.replace(b"bericht573", b"bericht574").replace(
    b"</DebetPrestatie>", b"<ToegekendBedrag>0</ToegekendBedrag></DebetPrestatie>"
)
CORPUS = (_CLAIMS[:20_000], _CLAIMS[:1500] + b"</Bericht>", _ANSWERS[:20_000])


def one_input(data: bytes) -> None:
    """Read the bytes as a message."""
    consumed(lambda: gds801.rows(io.BytesIO(data)))
