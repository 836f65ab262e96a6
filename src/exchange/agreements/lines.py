"""Plain YAML with line numbers: mappings, lists and scalars; no anchors, aliases, tags, merges or bombs.

PyYAML's event stream is read without recursion and without its own typing of scalars: `07000001` stays text,
`no` stays text, a day stays text. Only true, false, null and plain JSON numbers get a type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from exchange.errors import AgreementError

LARGEST = 512 * 1024
MOST_NODES = 20_000
DEEPEST = 24
_HINT = ("hint.agreements.see-template",)
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,14})\Z")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,14})\.[0-9]{1,12}\Z")
_WORDS: Mapping[str, object] = {"true": True, "false": False, "null": None, "~": None, "": None}
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Lined:
    """A value and the 1-based line on which each of its paths begins."""

    value: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int | None:
        """Return the line of a path, or of the nearest place above it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


@dataclass(slots=True)
class _Open:
    """A mapping or list that is still being read."""

    value: dict[str, Any] | list[Any]
    path: Path
    key: str | None = None


@dataclass(slots=True)
class _Reader:
    source: str
    nodes: int = 0
    root: list[Any] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    lines: dict[Path, int] = field(default_factory=dict)

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark is not None else 1
        if isinstance(event, yaml.AliasEvent):
            raise AgreementError("agreements.yaml-alias", hints=_HINT, source=self.source, line=line)
        if isinstance(event, yaml.NodeEvent):
            self._guard(event, line)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, yaml.MappingStartEvent):
            self._begin({}, line)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._begin([], line)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self.stack.pop()
        elif isinstance(event, yaml.DocumentStartEvent) and self.root:
            raise AgreementError("agreements.yaml-documents", hints=_HINT, source=self.source, line=line)

    def _guard(self, event: yaml.NodeEvent, line: int) -> None:
        self.nodes += 1
        if event.anchor is not None:
            raise AgreementError("agreements.yaml-alias", hints=_HINT, source=self.source, line=line)
        if getattr(event, "tag", None) is not None:
            raise AgreementError("agreements.yaml-tag", hints=_HINT, source=self.source, line=line)
        if self.nodes > MOST_NODES or len(self.stack) > DEEPEST:
            raise AgreementError("agreements.yaml-too-big", hints=_HINT, source=self.source, line=line)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        if any("\ud800" <= sign <= "\udfff" for sign in event.value):
            # "\ud800" is half a character: nothing can be written or digested with it
            raise AgreementError("agreements.yaml-broken", hints=_HINT, source=self.source, line=line)
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            if event.value in top.value:
                raise AgreementError("agreements.yaml-twice", hints=_HINT, source=self.source, line=line)
            top.key = event.value
            self.lines[(*top.path, event.value)] = line
            return
        self._put(_typed(event), line)

    def _begin(self, value: dict[str, Any] | list[Any], line: int) -> None:
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            raise AgreementError("agreements.yaml-broken", hints=_HINT, source=self.source, line=line)
        self.stack.append(_Open(value, self._put(value, line)))

    def _put(self, value: object, line: int) -> Path:
        if not self.stack:
            self.root.append(value)
            self.lines[()] = line
            return ()
        top = self.stack[-1]
        if isinstance(top.value, list):
            path = (*top.path, len(top.value))
            top.value.append(value)
            self.lines[path] = line
            return path
        key = top.key or ""
        top.value[key] = value
        top.key = None
        return (*top.path, key)


def _typed(event: yaml.ScalarEvent) -> object:
    text: str = event.value
    if event.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _DECIMAL.match(text) else text


def read_yaml(data: bytes, source: str) -> Lined:
    """Read one YAML document; raise AgreementError with the line where it is not plain YAML."""
    if len(data) > LARGEST:
        raise AgreementError("agreements.yaml-too-big", hints=_HINT, source=source, line=1)
    reader = _Reader(source)
    try:
        for event in yaml.parse(data.decode("utf-8-sig"), Loader=yaml.SafeLoader):
            reader.take(event)
    # ValueError and OverflowError too: PyYAML lets chr() of an impossible escape through.
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        raise AgreementError("agreements.yaml-broken", hints=_HINT, source=source, line=line) from error
    return Lined(reader.root[0] if reader.root else None, reader.lines)
