"""exchange index record, list and --reference: official figures typed in, corrected, and an estimate kept apart."""

from __future__ import annotations

import json
import math
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from exchange.operations.workspace import Workspace

RECORD = ("index", "record", "--period", "2025", "--version", "v3", "--insurer", "VGZ", "--source", "Mijn Vektis")


def test_a_typed_figure_is_an_official_figure_and_twice_changes_nothing(run: Any, town: Any) -> None:
    practice = town["praktijk"]
    words = (*RECORD, "--value", "157", "--lower", "142", "--upper", "172")
    first = run(*words, "--json", workspace=practice)
    assert (first.code, first.json["what"]) == (0, "new")
    again = run(*words, "--insurer", "vgz", "--language", "nl", workspace=practice)
    assert (again.code, "verandert niets" in again.out) == (0, True)
    assert len(run("index", "list", "--history", "--json", workspace=practice).json["figures"]) == 1
    told = run("index", "--json", workspace=practice).json
    assert (told["latest"]["value"], told["latest"]["period_end"]) == (157.0, "2025-12-31")
    assert run("index", "show", "--json", workspace=practice).json == told


def test_a_correction_keeps_the_old_version_with_who_and_when(run: Any, town: Any) -> None:
    practice = town["praktijk"]
    for value in ("157", "158"):
        ran = run(*RECORD, "--value", value, "--lower", "142", "--upper", "172", "--language", "nl", workspace=practice)
    assert "van 157 naar 158" in ran.out
    listed = run("index", "list", "--history", "--json", workspace=practice).json["figures"]
    assert [(one["figure"]["value"], one["until"] is None, one["by"]) for one in listed] == [
        (157.0, False, "tester"), (158.0, True, "tester")
    ]  # fmt: skip
    (now,) = run("index", "list", "--json", workspace=practice).json["figures"]
    assert now["figure"]["value"] == 158.0


def test_the_release_says_which_months_it_covers(run: Any, town: Any) -> None:
    ran = run("index", "record", "--period", "2026", "--version", "v1", "--value", "150", "--lower", "140", "--upper",
              "160", "--insurer", "CZ", "--json", workspace=town["praktijk"])  # fmt: skip
    assert (ran.code, ran.json["figure"]["period_end"]) == (0, "2026-06-30")


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("--period", "soon", "--value", "1"), "indexing.period-unread"),
        (("--period", "2025-06-30/2025-01-01", "--value", "1"), "indexing.period-order"),
        (("--period", "2026", "--value", "150"), "operations.day-ahead"),
        (("--period", "2025", "--value", "150", "--lower", "151"), "indexing.outside-bounds"),
        (("--period", "2025", "--value", "0"), "indexing.number-unfit"),
        (("--period", "2025", "--value", "nan"), "indexing.number-unfit"),
        (("--period", "2025", "--value", "150", "--version", "v" * 20), "indexing.text-unfit"),
    ],
)
def test_what_cannot_be_an_official_figure_is_refused(run: Any, town: Any, words: Any, rule: str) -> None:
    ran = run("index", "record", *words, "--insurer", "VGZ", "--json", workspace=town["praktijk"])
    assert ran.json["error"]["rule"] == rule
    assert run("index", "list", "--json", workspace=town["praktijk"]).json == {"figures": []}


def test_an_unknown_insurer_is_kept_and_said_to_be_compared_with_nothing(run: Any, town: Any) -> None:
    practice = town["praktijk"]
    ran = run("index", "record", "--period", "2025", "--value", "120", "--insurer", "Nergens", "--language", "nl",
              workspace=practice)  # fmt: skip
    assert ran.code == 3
    assert "geen band bekend" in ran.out
    shown = run("index", "--insurer", "nergens", "--language", "nl", workspace=practice)
    assert (shown.code, "er wordt niets vergeleken" in shown.out) == (0, True)
    none = run("index", "--year", "2019", "--language", "nl", workspace=practice)
    assert (none.code, "Wel bekend: Nergens 2025" in none.err) == (13, True)


def test_without_an_insurer_it_is_asked_whose_figure_it_is(run: Any, town: Any) -> None:
    ran = run("index", "record", "--period", "2025", "--value", "120", "--json", workspace=town["praktijk"])
    assert (ran.code, ran.json["error"]["rule"]) == (13, "indexing.no-insurer")


def reference(folder: Path, **changes: Any) -> Path:
    """Write an invented reference table: every trajectory at the spine or in general is expected to take eight."""
    table = {
        "id": "verzonnen", "version": "1", "unit": "trajectory", "source": "invented for a test",
        "characteristics": ["diagnosis-group"],
        "rows": [{"diagnosis-group": group, "expected-thousandths": 8000} for group in ("34", "93", "30", "40", "70")],
    } | changes  # fmt: skip
    file = folder / "tabel.json"
    file.write_text(json.dumps(table))
    return file


