"""Findings with their place in the text of an agreement."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.agreements.lines import Lined, Path
from exchange.agreements.reading import dotted
from exchange.findings import Finding, Severity


@dataclass(frozen=True, slots=True)
class Places:
    """Makes findings; knows the lines where the agreement was read from text, and none where it was not."""

    lined: Lined | None

    def error(self, rule: str, path: Path, **params: object) -> Finding:
        """Return a finding that keeps the agreement from being signed."""
        return self._finding(rule, path, Severity.ERROR, params)

    def warning(self, rule: str, path: Path, **params: object) -> Finding:
        """Return a finding that a person should weigh."""
        return self._finding(rule, path, Severity.WARNING, params)

    def _finding(self, rule: str, path: Path, severity: Severity, params: dict[str, object]) -> Finding:
        line = self.lined.line(path) if self.lined is not None else None
        return Finding(rule, dotted(path), severity, line, params)
