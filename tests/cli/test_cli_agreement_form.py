"""exchange agreement form and its import: to fill in or print, totals, clients, a receipt, Excel and back."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from datetime import date, timedelta

import openpyxl
import pytest

HOSPITAL, CLIENTS = "agb:06999994", "local:clients"


@pytest.fixture
def form(run, town):
    """Return how to make the hospital's form."""

    def made(name, *words, agreement="ziekenhuis", partner=HOSPITAL):
        to = town["praktijk"].parent / name
        said = run("agreement", "form", agreement, "--partner", partner, "--to", to, *words, workspace=town["praktijk"])
        return said, to

    return made


def back(run, town, file, *words, agreement="ziekenhuis", partner=HOSPITAL):
    return run(
        "import", file, "--agreement", agreement, "--partner", partner, "--how", "per post", *words,
        workspace=town["praktijk"],
    )  # fmt: skip


def fill(file, answers=("Nee", "Niet bekend", "Ja")):
    """Answer every question, in turns; return how many there are."""
    book = openpyxl.load_workbook(file)
    sheet = book.active
    rows = [row for row in sheet.iter_rows(min_row=10) if row[2].value]
    for place, row in enumerate(rows):
        row[5].value = answers[place % len(answers)]
    book.save(file)
    return len(rows)


# To print ----------------------------------------------------------------------------------------------------------


def test_the_printed_form_has_three_boxes_and_none_is_ticked(form):
    said, page = form("vragen.html", "--language", "nl")
    assert said.code == 0
    text = page.read_text(encoding="utf-8")
    questions = text.count("Of de patiënt voor dezelfde klacht naar het ziekenhuis is verwezen")
    assert questions > 0
    assert text.count("☐") % 3 == 0
    assert text.count("☐") >= 3 * questions
    assert "Niet bekend" in text
    assert "nooit met gewone mail" in text


@pytest.mark.parametrize(("suffix", "language"), [(".pdf", "nl"), (".docx", "en")])
def test_it_is_printed_as_people_print(form, suffix, language):
    said, page = form(f"vragen{suffix}", "--language", language)
    assert said.code == 0
    assert page.stat().st_size > 5000


def test_no_form_says_who_it_is_about_and_the_practices_own_list_does(form, town):
    page = form("vragen.html")[1]
    codes = town["praktijk"].parent / "codes.csv"
    said, _ = form("vragen.xlsx", "--codes", codes, "--language", "nl")
    assert "alleen voor u" in said.out
    rows = list(csv.DictReader(io.StringIO(codes.read_text(encoding="utf-8-sig")), delimiter=";"))
    text = page.read_text(encoding="utf-8")
    assert rows
    for row in rows:
        assert row["Koppelcode"] in text
        assert row["EPD-nummer"]
        assert row["EPD-nummer"] not in text


def test_another_ending_is_refused(form):
    said, page = form("vragen.odt", "--json")
    assert said.json["error"]["rule"] == "reports.unknown-format"
    assert not page.exists()


# A receipt ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "word"), [("nl", "Ontvangstbevestiging"), ("en", "Receipt")])
def test_who_returned_a_form_gets_a_receipt(run, town, form, language, word):
    file = form("vragen.xlsx")[1]
    count = fill(file)
    page = file.with_name("ontvangst.md")
    said = back(run, town, file, "--receipt", page, "--language", language)
    assert said.code == 0, said.err
    assert str(page) in said.out
    text = page.read_text(encoding="utf-8")
    assert word in text
    assert f"| {count} |" in text
    assert "(SHA-256)" in text


def test_the_receipt_names_the_rows_that_were_not_taken(run, town, form):
    file = form("vragen.xlsx", "--language", "nl")[1]
    fill(file, ("Misschien", "Nee"))
    page = file.with_name("ontvangst.html")
    said = back(run, town, file, "--receipt", page, "--language", "nl")
    assert said.code == 3
    text = page.read_text(encoding="utf-8")
    assert "Regel 10" in text
    assert "kies ja, nee of niet bekend" in text
    assert "Misschien" not in text


def test_a_receipt_belongs_to_one_form(run, town, form):
    said = back(run, town, form("vragen.pdf")[1], "--receipt", "x.md", "--json")
    assert (said.code, said.json["error"]["rule"]) == (2, "program.usage")


