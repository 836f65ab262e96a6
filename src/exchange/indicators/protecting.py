"""Disclosure control of one release: what is withheld for outsiders, so that nothing can be worked out (rule 8).

First what is unsafe by itself, then, in tables with totals, what would give it away; sub-periods and practices under a
pooled figure are tables too. Everything that derives from a withheld number is withheld.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from exchange.indicators.bounding import Sum
from exchange.indicators.classes import CLASSES
from exchange.indicators.disclosure import (
    COUNTING_PEOPLE,
    THRESHOLD,
    TOO_FEW,
    TOO_NEAR,
    WOULD_REVEAL,
    Audience,
    fewest,
    instead,
    is_sensitive,
    people,
    require_threshold,
    small_inside,
    small_outside,
    small_whole,
    too_few,
)
from exchange.indicators.families import sums_of
from exchange.indicators.figure import Figure, Interval, Verdict
from exchange.indicators.withholding import OPEN, Table

_EVERY_COUNT = frozenset({"eligible", "due", "answered", "unknown", "censored", "excluded"})

# A detail that is one patient's own value, or that halves or quarters of the patients determine.
EXTREMES = frozenset({"minimum", "maximum", "min", "max"})
# Either of these counts, with the number that was answered, tells how many cases are unknown.
UNKNOWN_TELLS = frozenset({"unknown", "due"})
_LAYERS = ("inside", "outside", "whole")
NEEDS_TIMES = {"median": 2, "lower-quartile": 4, "upper-quartile": 4}


def protect(
    figures: Sequence[Figure],
    *,
    audience: Audience | str,
    threshold: int = THRESHOLD,
    sensitive: Collection[str] | None = None,
    published: Sequence[Figure] = (),
    near: Collection[int] = (),
) -> tuple[Figure, ...]:
    """Return the figures as this audience may see them, in the same order.

    Inside, and between parties entitled to the same records, nothing changes. For anyone else unsafe figures come back
    with `masked` set to the reason's id (`disclosure.too-few`, or `disclosure.would-reveal-another` for a safe cell
    that would give an unsafe one away) and with no number but the bound that may be said (`details` bound-over or
    bound-under, bound-of, bound-percent). `published` are figures these outsiders already have: they stay known. `near`
    are the places of figures that are too near an earlier release: they are left out whole, and what is printed must
    leave everything within a threshold of their counts possible.
    Raises IndicatorError for a threshold below five.
    """
    require_threshold(threshold)
    if Audience(audience) is not Audience.OUTSIDE:
        return tuple(figures)
    everything = (*figures, *published)
    known = frozenset(range(len(figures), len(everything)))
    apart = frozenset(near)
    wholes = _wholes(everything, known, threshold, apart)
    reasons = dict(wholes)
    silent = _sides(everything, known, threshold, sensitive, reasons, apart) | wholes.keys()
    parts = _parts(everything, known, threshold, sensitive, reasons, apart)
    counts = _counts(figures, threshold, apart)
    return tuple(
        _masked(figure, reasons[i], {} if i in silent else instead_of(figure, threshold, sensitive))
        if i in reasons
        else _trimmed(figure, parts[i], counts[i], threshold)
        for i, figure in enumerate(figures)
    )


def instead_of(figure: Figure, threshold: int, sensitive: Collection[str] | None = None) -> dict[str, float]:
    """Return the numbers of "more than 83 % (over 50 of 60)" for a figure that will be withheld; {} where none."""
    bound = instead(figure, threshold, sensitive=is_sensitive(figure, sensitive))
    if bound is None:
        return {}
    side = "bound-over" if bound.over else "bound-under"
    return {side: float(bound.count), "bound-of": float(bound.total), "bound-percent": float(bound.percent)}


def explain(figure: Figure, threshold: int = THRESHOLD) -> tuple[str, dict[str, object]] | None:
    """Return the wording id and parameters that say why a figure is withheld or what can be said; None if it is not."""
    if figure.masked is None:
        return None
    for side, rule in (("bound-over", "disclosure.more-than"), ("bound-under", "disclosure.less-than")):
        if side in figure.details:
            numbers = {"percent": "bound-percent", "count": side, "total": "bound-of"}
            return rule, {name: int(figure.details[key]) for name, key in numbers.items()}
    return figure.masked, {"threshold": threshold}


def stand_in(figure: Figure, others: Sequence[Figure]) -> Figure | None:
    """Return the pooled figure to print, and to say so, where a partner's own is withheld."""
    for other in others:
        same = (other.indicator, other.version, other.start, other.end) == (
            figure.indicator,
            figure.version,
            figure.start,
            figure.end,
        )
        if same and other.scope == "pooled" and figure.scope != "pooled" and other.masked is None:
            return other
    return None


