"""A decision of the gate, with every premise it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Premise:
    """One thing the gate looked at: `rule` is an id of the wording catalogue, `clause` the agreement's clause."""

    rule: str
    satisfied: bool
    clause: str = ""
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """Allowed if and only if every premise is satisfied; a decision without premises refuses."""

    premises: tuple[Premise, ...]

    @property
    def allowed(self) -> bool:
        """Say yes only when there is at least one premise and none fails."""
        return bool(self.premises) and all(premise.satisfied for premise in self.premises)

    @property
    def failed(self) -> tuple[Premise, ...]:
        """Return the premises that refuse, in the order they were asked."""
        return tuple(premise for premise in self.premises if not premise.satisfied)
