"""The brackets of the seed letter are data, and each is asked, filled or shown."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from exchange import shipped
from exchange.findings.wording import catalogue
from exchange.indicators.cube import CubeRow
from exchange.indicators.index import group_plans
from exchange.indicators.reading import shipped_definitions
from exchange.operations import asking
from exchange.reports import planning
from exchange.reports.describing import describe, group_plan
from exchange.reports.facts import Partner, PlanFacts
from exchange.reports.questions import Blanks, questions


def template(name: str) -> str:
    return shipped.schemas("templates", name).read_text(encoding="utf-8")


def test_every_question_is_asked_in_dutch_and_english_and_has_a_place_in_both_letters() -> None:
    worked_out = {"partners-gp", "partners-specialist", "partners-social", "partners-other"}
    for one in questions():
        assert one.question["nl"].strip()
        assert one.question["en"].strip()
        assert one.blank["nl"].strip()
        assert one.blank["en"].strip()
        for language in ("nl", "en"):
            assert one.id in worked_out or f'("{one.id}")' in template(f"plan.{language}.md"), one.id


def test_every_bracket_in_the_letter_is_a_question() -> None:
    known = {one.id for one in questions()}
    for language in ("nl", "en"):
        used = re.findall(
            r'(?:fill|fill_long|fill_opening|wanted|has_answer)\("([a-z-]+)"\)', template(f"plan.{language}.md")
        )
        assert set(used) <= known


# The open places of the seed letter in their order, by how each begins, and the questions that fill it.
OPEN_PLACES = (
    ("diagnose]", ("referral-diagnosis",)),
    ("beschrijving van wat je doet", ("approach",)),
    ("deze complexiteit", ("complexity",)),
    ("zorg- als sociaal domein", ("partners-gp", "partners-specialist", "partners-social", "partners-other")),
    ("x, y, z]", ("partners-specialist",)),
    ("x, y, z]", ("partners-social",)),
    ("x, y, z]", ("partners-other",)),
    ("uitleg over de behandelpopulatie", ("population",)),
    ("voeg PREM-resultaten toe", ("prem",)),
    ("klinimetrie]", ("klinimetrie",)),
    ("Laat hier zien hoeveel", ("durable-discharge", "substitution-potential")),
    ("XXX]", ("index-current", "index-target")),
    ("XX]", ("mean-sessions",)),
    ("Diagnose]", ("planned-sessions",)),
    ("jouw gemiddelde minus 5", ("planned-sessions",)),
    ("cliënt/omgeving]", ("surroundings",)),
    ("cliënt/omgeving]", ("surroundings",)),
    ("geen/onvoldoende]", ("support-insight",)),
    ("cliënt/omgeving/andere instanties]", ("exchange-with",)),
    ("andere instanties]", ("funding",)),
    ("Je eigen afsluiting]", ("closing",)),
)


def test_every_place_the_seed_letter_leaves_open_is_asked_in_dutch(shared: Path) -> None:
    seed = shared / "seeds" / "verbeterplan-oefentherapie-vgz-2025.txt"
    text = seed.read_text(encoding="utf-8")
    brackets = re.findall(r"\[[^\]]+\]", text)
    assert [one[1:].startswith(begin) for one, (begin, _) in zip(brackets, OPEN_PLACES, strict=True)] == [True] * 21
    asked = {one.id: one.question["nl"] for one in questions()}
    for bracket, (_, names) in zip(brackets, OPEN_PLACES, strict=True):
        assert all("?" in asked[name] for name in names), bracket
    # what stands outside brackets and is open all the same: the index, what is allowed, and the GPs
    assert "XXX waar 149 toegestaan is" in text
    assert "HAGRO A/B/C" in text
    assert {"index-current", "index-allowed", "partners-gp", "contract-year", "insurer"} <= asked.keys()


def test_a_bracket_that_data_would_fill_is_asked_while_there_are_none(tmp_path: Path) -> None:
    everything = [one.id for one in questions()]
    assert [one.id for one in asking.questions(tmp_path, still_open=everything)] == everything
    asked = {one.id for one in asking.questions(tmp_path)}
    assert "index-current" not in asked
    assert "index-current" in {one.id for one in asking.questions(tmp_path, still_open=("index-current",))}


def test_data_go_before_answers_and_answers_before_blanks() -> None:
    blanks = Blanks({"insurer": "VGZ", "contract-year": " "}, {"insurer": "ander", "closing": "Tot ziens"}, "nl")
    assert blanks.fill("insurer") == "VGZ"
    assert blanks.fill_long("closing") == "Tot ziens."
    assert "in te vullen: contractjaar" in blanks.fill("contract-year")
    assert "in te vullen" in blanks.fill_opening("surroundings")
    assert blanks.has_answer("closing")
    assert not blanks.has("contract-year")


def test_partners_are_named_by_kind_and_the_domains_follow(plan_facts: PlanFacts) -> None:
    only = dataclasses.replace(plan_facts, partners=(Partner("Huisarts A", "gp"), Partner("Huisarts B", "gp")))
    filled = planning.from_data(only, "nl")
    assert filled["partners-gp"] == "Huisarts A, Huisarts B"
    assert filled["partners-social"] == ""


def test_each_language_has_the_same_templates_and_every_sentence_both() -> None:
    names = {file.name for file in shipped.schemas("templates").glob("*.md")}
    assert {name.replace(".nl.", ".en.") for name in names} == {
        name.replace(".nl.", ".en.") for name in names if ".nl." not in name
    }
    for rule, texts in catalogue().items():
        if rule.startswith("reports."):
            assert texts["nl"], rule
            assert texts["en"], rule


def test_a_shipped_definition_is_described_in_both_languages() -> None:
    for definition in shipped_definitions().values():
        text = describe(definition)
        assert text.title["nl"]
        assert text.paragraph["en"]
        assert text.cannot_show["nl"]


def test_a_group_plan_brings_its_warnings_in_words() -> None:
    row = CubeRow({"location": "30"}, {"patients": 10, "sum": 150})
    (planned,) = group_plans([row], index=180, target=130, rule="fixed")
    plan = group_plan(planned, "Wervelkolom")
    assert plan.warnings == ("no-less", "misses-target")
    for warning in plan.warnings:
        assert f"reports.plan-warning.{warning}" in catalogue()
    assert f"reports.rule.{plan.rule}" in catalogue()


def test_a_plan_on_the_lower_bound_never_mixes_it_with_the_index(plan_facts: PlanFacts) -> None:
    assert plan_facts.index is not None
    index = dataclasses.replace(plan_facts.index, basis="lower", expected=None, to_save=760.0)
    document, _ = planning.document(dataclasses.replace(plan_facts, index=index), "nl", "draft")
    assert "de behandelindex van 157 (de ondergrens) naar 130" in document.markdown
    assert "Om met de ondergrens op 130 uit te komen, moeten dat er 760 minder zijn." in document.markdown


def test_no_python_file_hides_among_the_templates() -> None:
    assert not list(shipped.schemas("templates").glob("**/*.py"))
