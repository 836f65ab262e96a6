"""The page of each message: its example, entries and elements are those of the golden message."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from exchange.messages.codes import EVENTS
from exchange.messages.profiles import profile_of
from exchange.messages.slicing import leaves
from exchange.records.elements import elements

MARK = "<!-- From here on made from tests/golden/messages by tests/docs/test_docs_messages.py. -->\n"
WIDTH = 108


def compact(value: Any, depth: int = 0) -> str:
    """Write JSON with what fits on one line on one line."""
    whole = json.dumps(value, ensure_ascii=False)
    if len(whole) + depth <= WIDTH or not isinstance(value, dict | list):
        return whole
    inside = " " * (depth + 1)
    if isinstance(value, list):
        parts = [inside + compact(each, depth + 1) for each in value]
        return "[\n" + ",\n".join(parts) + "\n" + " " * depth + "]"
    parts = [f"{inside}{json.dumps(name)}: {compact(each, depth + 1)}" for name, each in value.items()]
    return "{\n" + ",\n".join(parts) + "\n" + " " * depth + "}"


def made(event: str, repository: Path) -> str:
    """Return what the page says after its mark."""
    tree = json.loads((repository / "tests" / "golden" / "messages" / f"{event}.json").read_text(encoding="utf-8"))
    kinds = Counter((each["resource"]["resourceType"], profile_of(each["resource"])) for each in tree["entry"])
    told = {path for path, _ in leaves(tree)}
    carried = [each for each in elements().values() if set(each.fhir) & told]
    profiles = "../../schemas/fhir/profiles"
    lines = [MARK, "## Entries", "", "| resource | profile | in the example |", "|---|---|---|"]
    lines += [
        f"| {kind} | [{profile}]({profiles}/StructureDefinition-{profile}.json) | {count} |"
        for (kind, profile), count in kinds.items()
    ]
    lines += ["", "## Elements in the example", "", "| element | what | where |", "|---|---|---|"]
    lines += [
        f"| `{each.id}` | {each.label['en']} | {', '.join(f'`{path}`' for path in each.fhir if path in told)} |"
        for each in carried
    ]
    status = "business status" + ("es" if len(EVENTS[event].states) > 1 else "")
    states = ", ".join(f"`{state}` ({task})" for state, task in EVENTS[event].states.items())
    lines += ["", "## Task", "", f"The {status} and, in brackets, the Task status beside it: {states}.", ""]
    lines += ["## Example", "", "Everything in it is invented.", "", "```json", compact(tree), "```", ""]
    return "\n".join(lines)


@pytest.mark.parametrize("event", EVENTS)
def test_the_page_of_a_message_shows_the_message_that_is_built(event: str, repository: Path) -> None:
    """Write the pages again with `UPDATE_GOLDEN=1`, after the golden messages."""
    page = repository / "docs" / "messages" / f"{event}.md"
    prose = page.read_text(encoding="utf-8").partition(MARK)[0]
    now = prose + made(event, repository)
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(now, encoding="utf-8")

    assert page.read_text(encoding="utf-8") == now
    assert prose.startswith(f"# {event}\n")


def test_the_index_of_messages_has_a_link_to_each(repository: Path) -> None:
    index = (repository / "docs" / "messages" / "README.md").read_text(encoding="utf-8")

    assert [event for event in EVENTS if f"]({event}.md)" not in index] == []
