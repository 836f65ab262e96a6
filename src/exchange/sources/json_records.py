"""FHIR JSON as single resources: one Bundle, one resource, or NDJSON; parsed once, within limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, BinaryIO

from exchange.errors import SourceError
from exchange.sources.rows import Rejected

SIZE_LIMIT = 256 << 20
LINE_LIMIT = 16 << 20
_VALUES_LIMIT = 8_000_000
_DEPTH_LIMIT = 64
# Among how many first lines one that is a resource by itself shows that the file is NDJSON.
_FIRST_LINES = 10
# What is said of a file, said of one of its lines.
_OF_A_LINE = {
    "sources.json": "sources.line-json",
    "sources.json-limits": "sources.line-limits",
    "sources.not-fhir": "sources.line-not-fhir",
}

Resource = dict[str, Any]


def resources(file: BinaryIO, rejected: Callable[[Rejected], None]) -> Iterator[tuple[int, str, Resource]]:
    """Yield (number, fullUrl, resource): the number of the entry in a Bundle, or of the line in NDJSON.

    A line of NDJSON that can't be read is told to `rejected`, and the others are read; of a Bundle that can't be
    read nothing is.
    """
    file.seek(0)
    if _is_resource(file.readline(LINE_LIMIT)) and file.read(4096).strip():
        yield from _lines(file, rejected)
        return
    file.seek(0)
    data = file.read(SIZE_LIMIT + 1)
    try:
        tree = parse(data, 1)
    except SourceError:
        del data
        # The first line of NDJSON may be the broken one; a Bundle that broke off is not NDJSON.
        file.seek(0)
        first = [line for line, _ in islice(_bounded(file), _FIRST_LINES)]
        if b'"Bundle"' in b"".join(first[:1]) or not any(map(_is_resource, first)):
            raise
        yield from _lines(file, rejected)
        return
    del data
    yield from _entries(tree, 1)


def parse(data: bytes, line: int) -> Resource:
    """Parse an object once; duplicate keys, NaN, depth and size are refused. Numbers keep their digits."""
    import jiter

    if len(data) > SIZE_LIMIT or data.count(b",") + data.count(b"[") + data.count(b"{") > _VALUES_LIMIT:
        raise SourceError("sources.json-limits", hints=("hint.use-ndjson",), line=line)
    try:
        tree = jiter.from_json(
            data.removeprefix(b"\xef\xbb\xbf"), allow_inf_nan=False, catch_duplicate_keys=True, float_mode="decimal"
        )
    except ValueError:
        # The parser repeats a key that occurs twice, and a key may be anything.
        raise SourceError("sources.json", hints=("hint.export-again",), line=line) from None
    if not isinstance(tree, dict) or not isinstance(tree.get("resourceType"), str):
        raise SourceError("sources.not-fhir", hints=("hint.kind-of-file",), line=line)
    _require_shallow(tree, line)
    return tree


def _is_resource(line: bytes) -> bool:
    if not line.startswith((b"{", b"\xef\xbb\xbf{")) or not line.rstrip().endswith(b"}"):
        return False
    try:
        parse(line, 1)
    except SourceError:
        return False
    return True


def _bounded(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Yield (line, whether it is whole); of a line beyond the limit the rest is passed over, not kept."""
    while line := file.readline(LINE_LIMIT):
        whole = rest = line
        while rest and len(rest) >= LINE_LIMIT and not rest.endswith(b"\n"):
            rest = file.readline(LINE_LIMIT)
        yield whole, whole is rest


def _lines(file: BinaryIO, rejected: Callable[[Rejected], None]) -> Iterator[tuple[int, str, Resource]]:
    file.seek(0)
    for number, (line, whole) in enumerate(_bounded(file), start=1):
        if not line.strip(b" \t\r\n\x1a\x00"):
            continue
        if not whole:
            rejected(Rejected(number, "record", "sources.line-limits"))
            continue
        try:
            found = list(_entries(parse(line, number), number))
        except SourceError as error:
            rejected(Rejected(number, "record", _OF_A_LINE[error.rule]))
            continue
        yield from ((number, url, resource) for _, url, resource in found)


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
            yield place, url if isinstance(url, str) else "", _named(resource, url)


def _named(resource: Resource, url: object) -> Resource:
    """Give a resource without an id the one that ends its address: a document or a transaction has no other."""
    if isinstance(url, str) and "id" not in resource:
        resource["id"] = re.split(r"[:/]", url)[-1]
    return resource


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