def _around(count: int, threshold: int) -> tuple[int, int]:
    """Return what a reader must still think possible of a count that lies within a threshold of an earlier one."""
    return max(0, count - threshold + 1), count + threshold - 1


def _wholes(figures: Sequence[Figure], known: frozenset[int], threshold: int, near: frozenset[int]) -> dict[int, str]:
    """Return by place why a figure is withheld for its denominator, or for an earlier release."""
    values = {i: figure.denominator for i, figure in enumerate(figures) if figure.denominator is not None}
    sums = sums_of(figures, values)
    table = Table(values, sums, {one.total for one in sums}, fixed={*known})
    for i in values:
        if small_whole(figures[i], threshold):
            table.withhold(i, (1, threshold - 1))
    reasons = {i: TOO_FEW for i in values if i in table.hidden} | dict.fromkeys(sorted(near), TOO_NEAR)
    for i in sorted(near & values.keys()):
        table.withhold(i, _around(values[i], threshold))
    table.complete()
    return reasons | {i: WOULD_REVEAL for i in values if i in table.hidden and i not in reasons}


def _sides(
    figures: Sequence[Figure],
    known: frozenset[int],
    threshold: int,
    sensitive: Collection[str] | None,
    reasons: dict[int, str],
    near: frozenset[int],
) -> set[int]:
    """Add why figures are withheld for their numerator or complement; return where nothing may be said instead."""
    table = _sided(figures, known)
    places = [i for i in range(len(figures)) if (i, "inside") in table.values]
    span = (1, threshold - 1)
    for i in places:
        fact = is_sensitive(figures[i], sensitive)
        small = {
            "inside": small_inside(figures[i], threshold, sensitive=fact),
            "outside": small_outside(figures[i], threshold, sensitive=fact),
        }
        if i in reasons:
            table.withhold((i, "whole"), span if small_whole(figures[i], threshold) else None)
        said = i not in reasons and instead(figures[i], threshold, sensitive=fact) is not None
        for side in (side for side, unsafe in small.items() if unsafe):
            table.withhold((i, side), span, (0, threshold - 1) if said else OPEN)
        if any(small.values()) and i not in known | near:
            reasons[i] = TOO_FEW
        for layer in _LAYERS if i in near else ():
            table.withhold((i, layer), _around(table.values[i, layer], threshold))
    table.complete()
    for i in places:
        if (i, "inside") in table.hidden:
            reasons.setdefault(i, WOULD_REVEAL)
    return {i for i in places if (i, "whole") in table.hidden}


def _sided(figures: Sequence[Figure], known: frozenset[int]) -> Table:
    """Return the table of wholes, insides and outsides; a side goes with the other, and a whole takes both along."""
    values: dict[Hashable, int] = {}
    for i, figure in enumerate(figures):
        if figure.kind in COUNTING_PEOPLE and figure.numerator is not None and figure.denominator is not None:
            values[i, "inside"] = figure.numerator
            values[i, "outside"] = figure.denominator - figure.numerator
            values[i, "whole"] = figure.denominator
    places = [i for i in range(len(figures)) if (i, "whole") in values]
    sums = [Sum((i, "whole"), ((i, "inside"), (i, "outside"))) for i in places]
    totals: set[Hashable] = set()
    for layer in _LAYERS:
        for one in sums_of(figures, {i: values[i, layer] for i in places}):
            sums.append(Sum((one.total, layer), tuple((part, layer) for part in one.parts)))
            totals.add((one.total, layer))
    sides = {i: ((i, "inside"), (i, "outside")) for i in places}
    return Table(
        values,
        sums,
        totals,
        fixed={(i, layer) for i in known for layer in _LAYERS},
        together={side: sides[i] for i in places for side in sides[i]}
        | {(i, "whole"): (*sides[i], (i, "whole")) for i in places},
        quiet={(i, "inside"): (i, "whole") for i in places},
    )


