"""The table of attacks is true: every test in it exists, is collected, and expects the answer that the table names."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "threats.md"
# What a test names when it expects the answer: our error, the class behind it, or its rule.
ANSWERS = {
    "cannot be opened": {"CannotOpen", "HeaderFailure", "sealing.cannot-open"},
    "was changed": {"WasChanged", "sealing.was-changed"},
    "not for us": {"NotForUs", "sealing.not-for-us"},
}
# The threats of the design, in its order; a new one needs its rows.
THREATS = (
    "read by others",
    "forged sender",
    "forwarding",
    "a co-recipient rewrites",
    "truncation, reorder, tail",
    "replay, duplicates",
    "gaps",
    "cross-agreement, downgrade",
    "bombs",
    "path tricks",
    "false dates",
    "plaintext before authentication",
    "crash",
    "input changes while packing",
    "detail that helps an attacker",
)


def rows() -> list[tuple[str, ...]]:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines[1:]]


def functions() -> dict[str, tuple[Path, ast.FunctionDef]]:
    found: dict[str, tuple[Path, ast.FunctionDef]] = {}
    for path in sorted((REPOSITORY / "tests").rglob("test_*.py")):
        if "node_modules" in path.parts:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.setdefault(node.name, (path, node))
    return found


FUNCTIONS = functions()


def named(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_threat_of_the_design_has_its_attacks() -> None:
    assert list(dict.fromkeys(row[0] for row in rows())) == list(THREATS)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[1])
def test_an_attack_gets_the_answer_that_the_table_names(row: tuple[str, ...]) -> None:
    assert len(row) == 5
    assert all(row)
    *_, answer, test = row
    function = FUNCTIONS[test.strip("`")][1]
    if re.fullmatch(r"\(\d\)", answer):
        note = PAGE.read_text(encoding="utf-8").partition("\n" + answer[1] + ". ")[2]
        assert note, f"{answer} is not explained"
        return
    assert ANSWERS[answer] & set(named(function)), f"{test} does not expect: {answer}"


def test_every_attack_is_collected() -> None:
    tests = {row[4].strip("`") for row in rows()}
    files = sorted({str(FUNCTIONS[test][0]) for test in tests})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:xdist", *files]
    said = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True, timeout=120).stdout
    collected = {line.partition("::")[2].partition("[")[0] for line in said.splitlines() if "::" in line}
    assert tests <= collected
