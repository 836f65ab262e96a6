"""A message, or any FHIR resource, as `exchange check` takes it: rules, our profiles, scores, and the certificate."""

from __future__ import annotations

import json
from pathlib import Path

from exchange.errors import MessageError
from exchange.messages.checking import check_rules_one_by_one, checked
from exchange.messages.outcome import outcome
from exchange.messages.parsing import parse
from exchange.operations.checking import findings

_GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "messages"
CORPUS = tuple(
    json.dumps(json.loads(file.read_bytes()), ensure_ascii=False, separators=(",", ":")).encode()
    for file in sorted(_GOLDEN.glob("*.json"))
)
_UNREAD = frozenset({"messages.not-readable", "messages.no-header", "messages.not-a-message"})


def one_input(data: bytes) -> None:
    """Check the bytes, and where the quick way saw nothing, ask every rule."""
    found = findings(data)
    json.dumps(outcome([("x", each) for each in found]))
    if checked(data).tree is None:
        return
    try:
        tree = parse(data)
    except MessageError:
        return
    asked = {each.rule for each in check_rules_one_by_one(tree)}
    assert found or asked <= _UNREAD, "a certificate was given to what breaks a rule"
