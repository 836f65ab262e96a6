"""A finding: one rule that one place of an input does not keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs: an error refuses, a warning is shown, information is there for who looks."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule (an id of the wording catalogue) broken at one path; `params` never hold a value of a record.

    `path` is a FHIR path, a YAML path or `file:line`; `line` is 1-based where the input has lines.
    """

    rule: str
    path: str = ""
    severity: Severity = Severity.ERROR
    line: int | None = None
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def order(self) -> tuple[int, str, str, str]:
        """Sort findings by line, path and rule, so that two runs print the same."""
        return (self.line or 0, self.path, self.rule, repr(sorted(self.params.items())))
