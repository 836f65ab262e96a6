"""A cube: the integers that every figure is made of, the same from the oracle and from every engine.

Counts per group come from totals per patient, so that intervals can cluster. Names for cases and moments:

    eligible due answered numerator refuted unknown censored no_agreement excluded     cases
    patients_due patients_answered patients_numerator patients_refuted
    patients_possible (confirmed or not settled) patients_doubtful (refuted or not settled)
    due_due answered_answered numerator_numerator numerator_answered numerator_due
    possible_possible possible_due                                                     sums of products over patients

For a mean: patients, sum, sum_squares. For observed against expected: patients, o, e (thousandths), oo, oe, ee.
For events of the same patients before and after: a events over u days after, b over v days before, patients_a and
patients_b who had any, and every product of the four. For a mean change: the gain and its products with the episodes.
For aggregates: events and populations before and after. There is no division here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

CASE_TOTALS = ("eligible", "due", "answered", "numerator", "refuted", "unknown", "censored", "no_agreement", "excluded")
CASE_PATIENTS = ("due", "answered", "numerator", "refuted", "possible", "doubtful")
CASE_PRODUCTS = (
    ("due", "due"),
    ("answered", "answered"),
    ("numerator", "numerator"),
    ("numerator", "answered"),
    ("numerator", "due"),
    ("possible", "possible"),
    ("possible", "due"),
)
INDEX_TOTALS = ("eligible", "due", "excluded", "o", "e")
INDEX_PRODUCTS = (("o", "o"), ("o", "e"), ("e", "e"))
PAIRED_TOTALS = ("eligible", "due", "answered", "unknown", "censored", "no_agreement", "excluded", "a", "b", "u", "v")
PAIRED_PRODUCTS = tuple((left, right) for i, left in enumerate("abuv") for right in "abuv"[i:])
CHANGE_TOTALS = ("eligible", "due", "answered", "unknown", "excluded", "gain")
CHANGE_PRODUCTS = (("answered", "answered"), ("gain", "answered"), ("gain", "gain"))
RATE_TOTALS = (
    "eligible",
    "due",
    "answered",
    "unknown",
    "events_before",
    "population_before",
    "events_after",
    "population_after",
)
EVIDENCE = ("signed", "form", "client")


def product_name(left: str, right: str) -> str:
    """Return the name of a sum of products over patients."""
    return f"{left}_{right}" if len(left) > 1 else left + right


@dataclass(frozen=True, slots=True)
class CubeRow:
    """One group's integers; `histogram` counts patients by their number of sessions, where the definition asks it."""

    group: Mapping[str, str]
    counts: Mapping[str, int]
    parts: Mapping[str, int] = field(default_factory=dict)
    evidence: Mapping[str, int] = field(default_factory=dict)
    histogram: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cube:
    """Every group of one definition over one period, in the order of the groups' keys."""

    indicator: str
    version: int
    start: date
    end: date
    cut_off: date
    group_by: tuple[str, ...]
    rows: tuple[CubeRow, ...]

    @property
    def total(self) -> CubeRow:
        """Return the only row of a cube that is not split."""
        if self.group_by:
            raise KeyError("a cube that is split has no total: distinct patients do not add up")
        return self.rows[0]


def case_counts(patients: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Fold per-patient totals of cases; `possible` is confirmed or not settled, `doubtful` refuted or not settled."""
    return _folded(
        [
            {
                **totals,
                "possible": totals["numerator"] + totals["unknown"],
                "doubtful": totals["refuted"] + totals["unknown"],
            }
            for totals in patients
        ],
        CASE_TOTALS,
        CASE_PATIENTS,
        CASE_PRODUCTS,
    )


def index_counts(patients: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Fold per-patient observed and expected sessions."""
    return _folded(list(patients), INDEX_TOTALS, ("due",), INDEX_PRODUCTS)


def paired_counts(patients: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Fold per-patient events before and after and the days they were counted over."""
    return _folded(list(patients), PAIRED_TOTALS, ("due", "answered", "a", "b"), PAIRED_PRODUCTS)


def change_counts(patients: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Fold per-patient gains on an instrument."""
    return _folded(list(patients), CHANGE_TOTALS, ("due", "answered"), CHANGE_PRODUCTS)


def mean_counts(histogram: Mapping[int, int], excluded: int) -> dict[str, int]:
    """Return the counts of a mean per patient from its histogram."""
    return {
        "patients": sum(histogram.values()),
        "sum": sum(value * times for value, times in histogram.items()),
        "sum_squares": sum(value * value * times for value, times in histogram.items()),
        "excluded": excluded,
    }


def _folded(
    patients: list[Mapping[str, int]] | list[dict[str, int]],
    totals: tuple[str, ...],
    distinct: tuple[str, ...],
    products: tuple[tuple[str, str], ...],
) -> dict[str, int]:
    counts = {name: sum(patient[name] for patient in patients) for name in totals}
    counts |= {f"patients_{name}": sum(patient[name] > 0 for patient in patients) for name in distinct}
    counts |= {
        product_name(left, right): sum(patient[left] * patient[right] for patient in patients)
        for left, right in products
    }
    return counts
