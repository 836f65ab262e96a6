"""Whole pages that a person reads in the diff: made from invented facts, kept as Markdown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exchange.reports import pages
from exchange.reports.facts import PlanFacts, SummaryFacts

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "reports"


@pytest.mark.parametrize(
    "name", ["summary.nl.md", "summary.en.md", "plan-final.nl.md", "plan-draft.en.md", "progress.nl.md"]
)
def test_a_page_reads_as_it_was_agreed(
    name: str, summary_facts: SummaryFacts, plan_facts: PlanFacts, tmp_path: Path
) -> None:
    # To accept a change: `make golden`, and read the diff.
    kind, language, _ = name.split(".")
    made = tmp_path / name
    if kind == "summary":
        pages.summary(summary_facts, language, made)
    elif kind == "progress":
        pages.progress(plan_facts, language, made)
    else:
        pages.plan(plan_facts, language, kind.removeprefix("plan-"), made)
    if os.environ.get("GOLDEN") == "write":
        (GOLDEN / name).write_bytes(made.read_bytes())
    assert made.read_text(encoding="utf-8") == (GOLDEN / name).read_text(encoding="utf-8")