# Through a spreadsheet program and back ----------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not here")
def test_what_a_spreadsheet_program_saved_reads_the_same(run, town, form, tmp_path):
    from exchange.agreements.form import read_form
    from exchange.operations.gathering import terms_of

    file = form("vragen.xlsx", "--language", "nl")[1]
    book = openpyxl.load_workbook(file)
    rows = [row for row in book.active.iter_rows(min_row=10) if row[2].value]
    rows[0][5].value, rows[0][6].value = "Ja", 2
    started = date(int(rows[0][3].value[6:]), int(rows[0][3].value[3:5]), int(rows[0][3].value[:2]))
    rows[0][7].value = started + timedelta(days=1)  # a real date, as a spreadsheet program stores it
    for row in rows[1:]:
        row[5].value = "Nee"
    book.active["B6"] = "secretariaat"
    book.save(file)
    command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "xlsx",
               "--outdir", str(tmp_path), str(file)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    with town.open("praktijk") as practice:
        frozen = terms_of(practice, "ziekenhuis").frozen
        before, after = (read_form(each.read_bytes(), frozen) for each in (file, tmp_path / file.name))
    assert after == before
    assert (after.filled_by, len(after.answers), after.findings) == ("secretariaat", len(rows), ())
    assert after.answers[0].first_day == started + timedelta(days=1)
    assert back(run, town, tmp_path / file.name).code == 0


# Totals ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def on_paper(run, town):
    """Return the id of an agreement with a GP who signs on paper, totals among its flows."""
    party, scan = "agb:01999977", town["praktijk"].parent / "scan.txt"
    scan.write_text("Verzonnen scan.", encoding="utf-8")
    words = ("partner", "paper", party, "--name", "Huisartsenpraktijk P (verzonnen)", "--kind", "gp")
    assert run(*words, workspace=town["praktijk"]).code == 0
    signs = [
        each for one in ("agb:07999990", party) for each in ("--signs", one, "eigenaar", "eigenaar", "p@x.invalid")
    ]
    made = run(
        "agreement", "new", "gp", "--partner", party, "--id", "papier", "--from", "2024-01-01", "--until", "2027-12-31",
        "--target", "substitution-net=0.8", *signs, "--json", workspace=town["praktijk"],
    )  # fmt: skip
    assert run("agreement", "sign", made.json["file"], workspace=town["praktijk"]).code == 0
    signed = run(
        "agreement", "sign", "papier", "--paper", party, "--authority", "eigenaar", "--scan", scan, "--signed-on",
        "2026-11-03", workspace=town["praktijk"],
    )  # fmt: skip
    assert signed.code == 0, signed.err
    return party


def test_a_form_for_totals_has_no_patients_and_is_taken_in_as_unsigned(run, town, form, on_paper):
    said, file = form("totalen.xlsx", "--totals", "--json", agreement="papier", partner=on_paper)
    assert (said.code, said.json["cases"], said.json["questions"]) == (0, 0, 2)
    book = openpyxl.load_workbook(file)
    rows = [row for row in book.active.iter_rows(min_row=10) if row[2].value]
    assert not any(row[0].value for row in rows)
    for row, value in zip(rows, (44, 31), strict=True):
        row[8].value, row[9].value = value, 400
    book.save(file)
    assert back(run, town, file, agreement="papier", partner=on_paper).code == 0
    with town.open("praktijk") as practice:
        kept = {one.start.year: one for one in practice.store.answers.aggregates() if one.partner == on_paper}
    assert {year: (one.value, one.population, one.evidence.value) for year, one in kept.items()} == {
        2023: (44, 400, "form"),
        2024: (31, 400, "form"),
    }
    page = form("totalen.html", "--totals", "--language", "nl", agreement="papier", partner=on_paper)[1]
    assert "zonder gegevens van patiënten" in page.read_text(encoding="utf-8")


def test_totals_outside_what_was_agreed_are_not_taken_in(run, town, form, on_paper):
    file = form("totalen.xlsx", "--totals", agreement="papier", partner=on_paper)[1]
    book = openpyxl.load_workbook(file)
    row = next(row for row in book.active.iter_rows(min_row=10) if row[2].value)
    row[3].value, row[8].value, row[9].value = "01-01-2001", 44, 400
    book.save(file)
    said = back(run, town, file, "--json", agreement="papier", partner=on_paper)
    assert said.code == 3
    assert [one["rule"] for one in said.json["forms"][0]["findings"]] == ["forms.not-allowed"]
    with town.open("praktijk") as practice:
        assert [one for one in practice.store.answers.aggregates() if one.partner == on_paper] == []


