"""The workspace's settings: exchange.toml, read strictly and written so that a person can edit it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exchange.errors import ExchangeError, WorkspaceError
from exchange.operations import files
from exchange.records.identifiers import Party

FILE = "exchange.toml"
_MOST = 10_000  # sessions: no episode has more


@dataclass(frozen=True, slots=True)
class Settings:
    """What a workspace is set to.

    `party` is the organisation's first identifier, `also` its others. `store` is a path within the workspace or a
    `postgresql+psycopg://` URL without a password in it. `gap_days` ends a PM304 episode, `moments` are the session
    numbers of evaluations, `every` the step after the last of them (0: none), `insurer` the plan's addressee,
    `effect_rule` by what the practice calls an effect sufficient.
    """

    party: str
    name: str
    contact: str = ""
    also: tuple[str, ...] = ()
    instance: str = ""
    demo: bool = False
    store: str = "store.db"
    gap_days: int = 90
    moments: tuple[int, ...] = (4, 8, 12)
    every: int = 0
    insurer: str = ""
    language: str = "nl"
    services: Mapping[str, Any] = field(default_factory=dict)
    effect_rule: str = ""


def read(folder: Path) -> Settings:
    """Read exchange.toml of a workspace; raise WorkspaceError where it is missing or not as it should be."""
    file = folder / FILE
    try:
        # Notepad may put a mark before UTF-8
        text = file.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise WorkspaceError("workspace.none", hints=("hint.init",), folder=str(folder)) from None
    except UnicodeDecodeError:
        raise WorkspaceError("workspace.settings-encoding", hints=("hint.settings-encoding",), file=str(file)) from None
    except OSError:
        raise WorkspaceError("workspace.settings-closed", hints=("hint.file-path",), file=str(file)) from None
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # the line stands in the words of the error only; without one it is the end of the file
        line = re.search(r"line (\d+)", str(error))
        number = int(line[1]) if line else len(text.splitlines())
        raise WorkspaceError("workspace.settings", hints=("hint.settings",), file=str(file), line=number) from None
    _require_known(raw, str(file))
    return _settings(raw)


def _is_party(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(Party.parse(value))
    except ExchangeError:
        return False


def _is_whole(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


_TEXT = (lambda value: isinstance(value, str), "workspace.setting-text")

# Of each setting what it must be, and the sentence that says so.
_KNOWN: Mapping[str, Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "workspace": {
        "instance": _TEXT,
        "demo": (lambda value: isinstance(value, bool), "workspace.setting-flag"),
        "store": _TEXT,
        "language": (lambda value: value in ("nl", "en"), "workspace.setting-language"),
    },
    "organisation": {
        "id": (_is_party, "workspace.setting-party"),
        "also": (lambda value: isinstance(value, list) and all(map(_is_party, value)), "workspace.setting-parties"),
        "name": _TEXT,
        "contact": _TEXT,
    },
    "loading": {
        "gap-days": (lambda value: _is_whole(value, 7, 730), "workspace.setting-gap"),
        "evaluate-at": (
            lambda value: isinstance(value, list) and all(_is_whole(one, 1, _MOST) for one in value),
            "workspace.setting-moments",
        ),
        "evaluate-every": (lambda value: _is_whole(value, 0, _MOST), "workspace.setting-every"),
        "effect-rule": _TEXT,
        "services": (lambda value: isinstance(value, dict), "workspace.setting-services"),
    },
    "plan": {"insurer": _TEXT},
}
_REQUIRED = (("workspace", "instance"), ("organisation", "id"), ("organisation", "name"))


def _require_known(raw: Mapping[str, Any], file: str) -> None:
    """Refuse the first setting that is unknown, missing or not what it must be, by its name."""
    for section, settings in raw.items():
        if section not in _KNOWN or not isinstance(settings, dict):
            raise _off("workspace.setting-unknown", section, file)
        for name, value in settings.items():
            if name not in _KNOWN[section]:
                raise _off("workspace.setting-unknown", f"{section}.{name}", file)
            sound, rule = _KNOWN[section][name]
            if not sound(value):
                raise _off(rule, f"{section}.{name}", file)
    for section, name in _REQUIRED:
        if name not in raw.get(section, {}):
            raise _off("workspace.setting-missing", f"{section}.{name}", file)


def _off(rule: str, setting: str, file: str) -> WorkspaceError:
    return WorkspaceError(rule, hints=("hint.settings",), file=file, setting=setting)


def _settings(raw: Mapping[str, Any]) -> Settings:
    organisation, loading, plan = raw["organisation"], raw.get("loading", {}), raw.get("plan", {})
    return Settings(
        party=str(Party.parse(organisation["id"])),
        name=organisation["name"],
        contact=organisation.get("contact", ""),
        also=tuple(str(Party.parse(text)) for text in organisation.get("also", ())),
        instance=raw["workspace"]["instance"],
        demo=raw["workspace"].get("demo", False),
        store=raw["workspace"].get("store", "store.db"),
        gap_days=loading.get("gap-days", 90),
        moments=tuple(loading.get("evaluate-at", (4, 8, 12))),
        every=loading.get("evaluate-every", 0),
        insurer=plan.get("insurer", ""),
        language=raw["workspace"].get("language", "nl"),
        services=dict(loading.get("services", {})),
        effect_rule=loading.get("effect-rule", ""),
    )


def write(folder: Path, settings: Settings) -> None:
    """Write exchange.toml anew, with a line of explanation at each setting."""
    text = f"""# The settings of this workspace. Change them with any editor; `exchange doctor` checks them.

[workspace]
instance = {_quoted(settings.instance)}
demo = {str(settings.demo).lower()}  # true: keys without a passphrase, exchanges with demo workspaces only
store = {_quoted(settings.store)}  # a file in this folder, or postgresql+psycopg://user@host/database
language = {_quoted(settings.language)}  # of documents: nl or en

[organisation]
id = {_quoted(settings.party)}
also = [{", ".join(_quoted(text) for text in settings.also)}]  # other registers: agb, ura, kvk, oin
name = {_quoted(settings.name)}
contact = {_quoted(settings.contact)}

[loading]
gap-days = {settings.gap_days}  # PM304 has no episode: this many days without a session end one
evaluate-at = [{", ".join(map(str, settings.moments))}]  # session numbers
evaluate-every = {settings.every}  # after the last of them; 0 is never
effect-rule = {_quoted(settings.effect_rule)}  # when an effect is sufficient: shown at every evaluation
services = {_inline(settings.services)}  # own meaning of service codes, over the shipped map

[plan]
insurer = {_quoted(settings.insurer)}
"""
    files.write(folder / FILE, text.encode("utf-8"))


def _inline(value: object) -> str:
    """Write a value in one line of TOML, tables and lists too."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(str(key))} = {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    # a JSON string is a TOML basic string, but for DEL
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
