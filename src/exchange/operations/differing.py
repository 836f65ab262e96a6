"""What changed between two versions of an agreement, drafts or signed, and whether it needs new signatures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.errors import AgreementError
from exchange.findings import say
from exchange.findings.wording import catalogue
from exchange.operations import agreeing, drafting
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.agreements.agreement import Agreement
    from exchange.agreements.diff import Change

_LONGEST = 70
# What a person calls a part of an agreement by; a moment is known by its day already.
_NAMES = ("name", "title", "id", "event", "activity", "to")


@dataclass(frozen=True, slots=True)
class Compared:
    """Every difference, and whether any of them needs new signatures."""

    old: str
    new: str
    changes: tuple[Change, ...]

    @property
    def new_signatures(self) -> bool:
        """Tell whether the parties have to sign anew."""
        return any(one.new_signatures for one in self.changes)


def is_file(given: str) -> bool:
    """Tell whether a draft's file is meant, and not an agreement of the workspace."""
    return Path(given).suffix in {".yaml", ".yml"}


def compare(old: str, new: str, workspace: Workspace | None = None) -> Compared:
    """Compare two agreements, each a draft's file, or the name of one in the workspace (ID, or ID@VERSION)."""
    from exchange.agreements import diff

    before, after = _read(old, workspace), _read(new, workspace)
    if before.id != after.id:
        raise AgreementError("differing.other", hints=("hint.differing",), old=before.id, new=after.id)
    older, newer = (f"{one.id}@{one.version}" for one in (before, after))
    return Compared(older, newer, diff.diff(before, after))


def told(change: Change, language: str) -> str:
    """Return one difference in words: where, what stood there and stands there, and whether it needs signatures."""
    top, _, rest = change.path.replace("[", ".").replace("]", "").partition(".")
    place = f"differing.place-{top}"
    name = say(place, {}, language) if place in catalogue() else top
    where = f"{name} ({rest})" if rest else name
    values = {"before": _shown(change.before, language), "after": _shown(change.after, language)}
    what = say(f"differing.{change.kind.value}", {"where": where, **values}, language)
    weight = say("differing.signatures" if change.new_signatures else "differing.told", {}, language)
    return f"{what.rstrip(' :')} [{weight}]"


def _shown(value: Any, language: str) -> str:
    if isinstance(value, dict) and set(value) <= {"nl", "en"}:
        value = value.get(language) or value.get("nl")
    if isinstance(value, dict):
        value = next((value[name] for name in _NAMES if value.get(name)), None)
        return "" if value is None else _shown(value, language)
    if isinstance(value, list):
        value = ", ".join(_shown(one, language) for one in value)
    if value is None or value == "":
        return "–"
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"


def _read(given: str, workspace: Workspace | None) -> Agreement:
    if is_file(given):
        return drafting.read(Path(given))
    if workspace is None:
        raise AgreementError("agreeing.unknown", hints=("hint.agreement-list",), id=given)
    name, _, version = given.partition("@")
    if not version:
        return agreeing.thawed(agreeing.find(workspace, name)).agreement
    stored = workspace.store.agreements.find(name, int(version)) if version.isdecimal() else None
    if stored is None:
        raise AgreementError("agreeing.unknown", hints=("hint.agreement-list",), id=given)
    return agreeing.thawed(stored).agreement
