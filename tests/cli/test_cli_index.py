"""exchange index: official figures first, the way to the target by plain arithmetic, and no guess without a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HEAD = "Jaar;Versie;Verzekeraar;Index;Ondergrens;Bovengrens;Van;Tot;Bron;Patiënten"


def test_without_an_official_figure_nothing_is_guessed(run: Any, town: Any) -> None:
    ran = run("index", "--json", workspace=town["praktijk"])
    assert ran.code == 13
    assert ran.json["error"]["rule"] == "indexing.none"
    assert ran.json["error"]["hints"]
    said = run("index", "--language", "nl", workspace=town["praktijk"])
    assert said.out == ""
    assert "→" in said.err


def test_the_way_to_the_target_is_plain_arithmetic(run: Any, demo: Path) -> None:
    told = run("index", "--json", workspace=demo / "praktijk").json
    index, observed, target = told["latest"]["value"], told["observed"], told["target"]
    assert (index, target) == (157.0, 130.0)
    assert told["way"]["implied_expected"] == 100 * observed / index
    assert told["way"]["sessions_to_save"] == observed * (1 - target / index)
    saved = sum(plan["sessions_saved"] for plan in told["plans"])
    assert told["reached"] == index * (observed - saved) / observed
    for plan in told["plans"]:
        assert plan["goal"] == plan["mean"] - 5
        assert plan["sessions_saved"] == plan["patients"] * (plan["mean"] - max(plan["goal"], 1.0))
    assert [plan["sessions_saved"] for plan in told["plans"]] == sorted(
        (plan["sessions_saved"] for plan in told["plans"]), reverse=True
    )


def test_only_the_published_bound_is_set_against_the_band(run: Any, demo: Path) -> None:
    told = run("index", "--json", workspace=demo / "praktijk").json
    assert told["position"]["band"]["bound"] == "lower"
    assert told["position"]["compared"] == told["latest"]["lower"]
    dutch = run("index", "--language", "nl", workspace=demo / "praktijk").out
    assert "vergelijkt de ondergrens: 142" in dutch
    assert "Weg naar 130: van 157" in dutch
    assert "None" not in dutch
    english = run("index", "--language", "en", workspace=demo / "praktijk").out
    assert "The way to 130: from 157" in english
    assert "None" not in english


def test_an_unattainable_target_is_said_to_be_missed(run: Any, demo: Path) -> None:
    told = run("index", "--target", "40", "--json", workspace=demo / "praktijk").json
    assert told["reached"] > told["target"]
    dutch = run("index", "--target", "40", "--language", "nl", workspace=demo / "praktijk").out
    assert "gaat de index van 157 naar" in dutch
    assert "en niet naar 40" in dutch
    assert "haalt 40 niet" in dutch or "niet" in dutch.splitlines()[-4]


def test_a_year_and_an_insurer_are_chosen(run: Any, demo: Path) -> None:
    told = run("index", "--year", "2023", "--json", workspace=demo / "praktijk").json
    assert (told["latest"]["year"], told["latest"]["value"]) == (2023, 168.0)
    other = run("index", "--insurer", "Onbekend", "--json", workspace=demo / "praktijk")
    assert other.code == 13
    assert run("index", "--year", "1999", workspace=demo / "praktijk").code == 13


def test_an_insurer_without_a_band_gets_no_target_of_another(run: Any, demo: Path, tmp_path: Path) -> None:
    source = (demo / "bestanden" / "behandelindex.csv").read_bytes().decode("cp1252")
    other = tmp_path / "index.csv"
    other.write_bytes(source.replace("VGZ", "Voorbeeldverzekeraar").encode("cp1252"))
    assert run("load", other, workspace=demo / "praktijk").code == 0
    told = run("index", "--insurer", "voorbeeldverzekeraar", "--json", workspace=demo / "praktijk").json
    assert told["position"] is told["target"] is told["way"] is None
    assert told["plans"] == []
    dutch = run("index", "--insurer", "Voorbeeldverzekeraar", "--language", "nl", workspace=demo / "praktijk")
    assert dutch.code == 0
    assert "None" not in dutch.out
