"""exchange check: findings on FHIR messages, without a workspace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "messages"


def test_a_message_of_ours_has_no_findings(run: Any, tmp_path: Path) -> None:
    for file in sorted(GOLDEN.glob("*.json")):
        ran = run("check", file, "--json", cwd=tmp_path)
        assert ran.code == 0, (file.name, ran.out)
        assert ran.json == {"files": {str(file): []}}


def test_findings_name_the_place_and_never_the_value(run: Any, tmp_path: Path) -> None:
    tree = json.loads((GOLDEN / "case-opening.json").read_text(encoding="utf-8"))
    patient = next(one["resource"] for one in tree["entry"] if one["resource"]["resourceType"] == "Patient")
    patient["gender"] = "KANARIE-GENDER"
    patient["birthDate"] = "KANARIE-DATUM"
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(tree), encoding="utf-8")
    ran = run("check", broken, "--language", "nl")
    assert ran.code == 3
    assert "KANARIE" not in ran.out + ran.err
    assert "birthDate" in ran.out
    document = run("check", broken, "--json").json["files"][str(broken)]
    assert {"rule", "path", "line", "severity", "text"} == set(document[0])


def test_lines_of_a_file_are_numbered(run: Any, tmp_path: Path) -> None:
    good = json.dumps(json.loads((GOLDEN / "case-opening.json").read_text(encoding="utf-8")))
    lines = tmp_path / "many.ndjson"
    lines.write_text(f"{good}\n\n{{}}\n{good}\n", encoding="utf-8")
    document = run("check", lines, "--json").json["files"][str(lines)]
    assert document
    assert {one["line"] for one in document} == {3}


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"[1]", b'{"a": 1, "a": 2}', b"null", b'"text"'])
def test_what_is_no_message_is_a_finding_or_an_error_and_never_a_traceback(
    run: Any, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "strange.json"
    file.write_bytes(content)
    ran = run("check", file, "--json")
    assert ran.code in {3, 10}, ran.out
    assert ran.json


def test_a_file_that_is_not_there_is_a_wrong_use(run: Any, tmp_path: Path) -> None:
    ran = run("check", tmp_path / "none.json", "--json")
    assert ran.code == 2
    assert ran.json["error"]["rule"] == "program.usage"
    assert run("check").code == 2


@pytest.mark.parametrize(("language", "text"), [("nl", "Niets op aan te merken."), ("en", "Nothing was found.")])
def test_an_outcome_is_written_for_another_system(run: Any, tmp_path: Path, language: str, text: str) -> None:
    good, outcome = GOLDEN / "case-opening.json", tmp_path / "outcome.json"
    assert run("check", good, "--outcome", outcome, "--language", language).code == 0
    assert json.loads(outcome.read_bytes())["issue"][0]["details"]["text"] == text
    broken = tmp_path / "broken.json"
    broken.write_text('{"resourceType": "Patient", "gender": "KANARIE"}', encoding="utf-8")
    assert run("check", broken, good, "--outcome", outcome, "--language", language).code == 3
    issues = json.loads(outcome.read_bytes())["issue"]
    assert [(each["severity"], each["code"], each["diagnostics"]) for each in issues] == [
        ("warning", "not-supported", "broken.json"),
        ("error", "code-invalid", "broken.json"),
    ]
    assert "KANARIE" not in outcome.read_text(encoding="utf-8")


def test_a_score_that_does_not_follow_is_refused_with_the_arithmetic(run: Any, tmp_path: Path) -> None:
    codes = (("denominator", 2), ("denominator-exclusion", 1), ("numerator", 1))
    system = "http://terminology.hl7.org/CodeSystem/measure-population"
    population = [{"code": {"coding": [{"system": system, "code": code}]}, "count": count} for code, count in codes]
    report = {
        "resourceType": "MeasureReport",
        "status": "complete",
        "type": "summary",
        "measure": "http://example.org/Measure/m",
        "period": {"start": "2025-01-01", "end": "2025-12-31"},
        "group": [{"population": population, "measureScore": {"value": 0.5}}],
    }
    file = tmp_path / "report.json"
    file.write_text(json.dumps(report), encoding="utf-8")
    ran = run("check", file, "--language", "en")
    assert ran.code == 3
    assert "1 / (2 − 1 excluded − 0 exceptions = 1) = 1" in ran.out
