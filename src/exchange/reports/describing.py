"""An indicator's definition in the words of a page: title, what is counted, what it can't show, its sources."""

from __future__ import annotations

from exchange.findings.wording import LANGUAGES
from exchange.indicators.definition import Definition
from exchange.indicators.wording import counting
from exchange.reports.facts import DefinitionText


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
