"""Classes of change and quartiles for outsiders: what the rest gives away is withheld with it."""

from __future__ import annotations

from datetime import date

from exchange.indicators.figure import Figure
from exchange.indicators.protecting import protect


def responders(**classes: int) -> Figure:
    """Return a responders figure of as many patients as episodes, with 154 that were not measured."""
    parts = {name.replace("_", "-"): count for name, count in classes.items()}
    answered = sum(parts.values())
    improved = parts["improved"]
    return Figure(
        "responders", 1, "category-share", "episodes", date(2024, 1, 1), date(2026, 1, 1), date(2026, 2, 1),
        eligible=answered + 154, due=answered + 154, answered=answered, unknown=154, numerator=improved,
        denominator=answered, patients=answered, numerator_patients=improved,
        complement_patients=answered - improved, value=improved / answered, parts={**parts, "not-measured": 154},
    )  # fmt: skip


def test_classes_that_add_up_do_not_tell_that_a_hidden_one_is_empty() -> None:
    (shown,) = protect(
        [responders(improved=123, within_error=0, unchanged=79, deteriorated=0, cannot_improve=0)], audience="outside"
    )
    assert shown.masked is None
    assert shown.parts["improved"] == 123
    assert not {"unchanged", "deteriorated", "within-error", "cannot-improve"} & set(shown.parts)


def test_one_small_class_takes_another_along() -> None:
    (shown,) = protect(
        [responders(improved=60, within_error=20, unchanged=40, deteriorated=4, cannot_improve=15)],
        audience="outside",
    )
    hidden = {"within-error", "unchanged", "deteriorated", "cannot-improve"} - set(shown.parts)
    assert "deteriorated" in hidden
    assert len(hidden) >= 2


def test_classes_that_are_all_large_are_all_shown() -> None:
    figure = responders(improved=60, within_error=20, unchanged=40, deteriorated=14, cannot_improve=15)
    (shown,) = protect([figure], audience="outside")
    assert {name: n for name, n in figure.parts.items() if name != "not-measured"}.items() <= shown.parts.items()


def test_quartiles_need_four_times_the_threshold() -> None:
    def mean(patients: int) -> Figure:
        return Figure(
            "sessions-per-patient", 1, "mean", "patients", date(2024, 1, 1), date(2025, 1, 1), date(2025, 2, 1),
            numerator=patients * 9, denominator=patients, patients=patients, value=9.0,
            details={"median": 8.0, "lower-quartile": 4.0, "upper-quartile": 12.0, "sd": 3.0},
        )  # fmt: skip

    few, half, enough = (protect([mean(n)], audience="outside")[0].details for n in (19, 39, 40))
    assert set(few) == {"sd"}
    assert set(half) == {"median", "sd"}
    assert set(enough) == {"median", "lower-quartile", "upper-quartile", "sd"}
