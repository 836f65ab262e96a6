"""Parse the bytes of a message once, within limits: size, brackets, depth, duplicate keys, NaN."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from exchange.errors import MessageError

_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_LINE = re.compile(r"at line (\d+) column")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read at most; a message of ours is some tens of kilobytes."""

    size: int = 16 * 1024 * 1024
    values: int = 2_000_000
    entries: int = 50_000
    depth: int = 64


LIMITS = Limits()


def parse(data: bytes, limits: Limits = LIMITS) -> dict[str, Any]:
    """Return the JSON object; raises MessageError, naming at most a line, where it can't be read or is too much."""
    tree = load(data, limits)
    require_within(data, tree, limits)
    return tree


def load(data: bytes, limits: Limits = LIMITS) -> dict[str, Any]:
    """Do as `parse` does, but for the entries and the depth; `require_within` must follow, or what implies it."""
    import jiter

    if len(data) > limits.size:
        raise MessageError("messages.too-large", limit=limits.size)
    # Each value needs a bracket or a comma before it, so this bounds the memory before anything is built.
    if len(data) > limits.values and _values(data) > limits.values:
        raise MessageError("messages.too-many-values", limit=limits.values)
    try:
        tree = jiter.from_json(data, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError as error:
        raise _explained(str(error)) from None
    if not isinstance(tree, dict):
        raise MessageError("messages.not-an-object")
    return tree


def _values(data: bytes) -> int:
    return data.count(b",") + data.count(b"[") + data.count(b"{")


def _explained(text: str) -> MessageError:
    found = _LINE.search(text)
    line = int(found.group(1)) if found else 0
    if "duplicate key" in text:
        return MessageError("messages.duplicate-key", line=line)
    if "recursion limit" in text:
        return MessageError("messages.too-deep", limit=LIMITS.depth)
    return MessageError("messages.not-json", line=line)


def require_within(data: bytes, tree: dict[str, Any], limits: Limits) -> None:
    """Refuse what is too deep or has too many entries.

    The depth is counted on the brackets alone, a level at a time. Brackets inside texts count too; where they come
    out as too deep, the tree itself decides. They can also hide a level, but never more than the parser's own limit.
    """
    entries = tree.get("entry")
    if isinstance(entries, list) and len(entries) > limits.entries:
        raise MessageError("messages.too-many-entries", limit=limits.entries)
    brackets = data.translate(None, delete=_NO_BRACKETS)
    for _ in range(limits.depth):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not brackets:
            return
    if _depth(tree) > limits.depth:
        raise MessageError("messages.too-deep", limit=limits.depth)


def _depth(tree: dict[str, Any]) -> int:
    depth = 0
    level: list[Any] = [tree]
    while level:
        depth += 1
        inner = (below for node in level for below in (node.values() if isinstance(node, dict) else node))
        level = [below for below in inner if isinstance(below, dict | list)]
    return depth
