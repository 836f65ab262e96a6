"""exchange referral form and record --from: one question, no default, and a receipt of what was taken."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

SINCE = ("--since", "2026-01-01")
CODE, EPD, REFERRER, DAY, OTHERWISE, BY, ON = "A", "B", "C", "D", "H", "I", "J"


def sheet(file: Path) -> Any:
    """Return a form's sheet, to fill in."""
    return load_workbook(file).active


def filled(form: Path, to: Path, cells: dict[str, object]) -> Path:
    """Fill in cells of a form, as a person does."""
    book = load_workbook(form)
    for place, value in cells.items():
        book.active[place] = value
    book.save(to)
    return to


@pytest.fixture
def form(run: Any, demo: Path, tmp_path: Path) -> Path:
    """Return a form about every open question of the demo since 2026."""
    ran = run("referral", "form", *SINCE, "--to", tmp_path / "formulier.xlsx", "--language", "nl",
              workspace=demo / "praktijk")  # fmt: skip
    assert (ran.code, ran.err) == (0, "")
    return tmp_path / "formulier.xlsx"


def test_no_answer_is_chosen_beforehand_and_the_seven_days_are_on_it(form: Path) -> None:
    page = sheet(form)
    rows = list(page.iter_rows(min_row=7, values_only=True))
    assert rows
    assert all(row[7] in (None, "") and row[9] in (None, "") for row in rows)
    for row in rows:
        assert (datetime.strptime(row[5], "%d-%m-%Y") - datetime.strptime(row[4], "%d-%m-%Y")).days == 7  # noqa: DTZ007
    (choices,) = page.data_validations.dataValidation
    assert choices.formula1.count(",") == 6
    assert "zeven dagen" in str(page["B5"].value)


def test_a_filled_in_form_comes_back_and_twice_changes_nothing(run: Any, demo: Path, form: Path) -> None:
    practice = demo / "praktijk"
    page = sheet(form)
    until = page["F7"].value
    back = filled(form, form.with_name("terug.xlsx"), {
        "H7": "naar het ziekenhuis verwezen", "I7": "huisarts", "J7": until, "C7": "01999991",
    })  # fmt: skip
    first = run("referral", "record", "--from", back, "--json", workspace=practice)
    assert (first.code, first.json["recorded"]) == (0, 1)
    (line,) = first.json["form"]["lines"]
    assert (line["epd_number"], line["otherwise"], line["counts"]) == (page["B7"].value, "hospital", True)
    again = run("referral", "record", "--from", back, "--json", workspace=practice).json
    assert (again["recorded"], again["form"]["lines"][0]["already"]) == (0, True)
    listed = run("referral", "list", "--json", workspace=practice).json["referrals"]
    mine = [one for one in listed if one["epd_number"] == page["B7"].value and one["otherwise"] == "hospital"]
    assert any(one["counts"] for one in mine)


