"""Which cells are unsafe for a reader outside (rule 8), by distinct patients, and what a release ledger refuses."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from exchange.errors import IndicatorError
from exchange.findings import Finding
from exchange.indicators.figure import Figure

THRESHOLD = 10
LOWEST_THRESHOLD = 5

# Why a figure is withheld (`Figure.masked`): by itself, for another that it would give away, or for an earlier release.
TOO_FEW = "disclosure.too-few"
WOULD_REVEAL = "disclosure.would-reveal-another"
TOO_NEAR = "disclosure.too-near-released"

# In these kinds the numerator counts units of the denominator, so that it and its complement are cells of people.
COUNTING_PEOPLE = frozenset({"proportion", "category-share", "completeness"})
# Whether something was measured says nothing about anyone's health.
NOT_SENSITIVE = frozenset({"completeness"})


class Audience(StrEnum):
    """Who reads: nobody else, parties entitled to the same records, or anyone outside (all outsiders are one)."""

    INTERNAL = "internal"
    REVIEW = "review"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class People:
    """Distinct patients in a figure's denominator, its numerator and its complement, never overstated."""

    whole: int
    inside: int
    outside: int


@dataclass(frozen=True, slots=True)
class Bound:
    """What may be said instead of a withheld proportion: over (or under) `count` of `total`; `percent` errs safely."""

    over: bool
    count: int
    total: int
    percent: int

    @property
    def rule(self) -> str:
        """Return the id of its sentence, to be filled with percent, count and total."""
        return "disclosure.more-than" if self.over else "disclosure.less-than"


def require_threshold(threshold: int) -> int:
    """Return the threshold, or raise IndicatorError where it is below five."""
    if threshold < LOWEST_THRESHOLD:
        raise IndicatorError(
            "disclosure.threshold-too-low", hints=("hint.disclosure-threshold",), lowest=LOWEST_THRESHOLD
        )
    return threshold


def people(figure: Figure) -> People:
    """Count a figure's people; where the distinct patients of a part are not known, take the fewest there can be.

    A patient with several episodes may stand in the numerator and in the complement; at least
    patients - complement units have nothing outside the numerator.
    """
    units = figure.denominator or 0
    known = figure.patients if figure.patients is not None else (units if figure.unit == "patients" else min(units, 1))
    whole = min(known, units)
    numerator = figure.numerator or 0
    return People(
        whole,
        _at_least(figure.numerator_patients, whole, numerator, units),
        _at_least(figure.complement_patients, whole, units - numerator, units),
    )


def fewest(whole: int, part: int, units: int) -> int:
    """Return the fewest distinct patients that can stand in `part` of `units` units of `whole` patients."""
    return max(whole - (units - part), min(part, 1))


def _at_least(known: int | None, whole: int, part: int, units: int) -> int:
    return fewest(whole, part, units) if known is None else known


def is_sensitive(figure: Figure, sensitive: Collection[str] | None = None) -> bool:
    """Say whether 0 % or 100 % tells a fact about everyone; `sensitive` lists indicators, else the kind decides."""
    return figure.kind not in NOT_SENSITIVE if sensitive is None else figure.indicator in sensitive


def too_few(count: int, threshold: int) -> bool:
    """Say whether a number of distinct patients is 1 to threshold - 1."""
    return 0 < count < threshold


def small_whole(figure: Figure, threshold: int) -> bool:
    """Say whether the denominator holds too few patients; in a ratio of two counts, or none, on either side."""
    if too_few(people(figure).whole, threshold):
        return True
    if figure.kind != "rate-ratio" or not figure.denominator:
        return False
    after = figure.numerator if figure.numerator_patients is None else figure.numerator_patients
    before = figure.complement_patients  # where only events are known, the denominator was looked at above
    # That nobody had what is counted is a fact about everyone.
    return any(count is not None and count < threshold for count in (after, before))


def small_inside(figure: Figure, threshold: int, *, sensitive: bool) -> bool:
    """Say whether too few patients have the outcome, or none of a sensitive one."""
    return _unsafe_side(figure, people(figure).inside, threshold, sensitive)


def small_outside(figure: Figure, threshold: int, *, sensitive: bool) -> bool:
    """Say whether too few patients are without the outcome, or none where the outcome is sensitive."""
    return _unsafe_side(figure, people(figure).outside, threshold, sensitive)


def _unsafe_side(figure: Figure, count: int, threshold: int, sensitive: bool) -> bool:
    if figure.kind not in COUNTING_PEOPLE or not figure.denominator:
        return False
    return too_few(count, threshold) or (count == 0 and sensitive)


def instead(figure: Figure, threshold: int, *, sensitive: bool = True) -> Bound | None:
    """Return what may be said in place of a withheld proportion: "more than 83 % (over 50 of 60)".

    Only where the whole is safe, exactly one side is small, and counting units says the same as counting patients; and
    not of a whole that is so small that the other side, which is not, leaves less than every small number possible.
    """
    if figure.denominator is None or figure.numerator is None or small_whole(figure, threshold):
        return None
    inside = small_inside(figure, threshold, sensitive=sensitive)
    outside = small_outside(figure, threshold, sensitive=sensitive)
    total, rest = figure.denominator, figure.denominator - figure.numerator
    if inside == outside or total < 2 * threshold - 1:
        return None
    if outside:
        count = total - threshold
        return Bound(True, count, total, 100 * count // total) if rest < threshold else None
    return Bound(False, threshold, total, math.ceil(100 * threshold / total)) if figure.numerator < threshold else None


@dataclass(frozen=True, slots=True)
class Published:
    """A cell in the release ledger: its key (indicator, period, group, side) and the keyed digests of its patients."""

    key: str
    members: frozenset[str]


def refuse_differencing(
    members: frozenset[str], earlier: Iterable[Published], threshold: int = THRESHOLD, *, key: str = ""
) -> tuple[Finding, ...]:
    """Return why a cell of these patients may not be released, given what outsiders already have; () is allowed.

    Refused where it contains an earlier cell, or lies within one, and the difference is 1 to threshold - 1 patients.
    A cell with the key of an earlier one is a correction, allowed only when nobody or at least `threshold` patients
    changed. Cells that merely overlap are the named residual risk.
    """
    require_threshold(threshold)
    found = []
    for before in earlier:
        added, removed = len(members - before.members), len(before.members - members)
        if key and key == before.key:
            changed, rule = added + removed, "disclosure.correction-too-small"
        elif added and removed:
            continue
        else:
            changed, rule = added + removed, "disclosure.differencing"
        if too_few(changed, threshold):
            found.append(Finding(rule, key, params={"earlier": before.key, "threshold": threshold}))
    return tuple(sorted(found, key=lambda finding: finding.order))


def refuse_unplanned(figures: Iterable[Figure], plan: Mapping[str, Collection[tuple[str, ...]]]) -> tuple[Finding, ...]:
    """Return a finding for each figure that the agreement's table plan does not name.

    `plan` gives per indicator the allowed dimensions: () is the total, ("diagnosis-group",) one table.
    """
    found = {}
    for figure in figures:
        dimensions = tuple(sorted(figure.group))
        allowed = {tuple(sorted(each)) for each in plan.get(figure.indicator, ())}
        if dimensions not in allowed:
            path = "/".join((figure.indicator, *dimensions))
            found[path] = Finding("disclosure.not-in-plan", path, params={"table": path})
    return tuple(found[path] for path in sorted(found))
