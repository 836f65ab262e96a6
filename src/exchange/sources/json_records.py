"""FHIR JSON as single resources: one Bundle, one resource, or NDJSON; parsed once, within limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from exchange.errors import SourceError

SIZE_LIMIT = 256 << 20
LINE_LIMIT = 16 << 20
_VALUES_LIMIT = 8_000_000
_DEPTH_LIMIT = 64

Resource = dict[str, Any]


def resources(file: BinaryIO) -> Iterator[tuple[int, str, Resource]]:
    """Yield (number, fullUrl, resource): the number of the entry in a Bundle, or of the line in NDJSON."""
    file.seek(0)
    first = file.readline(LINE_LIMIT)
    if _is_resource(first) and file.read(4096).strip():
        yield from _lines(file)
        return
    file.seek(0)
    data = file.read(SIZE_LIMIT + 1)
    if len(data) > SIZE_LIMIT:
        raise SourceError("sources.json-limits", hints=("hint.use-ndjson",))
    yield from _entries(parse(data, 1), 1)


def parse(data: bytes, line: int) -> Resource:
    """Parse an object once; duplicate keys, NaN, depth and size are refused. Numbers keep their digits."""
    import jiter

    if data.count(b",") + data.count(b"[") + data.count(b"{") > _VALUES_LIMIT:
        raise SourceError("sources.json-limits", hints=("hint.use-ndjson",), line=line)
    try:
        tree = jiter.from_json(
            data.removeprefix(b"\xef\xbb\xbf"), allow_inf_nan=False, catch_duplicate_keys=True, float_mode="decimal"
        )
    except ValueError as error:
        raise SourceError("sources.json", hints=("hint.export-again",), line=line) from error
    if not isinstance(tree, dict) or not isinstance(tree.get("resourceType"), str):
        raise SourceError("sources.not-fhir", hints=("hint.kind-of-file",), line=line)
    _require_shallow(tree, line)
    return tree


def _is_resource(line: bytes) -> bool:
    if not line.rstrip().endswith(b"}"):
        return False
    try:
        parse(line, 1)
    except SourceError as error:
        # A first line that repeats a key is refused as what it is, not read as part of a larger document.
        return error.rule == "sources.json-limits"
    return True


def _lines(file: BinaryIO) -> Iterator[tuple[int, str, Resource]]:
    file.seek(0)
    number = 0
    while line := file.readline(LINE_LIMIT):
        number += 1
        if len(line) >= LINE_LIMIT and not line.endswith(b"\n"):
            raise SourceError("sources.json-limits", line=number)
        if line.strip():
            yield from ((number, url, resource) for _, url, resource in _entries(parse(line, number), number))


def _entries(tree: Resource, number: int) -> Iterator[tuple[int, str, Resource]]:
    if tree["resourceType"] != "Bundle":
        yield number, "", tree
        return
    entries = tree.get("entry", [])
    if not isinstance(entries, list):
        raise SourceError("sources.not-fhir", hints=("hint.kind-of-file",), line=number)
    for place, entry in enumerate(entries, start=1):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and isinstance(resource.get("resourceType"), str):
            url = entry.get("fullUrl")
            yield place, url if isinstance(url, str) else "", resource


def _require_shallow(tree: Resource, line: int) -> None:
    level: list[Any] = [tree]
    for _ in range(_DEPTH_LIMIT):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise SourceError("sources.json-limits", line=line)
