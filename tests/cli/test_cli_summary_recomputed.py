"""An analyst who has only the summary works every clustered interval out again, with scipy and none of our code."""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from scipy import stats


@pytest.fixture(scope="module")
def practice(played: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recomputed") / "praktijk"
    shutil.copytree(played / "praktijk", folder)
    return folder


def wilson(n: float, y: int, effect: float, t: float) -> tuple[float, float]:
    """Wilson's limits of y of n, with n / effect; 0 and n of n keep their own end."""
    m, p = n / effect, y / n
    middle = p + t * t / (2 * m)
    half = t * math.sqrt(p * (1 - p) / m + t * t / (4 * m * m))
    lower, upper = (middle - half) / (1 + t * t / m), (middle + half) / (1 + t * t / m)
    return (0.0 if y == 0 else lower), (1.0 if y == n else upper)


def recomputed(figure: dict[str, Any]) -> tuple[float, float] | None:
    """Return the limits from what is printed beside them; None for a method that needs only counts."""
    limits = figure["interval"]
    method, degrees = limits["method"], limits["degrees_of_freedom"]
    if degrees is None:
        return None
    t = float(stats.t.ppf(0.5 + limits["level"] / 2, degrees))
    if method.endswith("-bounds"):
        worst, best = limits["design_effect"], limits["design_effect_best"]
        due, y = figure["denominator"] + figure["unknown"], figure["numerator"]
        cases = wilson(due, y, worst, t), wilson(due, y + figure["unknown"], best, t)
        return min(one[0] for one in cases), max(one[1] for one in cases)
    if method.startswith("wilson-clustered"):
        return wilson(figure["denominator"], figure["numerator"], limits["design_effect"], t)
    half, value = t * limits["standard_error"], figure["value"]
    if method == "mean-clustered":
        return (max(0.0, value - half) if figure["kind"] == "mean" else value - half), value + half
    return value * math.exp(-half), value * math.exp(half)


def figures(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every figure with an interval in a document, wherever it stands."""
    if isinstance(tree, dict):
        if "indicator" in tree and tree.get("interval"):
            yield tree
        for value in tree.values():
            yield from figures(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from figures(value)


@pytest.mark.parametrize("audience", ["internal", "insurer"])
def test_every_clustered_interval_follows_from_what_stands_beside_it(
    run: Any, practice: Path, tmp_path: Path, audience: str
) -> None:
    ran = run("summary", "--to", tmp_path / "a.json", "--for", audience, workspace=practice)
    assert ran.code in {0, 3}, ran.out + ran.err
    told = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    seen = Counter()
    for figure in figures(told):
        limits = figure["interval"]
        found = recomputed(figure)
        if found is None:
            continue
        seen[limits["method"]] += 1
        assert found == pytest.approx((limits["lower"], limits["upper"]), rel=1e-9, abs=1e-12), figure["indicator"]
        if "answered-design-effect" in figure["details"]:
            t = float(stats.t.ppf(0.5 + limits["level"] / 2, figure["patients"] - 1))
            effect = figure["details"]["answered-design-effect"]
            among = wilson(figure["denominator"], figure["numerator"], effect, t)
            shown = figure["details"]["answered-lower"], figure["details"]["answered-upper"]
            assert among == pytest.approx(shown, rel=1e-9, abs=1e-12)
    wanted = {
        "internal": {"wilson-clustered", "wilson-clustered-bounds", "mean-clustered"},
        "insurer": {"mean-clustered"},
    }
    assert wanted[audience] <= seen.keys(), seen
    assert sum(seen.values()) >= (40 if audience == "internal" else 5), seen


def test_an_outsider_is_not_told_of_how_many_patients_an_answer_is_awaited(
    run: Any, practice: Path, tmp_path: Path
) -> None:
    """The degrees of freedom of limits over unknown cases are those of all who were due: a count withheld elsewhere."""
    run("summary", "--to", tmp_path / "a.json", "--for", "insurer", workspace=practice)
    told = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    over = [one["interval"] for one in figures(told) if one["interval"]["method"].endswith("-bounds")]
    assert all(one["degrees_of_freedom"] is one["design_effect"] is one["design_effect_best"] is None for one in over)


def test_the_workbook_has_them_as_numbers(run: Any, practice: Path, tmp_path: Path) -> None:
    run("summary", "--to", tmp_path / "a.xlsx", "--for", "internal", workspace=practice)
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["Cijfers"]
    heads = [cell.value for cell in sheet[1]]
    places = [heads.index(name) for name in ("Methode", "Designeffect", "Designeffect, beste geval", "Vrijheidsgraden")]
    rows = [[row[at] for at in places] for row in sheet.iter_rows(min_row=2, values_only=True)]
    plain = [row for row in rows if row[0] == "wilson-clustered"]
    over = [row for row in rows if row[0] == "wilson-clustered-bounds"]
    assert any(row[3] for row in plain)
    assert all(row[1] >= 1 and row[2] is None for row in plain if row[3])
    assert over
    assert all(row[1] >= 1 and row[2] >= 1 and row[3] > 0 for row in over)
