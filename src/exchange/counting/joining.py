"""A base of episodes with what criteria join to it, and a criterion as columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from exchange.counting.current import AsOf
from exchange.counting.functions import moment_on
from exchange.counting.gathering import Gathering
from exchange.records.instruments import Instrument

Column = sa.ColumnElement[Any]
# The episodes of a question: worked out within its query, or kept by the engine for several.
Base = sa.CTE | sa.TableClause


@dataclass(slots=True)
class Joined:
    """A base of episodes and what was joined to it for the criteria so far, or is gathered for several definitions."""

    base: Base
    as_of: AsOf
    instruments: Mapping[str, Instrument]
    joins: list[sa.CTE] = field(default_factory=list)
    gathering: Gathering | None = None

    def join(self, found: sa.CTE) -> sa.CTE:
        """Join one row per episode, or none."""
        self.joins.append(found)
        return found

    def source(self) -> sa.FromClause:
        """Return the base with every join."""
        if self.gathering is not None:
            return self.gathering.source()
        source: sa.FromClause = self.base
        for found in self.joins:
            source = source.outerjoin(found, found.c.episode_id == self.base.c.episode_id)
        return source

    def named(self, name: str) -> str:
        """Return a name for the next join."""
        return f"{name}_{len(self.joins) + 1}"

    def on(self, moment: Any) -> Column:
        """Return the day of a moment of an episode."""
        if self.gathering is not None and self.gathering.keeps(moment):
            return self.gathering.on(moment)
        return moment_on(moment, {name: self.base.c[f"{name}_date"] for name in ("start", "end", "handover")})


@dataclass(frozen=True, slots=True)
class Judged:
    """A criterion as conditions of which one holds, and the rank of the evidence and class of change where it has one.

    A condition may be null where it does not hold. `seen` is where the answer rests on what happened, and not on what a
    partner says did not; None is always.
    """

    yes: Column
    no: Column
    unknown: Column
    evidence: Column | None = None
    change: Column | None = None
    seen: Column | None = None
