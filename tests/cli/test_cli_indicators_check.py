"""exchange indicators --check: a definition that somebody wrote, its findings, or the paragraph it becomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from exchange import shipped


def test_a_definition_without_findings_shows_the_paragraph_it_becomes(run: Any) -> None:
    file = shipped.agreements("indicators", "warm-handover.yaml")
    said = run("indicators", "--check", file, "--json")
    assert said.code == 0
    assert said.json["findings"] == []
    assert "warm-handover" in said.json["paragraph"]
    assert said.json["paragraph"] in run("indicators", "--check", file, "--language", "en").out.replace("\n", " ")


def test_a_definition_with_a_mistake_is_told_line_by_line_in_dutch(run: Any, tmp_path: Path) -> None:
    text = shipped.agreements("indicators", "warm-handover.yaml").read_text(encoding="utf-8")
    broken = tmp_path / "eigen.yaml"
    broken.write_text(text.replace("period: handover", "period: eind").replace("kind: proportion\n", ""), "utf-8")
    said = run("indicators", "--check", broken, "--language", "nl")
    assert said.code == 3
    assert "ontbreekt het woord ‘kind’" in said.out
    assert "start, end, handover" in said.out


def test_a_prognostic_list_as_an_instrument_of_effect_is_refused_by_name(run: Any, tmp_path: Path) -> None:
    text = shipped.agreements("indicators", "responders.yaml").read_text(encoding="utf-8")
    own = tmp_path / "eigen.yaml"
    for name in ("startback", "STarT Back", "ompsq"):
        own.write_text(text.replace("instrument: primary", f"instrument: {name}"), "utf-8")
        said = run("indicators", "--check", own, "--json")
        assert said.code == 3
        assert [(one["rule"], one["path"]) for one in said.json["findings"]] == [
            ("indicators.prognostic", "outcome[0].scores.instrument")
        ]
    assert "wordt nooit als effect gerapporteerd" in run("indicators", "--check", own, "--language", "nl").out
    assert run("indicators", "check", own, "--json").json == run("indicators", "--check", own, "--json").json


def test_an_instrument_is_taken_by_its_name_and_one_that_nobody_knows_is_refused(run: Any, tmp_path: Path) -> None:
    text = shipped.agreements("indicators", "responders.yaml").read_text(encoding="utf-8")
    own = tmp_path / "own.yaml"
    wanted = {"nprs": [], "any": ["indicators.instrument-any"], "own-list": ["indicators.instrument-not-known"]}
    for name, rules in wanted.items():
        own.write_text(text.replace("instrument: primary", f"instrument: {name}"), "utf-8")
        found = run("indicators", "check", own, "--json").json["findings"]
        assert [one["rule"] for one in found] == rules
        assert all(one["line"] == text.splitlines().index("outcome:") + 2 for one in found)


def test_check_wants_one_file_that_is_there(run: Any, tmp_path: Path) -> None:
    assert run("indicators", "check").code == 2
    assert run("indicators", "check", tmp_path / "a.yaml").code == 2
    file = shipped.agreements("indicators", "falls.yaml")
    assert run("indicators", "check", file, file).code == 2
    assert run("indicators", "check", file).code == 0