def test_an_own_estimate_stands_beside_the_official_figure_and_never_in_it(
    run: Any, demo: Path, tmp_path: Path
) -> None:
    practice, table = demo / "praktijk", reference(tmp_path)
    plain = run("index", "--json", workspace=practice).json
    told = run("index", "--reference", table, "--json", workspace=practice).json
    own = told.pop("own")
    assert plain.pop("own") is None
    assert told == plain
    figure = own["figure"]
    assert (own["table"], own["version"], figure["scope"]) == ("verzonnen", "1", "practice")
    assert figure["value"] == pytest.approx(100 * figure["details"]["observed"] / figure["details"]["expected"])
    assert figure["interval"]["lower"] < figure["value"] < figure["interval"]["upper"]
    for name in ("observed", "expected"):
        assert sum(one[name] for one in own["groups"]) == pytest.approx(figure["details"][name])
    assert [one["excess"] for one in own["groups"]] == sorted((one["excess"] for one in own["groups"]), reverse=True)
    dutch = run("index", "--reference", table, "--language", "nl", workspace=practice).out
    official, _, mine = dutch.partition("Eigen schatting")
    assert "Mijn Vektis" in official
    assert "verzonnen, versie 1" in mine
    assert "Weg naar" not in mine


def test_the_own_estimate_is_what_a_few_lines_make_of_the_rows_and_its_interval_what_a_jackknife_gives(
    run: Any, demo: Path, tmp_path: Path
) -> None:
    """Observed and expected sessions of each patient, added up by hand; then each patient in turn left out."""
    expected = {"34": 9500, "93": 7250, "30": 8000, "40": 11000, "70": 6000}
    rows = [{"diagnosis-group": group, "expected-thousandths": each} for group, each in expected.items()]
    table = reference(tmp_path, rows=rows)
    figure = run("index", "--reference", table, "--json", workspace=demo / "praktijk").json["own"]["figure"]

    now = datetime(2026, 11, 3, 9, tzinfo=UTC)
    with Workspace.open(demo / "praktijk", passphrase=lambda _n: "", now=now, on=now.date(), user="t") as practice:
        raw = practice.store.dataset()
    sessions = Counter(one.episode_id for one in raw.sessions)
    patients: dict[str, list[int]] = {}
    for one in raw.episodes:
        ended = one.end is not None and figure["start"] <= one.end.isoformat() < figure["end"]
        if ended and one.diagnosis[:2] in expected and sessions[one.episode_id]:
            own = patients.setdefault(one.patient_id, [0, 0])
            own[0] += sessions[one.episode_id]
            own[1] += expected[one.diagnosis[:2]]
    observed, against = (sum(own[place] for own in patients.values()) for place in (0, 1))
    value = 100_000 * observed / against
    assert (figure["patients"], figure["details"]["observed"]) == (len(patients), observed)
    assert figure["value"] == pytest.approx(value, rel=1e-12)

    count = len(patients)
    without = [math.log((observed - o) / (against - e)) for o, e in patients.values()]
    spread = math.sqrt((count - 1) / count * sum((one - math.fsum(without) / count) ** 2 for one in without))
    half = float(stats.t.ppf(0.975, count - 1)) * spread
    # Both are of first order; with some hundred patients they differ in the third digit at most.
    assert figure["interval"]["lower"] == pytest.approx(value * math.exp(-half), rel=2e-3)
    assert figure["interval"]["upper"] == pytest.approx(value * math.exp(half), rel=2e-3)


def test_an_own_estimate_is_refused_below_thirty_patients_and_for_another_unit(
    run: Any, demo: Path, tmp_path: Path
) -> None:
    practice = demo / "praktijk"
    few = reference(tmp_path, rows=[{"diagnosis-group": "25", "expected-thousandths": 8000}])
    ran = run("index", "--reference", few, "--json", workspace=practice)
    assert (ran.code, ran.json["error"]["rule"]) == (13, "indicators.reference-too-few")
    other = reference(tmp_path, unit="patient-year")
    ran = run("index", "--reference", other, "--json", workspace=practice)
    assert (ran.code, ran.json["error"]["rule"]) == (13, "indicators.reference-unit")


ROW = {"diagnosis-group": "34", "expected-thousandths": 8000}


