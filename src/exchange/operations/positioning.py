"""The official index as the pages draw it: its points, the band of the insurer, and the way to the target."""

from __future__ import annotations

from exchange.operations import indexing
from exchange.reports import facts as pages


def shown(told: indexing.Told | None) -> pages.IndexFacts | None:
    """Return the index as the pages draw it; None where no official figure was loaded."""
    if told is None or told.latest is None:
        return None
    position, way = told.position, told.way
    band = None
    if position is not None and position.range is not None:
        upper = next((one.upper for one in position.band.ranges if one.upper is not None), None)
        if upper is not None:
            band = pages.Band(
                position.band.insurer, position.band.first.year, upper, bound=position.band.bound,
                source=position.band.source,
            )  # fmt: skip
    return pages.IndexFacts(
        points=tuple(
            pages.IndexPoint(one.year, one.value, one.lower, one.upper, one.version, None, one.source)
            for one in told.official
            if one.insurer == told.latest.insurer
        ),
        band=band,
        target=told.target,
        observed=told.observed,
        expected=way.implied_expected if way is not None else None,
        to_save=way.sessions_to_save if way is not None else None,
        reached_by_plan=told.reached,
        shows_from=tuple((f"{one.version} {one.year}", one.published) for one in told.shows[:3]),
        basis=way.basis if way is not None else "value",
    )