def test_where_no_totals_were_agreed_there_is_no_form_for_them(form):
    said, page = form("totalen.xlsx", "--totals", "--json")
    assert (said.code, said.json["error"]["rule"]) == (11, "forms.no-totals")
    assert said.json["error"]["hints"]
    assert not page.exists()


# Clients -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def clients(run, town):
    """Return the EPD numbers of two clients whose year after treatment is over since a month or so; one agreed."""
    signs = ("--signs", "agb:07999990", "eigenaar", "eigenaar", "p@x.invalid")
    made = run(
        "agreement", "new", "client", "--id", "clienten", "--indicator", "substitution-net", "--target",
        "substitution-net=0.8", "--from", "2026-11-01", "--covers-from", "2024-01-01", *signs, "--json",
        workspace=town["praktijk"],
    )  # fmt: skip
    assert run("agreement", "sign", made.json["file"], workspace=town["praktijk"]).code == 0
    head = "Patiëntnummer;Geboortedatum;Trajectnummer;Begin behandeling;Einde behandeling"
    rows = ["K1;01-02-1970;T-K1;01-06-2025;05-10-2025", "K2;03-04-1980;T-K2;01-06-2025;06-10-2025"]
    file = town["praktijk"].parent / "trajecten-k.csv"
    file.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    said = run("load", file, "--mapping", "epd-episodes", "--json", workspace=town["praktijk"])
    assert said.json["episodes"] == 2, said.out
    words = ("--epd", "K1", "--partner", CLIENTS, "--purpose", "effect", "--state", "given", "--evidence", "formulier")
    assert run("consent", "record", *words, workspace=town["praktijk"]).code == 0
    return "K1", "K2"


def test_only_clients_who_agreed_are_asked_in_their_own_words_when_the_time_has_come(form, town, clients):
    codes = town["praktijk"].parent / "codes.csv"
    said, page = form("client.html", "--codes", codes, "--language", "nl", agreement="clienten", partner=CLIENTS)
    assert said.code == 0
    text = page.read_text(encoding="utf-8")
    assert "Bent u voor dezelfde klacht naar het ziekenhuis verwezen?" in text
    assert "1 juni 2025 tot en met 4 oktober 2026" in text
    listed = codes.read_text(encoding="utf-8-sig")
    assert "K1" in listed
    assert "K2" not in listed


def test_what_a_client_reports_is_such_in_the_figures_and_is_not_asked_again(run, town, form, clients):
    file = form("client.xlsx", agreement="clienten", partner=CLIENTS)[1]
    assert fill(file, ("Nee",)) == 1
    assert back(run, town, file, agreement="clienten", partner=CLIENTS).code == 0
    with town.open("praktijk") as practice:
        cases = practice.store.cases.of_agreement("clienten")
        (answer,) = practice.store.answers.of_cases(one.case_id for one in cases)
    assert (answer.evidence.value, answer.status.value, answer.partner) == ("client", "no", CLIENTS)
    again, _ = form("client2.xlsx", "--json", agreement="clienten", partner=CLIENTS)
    assert (again.json["cases"], again.json["questions"]) == (0, 0)
    page = town["praktijk"].parent / "v.md"
    run("agreement", "review", "clienten", "--moment", "2027-05-01", "--to", page, workspace=town["praktijk"])
    assert "| Onze cliënten | 1 | 1 | 0 |" in page.read_text(encoding="utf-8")


def test_who_withdraws_is_asked_no_more_and_an_answer_comes_too_late(run, town, form, clients):
    file = form("client.xlsx", agreement="clienten", partner=CLIENTS)[1]
    fill(file, ("Nee",))
    words = ("--epd", "K1", "--partner", CLIENTS, "--purpose", "effect", "--state", "withdrawn", "--evidence", "brief")
    assert run("consent", "record", *words, workspace=town["praktijk"]).code == 0
    said = back(run, town, file, "--json", agreement="clienten", partner=CLIENTS)
    assert said.json["forms"][0]["answers"] == 0
    again, _ = form("client2.xlsx", "--json", agreement="clienten", partner=CLIENTS)
    assert again.json["cases"] == 0
