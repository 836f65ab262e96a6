"""Reading an agreement a person wrote: plain YAML in, an agreement and every finding of its shape out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs

from exchange import shipped
from exchange.agreements.agreement import Agreement, from_mapping
from exchange.agreements.lines import Lined, Path, read_yaml
from exchange.findings import Finding

_MOST = 200


@dataclass(frozen=True, slots=True)
class Draft:
    """An agreement as a person wrote it, with the line of every place in it."""

    agreement: Agreement
    lined: Lined

    def line(self, *path: str | int) -> int | None:
        """Return the 1-based line of a place in the text."""
        return self.lined.line(path)


def read(data: bytes, source: str) -> tuple[Draft | None, tuple[Finding, ...]]:
    """Read a draft; without findings there is one. Raise AgreementError where the text is no plain YAML at all."""
    lined = read_yaml(data, source)
    findings = shape(lined.value, lined)
    return (None if findings else Draft(from_mapping(lined.value), lined)), findings


def shape(value: object, lined: Lined | None = None) -> tuple[Finding, ...]:
    """Return every place where a value does not keep schemas/agreement.schema.json; no value is repeated."""
    found: list[Finding] = []
    for error in _schema().iter_errors(value):
        found.extend(_findings(error, lined))
        if len(found) >= _MOST:
            break
    return tuple(sorted(found, key=lambda finding: finding.order))


@cache
def _schema() -> jsonschema_rs.Draft202012Validator:
    schema = json.loads(shipped.schemas("agreement.schema.json").read_text(encoding="utf-8"))
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def _findings(error: jsonschema_rs.ValidationError, lined: Lined | None) -> Iterator[Finding]:
    path: Path = tuple(error.instance_path)
    kind = type(error.kind).__name__
    details: Mapping[str, Any] = error.kind.as_dict()
    if kind == "Required":
        yield _finding("agreements.shape-missing", path, lined, name=details["property"])
    elif kind == "AdditionalProperties":
        for name in details["unexpected"]:
            yield _finding("agreements.shape-unknown", (*path, name), lined, name=name)
    elif kind == "Enum":
        options = ", ".join(str(option) for option in details["options"])
        yield _finding("agreements.shape-choice", path, lined, options=options)
    elif kind == "Type":
        yield _finding("agreements.shape-type", path, lined, types=", ".join(details["types"]))
    elif kind == "Format":
        yield _finding("agreements.shape-day", path, lined)
    else:
        yield _finding("agreements.shape", path, lined, keyword=kind)


def _finding(rule: str, path: Path, lined: Lined | None, **params: object) -> Finding:
    return Finding(rule, dotted(path), line=lined.line(path) if lined else None, params=params)


def dotted(path: Path) -> str:
    """Return a path as a person reads it: parties[1].name."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
