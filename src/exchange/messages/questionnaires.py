"""Invariants of Questionnaire and QuestionnaireResponse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchange.messages.datatypes import Keeps, Node, has, has_choice
from exchange.messages.looking import items

_LENGTHS = frozenset({"boolean", "decimal", "integer", "string", "text", "url", "open-choice"})
_OPTIONS = frozenset({"choice", "open-choice", "decimal", "integer", "date", "dateTime", "time", "string", "quantity"})


def _kind(node: Node) -> str:
    kind = node.get("type")
    return kind if isinstance(kind, str) else ""


def _is_not(*kinds: str, has_no: tuple[str, ...]) -> Keeps:
    return lambda node: node.get("type") not in kinds or not has(node, *has_no)


def _que_1(node: Node) -> bool:
    nested = "item" in node
    return not (node.get("type") == "group" and not nested) and not (node.get("type") == "display" and nested)


def _que_12(node: Node) -> bool:
    conditions = node.get("enableWhen")
    return not isinstance(conditions, list) or len(conditions) <= 2 or has(node, "enableBehavior")


def _que_13(node: Node) -> bool:
    initial = node.get("initial")
    return not isinstance(initial, list) or len(initial) <= 1 or node.get("repeats") is True


def _que_7(node: Node) -> bool:
    return node.get("operator") != "exists" or not has_choice(node, "answer") or "answerBoolean" in node


def links_are_distinct(node: Node) -> bool:
    """Say whether no two items have the same link id (que-2)."""
    seen: set[Any] = set()
    todo = list(items(node, "item"))
    while todo:
        each = todo.pop()
        link = each.get("linkId")
        if isinstance(link, str):
            if link in seen:
                return False
            seen.add(link)
        todo.extend(items(each, "item"))
    return True


QUESTIONNAIRES: Mapping[str, tuple[tuple[str, Keeps], ...]] = {
    "Questionnaire.item": (
        ("messages.que-1", _que_1),
        ("messages.que-3", _is_not("display", has_no=("code",))),
        ("messages.que-4", lambda node: not (has(node, "answerOption") and has(node, "answerValueSet"))),
        (
            "messages.que-5",
            lambda node: _kind(node) in _OPTIONS or not has(node, "answerOption", "answerValueSet"),
        ),
        ("messages.que-6", _is_not("display", has_no=("required", "repeats"))),
        ("messages.que-8", _is_not("group", "display", has_no=("initial",))),
        ("messages.que-9", _is_not("display", has_no=("readOnly",))),
        ("messages.que-10", lambda node: _kind(node) in _LENGTHS or not has(node, "maxLength")),
        ("messages.que-11", lambda node: not (has(node, "answerOption") and has(node, "initial"))),
        ("messages.que-12", _que_12),
        ("messages.que-13", _que_13),
    ),
    "Questionnaire.item.enableWhen": (("messages.que-7", _que_7),),
    "QuestionnaireResponse.item": (("messages.qrs-1", lambda node: not ("answer" in node and "item" in node)),),
}
"""Type of an element -> rule id and whether an element keeps it."""
