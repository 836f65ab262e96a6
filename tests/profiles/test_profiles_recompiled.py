"""What is committed under schemas/fhir is what compiling its FSH again gives, and lists what the program lists."""

from __future__ import annotations

import json
from pathlib import Path

import listing
import pytest
import recompile

from exchange.messages.codes import BASE, EXTENSIONS, extension_url
from exchange.messages.profile_checking import profiles
from exchange.messages.profiles import BY_KIND, OBSERVATIONS

HERE = Path(__file__).parent
FHIR = HERE.parents[1] / "schemas" / "fhir"


def committed(kind: str) -> dict[str, dict]:
    files = sorted((FHIR / "profiles").glob(f"{kind}-*.json"))
    return {each["url"]: each for each in (json.loads(file.read_text(encoding="utf-8")) for file in files)}


@pytest.mark.referee
@pytest.mark.shared
@pytest.mark.slow
def test_compiling_again_gives_what_is_committed() -> None:
    if lacking := recompile.missing():
        pytest.skip(lacking)
    again = recompile.recompiled()

    assert {name for name, content in again.items() if (FHIR / name).read_bytes() != content} == set()
    assert {f"profiles/{file.name}" for file in (FHIR / "profiles").iterdir()} == {
        name for name in again if name.startswith("profiles/")
    }


def test_the_code_systems_list_what_the_program_uses() -> None:
    assert (FHIR / "fsh" / "codes.fsh").read_text(encoding="utf-8") == listing.fsh()
    found = committed("CodeSystem")
    for name, codes in listing.systems().items():
        listed = found[f"{BASE}/CodeSystem/{name}"]["concept"]
        assert {each["code"]: each["display"] for each in listed} == codes


def test_the_questionnaires_are_those_of_the_instruments_that_clients_fill_in() -> None:
    for name, content in listing.questionnaires():
        assert json.loads((FHIR / "profiles" / name).read_text(encoding="utf-8")) == content
    assert len(committed("Questionnaire")) == len(list(listing.questionnaires()))


def test_every_extension_and_every_profile_that_a_message_names_is_defined() -> None:
    defined = set(committed("StructureDefinition"))
    named = {*BY_KIND.values(), *OBSERVATIONS.values(), "pain-score", "partner-answer", "partner-count"}
    named |= {"indicator-summary", "indicator-individual"}

    assert {extension_url(name) for name in EXTENSIONS} <= defined
    assert {extension_url(name) for name in named} <= defined
    assert named == set(profiles())


def test_nothing_of_nl_core_is_in_the_project_but_its_names() -> None:
    for url, each in committed("StructureDefinition").items():
        assert url.startswith(BASE)
        assert "snapshot" not in each
    parents = {each["baseDefinition"] for each in committed("StructureDefinition").values()}
    assert {url.rpartition("/")[2] for url in parents if "nictiz" in url} == {
        "nl-core-Patient",
        "nl-core-HealthcareProvider-Organization",
        "nl-core-HealthProfessional-PractitionerRole",
        "nl-core-EpisodeOfCare",
        "nl-core-Encounter",
        "nl-core-PainScore",
    }
