"""The table plan: which splits of a figure may go outside, in the draft, in print, and in what was signed before."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from exchange.agreements import clauses, deriving, drafting, signing
from exchange.agreements.diff import diff
from exchange.agreements.frozen import Window
from exchange.agreements.reading import read
from exchange.findings import say
from exchange.records.codes import PartnerKind


def printed(world: Any, agreement: Any, language: str) -> str:
    flows = deriving.flows(agreement, world.definitions)
    found = clauses.render(agreement, world.definitions, flows, Window(0, 28), language)
    return next(one.text for one in found if one.id == "onward-use")


def test_a_draft_proposes_what_the_summary_draws_and_clients_nothing(world: Any) -> None:
    agreement = world.draft().agreement
    assert agreement.plans("substitution-net", ("half-year",))
    assert not agreement.plans("substitution-net", ("month",))
    assert not agreement.plans("specialist-referral-rate", ("half-year",))  # totals of others, before and after
    assert world.draft(PartnerKind.CLIENT).agreement.table_plan == ()


def test_the_whole_figure_needs_no_plan_and_a_table_of_two_plans_no_margin(world: Any) -> None:
    agreement = world.changed(
        lambda raw: raw.update({"table-plan": [{"indicator": "onward-advice", "by": ["month", "sex"]}]})
    ).agreement
    assert agreement.plans("anything", ())
    assert agreement.plans("onward-advice", ("sex", "month"))
    assert not agreement.plans("onward-advice", ("sex",))
    assert not agreement.plans("substitution-net", ("month", "sex"))


def test_the_clause_prints_each_split_in_both_languages(world: Any) -> None:
    def change(raw: dict[str, Any]) -> None:
        raw["table-plan"] = [{"indicator": "onward-advice", "by": ["location", "month"]}]

    agreement = world.changed(change).agreement
    title = world.definitions["onward-advice"].title
    assert f"- {title['nl']}: naar lichaamsplaats en maand.\n" in printed(world, agreement, "nl")
    assert f"- {title['en']}: by body location and month.\n" in printed(world, agreement, "en")


def test_without_a_plan_the_clause_says_that_only_whole_figures_go(world: Any) -> None:
    agreement = world.changed(lambda raw: raw.pop("table-plan")).agreement
    assert "alleen als geheel cijfer" in printed(world, agreement, "nl")
    assert "only as whole figures" in printed(world, agreement, "en")


def test_a_wrong_split_is_found_on_its_line(world: Any) -> None:
    text = world.text(PartnerKind.GP).replace('- "half-year"', '- "postcode"', 1)
    _, findings = read(text.encode(), "draft.yaml")
    (found,) = findings
    wanted = next(number for number, line in enumerate(text.splitlines(), 1) if "postcode" in line)
    assert (found.rule, found.line) == ("agreements.shape-choice", wanted)
    for language in ("nl", "en"):
        assert "half-year" in say(found.rule, found.params, language)


def test_the_plan_is_signed_and_what_was_signed_without_one_reads_and_keeps_its_digest(world: Any) -> None:
    payload = world.payload()
    assert signing.thaw(payload).agreement.plans("substitution-net", ("half-year",))
    content = json.loads(payload)
    del content["agreement"]["table-plan"]
    before = signing.canonical(content)
    frozen = signing.thaw(before)
    assert frozen.digest == signing.digest(before) != signing.digest(payload)
    assert frozen.agreement.table_plan == ()
    assert not frozen.agreement.plans("substitution-net", ("half-year",))


def test_a_changed_plan_needs_new_signatures_and_goes_along_to_the_next_version(world: Any) -> None:
    before = world.draft().agreement
    after = world.changed(lambda raw: raw["table-plan"].append({"indicator": "onward-advice", "by": ["sex"]})).agreement
    (change,) = diff(before, after)
    assert change.path.startswith("table-plan")
    assert change.new_signatures
    raw = drafting.next_version(after, on=date(2028, 1, 1), months=24)
    assert raw["table-plan"] == after.raw["table-plan"]
    assert list(raw).index("table-plan") == list(raw).index("onward-use") + 1
