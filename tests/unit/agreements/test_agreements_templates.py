"""Every template has every clause that the text of an agreement owes its reader, in both languages."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from exchange.agreements import clauses, drafting, listing, reading, signing
from exchange.agreements.agreement import Party, Signatory
from exchange.indicators.reading import shipped_definitions
from exchange.records.codes import PartnerKind

ON = date(2026, 1, 1)
KINDS = ("gp", "specialist", "social", "other", "client")
BETWEEN = ("gp", "specialist", "social", "other")

# What must be said -> the clause that says it, and words of it in Dutch and in English.
OWED: dict[str, tuple[str, str, str]] = {
    "occasion and purpose": ("occasion", "voor geen ander doel", "for no other"),
    "AVG article 6 per flow": ("legal-bases", "Artikel 6 AVG", "Article 6 GDPR"),
    "AVG article 9 per flow": ("legal-bases", "Artikel 9 AVG", "Article 9 GDPR"),
    "medical secrecy apart from it": ("legal-bases", "beroepsgeheim", "secrecy"),
    "who informs patients": ("informing", "vóór de eerste uitwisseling", "before the first exchange"),
    "who handles their rights": ("informing", "binnen een maand", "within a month"),
    "controller roles": ("controllers", "verwerkingsverantwoordelijk", "controller"),
    "consent and its withdrawal": ("consent", "intrekken", "withdraw"),
    "who may consent at which age": ("consent", "12 tot en met 15 jaar", "12 up to and including 15"),
    "indicators": ("indicators", "hoofdindicator", "primary indicator"),
    "baseline": ("indicators", "Uitgangswaarde", "Baseline"),
    "target": ("indicators", "Streefwaarde", "Target"),
    "data both ways": ("exchange", "Naar de praktijk", "To the practice"),
    "frequency": ("exchange", "Wanneer:", "When:"),
    "evaluation moments": ("evaluation", "op vaste momenten", "fixed moments"),
    "a target that is missed": ("consequences", "streefwaarde wordt niet gehaald", "target is missed"),
    "an answer that stays out": ("consequences", "antwoord blijft uit", "answer stays out"),
    "funding: activity": ("funding", "Activiteit", "Activity"),
    "funding: payer": ("funding", "Wie betaalt", "Who pays"),
    "funding: rate": ("funding", "Tarief", "Rate"),
    "funding: ceiling": ("funding", "Plafond", "Ceiling"),
    "funding: invoice route": ("funding", "Hoe gedeclareerd", "invoiced"),
    "double claims": ("funding", "twee keer betaald", "paid twice"),
    "onward use to the insurer": ("onward-use", "zorgverzekeraar", "insurer"),
    "preview": ("onward-use", "14 dagen van tevoren", "14 days beforehand"),
    "objection": ("onward-use", "bezwaar", "object"),
    "retention of this copy": ("retention", "niet over het zorgdossier", "not about the care record"),
    "breach notice in hours": ("breach", "uur na ontdekking", "hours"),
    "cost of delivery": ("costs", "eigen kosten", "own cost"),
    "liability": ("liability", "aansprakelijk", "liable"),
    "disputes": ("disputes", "bevoegde rechter", "court"),
    "keys": ("security", "vingerafdruk", "fingerprint"),
    "minimum suite": ("security", "ML-KEM-768", "ML-KEM-768"),
    "term": ("term", "geldt van", "from"),
    "renewal": ("term", "verlengd", "renew"),
    "early ending": ("term", "opzeggen", "notice"),
    "follow-up tail": ("ending", "90 dagen", "90 days"),
    "changes need signatures": ("changes", "nieuwe handtekeningen", "new signatures"),
}
CLIENT: dict[str, tuple[str, str, str]] = {
    "letter": ("client-letter", "Wat vragen we van u?", "What do we ask"),
    "free to refuse": ("client-letter", "U beslist zelf", "decide"),
    "rights": ("client-letter", "Autoriteit Persoonsgegevens", "Data Protection Authority"),
    "retention": ("client-letter", "maanden na het einde", "months after your treatment ends"),
    "consent per party, boxes without default": ("client-consent", "☐", "☐"),
    "consent by age": ("client-consent", "12 tot en met 15 jaar", "12 up to and including 15"),
    "home programme": ("client-home-programme", "oefeningen", "exercises"),
    "one page at 3, 6 and 12 months": ("client-follow-up", "☐ 3 maanden ☐ 6 maanden ☐ 12 maanden", "☐ 3 months"),
    "three choices": ("client-follow-up", "Weet ik niet", "Do not know"),
}


def draft(kind: str) -> Any:
    practice = Party(
        "agb:07999990", "Praktijk (verzonnen)", "practice", PartnerKind.PRACTICE, "keys",
        Signatory("eigenaar", "eigenaar"), "p@x.invalid", care_provider=True, card="1" * 40,
    )  # fmt: skip
    clients = kind == "client"
    partner = Party(
        "local:clients" if clients else "kvk:99999995" if kind == "social" else "agb:01999991", "Partner (verzonnen)",
        "partner", PartnerKind(kind), "paper" if clients else "keys", Signatory("hoofd", "volmacht"), "q@x.invalid",
        care_provider=kind not in {"social", "client"}, card="" if clients else "2" * 40,
    )  # fmt: skip
    definitions = shipped_definitions()
    usual = next(one for one in drafting.USUAL[PartnerKind(kind)] if one in definitions)
    text = drafting.new(
        PartnerKind(kind), practice, [partner], id=f"{kind}-test", on=ON, definitions=definitions,
        targets={usual: 0.8}, place="Voorbeeldstad (verzonnen)",
    )  # fmt: skip
    found, findings = reading.read(text.encode("utf-8"), "draft.yaml")
    assert found is not None, findings
    return found.agreement


@pytest.fixture(scope="module")
def frozen() -> dict[str, Any]:
    return {kind: signing.thaw(signing.freeze(draft(kind), shipped_definitions(), on=ON, draft=True)) for kind in KINDS}


def text_of(frozen: Any, clause: str, language: str) -> str:
    return next((one.text for one in frozen.clauses[language] if one.id == clause), "")


@pytest.mark.parametrize("owed", OWED)
@pytest.mark.parametrize("kind", BETWEEN)
def test_a_template_says_what_it_owes(frozen: Any, kind: str, owed: str) -> None:
    clause, dutch, english = OWED[owed]
    assert dutch.casefold() in text_of(frozen[kind], clause, "nl").casefold()
    assert english.casefold() in text_of(frozen[kind], clause, "en").casefold()


@pytest.mark.parametrize("owed", CLIENT)
def test_the_clients_pages_say_what_they_owe(frozen: Any, owed: str) -> None:
    clause, dutch, english = CLIENT[owed]
    assert dutch.casefold() in text_of(frozen["client"], clause, "nl").casefold()
    assert english.casefold() in text_of(frozen["client"], clause, "en").casefold()


@pytest.mark.parametrize("kind", BETWEEN)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_each_flow_has_its_own_grounds(frozen: Any, kind: str, language: str) -> None:
    text = text_of(frozen[kind], "legal-bases", language)
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line][1:]
    assert len(rows) == len(frozen[kind].agreement.flows)
    assert all(cell.strip() for row in rows for cell in row.strip("|").split("|"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_lawyer_gets_a_note_on_each_clause(frozen: Any, kind: str, language: str) -> None:
    notes = clauses.notes(frozen[kind].agreement, language)
    parts = re.split(r"^## .*$", notes, flags=re.MULTILINE)[1:]
    assert len(parts) == len(frozen[kind].agreement.clauses)
    assert all(len(part.strip()) > 15 for part in parts)


def test_the_letter_to_clients_is_plain_dutch(frozen: Any) -> None:
    """B1 as far as it can be counted: short sentences of ordinary words."""
    for clause in ("client-letter", "client-home-programme", "client-rights"):
        text = re.sub(r"[*_☐|#-]", " ", text_of(frozen["client"], clause, "nl"))
        sentences = [one.split() for one in re.split(r"[.?!:]\s|\n\n", text) if one.strip()]
        lengths = [len(one) for one in sentences]
        assert sum(lengths) / len(lengths) < 12
        assert max(lengths) <= 28
        words = [word.strip(",.()") for one in sentences for word in one]
        assert sum(len(word) > 14 for word in words) / len(words) < 0.04


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_list_for_a_layman_has_every_element_both_ways(frozen: Any, kind: str, language: str) -> None:
    page = listing.page(frozen[kind], language)
    there, back = page.split("\n## ")[1:3]
    for flow in frozen[kind].flows:
        part = there if flow.sender == "practice" else back
        for element in flow.elements:
            label = frozen[kind].labels[element.partition(":")[0]]["label"][language]
            assert f"- **{label}" in part
    assert ("burgerservicenummer (BSN)" in page) == (
        language == "nl" and "patient.bsn" not in frozen[kind].agreement.identity
    )
    assert "{" not in page


def test_a_child_and_a_company_doctor_are_thought_of() -> None:
    from exchange import shipped

    social, other = (
        shipped.agreements("templates", f"{kind}.yaml").read_text(encoding="utf-8") for kind in ("social", "other")
    )
    assert "payer: jeugdwet" in social
    assert "bedrijfsarts" in other.partition("flows:")[0].rpartition("purposes:")[2]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("gemeente", "wijkteam", "welzijn op recept", "school", "jeugdhulp"), "social"),
        (("fysiotherapeut", "diëtist", "bedrijfsarts"), "other"),
        (("HAGRO",), "gp"),
    ],
)
def test_a_template_says_for_whom_it_is(words: tuple[str, ...], kind: str) -> None:
    from exchange import shipped

    text = shipped.agreements("templates", f"{kind}.yaml").read_text(encoding="utf-8")
    assert all(word in text for word in words)
