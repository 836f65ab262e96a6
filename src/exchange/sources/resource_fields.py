"""How to take a field out of a FHIR resource that may hold anything: what is not as it should be, is not there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from exchange.records.calendar import AMSTERDAM
from exchange.sources.fields import Bad, any_day


def items(node: Any, *path: str) -> Iterator[dict[str, Any]]:
    """Go through the objects along a path, through lists."""
    if isinstance(node, list):
        for one in node:
            yield from items(one, *path)
    elif isinstance(node, dict):
        if path:
            yield from items(node.get(path[0]), *path[1:])
        else:
            yield node


def text(node: Any, *path: str) -> str:
    """Return the first text along a path, or nothing."""
    *head, last = path
    return next((one[last].strip() for one in items(node, *head) if isinstance(one.get(last), str)), "")


def codes(node: Any, *path: str) -> Iterator[tuple[str, str]]:
    """Go through (system, code) of every coding of the concepts along a path."""
    for coding in items(node, *path, "coding"):
        system, code = coding.get("system"), coding.get("code")
        if isinstance(code, str):
            yield (system if isinstance(system, str) else "", code)


def reference(node: Any, *path: str) -> str:
    """Return what a reference points to: `Type/id`, or its `urn:` as it stands."""
    return target(text(node, *path, "reference"))


def target(value: str) -> str:
    """Shorten an absolute or versioned address to `Type/id`; leave a urn as it is."""
    if value.startswith("urn:"):
        return value
    parts = value.partition("/_history/")[0].rstrip("/").split("/")
    return "/".join(parts[-2:]) if len(parts) >= 2 else ""


def day(node: Any, *path: str) -> date | None:
    """Return the calendar day in Amsterdam of a date or moment along a path; a partial date is none."""
    given = text(node, *path)
    if "T" in given:
        try:
            moment = datetime.fromisoformat(given)
            return any_day((moment.astimezone(AMSTERDAM) if moment.tzinfo else moment).date().isoformat(), ())
        except (ValueError, OverflowError):
            return None
    return any_day(given, ())


def needed_day(node: Any, field: str, *path: str) -> date:
    """Return a day; its absence is a broken rule."""
    found = day(node, *path)
    if found is None:
        raise Bad(field, "sources.day")
    return found


def identifier(node: Any, ending: str) -> str:
    """Return the value of the identifier whose system ends so, such as `/bsn`."""
    for one in items(node, "identifier"):
        system, value = one.get("system"), one.get("value")
        if isinstance(system, str) and system.endswith(ending) and isinstance(value, str):
            return value.strip()
    return ""