def _parts(
    figures: Sequence[Figure],
    known: frozenset[int],
    threshold: int,
    sensitive: Collection[str] | None,
    reasons: Mapping[int, str],
    near: frozenset[int],
) -> dict[int, frozenset[str]]:
    """Return by place the named parts that are withheld from figures that stand."""
    values: dict[Hashable, int] = {}
    sums: list[Sum] = []
    for name in sorted({name for figure in figures for name in figure.parts}):
        counts = {i: figure.parts[name] for i, figure in enumerate(figures) if name in figure.parts}
        values.update({(i, name): count for i, count in counts.items()})
        sums += [Sum((s.total, name), tuple((p, name) for p in s.parts)) for s in sums_of(figures, counts)]
    table = Table(values, sums, {one.total for one in sums})
    for i, figure in enumerate(figures):
        total = figure.denominator
        adding = _adding_up(figure)
        if adding and total is not None:
            values[i, ""] = total
            table.fixed.add((i, ""))
            sums.append(Sum((i, ""), tuple((i, name) for name in adding)))
        # A part that the numerator already tells can't be hidden by leaving it out.
        table.fixed.update((i, name) for name, count in figure.parts.items() if i in known or count == figure.numerator)
        if i in reasons:
            table.fixed.difference_update((i, name) for name in ("", *figure.parts))
            table.hidden[i, ""] = None
    _withhold_parts(figures, table, threshold, sensitive, reasons)
    for i in sorted(near):
        for name, count in figures[i].parts.items():
            table.withhold((i, name), _around(count, threshold))
    table.complete()
    gone: dict[int, frozenset[str]] = {}
    for i, figure in enumerate(figures):
        gone[i] = frozenset(name for name in figure.parts if (i, name) in table.hidden)
    return gone


def _adding_up(figure: Figure) -> tuple[str, ...]:
    """Return the parts that make up the denominator: all of them, or the classes of change among them."""
    for names in (tuple(figure.parts), tuple(name for name in CLASSES if name in figure.parts)):
        if names and sum(figure.parts[name] for name in names) == figure.denominator:
            return names
    return ()


def _withhold_parts(
    figures: Sequence[Figure], table: Table, t: int, sensitive: Collection[str] | None, reasons: Mapping[int, str]
) -> None:
    """Withhold the small parts; no reason is printed beside a part, so withholding it tells nothing."""
    for i, figure in enumerate(figures):
        everyone = figure.kind == "category-share" and is_sensitive(figure, sensitive)
        units, whole = figure.denominator or 0, people(figure).whole
        for name, count in figure.parts.items():
            inside, outside = fewest(whole, count, units), fewest(whole, units - count, units)
            small = too_few(inside, t) or (everyone and (inside == 0 or outside < t))
            if small or i in reasons:
                table.withhold((i, name), (1, t - 1) if small and inside < t else None)


def withhold(figure: Figure) -> Figure:
    """Return a figure withheld because it would give another away, with nothing said instead."""
    return _masked(figure, WOULD_REVEAL, {})


def _masked(figure: Figure, reason: str, details: Mapping[str, float]) -> Figure:
    """Return the figure with its reason, its definition and nothing that was counted but what may be said instead."""
    return replace(
        figure,
        masked=reason,
        eligible=None,
        due=None,
        answered=None,
        unknown=None,
        censored=None,
        excluded=None,
        numerator=None,
        denominator=None,
        patients=None,
        numerator_patients=None,
        complement_patients=None,
        value=None,
        interval=None,
        bounds=None,
        verdict=None,
        parts={},
        details=details,
        evidence={},
        withheld=(),
    )