def test_a_late_answer_is_kept_and_said_not_to_count(run: Any, demo: Path, form: Path) -> None:
    back = filled(form, form.with_name("laat.xlsx"), {"H7": "niets", "C7": "1999991"})
    ran = run("referral", "record", "--from", back, "--language", "nl", workspace=demo / "praktijk")
    assert ran.code == 0
    assert "tellen niet mee" in ran.out


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"H7": "toveren"}, "referring.row-answer"),
        ({"H7": "niets", "A7": "XXXX-XXXX-XXXX"}, "referring.row-unknown"),
        ({"H7": "niets", "J7": "31-12-2030"}, "referring.row-ahead"),
        ({"H7": "niets", "J7": "gisteren"}, "referring.row-day"),
        ({"H7": "niets", "J7": "01-01-2020"}, "referring.row-before"),
        ({"H7": "niets", "C7": "dokter"}, "referring.row-referrer"),
        ({"H7": "niets", "I7": "x" * 200}, "referring.row-text"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_of_it_is_taken(
    run: Any, demo: Path, form: Path, cells: dict[str, object], rule: str, snapshot: Any
) -> None:
    practice = demo / "praktijk"
    before = snapshot(practice)["dataset"]
    ran = run("referral", "record", "--from", filled(form, form.with_name("fout.xlsx"), cells), "--json",
              workspace=practice)  # fmt: skip
    assert ran.code == 3
    (finding,) = ran.json["form"]["findings"]
    assert (finding["rule"], finding["line"]) == (rule, 7)
    assert not any(str(value) in ran.out for place, value in cells.items() if len(str(value)) > 5 and place != "A7")
    assert snapshot(practice)["dataset"] == before


@pytest.mark.parametrize(
    ("cells", "rule"), [({"B2": "0" * 24}, "referring.form-other"), ({"H7": "=1+1"}, "sources.formula")]
)
def test_a_form_of_another_workspace_and_one_with_formulas_are_refused(
    run: Any, demo: Path, form: Path, cells: dict[str, object], rule: str
) -> None:
    back = filled(form, form.with_name("vreemd.xlsx"), cells)
    ran = run("referral", "record", "--from", back, "--json", workspace=demo / "praktijk")
    assert (ran.code, ran.json["error"]["rule"]) == (15, rule)


def test_a_form_for_a_referrer_has_only_theirs_and_no_epd_number(run: Any, demo: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    ran = run("referral", "form", *SINCE, "--referrer", "agb:01999991", "--to", file, "--json",
              workspace=demo / "praktijk")  # fmt: skip
    rows = list(sheet(file).iter_rows(min_row=7, values_only=True))
    assert ran.json["treatments"] == len(rows) > 0
    assert {(row[1] or "", row[2]) for row in rows} == {("", "01999991")}


def test_the_same_treatment_keeps_its_code(run: Any, demo: Path, form: Path, tmp_path: Path) -> None:
    again = tmp_path / "weer.xlsx"
    run("referral", "form", *SINCE, "--to", again, workspace=demo / "praktijk")
    assert sheet(again)["A7"].value == sheet(form)["A7"].value


def test_the_printed_form_has_one_page_a_treatment_and_says_nobody(run: Any, treated: Any, tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not here")
    practice = treated["praktijk"]
    with treated.open("praktijk") as workspace:
        people = [workspace.store.patient_identity(one.patient_id) for one in workspace.store.dataset().patients]
    words = [option for one in people[:2] for option in ("--epd", one.epd_number)]
    ran = run("referral", "form", *words, "--to", tmp_path / "f.pdf", "--language", "nl", workspace=practice)
    assert (ran.code, ran.err) == (0, "")
    done = subprocess.run(["pdftotext", str(tmp_path / "f.pdf"), "-"], capture_output=True, text=True, check=True)
    pages = done.stdout.removesuffix("\f").split("\f")
    assert len(pages) == 2
    for page in pages:
        assert page.count("☐") == 7
        assert "zeven dagen" in page
    assert not any(str(one.name) in page or str(one.epd_number) in page for one in people for page in pages)
    blank = run("referral", "form", "--blank", "--to", tmp_path / "leeg.html", "--language", "nl", workspace=practice)
    assert blank.code == 0
    html = (tmp_path / "leeg.html").read_text(encoding="utf-8")
    assert '<html lang="nl"' in html
    assert "checked" not in html


def test_a_table_of_such_columns_is_taken_too(run: Any, treated: Any, tmp_path: Path) -> None:
    practice = treated["praktijk"]
    with treated.open("praktijk") as workspace:
        first = workspace.store.dataset().patients[0].patient_id
        number = workspace.store.patient_identity(first).epd_number
    file = tmp_path / "tabel.csv"
    head = "Patiëntnummer;Verwijzer;Verwijsdatum;Anders;Beantwoord door;Beantwoord op\n"
    file.write_text(f"{head}{number};01999991;02-01-2026;medicijnen;huisarts;03-01-2026\nNIEMAND;;;gp;;\n")
    ran = run("referral", "record", "--from", file, "--json", workspace=practice)
    assert (ran.code, ran.json["recorded"]) == (3, 1)
    assert [one["rule"] for one in ran.json["form"]["findings"]] == ["referring.row-unknown"]
    assert "NIEMAND" not in ran.out


def test_direct_access_stands_apart_in_the_list(run: Any, demo: Path) -> None:
    listed = run("referral", "list", "--json", workspace=demo / "praktijk").json
    assert listed["referrals"]
    assert listed["direct"]
    assert not {one["epd_number"] for one in listed["direct"]} & {
        one["epd_number"] for one in listed["referrals"] if one["day"] == listed["direct"][0]["start"]
    }
    dutch = run("referral", "list", "--language", "nl", workspace=demo / "praktijk").out
    assert f"(directe toegang): {len(listed['direct'])}" in dutch


def test_the_day_of_the_answer_can_be_given_but_not_ahead_or_before_the_referral(run: Any, treated: Any) -> None:
    words = ("referral", "record", "--epd", "P00001", "--referrer", "agb:01999991", "--otherwise", "gp", "--json")
    with treated.open("praktijk") as workspace:
        first = workspace.store.dataset().patients[0].patient_id
        number = workspace.store.patient_identity(first).epd_number
    words = (*words[:3], number, *words[4:])
    day = date(2026, 10, 1)
    practice = treated["praktijk"]
    assert run(*words, "--on", day, "--answered-on", "2026-09-30", workspace=practice).json["error"]["rule"] == (
        "referring.answered-before"
    )
    assert run(*words, "--on", day, "--answered-on", "2027-01-01", workspace=practice).code == 14
    done = run(*words, "--on", day, "--answered-on", "2026-10-02", workspace=practice,
               at=datetime(2026, 10, 20, 9, tzinfo=UTC))  # fmt: skip
    assert done.json["counts"] is (day.isoformat() <= done.json["until"])


@pytest.mark.parametrize("words", [(), ("--epd", "P1"), ("--from", "x.xlsx", "--otherwise", "gp")])
def test_half_a_command_is_refused(run: Any, treated: Any, words: tuple[str, ...]) -> None:
    assert run("referral", "record", *words, workspace=treated["praktijk"]).code == 2
