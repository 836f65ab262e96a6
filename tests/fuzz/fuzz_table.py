"""Tables as CSV, by every shipped mapping that fits them; the separator and the encoding are found out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from functools import partial

from consuming import consumed, courses

from exchange.operations.inventing import tables as invented
from exchange.sources import tables
from exchange.sources.mapping import TableMapping, shipped_mappings

_EPISODES = invented.episodes(courses())[:3000]
CORPUS = (
    _EPISODES,
    _EPISODES.decode("cp1252").encode("utf-16"),
    _EPISODES.decode("cp1252").encode("utf-8-sig").replace(b";", b"\t"),
    invented.measurements(courses())[:1500],
    invented.evaluations(courses())[:1500],
    invented.index_figures(),
    invented.prem(),
    b'Pati\xc3\xabntnummer,Begindatum,Verwijsvraag\r\n17,8-1-24,"twee\nregels, ""zo"""\r\n',
)


def one_input(data: bytes) -> None:
    """Read the bytes by each mapping."""
    for mapping in shipped_mappings().values():
        consumed(partial(_rows, data, mapping))


def _rows(data: bytes, mapping: TableMapping) -> Iterator[object]:
    file = io.BytesIO(data)
    return tables.rows(tables.find_header(tables.open_csv(file, mapping), mapping), mapping, date(2026, 1, 1))
