"""The map of service codes: shown with how often each was claimed, and changed in exchange.toml by a command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exchange.errors import WorkspaceError
from exchange.operations import loading, trail
from exchange.operations.workspace import Workspace
from exchange.records.codes import SessionType

_CODE = re.compile(r"[0-9A-Za-z]{1,6}")
_LIST = re.compile(r"[0-9]{1,3}")
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Service:
    """One service code: what it is taken for (nothing where nobody said), who said so, and its claimed lines."""

    code_list: str
    code: str
    type: str
    label: str
    origin: str  # own, shipped or unknown
    verified: bool
    lines: int


def listed(workspace: Workspace) -> tuple[Service, ...]:
    """Return the codes of the map and of the claims, the unknown ones first."""
    claimed = {(one.code_list, one.code): one.lines for one in workspace.store.survey.claimed()}
    told = _told(workspace.settings.services)
    found = []
    for code_list, code in sorted({*claimed, *told}):
        one = told.get((code_list, code), {})
        lines = claimed.get((code_list, code), 0)
        found.append(
            Service(
                code_list, code, one.get("type", ""), one.get("label", ""), one.get("origin", "unknown"),
                one.get("verified", True) is True, lines,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (one.origin != "unknown", one.code_list, one.code)))


def record(workspace: Workspace, *, code_list: str, code: str, type_: str, label: str = "") -> Service:
    """Say in exchange.toml what a code is, and derive every episode and session anew by it."""
    if not (_LIST.fullmatch(code_list) and _CODE.fullmatch(code)) or len(label) > _LONGEST or not label.isprintable():
        raise WorkspaceError("serving.unfit", hints=("hint.serving",))
    number, bare = code_list.zfill(3), code.lstrip("0")
    kept = dict(workspace.settings.services)
    lists = {name.zfill(3): dict(codes) for name, codes in kept.get("lists", {}).items()}
    lists[number] = {one: meant for one, meant in lists.get(number, {}).items() if one.lstrip("0") != bare}
    lists[number][bare] = {"type": SessionType(type_).value, **({"label": label} if label else {})}
    workspace.change(services={**kept, "lists": lists})
    trail.note(workspace, "service-recorded", object=f"service:{number} {bare}", detail=type_)
    loading.rebuild_where_changed(workspace)
    return next(one for one in listed(workspace) if (one.code_list, one.code) == (number, bare))


def _told(own: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what is said of each code, our own word before the shipped one."""
    import json

    from exchange import shipped

    read = json.loads(shipped.schemas("services.json").read_text(encoding="utf-8"))
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for origin, lists in (("shipped", read["lists"]), ("own", own.get("lists", {}))):
        for code_list, codes in lists.items():
            for code, meant in codes.items():
                found[code_list.zfill(3), code.lstrip("0")] = {**meant, "origin": origin}
    return found
