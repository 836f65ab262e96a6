"""Whatever is done to a valid message, checking and reading end, and end in findings or in a MessageError."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.errors import MessageError
from exchange.messages.checking import check
from exchange.messages.facts import Message
from exchange.messages.reading import read

EXAMPLES = [
    file.read_bytes() for file in sorted((Path(__file__).resolve().parents[1] / "golden" / "messages").glob("*.json"))
]
CALM = settings(
    max_examples=50, deadline=2000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
CANARY = "Jansen-geheim"

scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=8)
values = st.recursive(
    scalars | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def holders(node: Any) -> list[Any]:
    """Return every object and list of a tree that holds something."""
    found, todo = [], [node]
    while todo:
        each = todo.pop()
        if isinstance(each, dict | list) and each:
            found.append(each)
            todo.extend(each.values() if isinstance(each, dict) else each)
    return found


def mutate(data: st.DataObject, tree: Any) -> None:
    """Delete, replace, repeat or add one thing somewhere in the tree."""
    holder = data.draw(st.sampled_from(holders(tree)), label="holder")
    key = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))), label="key")
    act = data.draw(st.sampled_from(("delete", "replace", "repeat", "add", "swap")), label="act")
    if act == "delete":
        del holder[key]
    elif act == "replace":
        holder[key] = data.draw(values, label="value")
    elif act == "repeat":
        holder[key] = [holder[key], holder[key]]
    elif act == "swap":
        holder[key] = json.loads(json.dumps(data.draw(st.sampled_from(holders(tree)))))
    elif isinstance(holder, dict):
        holder[data.draw(st.text(max_size=8) | st.just(CANARY))] = data.draw(values)
    else:
        holder.append(data.draw(values))


def survives(data: bytes) -> None:
    findings = check(data)
    assert CANARY not in repr(findings)
    assert list(findings) == sorted(findings, key=lambda finding: finding.order)
    refused = refusal(data)
    assert CANARY not in repr(refused.params if refused else {})
    assert findings or refused is None, "what can't be read must have a finding"


def refusal(data: bytes) -> MessageError | None:
    try:
        assert isinstance(read(data), Message)
    except MessageError as error:
        return error
    return None


@CALM
@given(st.data())
def test_a_mutated_tree_ends_in_findings_or_in_a_message(data):
    tree = json.loads(data.draw(st.sampled_from(EXAMPLES)))
    for _ in range(data.draw(st.integers(1, 4))):
        mutate(data, tree)

    survives(json.dumps(tree).encode("utf-8", "surrogatepass"))


@CALM
@given(st.sampled_from(EXAMPLES), st.data())
def test_mutated_bytes_end_in_findings_or_in_a_message(example, data):
    at = data.draw(st.integers(0, len(example) - 1))
    length = data.draw(st.integers(0, 40))

    survives(example[:at] + data.draw(st.binary(max_size=8)) + example[at + length :])


@CALM
@given(st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")))
def test_any_bytes_end_in_findings(data):
    assert check(data)
