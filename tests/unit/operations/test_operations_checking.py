"""Checking a file: scores against their counts, NDJSON a line at a time, and files that are too much for any memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import MessageError
from exchange.findings import Finding, Severity, say
from exchange.indicators.measure import SCORING
from exchange.messages.checking import check as check_alone
from exchange.messages.outcome import outcome
from exchange.operations import checking

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "messages"
POPULATION = "http://terminology.hl7.org/CodeSystem/measure-population"


def report(score: float | None, **counts: int) -> dict[str, Any]:
    population = [
        {"code": {"coding": [{"system": POPULATION, "code": code.replace("_", "-")}]}, "count": count}
        for code, count in counts.items()
    ]
    group: dict[str, Any] = {"population": population}
    if score is not None:
        group["measureScore"] = {"value": score}
    return {
        "resourceType": "MeasureReport",
        "status": "complete",
        "type": "summary",
        "measure": "http://example.org/Measure/m|1",
        "period": {"start": "2025-01-01", "end": "2025-12-31"},
        "group": [group],
    }


def found(tree: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.rule, each.path) for each in checking.findings(json.dumps(tree).encode()) if _is_error(each)]


def _is_error(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("rule", "made"),
    [
        # cqframework's scorer: a denominator of 2 with 1 exclusion and 1 numerator is 1.0, and not 0.5.
        ("", report(1.0, denominator=2, denominator_exclusion=1, numerator=1)),
        ("recomputing.score-differs", report(0.5, denominator=2, denominator_exclusion=1, numerator=1)),
        # Exclusions are taken off before exceptions, and both off the denominator.
        ("", report(0.5, denominator=6, denominator_exclusion=2, denominator_exception=2, numerator=1)),
        ("recomputing.score-differs", report(0.25, denominator=6, denominator_exclusion=2, denominator_exception=2,
                                             numerator=1)),
        # Nobody has no score, and never 0.
        ("", report(None, denominator=0, numerator=0)),
        ("recomputing.score-of-nothing", report(0.0, denominator=0, numerator=0)),
        ("recomputing.score-of-nothing", report(0.0, denominator=3, denominator_exclusion=3, numerator=0)),
        ("recomputing.more-excluded", report(0.5, denominator=2, denominator_exclusion=3, numerator=1)),
        ("recomputing.numerator-too-large", report(1.5, denominator=2, numerator=3)),
    ],
)  # fmt: skip
def test_a_score_that_does_not_follow_from_its_counts_is_refused(rule: str, made: dict[str, Any]) -> None:
    assert found(made) == ([(rule, "MeasureReport.group[0]")] if rule else [])


def test_the_arithmetic_is_shown_and_the_place_is_that_of_the_entry() -> None:
    wrong = report(0.5, denominator=2, denominator_exclusion=1, numerator=1)
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": wrong}, {"resource": wrong}]}
    one, two = (each for each in checking.findings(json.dumps(bundle).encode()) if _is_error(each))

    assert [one.path, two.path] == [f"Bundle.entry[{number}].MeasureReport.group[0]" for number in (0, 1)]
    assert say(one.rule, one.params).endswith("1 / (2 − 1 excluded − 0 exceptions = 1) = 1.")
    with pytest.raises(MessageError):
        checking.require(json.dumps(bundle).encode())


def test_a_measure_beside_its_report_says_how_it_is_scored() -> None:
    ratio = {"coding": [{"system": SCORING, "code": "ratio"}]}
    measure = {"resourceType": "Measure", "status": "active", "url": "http://example.org/Measure/m", "scoring": ratio}
    made = {"resource": report(1.5, denominator=2, numerator=3)}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [made, {"resource": measure}]}

    assert found(bundle) == []


def test_a_report_of_a_wrong_shape_is_refused_for_its_shape() -> None:
    made = report(0.5, denominator=2, numerator=1)
    made["group"] = [{"population": [7], "measureScore": "x"}]

    assert found(made) == [
        ("messages.type", "MeasureReport.group[0].measureScore"),
        ("messages.type", "MeasureReport.group[0].population[0]"),
    ]


def test_reports_of_a_wrong_shape_beyond_what_is_listed_are_not_recomputed() -> None:
    wrong = {**report(0.5, denominator=2, numerator=1), "group": [{"population": [7], "measureScore": "x"}]}
    made = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": wrong}] * 700}

    assert {rule for rule, _ in found(made)} == {"messages.type"}


def test_our_own_messages_have_nothing_to_recompute_that_differs() -> None:
    for file in sorted(GOLDEN.glob("*.json")):
        assert checking.check(file) == (), file.name


def lines(folder: Path, *made: object) -> Path:
    file = folder / "lines.ndjson"
    file.write_text("".join(f"{json.dumps(each)}\n" for each in made), encoding="utf-8")
    return file


def test_that_lines_are_resources_and_no_messages_is_said_once(tmp_path: Path) -> None:
    patient = {"resourceType": "Patient", "gender": "female"}
    (only,) = checking.check(lines(tmp_path, *[patient] * 30))

    assert (only.rule, only.line, only.params) == ("messages.no-messages", 1, {"count": 30})
    (alone,) = checking.check(lines(tmp_path, patient))
    assert alone.rule == "messages.not-a-message"


def test_findings_beyond_the_first_are_counted(tmp_path: Path) -> None:
    checked = checking.check(lines(tmp_path, *[{"resourceType": "Patient", "gender": "x"}] * 1200))

    assert len(checked) == checking.MOST_FINDINGS + 1
    last = checked[-1]
    assert (last.rule, last.severity, last.params) == ("messages.more-findings", Severity.ERROR, {"count": 201})


def test_an_outcome_passes_the_check_itself_and_names_rule_place_and_file() -> None:
    tree = json.loads((GOLDEN / "case-opening.json").read_bytes())
    tree["entry"][1]["resource"]["status"] = "done"
    tree["entry"][1]["resource"]["extension"] = [{"url": "x"}]
    many = [("a.json", each) for each in checking.findings(json.dumps(tree).encode())]
    many += [("b.json", each) for each in checking.findings(b'{"a":1,\n"a":2}')]
    made = outcome(many, "en")

    assert [each.rule for each in check_alone(json.dumps(made).encode())] == ["messages.not-a-message"]
    assert {issue["expression"][0] for issue in made["issue"] if "expression" in issue} == {
        "Bundle.entry[1].resource.extension[0]",
        "Bundle.entry[1].resource.status",
        "Bundle.entry[1].resource.businessStatus",
    }
    assert made["issue"][-1] == {
        "severity": "error",
        "code": "duplicate",
        "details": {
            "coding": [{"system": "https://outcome-exchange.invalid/fhir/CodeSystem/finding",
                        "code": "messages.duplicate-key"}],
            "text": "A name stands twice in the same JSON object (at line 2).",
        },
        "diagnostics": "b.json:2",
    }  # fmt: skip


@pytest.mark.parametrize("language", ["nl", "en"])
def test_without_findings_an_outcome_says_so(language: str) -> None:
    made = outcome([], language)

    assert [issue["severity"] for issue in made["issue"]] == ["information"]
    assert [each.rule for each in check_alone(json.dumps(made).encode())] == ["messages.not-a-message"]


# Each writes a file that no memory should hold, and names the rule that must be found in it.
def sparse(file: Path) -> None:
    with file.open("wb") as stream:
        stream.write(b'{"resourceType":"Patient","id":"')
        stream.truncate(1024**3)


def deep(file: Path) -> None:
    file.write_bytes(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)


def deep_lists(file: Path) -> None:
    file.write_bytes(b'{"resourceType":"Bundle","entry":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def crowded(file: Path) -> None:
    with file.open("wb") as stream:
        stream.write(b'{"resourceType":"Bundle","type":"message","entry":[{}')
        for _ in range(1000):
            stream.write(b",{}" * 10_000)
        stream.write(b"]}")


def dense(file: Path) -> None:
    """Just short enough to be read, and full of the smallest values there are."""
    file.write_bytes(b'{"resourceType":"Bundle","entry":[' + b"0," * 8_000_000 + b"0]}")


MONSTERS = [
    (sparse, "messages.too-large"),
    (deep, "messages.too-deep"),
    (deep_lists, "messages.too-deep"),
    (crowded, "messages.too-large"),
    (dense, "messages.too-many-values"),
]
MEASURED = """
import resource, sys
from pathlib import Path
from exchange.operations import checking
checking.check(Path(sys.argv[2]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = checking.check(Path(sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, *[each.rule for each in found])
"""
UNIT = 1024 if sys.platform == "darwin" else 1
MIB_AT_MOST = 100


@pytest.mark.parametrize("suffix", ["json", "ndjson"])
@pytest.mark.parametrize(("write", "rule"), MONSTERS)
def test_what_no_memory_should_hold_ends_in_a_finding(write: Any, rule: str, suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="peak memory is measured with the module `resource`, which POSIX has")
    file = tmp_path / f"monster.{suffix}"
    write(file)
    program = [sys.executable, "-c", MEASURED, str(file), str(GOLDEN / "case-opening.json")]
    grown, *rules = subprocess.run(program, capture_output=True, check=True, timeout=100, text=True).stdout.split()

    assert rules == [rule]
    assert int(grown) / UNIT / 1024 < MIB_AT_MOST


MANY = 30_000


def crowd(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in entries]}


SLOW: dict[str, dict[str, Any]] = {
    "references to what is contained": {
        "resourceType": "Patient",
        "contained": [{"resourceType": "Organization", "id": f"o{n}", "name": "x"} for n in range(MANY)],
        "generalPractitioner": [{"reference": f"#o{n}"} for n in range(MANY)],
    },
    "reports and measures": crowd(
        [report(0.5, denominator=3, numerator=1) for _ in range(MANY // 10)]
        + [{"resourceType": "Measure", "status": "active", "url": f"x{n}"} for n in range(MANY // 10)]
    ),
    "components of one code": {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "x", "code": str(n)} for n in range(MANY)]},
        "valueInteger": 1,
        "component": [{"code": {"coding": [{"system": "y", "code": str(n)}]}, "valueInteger": 1} for n in range(MANY)],
    },
    "items of one link": {
        "resourceType": "Questionnaire",
        "status": "active",
        "item": [{"linkId": str(n), "type": "string"} for n in range(MANY)],
    },
    "a narrative of tags": {
        "resourceType": "Patient",
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">' + "<p>" * 100 * MANY},
    },
    "a text of spaces": {"resourceType": "Patient", "gender": " " * 100 * MANY, "id": "a" * 100 * MANY},
    "tasks and messages": {
        "resourceType": "Bundle",
        "type": "message",
        "entry": [{"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Task", "status": "draft"}}] * MANY,
    },
}


@pytest.mark.parametrize("name", SLOW)
def test_what_is_made_to_be_slow_takes_time_in_proportion(name: str, tmp_path: Path) -> None:
    """Give a process of its own a minute, where anything quadratic would take much longer."""
    file = tmp_path / "slow.json"
    file.write_text(json.dumps(SLOW[name]), encoding="utf-8")
    program = "import sys, pathlib; from exchange.operations import checking; checking.check(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", program, str(file)], check=True, timeout=60)