def _trimmed(figure: Figure, parts: Collection[str], counts: Collection[str], threshold: int) -> Figure:
    """Return a figure that stands without the smaller counts and details that would tell too much."""
    details = {name for name in figure.details if _tells(name, people(figure).whole, threshold)}
    evidence = any(too_few(count, threshold) for count in figure.evidence.values())
    withheld = {*counts, *(f"parts.{name}" for name in parts), *(f"details.{name}" for name in details)}
    if evidence:
        withheld.add("evidence")
    kept: dict[str, Any] = dict.fromkeys(counts) | {"interval": _without_sources(figure.interval)}
    if counts and figure.bounds is not None:
        # Worst and best case tell the number of unknown cases, and so do limits that reach from one to the other.
        kept |= {"bounds": None, "interval": _among_answered(figure)}
        details |= {"answered-lower", "answered-upper", "answered-design-effect"}
        withheld.add("bounds")
        if figure.verdict is not None and not UNKNOWN_TELLS.isdisjoint(counts):
            # Judged over what is unknown it would bound how many that are; from what is printed nobody can tell.
            kept["verdict"] = Verdict.CANNOT_TELL
    return replace(
        figure,
        **kept,
        parts={name: count for name, count in figure.parts.items() if name not in parts},
        details={name: number for name, number in figure.details.items() if name not in details},
        evidence={} if evidence else figure.evidence,
        withheld=tuple(sorted(withheld)),
    )


def _without_sources(interval: Interval | None) -> Interval | None:
    """Return an interval over unknown cases without what it follows from: that tells how many patients are unknown."""
    if interval is None or not interval.method.endswith("-bounds"):
        return interval
    return replace(interval, design_effect=None, design_effect_best=None, degrees_of_freedom=None)


def _among_answered(figure: Figure) -> Interval | None:
    """Return the interval among those answered in place of one over the unknown; its method says so."""
    if figure.interval is None or not figure.interval.method.endswith("-bounds"):
        return figure.interval
    method = figure.interval.method.removesuffix("-bounds") + "-answered"
    lower, upper = (figure.details.get(name) for name in ("answered-lower", "answered-upper"))
    if lower is None or upper is None:
        return None
    effect = figure.details.get("answered-design-effect")
    degrees = None if effect is None or figure.patients is None else figure.patients - 1
    return Interval(lower, upper, method, figure.interval.level, design_effect=effect, degrees_of_freedom=degrees)


def _counts(figures: Sequence[Figure], threshold: int, near: frozenset[int]) -> list[set[str]]:
    """Return per figure the smaller counts to leave out, in every part of a table where one part leaves it out."""
    gone = [set(_EVERY_COUNT) if i in near else _smaller_counts(one, threshold) for i, one in enumerate(figures)]
    sums = sums_of(figures, {i: figure.denominator or 0 for i, figure in enumerate(figures)})
    changed = True
    while changed:
        changed = False
        for one in sums:
            places = [part for part in one.parts if isinstance(part, int)]
            if len(places) == 1 and isinstance(one.total, int):
                places.append(one.total)
            together = set().union(*(gone[i] for i in places))
            for i in places:
                changed = changed or gone[i] != together
                gone[i] = set(together)
    return gone


def _smaller_counts(figure: Figure, threshold: int) -> set[str]:
    """Return the counts to leave out: too small themselves, or too close to another one that is printed."""
    gone: set[str] = set()
    printed = [figure.denominator] if figure.denominator is not None else []
    for name in ("answered", "due", "eligible"):
        count = getattr(figure, name)
        if count is None:
            continue
        if any(too_few(abs(count - other), threshold) for other in printed):
            gone.add(name)
        else:
            printed.append(count)
    printed = []
    for name in ("unknown", "censored", "excluded"):
        count = getattr(figure, name)
        if count is None:
            continue
        close = name == "censored" and any(too_few(abs(count - other), threshold) for other in printed)
        if too_few(count, threshold) or close:
            gone.add(name)
        else:
            printed.append(count)
    return gone


def _tells(detail: str, patients: int, threshold: int) -> bool:
    return detail in EXTREMES or patients < NEEDS_TIMES.get(detail, 0) * threshold
