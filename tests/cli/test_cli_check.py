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
