"""Canonical JSON out (RFC 8785) and strict JSON in: no duplicate key, no NaN, no bomb."""

from __future__ import annotations

import math
from typing import Any

import jiter
import rfc8785

MOST_BYTES = 16 * 1024 * 1024
DEEPEST = 64


class NotStrict(ValueError):  # noqa: N818 - named for what it says; every caller translates it into its own error
    """The bytes are not JSON as this toolkit accepts it; the message never repeats a value."""


def canonical(value: object) -> bytes:
    """Return the one byte form of a JSON value (RFC 8785)."""
    try:
        return rfc8785.dumps(value)  # type: ignore[arg-type]  # rfc8785 refuses what is not JSON itself
    except (ValueError, TypeError, RecursionError):
        # Its own message shows the value.
        raise NotStrict("not a JSON value") from None


def strict(data: bytes, *, most: int = MOST_BYTES, deepest: int = DEEPEST) -> Any:
    """Parse JSON bytes; refuse duplicate keys, NaN, Infinity, too many bytes and too deep a nesting.

    Raises NotStrict. RFC 8725 section 2.4 and I-JSON (RFC 7493) are why: two parsers must never see two things.
    """
    if len(data) > most:
        raise NotStrict("too many bytes")
    try:
        value = jiter.from_json(data, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="none")
    except ValueError:
        raise NotStrict("not JSON") from None
    _walk(value, deepest)
    return value


def _walk(value: object, deepest: int) -> None:
    level: list[object] = [value]
    for _ in range(deepest):
        inner: list[object] = []
        for item in level:
            # A number such as 1e400 is JSON by its grammar and infinite once read.
            if isinstance(item, float) and not math.isfinite(item):
                raise NotStrict("not a number")
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return
        level = inner
    raise NotStrict("nested too deep")
