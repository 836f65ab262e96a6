"""How many sessions each episode held, and on which days: one reading for all definitions that count sessions.

Only for an engine that can pick the smallest few of a group without sorting (`min(x, n)`), which is DuckDB, or that has
the sessions of an episode in the order of their days (`in_order`), which is SQLite where they were laid out so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from exchange.counting import folding
from exchange.counting.cohort import Asked
from exchange.counting.current import treatments
from exchange.counting.packing import Kept, constant
from exchange.indicators.vocabulary import SESSIONS_TO_PARTNER
from exchange.store.columns import Day


def counts(asked: Asked) -> bool:
    """Say whether a question is answered from what episodes held."""
    definition = asked.question.definition
    if definition.kind == "mean":
        return definition.measure != SESSIONS_TO_PARTNER and not {"month", "year"} & set(asked.question.group_by)
    return definition.count == "moments" or folding.is_index(definition)


def kept(name: str, asked: Sequence[Asked]) -> Kept:
    """Return, of every episode, how many sessions it held at all and in the period, and the days that are asked for.

    The questions are of one period. The days are of the sessions at the places asked, before the end of the period:
    which of the sessions of one day comes first makes no difference.
    """
    first, definitions = asked[0], [one.question.definition for one in asked]
    treated = treatments(first.as_of).subquery("treated")
    day = treated.c.day
    each: list[sa.Label[Any]] = []
    limits = [day < first.end]
    if any(one.kind == "mean" for one in definitions):
        each.append(sa.func.count().filter(day >= first.start, day < first.end).label("inside"))
    places = sorted({place for one in definitions for place in one.moments})
    if places:
        each.append(sa.func.min(day, constant(places[-1])).filter(day < first.end).label("days"))
    else:
        limits.append(day >= first.start)
    if any(map(folding.is_index, definitions)):
        each.append(sa.func.count().label("sessions"))
        limits = []
    found = sa.select(treated.c.episode_id, *each).where(*limits).group_by(treated.c.episode_id).subquery("each")
    days = [sa.func.list_extract(found.c.days, constant(place), type_=Day()).label(f"day_{place}") for place in places]
    rest = [found.c[one.name] for one in each if one.name != "days"]
    return name, sa.select(found.c.episode_id, *rest, *days)


def at_places(held: sa.FromClause, places: Sequence[int]) -> sa.Subquery:
    """Return the sessions at the places asked for: a row per episode and place with its day."""
    place = sa.values(sa.column("place", sa.Integer()), name="places")
    listed = place.data([(number,) for number in places]).cte("places")
    day = sa.case({place: held.c[f"day_{place}"] for place in places}, value=listed.c.place)
    return sa.select(held.c.episode_id, listed.c.place, sa.type_coerce(day, Day()).label("day")).select_from(
        held.join(listed, sa.true())
    ).subquery("numbered")  # fmt: skip


def kept_in_order(name: str, asked: Sequence[Asked]) -> Kept:
    """Return the same, each day found by so many steps along the sessions of an episode."""
    first, definitions = asked[0], [one.question.definition for one in asked]
    treated = treatments(first.as_of).subquery("treated")
    inside = sa.and_(treated.c.day >= first.start, treated.c.day < first.end)
    held = (
        sa.select(
            treated.c.episode_id,
            sa.func.count().label("sessions"),
            sa.func.sum(sa.case((inside, 1), else_=0), type_=sa.BigInteger()).label("inside"),
        )
        .group_by(treated.c.episode_id)
        .subquery("each")
    )
    again = treatments(first.as_of).subquery("again")
    along = sa.select(again.c.day).where(again.c.episode_id == held.c.episode_id).correlate(held)
    along = along.order_by(again.c.day, again.c.session_id).limit(constant(1))
    days = {place: along.offset(constant(place - 1)).scalar_subquery() for one in definitions for place in one.moments}
    listed = [
        sa.case((held.c.sessions >= constant(place), day)).label(f"day_{place}") for place, day in sorted(days.items())
    ]
    return name, sa.select(held, *listed)