@pytest.mark.parametrize(
    ("changes", "rule", "path"),
    [
        ({"rows": [ROW, ROW]}, "twice", "rows.2"),
        ({"rows": [ROW, {"diagnosis-group": "30"}]}, "lacks", "rows.2"),
        ({"rows": [{**ROW, "sex": "female"}]}, "stratum", "rows.1"),
        ({"rows": [{**ROW, "expected-thousandths": 8.5}]}, "not-valid", "rows.1.expected-thousandths"),
        ({"rows": [{**ROW, "diagnosis-group": "3401"}]}, "not-valid", "rows.1.diagnosis-group"),
        ({"unit": "month"}, "one-of", "unit"),
        ({"colour": "red"}, "word", "-"),
        (
            {"characteristics": ["age-band"], "bands": [{"label": "0-17", "from": 0, "to": 18}],
             "rows": [{"age-band": "18-", "expected-thousandths": 8000}]},
            "band", "rows.1.age-band",
        ),
    ],
)  # fmt: skip
def test_a_reference_table_that_is_amiss_is_refused_by_its_place(
    run: Any, town: Any, tmp_path: Path, changes: Any, rule: str, path: str
) -> None:
    file = reference(tmp_path, **changes)
    ran = run("index", "--reference", file, "--json", workspace=town["praktijk"])
    assert (ran.code, ran.json["error"]["rule"]) == (13, f"indicators.reference-{rule}")
    assert f"{path}:" in ran.json["error"]["text"]


def test_a_target_on_the_lower_bound_starts_from_the_bound_and_expects_nothing(run: Any, demo: Path) -> None:
    told = run("index", "--basis", "lower", "--json", workspace=demo / "praktijk").json
    assert (told["way"]["index"], told["way"]["implied_expected"]) == (142.0, None)
    assert told["reached"] < told["target"]
    dutch = run("index", "--basis", "lower", "--language", "nl", workspace=demo / "praktijk").out
    assert "van ondergrens 142" in dutch
    assert "verwacht 100" not in dutch


def test_the_number_of_sessions_of_the_official_report_goes_before_our_own_count(run: Any, demo: Path) -> None:
    told = run("index", "--observed", "1570", "--json", workspace=demo / "praktijk").json
    assert (told["observed"], told["way"]["implied_expected"]) == (1570, 1000.0)
    assert told["way"]["sessions_to_save"] == pytest.approx(270)


def test_self_paid_sessions_are_not_in_the_official_index(run: Any, demo: Path, tmp_path: Path) -> None:
    practice = demo / "praktijk"
    before = run("index", "--json", workspace=practice).json["observed"]
    file = tmp_path / "zelf.csv"
    file.write_text("Patiëntnummer;Datum behandeling;Zelf betaald\nPX900;03-02-2025;ja\nPX900;10-02-2025;nee\n")
    assert run("load", file, workspace=practice).code in {0, 3}
    told = run("index", "--json", workspace=practice).json
    assert (told["observed"], told["self_paid"]) == (before + 1, 1)
    assert "Zelf betaalde behandelingen (1)" in run("index", "--language", "nl", workspace=practice).out


def test_a_target_on_a_bound_that_was_not_published_has_no_way(run: Any, town: Any) -> None:
    practice = town["praktijk"]
    words = ("index", "record", "--period", "2025", "--insurer", "Zilveren Kruis", "--value", "140")
    assert run(*words, workspace=practice).code == 3
    told = run("index", "--insurer", "Zilveren Kruis", "--language", "nl", workspace=practice)
    assert (told.code, "geldt voor de ondergrens" in told.out) == (0, True)
    asked = run("index", "--insurer", "Zilveren Kruis", "--basis", "lower", "--json", workspace=practice)
    assert (asked.code, asked.json["error"]["rule"]) == (13, "indicators.index-basis-missing")
    run(*words, "--lower", "125", "--upper", "155", workspace=practice)
    way = run("index", "--insurer", "Zilveren Kruis", "--json", workspace=practice).json["way"]
    assert (way["basis"], way["index"], way["implied_expected"]) == ("lower", 125.0, None)


def test_the_contract_years_that_look_at_a_figure_are_named(run: Any, town: Any) -> None:
    practice = town["praktijk"]
    run("index", "record", "--period", "2025", "--insurer", "CZ", "--value", "110", "--lower", "100", "--upper", "120",
        workspace=practice)  # fmt: skip
    told = run("index", "--insurer", "CZ", "--json", workspace=practice).json
    assert (told["contracts"], told["position"]["compared"]) == ([2027], 110.0)
    dutch = run("index", "--insurer", "CZ", "--change", "2026-07-01", "--language", "nl", workspace=practice).out
    assert "CZ kijkt voor contractjaar 2027 naar de index over 2025" in dutch
    assert "vanaf 1 juli 2026" in dutch
    assert "15 januari 2027: v2 over 2026" in dutch
