"""The pages in every format, from invented facts."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from exchange.errors import ReportError
from exchange.reports import converting, pages, planning, summarising
from exchange.reports.converting import Document
from exchange.reports.facts import Audience, GroupPlan, Organisation, Partner, PlanFacts, SummaryFacts
from exchange.reports.questions import questions

_AGAIN = """
import pickle, sys
from pathlib import Path
from exchange.reports import pages
facts, plan, folder = pickle.loads(Path(sys.argv[1]).read_bytes())
for suffix in pages.SUMMARY_FORMATS:
    pages.summary(facts, "nl", Path(folder) / f"summary{suffix}")
for suffix in pages.PLAN_FORMATS:
    pages.plan(plan, "nl", "draft", Path(folder) / f"plan{suffix}")
"""


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def word_text(file: Path) -> str:
    with zipfile.ZipFile(file) as archive:
        return unescape(re.sub(r"<[^>]+>", "", archive.read("word/document.xml").decode()))


@pytest.mark.slow
def test_two_processes_in_two_time_zones_write_the_same_bytes(
    summary_facts: SummaryFacts, plan_facts: PlanFacts, tmp_path: Path
) -> None:
    made = []
    for name, zone, seed in (("a", "Pacific/Auckland", "1"), ("b", "America/Los_Angeles", "2")):
        folder = tmp_path / name
        folder.mkdir()
        (tmp_path / "facts").write_bytes(pickle.dumps((summary_facts, plan_facts, str(folder))))
        environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", _AGAIN, str(tmp_path / "facts")], env=environment, check=True)
        made.append(digests(folder))
    assert len(made[0]) == 10
    assert made[0] == made[1]


def test_html_is_one_file_that_asks_for_nothing(summary_facts: SummaryFacts, tmp_path: Path) -> None:
    pages.summary(summary_facts, "nl", tmp_path / "s.html")
    html = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert '<html lang="nl">' in html
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", html)
    assert "<script" not in html
    assert html.count("<img") == html.count('alt="') == 5
    assert "INTERN" in html


def test_in_word_a_chart_its_note_and_the_table_of_its_data_stay_on_one_page(
    summary_facts: SummaryFacts, tmp_path: Path
) -> None:
    pages.summary(summary_facts, "nl", tmp_path / "kept.docx")
    with zipfile.ZipFile(tmp_path / "kept.docx") as archive:
        body = archive.read("word/document.xml").decode("utf-8")
    blocks = re.findall(r"<w:tbl>.*?</w:tbl>|<w:p>.*?</w:p>", body, re.DOTALL)
    drawn = [place for place, block in enumerate(blocks) if "<w:drawing>" in block]
    notes = 0
    for place in drawn:
        following = blocks[place : place + 3]
        table = next(number for number, block in enumerate(following) if block.startswith("<w:tbl>"))
        assert all("<w:keepNext" in block for block in following[:table])
        notes += table - 1
    assert len(drawn) >= 3
    assert notes  # a note stands between some of them


def test_word_carries_title_language_banner_and_alternative_texts(summary_facts: SummaryFacts, tmp_path: Path) -> None:
    pages.summary(summary_facts, "nl", tmp_path / "s.docx")
    with zipfile.ZipFile(tmp_path / "s.docx") as archive:
        body = archive.read("word/document.xml").decode()
        core = archive.read("docProps/core.xml").decode()
        assert all(entry.date_time == (1980, 1, 1, 0, 0, 0) for entry in archive.infolist())
    assert "<dc:title>Indicatorenoverzicht Oefentherapie Voorbeeld</dc:title>" in core
    assert "2026-07-15T12:00:00Z" in core
    assert body.count("<wp:docPr descr=") == 5
    assert "tblHeader" in body
    assert "INTERN" in body


def test_a_pdf_says_that_it_is_accessible(summary_facts: SummaryFacts, tmp_path: Path) -> None:
    pages.summary(summary_facts, "nl", tmp_path / "s.pdf")
    data = (tmp_path / "s.pdf").read_bytes()
    assert b"pdfuaid" in data
    assert b"CreationDate" not in data


def test_a_workbook_holds_numbers_and_no_formulas(summary_facts: SummaryFacts, tmp_path: Path) -> None:
    formula = dataclasses.replace(summary_facts, organisation=Organisation("=1+1"))
    pages.summary(formula, "nl", tmp_path / "s.xlsx")
    book = openpyxl.load_workbook(tmp_path / "s.xlsx")
    assert book.sheetnames == ["Over dit bestand", "Cijfers", "Definities", "Afspraken", "Grafiekgegevens", "Verloop"]
    heads = [cell.value for cell in book["Cijfers"][1]]
    first = dict(zip(heads, (cell.value for cell in book["Cijfers"][2]), strict=True))
    assert first["Waarde"] == pytest.approx(45 / 54)
    assert first["Teller"] == 45
    lines = [
        dict(zip(heads, (cell.value for cell in row), strict=True)) for row in book["Cijfers"].iter_rows(min_row=3)
    ]
    hidden = next(line for line in lines if line["Afgeschermd"])
    assert hidden["Waarde"] is hidden["Teller"] is hidden["Noemer"] is None
    assert book["Over dit bestand"]["B1"].data_type == "s"


def test_json_is_one_document_with_each_figure_as_a_sentence_too(summary_facts: SummaryFacts, tmp_path: Path) -> None:
    pages.summary(summary_facts, "en", tmp_path / "s.json")
    read = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    assert read["document"] == "indicator-summary"
    assert [figure["agreement"] for figure in read["figures"]] == ["a1", "a1", None, None, None]
    assert read["figures"][0]["sentence"].startswith("Net substitution: 83.3%")
    assert read["start"] == "2025-01-01"


def test_an_ending_that_is_not_made_is_refused_and_nothing_is_written(
    summary_facts: SummaryFacts, plan_facts: PlanFacts, tmp_path: Path
) -> None:
    with pytest.raises(ReportError) as refused:
        pages.summary(summary_facts, "nl", tmp_path / "s.odt")
    assert refused.value.rule == "reports.unknown-format"
    with pytest.raises(ReportError):
        pages.plan(plan_facts, "nl", "draft", tmp_path / "p.xlsx")
    assert list(tmp_path.iterdir()) == []


def empty(on: date, name: str = "") -> SummaryFacts:
    return SummaryFacts(Organisation(name), on, on, on)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_an_empty_practice_gives_a_page_that_says_so(language: str, tmp_path: Path) -> None:
    facts = empty(date(2026, 7, 15), "Oefentherapie Leeg")
    for suffix in pages.SUMMARY_FORMATS:
        pages.summary(facts, language, tmp_path / f"s{suffix}")
    text = (tmp_path / "s.md").read_text(encoding="utf-8")
    said = "nog geen cijfers" if language == "nl" else "no figures for this period"
    assert said in text
    assert "None" not in text


@pytest.mark.parametrize(
    "name", ["x" * 300, "שלום עולם", "مرحبا بالعالم", "O'Brien & <b>Zn.</b> [[picture loop]]", "1. A"]
)
def test_any_name_gives_every_format(summary_facts: SummaryFacts, name: str, tmp_path: Path) -> None:
    facts = dataclasses.replace(
        summary_facts,
        organisation=Organisation(name),
        agreements=tuple(
            dataclasses.replace(one, title=name, partners=(name,)) for one in summary_facts.agreements[:1]
        ),
        charts=dataclasses.replace(summary_facts.charts, index=None, sessions=None, changes=()),
    )
    for suffix in (".html", ".docx", ".pdf"):
        pages.summary(facts, "nl", tmp_path / f"s{suffix}")
    html = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert "<b>Zn" not in html
    assert html.count("<img") == 2
    assert name in word_text(tmp_path / "s.docx")


def test_the_first_page_never_adds_up_over_a_hidden_part(summary_facts: SummaryFacts, invented: Any) -> None:
    from exchange.reports.facts import Loop

    hidden = dataclasses.replace(
        summary_facts, agreements=(*summary_facts.agreements, invented.agreement(loop=Loop(20, None, 15, None)))
    )
    assert summarising.certainty(summary_facts)["unanswered"] == 9
    assert summarising.certainty(hidden)["unanswered"] is None


def test_a_draft_marks_every_blank_and_lists_it(plan_facts: PlanFacts, tmp_path: Path) -> None:
    bare = PlanFacts(Organisation(""), plan_facts.on, plan_facts.start, plan_facts.end)
    for suffix in pages.PLAN_FORMATS:
        missing = pages.plan(bare, "nl", "draft", tmp_path / f"p{suffix}")
    assert missing == tuple(one.id for one in questions())
    text = (tmp_path / "p.md").read_text(encoding="utf-8")
    listed = text.split("## Wat nog ontbreekt")[1]
    for one in questions():
        assert one.blank["nl"] in listed
        if one.required:
            assert text.split("## Wat nog ontbreekt")[0].count(f"in te vullen: {one.blank['nl']}") >= 1
    assert "None" not in text
    assert "CONCEPT" in word_text(tmp_path / "p.docx")


def test_a_final_letter_refuses_an_open_required_blank_and_writes_nothing(
    plan_facts: PlanFacts, tmp_path: Path
) -> None:
    answers = {name: text for name, text in plan_facts.answers.items() if name not in {"closing", "approach"}}
    with pytest.raises(ReportError) as refused:
        pages.plan(dataclasses.replace(plan_facts, answers=answers), "nl", "final", tmp_path / "p.docx")
    assert refused.value.rule == "reports.blanks-open"
    assert refused.value.params == {"number": 2, "blanks": "approach, closing"}
    assert list(tmp_path.iterdir()) == []


def test_a_final_letter_drops_what_is_empty_and_may_be(plan_facts: PlanFacts, tmp_path: Path) -> None:
    facts = dataclasses.replace(plan_facts, prem=None, outcome=(), durable=(), substitution=())
    missing = pages.plan(facts, "nl", "final", tmp_path / "p.md")
    text = (tmp_path / "p.md").read_text(encoding="utf-8")
    assert set(missing) >= {"prem", "klinimetrie", "durable-discharge", "substitution-potential"}
    assert json.loads((tmp_path / "p.provenance.json").read_text())["load"] == 12
    assert "in te vullen" not in text
    assert "Wat patiënten zeggen" not in text
    assert "Wat nog ontbreekt" not in text


def test_a_final_letter_is_never_made_from_internal_facts(plan_facts: PlanFacts, tmp_path: Path) -> None:
    internal = dataclasses.replace(plan_facts, audience=Audience.INTERNAL)
    with pytest.raises(ReportError) as refused:
        pages.plan(internal, "nl", "final", tmp_path / "p.docx")
    assert refused.value.rule == "reports.internal-final"


def test_a_letter_of_more_than_three_pages_is_refused(plan_facts: PlanFacts, tmp_path: Path) -> None:
    long = {**plan_facts.answers, "approach": "\n\n".join(["Dit is een verzonnen lang antwoord. " * 12] * 30)}
    with pytest.raises(ReportError) as refused:
        pages.plan(dataclasses.replace(plan_facts, answers=long), "nl", "final", tmp_path / "p.docx")
    assert refused.value.rule == "reports.letter-too-long"
    assert refused.value.params["allowed"] == 3


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_letter_itself_takes_two_pages_of_the_three(plan_facts: PlanFacts, language: str) -> None:
    document, _ = planning.document(plan_facts, language, "final")
    assert converting.pages_before_annex(document) == 2


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_letter_of_a_bigger_practice_is_three_pages_and_whole(
    plan_facts: PlanFacts, tmp_path: Path, language: str
) -> None:
    """Sixteen partners, six agreements, seven groups, four further points and five approved comments."""
    kinds = ("gp", "specialist", "social", "other")
    (one, *_) = plan_facts.agreements
    assert plan_facts.prem is not None
    bigger = dataclasses.replace(
        plan_facts,
        partners=tuple(Partner(f"Praktijk {n} (verzonnen)", kinds[n % 4], agreed=n < 6) for n in range(16)),
        agreements=tuple(
            dataclasses.replace(
                one, id=f"a{n}", title=f"Afspraak {n} (verzonnen)", kind=kinds[n % 4],
                partners=(f"Praktijk {n} (verzonnen)",),
            )
            for n in range(6)
        ),
        groups=tuple(GroupPlan(f"Lichaamsdeel {n} (verzonnen)", 40 + n, 15.5, 10.5) for n in range(7)),
        improvement_points=tuple(
            dataclasses.replace(plan_facts.improvement_points[0], title=f"verbeterpunt {n}") for n in range(4)
        ),
        good_practices=plan_facts.good_practices[:1] * 2,
    )  # fmt: skip
    document, _ = planning.document(bigger, language, "final")
    assert converting.pages_before_annex(document) <= 3
    pages.plan(bigger, language, "final", tmp_path / "p.docx")
    letter = document.markdown.split("::: annex")[0]
    assert all(f"Praktijk {n} (verzonnen)" in letter for n in range(16))
    assert all(f"Lichaamsdeel {n} (verzonnen)" in letter for n in range(7))


@pytest.fixture(scope="module")
def drafted(plan_facts: PlanFacts) -> Document:
    return planning.document(plan_facts, "nl", "draft")[0]


def test_the_plan_that_misses_the_target_says_so(drafted: Document) -> None:
    assert "uit op een behandelindex van 139, en dat is nog niet de streefwaarde van 130" in drafted.markdown
    assert "18 is niet lager dan het huidige gemiddelde" in drafted.markdown


def test_the_index_and_the_judged_bound_are_told_apart(drafted: Document) -> None:
    assert "Mijn behandelindex is 176 (over 2025, interval 157 tot 197)" in drafted.markdown
    assert "u staat hoogstens 149 toe. U toetst de ondergrens, 157." in drafted.markdown


def test_an_index_within_the_limit_is_not_called_too_high(plan_facts: PlanFacts) -> None:
    assert plan_facts.index is not None
    assert plan_facts.index.band is not None
    band = dataclasses.replace(plan_facts.index.band, upper=160)
    index = dataclasses.replace(plan_facts.index, band=band)
    document, _ = planning.document(dataclasses.replace(plan_facts, index=index), "nl", "draft")
    assert "te hoog" not in document.markdown


def test_every_figure_of_the_letter_has_its_endnote_once(drafted: Document) -> None:
    letter, annex = drafted.markdown.split("::: annex")
    marks = re.findall(r"\^(\d+)\^", letter)
    assert marks == ["1", "2", "3", "4"]
    assert len(re.findall(r"^\d+\. \*\*", annex, re.MULTILINE)) == 4


def test_an_agreement_that_is_not_in_force_is_not_shown_as_one(plan_facts: PlanFacts, invented: Any) -> None:
    facts = dataclasses.replace(plan_facts, agreements=(invented.agreement(state="draft"),))
    document, missing = planning.document(facts, "nl", "draft")
    assert "op dit moment zijn die er nog niet" in document.markdown
    assert "exchange-with" in missing


def test_progress_sets_plan_against_realised(plan_facts: PlanFacts, tmp_path: Path) -> None:
    for suffix in pages.PLAN_FORMATS:
        pages.progress(plan_facts, "nl", tmp_path / f"v{suffix}")
    text = (tmp_path / "v.md").read_text(encoding="utf-8")
    assert "80% in 2026." in text
    assert "55% in juni 2026." in text


def test_a_signed_agreement_prints_from_its_own_text(tmp_path: Path) -> None:
    for suffix in pages.AGREEMENT_FORMATS:
        pages.agreement_document(
            "# Afspraak\n\n| A | B |\n|---|---|\n| 1 | 2 |\n", tmp_path / f"a{suffix}", "Afspraak", "nl",
            on=date(2026, 1, 1),
        )  # fmt: skip
    assert '<th scope="row"' in (tmp_path / "a.html").read_text() or "<th" in (tmp_path / "a.html").read_text()
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_text_of_a_partner_reaches_for_nothing_and_runs_nothing(tmp_path: Path) -> None:
    hostile = (
        "![foto](http://127.0.0.1:9/x.png) ![b](/etc/hostname) [klik](javascript:alert) [site](https://example.org)\n\n"
        "```{=html}\n<script>x</script>\n```\n\n```{=typst}\n#panic()\n```\n\n<img src=x onerror=y>\n"
    )
    for suffix in pages.AGREEMENT_FORMATS:
        pages.agreement_document(hostile, tmp_path / f"a{suffix}", "A", "nl", on=date(2026, 1, 1))
    made = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<img" not in made
    assert "<script" not in made
    assert "javascript" not in made
    assert 'href="https://example.org"' in made


def test_the_practice_own_letterhead_is_used(tmp_path: Path, plan_facts: PlanFacts) -> None:
    from exchange.reports import word

    own = tmp_path / "briefpapier.docx"
    own.write_bytes(word.reference(converting._pandoc_default_reference(), "Eigen pagina", "van"))
    pages.progress(plan_facts, "nl", tmp_path / "v.docx", reference=own)
    with zipfile.ZipFile(tmp_path / "v.docx") as archive:
        footers = [
            archive.read(name).decode() for name in archive.namelist() if "footer" in name and name.endswith("xml")
        ]
    assert any("Eigen pagina" in footer for footer in footers)


@pytest.mark.parametrize("content", [b"", b"no zip", "empty", "macro"])
def test_what_is_no_plain_word_document_is_no_letterhead(
    content: bytes | str, tmp_path: Path, plan_facts: PlanFacts
) -> None:
    file = tmp_path / "x.docx"
    if isinstance(content, str):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            names = ("[Content_Types].xml", "word/document.xml", "word/styles.xml", "word/vbaProject.bin")
            for name in names if content == "macro" else ():
                archive.writestr(name, "x")
        content = packed.getvalue()
    file.write_bytes(content)
    with pytest.raises(ReportError) as refused:
        pages.progress(plan_facts, "nl", tmp_path / "v.docx", reference=file)
    assert refused.value.rule == "reports.reference-unreadable"
    assert not (tmp_path / "v.docx").exists()


@pytest.mark.parametrize("lines", range(36, 46, 3))
def test_a_line_that_announces_a_table_stands_on_the_page_of_its_table(lines: int, tmp_path: Path) -> None:
    rows = "".join(f"| rij {number} | {number} |\n" for number in range(8))
    text = "Gewone regel.\n\n" * lines + "**Doel.** In minder keren af:\n\n| a | b |\n|---|---|\n" + rows
    converting.write(Document(text, "Proef", "nl", date(2026, 1, 1)), tmp_path / "proef.pdf")
    if shutil.which("pdftotext") is None:
        pytest.skip("Debian's poppler-utils is not here")
    read = subprocess.run(["pdftotext", "-raw", str(tmp_path / "proef.pdf"), "-"], capture_output=True, check=True)
    pages_read = read.stdout.decode("utf-8").split("\f")
    (page,) = (each for each in pages_read if "In minder keren af" in each)
    assert all(f"rij {number}" in page for number in range(8))
