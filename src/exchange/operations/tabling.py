"""The table plan: which split of a figure may go outside, by what the agreements behind it say.

A figure that rests on partners' or clients' answers, or that is counted under an agreement, may be split outside only
as every agreement behind it plans. A figure of the practice's own data is split as the practice's own documents do, or
as an agreement in force that names it plans. Whole figures need no plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from exchange.errors import IndicatorError
from exchange.operations import agreeing
from exchange.operations.choosing import Asked
from exchange.operations.passing import Onward
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.agreements.agreement import Agreement
    from exchange.indicators.definition import Definition

HALF_YEAR, YEAR, LOCATION = "half-year", "year", "location"
# What summary and letter print of the practice's own data: their course, and sessions per patient for the insurer.
_EVERY = (frozenset({HALF_YEAR}),)
_OWN: Mapping[str, tuple[frozenset[str], ...]] = {
    "sessions-per-patient": (frozenset({YEAR}), frozenset({LOCATION})),
}
_IN_FORCE = frozenset({"active", "active-paper-signed", "under-review", "follow-up-tail"})


class Plans:
    """The table plans of one workspace; look once, for one document."""

    def __init__(self, workspace: Workspace, onward: Onward) -> None:
        """Take what figures rest on."""
        self._workspace = workspace
        self._onward = onward

    @cached_property
    def signed(self) -> Mapping[str, Agreement]:
        """Return the newest version in force of each agreement."""
        found: dict[str, Agreement] = {}
        for stored in self._workspace.store.agreements.list():  # by id and version: a later one replaces an earlier
            if agreeing.state(self._workspace, stored) in _IN_FORCE:
                found[stored.agreement_id] = agreeing.thawed(stored).agreement
        return found

    def without(self, definition: Definition, by: Iterable[str], agreement: str = "") -> tuple[str, ...] | None:
        """Return None where a figure may be split so outside; else the agreements that do not plan it.

        () means that no agreement plans it and that the practice's own documents do not print it either.
        """
        wanted = frozenset(by)
        if not wanted:
            return None
        behind = self._onward.behind(definition, agreement) | ({agreement} if agreement else set())
        if behind:
            missing = sorted(one for one in behind if not self._plans(one, definition.id, wanted))
            return tuple(missing) or None
        own = (*_EVERY, *_OWN.get(definition.id, ()))
        planned = wanted in own or any(self._plans(one, definition.id, wanted) for one in self.signed)
        return None if planned else ()

    def allow(self, asked: Asked, step: str) -> bool:
        """Say whether a figure may go outside split by such a step."""
        return self.without(asked.definition, (step,), asked.agreement) is None

    def require(self, definition: Definition, by: Iterable[str], language: str, agreement: str = "") -> None:
        """Raise IndicatorError where a figure may not be split so outside."""
        from exchange.agreements.clauses import listing, split_text

        split = tuple(by)
        missing = self.without(definition, split, agreement)
        if missing is None:
            return
        said = {"title": definition.title[language], "split": split_text(split, language), "by": ", ".join(split)}
        if missing:
            named = listing([*missing], language)
            raise IndicatorError("tabling.not-planned", hints=("hint.tabling",), agreements=named, **said)
        raise IndicatorError("tabling.nobody-plans", hints=("hint.tabling",), **said)

    def _plans(self, agreement: str, indicator: str, by: frozenset[str]) -> bool:
        return agreement in self.signed and self.signed[agreement].plans(indicator, by)
