"""Reviews of agreements: for which agreed moment, on which figures, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from exchange.store import tables
from exchange.store.database import Database
from exchange.store.versions import Values, current, each, put


@dataclass(frozen=True, slots=True)
class Review:
    """One review of one version of an agreement; it is open until it is `held_on` a day, with an `outcome`.

    `figures` are those of the whole agreement as calculated then, by indicator. `points` are improvement points that
    were opened from it, `next_version` the version that was drafted from it.
    """

    agreement_id: str
    version: int
    moment: date
    opened_on: date
    cut_off: date
    figures: Mapping[str, Mapping[str, Any]]
    held_on: date | None = None
    outcome: str = ""
    decided: str = ""
    present: str = ""
    points: tuple[str, ...] = ()
    next_version: int | None = None
    recorded_by: str = ""


class Reviews:
    """`store.reviews`."""

    def __init__(self, database: Database) -> None:
        """Keep the database."""
        self._database = database

    def save(self, review: Review, *, by: str, at: datetime) -> None:
        """Write a review as it is now; earlier forms of it stay."""
        row = {
            "agreement_id": review.agreement_id,
            "version": review.version,
            "moment": review.moment,
            "opened_on": review.opened_on,
            "cut_off": review.cut_off,
            "figures": json.dumps(review.figures, sort_keys=True, ensure_ascii=False),
            "held_on": review.held_on,
            "outcome": review.outcome,
            "decided": review.decided,
            "present": review.present,
            "points": " ".join(review.points),
            "next_version": review.next_version,
            "recorded_by": review.recorded_by,
        }
        with self._database.changing(by=by, at=at) as (connection, load):
            put(connection, tables.agreement_review, [row], load, key=("agreement_id", "version", "moment"))

    def of(self, agreement_id: str, version: int | None = None) -> tuple[Review, ...]:
        """Return the reviews of an agreement, or of one version of it, by moment."""
        return tuple(one for one in self.list() if one.agreement_id == agreement_id and version in (None, one.version))

    def list(self) -> tuple[Review, ...]:
        """Return every review, by agreement, moment and version."""
        table = tables.agreement_review
        query = sa.select(table).where(current(table))
        with self._database.reading() as connection:
            found = [_review(row) for row in each(connection, query)]
        return tuple(sorted(found, key=lambda one: (one.agreement_id, one.moment, one.version)))

    def under_review(self, agreement_id: str, version: int) -> bool:
        """Tell whether a review of this version was opened and not yet held."""
        return any(one.held_on is None for one in self.of(agreement_id, version))


def _review(row: Values) -> Review:
    return Review(
        row["agreement_id"],
        row["version"],
        row["moment"],
        row["opened_on"],
        row["cut_off"],
        json.loads(row["figures"]),
        row["held_on"],
        row["outcome"],
        row["decided"],
        row["present"],
        tuple(row["points"].split()),
        row["next_version"],
        row["recorded_by"],
    )
