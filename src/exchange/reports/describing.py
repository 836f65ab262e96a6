"""What indicators says, in the form the pages take: a definition's words, and the plan for a diagnosis group."""

from __future__ import annotations

from exchange.findings.wording import LANGUAGES
from exchange.indicators.definition import Definition
from exchange.indicators.index import GroupPlan as Planned
from exchange.indicators.wording import counting
from exchange.reports.facts import DefinitionText, GroupPlan


def describe(definition: Definition) -> DefinitionText:
    """Return a definition's texts in every language; its limits stand apart, under a head of their own."""
    return DefinitionText(
        definition.id,
        definition.version,
        dict(definition.title),
        {
            language: " ".join((definition.rationale[language], *counting(definition, language)))
            for language in LANGUAGES
        },
        dict(definition.limits),
        "; ".join(f"{source.text}{f' (doi:{source.doi})' if source.doi else ''}" for source in definition.sources),
    )


def group_plan(planned: Planned, group: str) -> GroupPlan:
    """Return a diagnosis group's plan under the group's name, with the warnings' ids as the pages know them."""
    warnings = tuple(finding.rule.removeprefix("indicators.plan-") for finding in planned.warnings)
    return GroupPlan(group, planned.patients, planned.mean, planned.goal, planned.rule, warnings)
