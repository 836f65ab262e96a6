"""`exchange agreement` for clients: a draft without blanks about them, and each page to hand out by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Run = Callable[..., Any]


def test_the_clients_draft_leaves_nothing_about_clients_to_fill_in(run: Run, town: Any) -> None:
    signs = ("--signs", "agb:07999990", "praktijkhouder", "eigenaar", "privacy@voorbeeld.invalid")
    made = run("agreement", "new", "client", "--id", "clienten", *signs, workspace=town["praktijk"])
    assert made.code == 0
    draft = town["praktijk"] / "agreements" / "clienten.yaml"
    checked = run("--json", "agreement", "check", draft)
    assert "error" not in {one["severity"] for one in checked.json["findings"]}
    page = town["praktijk"] / "vragenlijst.md"
    words = ("--language", "nl", "agreement", "show", draft, "--clause", "client-follow-up", "--to", page)
    assert run(*words, workspace=town["praktijk"]).code == 0
    assert page.read_text(encoding="utf-8").startswith("# Hoe gaat het nu met u?")
    printed = run("--language", "nl", "agreement", "show", draft, workspace=town["praktijk"]).out
    _, _, annex = printed.partition("# Bijlage 2.")
    assert "## Antwoorden van de cliënt op de vragenlijst" in annex
    assert "Antwoorden van de partner" not in annex


def test_a_clause_that_an_agreement_lacks_is_refused(run: Run, town: Any) -> None:
    refused = run("agreement", "show", "huisartsen", "--clause", "client-letter", workspace=town["praktijk"])
    assert refused.code == 11
    assert "client-letter" in refused.err
