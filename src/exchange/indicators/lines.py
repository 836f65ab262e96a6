"""A definition's YAML as plain values with the line of each, or the finding that says why it can't be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from exchange.findings import Finding

MAX_BYTES = 256 * 1024
MAX_DEPTH = 16
Path = tuple[str | int, ...]
# Marks that turn the order in which text is shown: what a person reads and signs would not be what is written.
_TURNED = re.compile("[\u202a-\u202e\u2066-\u2069]")
_OPENS = ("BlockMappingStartToken", "BlockSequenceStartToken", "FlowMappingStartToken", "FlowSequenceStartToken")
_CLOSES = ("BlockEndToken", "FlowMappingEndToken", "FlowSequenceEndToken")


def loaded(data: bytes, source: str) -> tuple[Any, Mapping[Path, int], tuple[Finding, ...]]:
    """Return the content, the line of each place in it, and what makes it unreadable (then the rest means nothing)."""
    import yaml

    if len(data) > MAX_BYTES:
        return None, {}, (Finding("indicators.too-large", source, params={"limit": MAX_BYTES // 1024}),)
    refused = _not_text(data)
    if refused is not None:
        return None, {}, (_at(refused[0], refused[1], source),)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where the wheel has it: ten times as fast
    try:
        found = _not_wanted(yaml.scan(data, Loader=loader), source)
        if found is not None:
            return None, {}, (found,)
        node = yaml.compose(data, Loader=loader)
    except yaml.YAMLError as problem:
        return None, {}, (_at(*_why(problem, data), source),)
    lines: dict[Path, int] = {}
    amiss: list[Finding] = []
    content = _plain(node, (), lines, amiss)
    return content, lines, tuple(amiss)


def dotted(path: Path) -> str:
    """Return a place as a person writes it: `outcome[0].absent.from`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".") or "."


def _at(rule: str, line: int, source: str) -> Finding:
    return Finding(rule, source, line=line, params={"line": line})


def _not_text(data: bytes) -> tuple[str, int] | None:
    """Say why the bytes are no text: another encoding than UTF-8 (or UTF-16 that says so), or nothing at all."""
    if not data.strip():
        return "indicators.empty", 1
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        return "indicators.not-utf8", data.count(b"\n", 0, problem.start) + 1
    turned = _TURNED.search(text)
    return ("indicators.odd-character", text.count("\n", 0, turned.start()) + 1) if turned else None


def _not_wanted(tokens: Any, source: str) -> Finding | None:
    """Refuse what no definition needs: aliases, which can grow a small file without bound, tags, and nesting."""
    import yaml

    depth = 0
    for token in tokens:
        line = token.start_mark.line + 1
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken | yaml.TagToken):
            return _at("indicators.yaml-alias", line, source)
        kind = type(token).__name__
        depth += (kind in _OPENS) - (kind in _CLOSES)
        if depth > MAX_DEPTH:
            return _at("indicators.too-deep", line, source)
    return None


def _why(problem: Any, data: bytes) -> tuple[str, int]:
    """Return what is wrong with YAML that can't be read, and the line on which that was noticed."""
    import yaml

    mark = getattr(problem, "problem_mark", None)
    if mark is None:  # what is no character of a text at all: the reader knows its place in the file only
        return "indicators.odd-character", data.count(b"\n", 0, getattr(problem, "position", 0)) + 1
    if isinstance(problem, yaml.composer.ComposerError):  # aliases are refused before: two documents in one file
        return "indicators.two-documents", mark.line + 1
    text = data.splitlines()
    line = text[mark.line] if mark.line < len(text) else b""
    if b"\t" in line[: len(line) - len(line.lstrip())]:
        return "indicators.tab", mark.line + 1
    return "indicators.not-yaml", mark.line + 1


def _plain(node: Any, path: Path, lines: dict[Path, int], amiss: list[Finding]) -> Any:
    """Turn YAML nodes into plain values, keeping each one's line; only integers are not text."""
    import yaml

    if node is None:
        return None
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines, amiss)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(each, (*path, index), lines, amiss) for index, each in enumerate(node.value)]
    if node.tag.endswith(":int") and re.fullmatch(r"-?\d{1,9}", node.value):
        return int(node.value)
    return node.value


def _mapping(node: Any, path: Path, lines: dict[Path, int], amiss: list[Finding]) -> dict[str, Any]:
    import yaml

    mapping: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            place = dotted(path)
            amiss.append(Finding("indicators.no-word", place, line=line, params={"line": line, "path": place}))
            continue
        name = str(key.value)
        place = dotted((*path, name))
        if name in mapping:
            amiss.append(Finding("indicators.double-key", place, line=line, params={"line": line, "path": place}))
        mapping[name] = _plain(value, (*path, name), lines, amiss)
        lines[(*path, name)] = line
    return mapping
