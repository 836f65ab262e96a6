"""The workspace's settings: exchange.toml, read strictly and written so that a person can edit it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exchange.errors import ExchangeError, WorkspaceError
from exchange.records.identifiers import Party

FILE = "exchange.toml"


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
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WorkspaceError("workspace.none", hints=("hint.init",), folder=str(folder)) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        line = getattr(error, "lineno", "")
        raise WorkspaceError("workspace.settings", hints=("hint.settings",), file=str(file), line=line) from None
    try:
        return _settings(raw)
    except (KeyError, TypeError, ValueError, AttributeError, ExchangeError):
        raise WorkspaceError("workspace.settings", hints=("hint.settings",), file=str(file), line="") from None


def _settings(raw: Mapping[str, Any]) -> Settings:
    organisation, loading, plan = raw["organisation"], raw.get("loading", {}), raw.get("plan", {})
    settings = Settings(
        party=str(Party.parse(organisation["id"])),
        name=str(organisation["name"]),
        contact=str(organisation.get("contact", "")),
        also=tuple(str(Party.parse(text)) for text in organisation.get("also", ())),
        instance=str(raw["workspace"]["instance"]),
        demo=raw["workspace"].get("demo", False) is True,
        store=str(raw["workspace"].get("store", "store.db")),
        gap_days=int(loading.get("gap-days", 90)),
        moments=tuple(int(number) for number in loading.get("evaluate-at", (4, 8, 12))),
        every=int(loading.get("evaluate-every", 0)),
        insurer=str(plan.get("insurer", "")),
        language=str(raw["workspace"].get("language", "nl")),
        services=dict(loading.get("services", {})),
        effect_rule=str(loading.get("effect-rule", "")),
    )
    if settings.language not in {"nl", "en"} or not 7 <= settings.gap_days <= 730:
        raise ValueError("out of range")
    if any(number < 1 for number in settings.moments) or settings.every < 0:
        raise ValueError("out of range")
    return settings


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
    (folder / FILE).write_text(text, encoding="utf-8", newline="\n")


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
