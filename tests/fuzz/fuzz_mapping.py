"""A person's own mapping file (TOML)."""

from __future__ import annotations

from exchange import shipped
from exchange.errors import SourceError
from exchange.sources.mapping import read_mapping

CORPUS = tuple(path.read_bytes() for path in sorted(shipped.schemas("mappings").glob("*.toml")))


def one_input(data: bytes) -> None:
    """Read the bytes as a mapping."""
    try:
        read_mapping(data.decode("utf-8", "replace"), "own.toml")
    except SourceError:
        return
