"""Good practice and quotations: what a person recorded or approved stands in the plan, and nothing else does."""

from __future__ import annotations

import pytest

QUOTE = "Verzonnen: ik weet nu zelf wat ik moet doen."


@pytest.fixture
def practice(town):
    """Return the practice's folder."""
    return town["praktijk"]


def loaded(run, folder, tmp_path, comment):
    """Load a survey with one comment and return the comment's id."""
    file = tmp_path / "prem.csv"
    file.write_bytes(
        "Meetbureau;Periode van;Periode tot;Respondenten;Gemiddelde;NPS;Opmerkingen\r\n"
        f"Verzonnen bureau;01-01-2025;31-12-2025;48;9,0;60;{comment}\r\n".encode("cp1252")
    )
    said = run("load", file, "--as", "prem", "--json", workspace=folder)
    assert said.code == 0, said.out
    (waiting,) = run("improve", "quote", "list", "--json", workspace=folder).json["comments"]
    assert (waiting["text"], waiting["approved"]) == (comment, False)
    return waiting["id"]


def plan(run, folder, tmp_path, *more):
    to = tmp_path / "plan.md"
    run("plan", *more, "--to", to, "--language", "nl", workspace=folder)
    return to.read_text(encoding="utf-8")


def test_a_good_practice_is_printed_in_the_plan(run, practice, tmp_path):
    said = run(
        "improve", "practice", "Minder behandelingen", "--changed", "Oefeningen op video.", "--since", "2026-01-01",
        "--partner", "Huisartsen", "--evidence", "Zes in plaats van acht behandelingen.", "--json", workspace=practice,
    )  # fmt: skip
    assert (said.code, said.json["since"]) == (0, "2026-01-01")
    text = plan(run, practice, tmp_path)
    assert "Zinnige zorg" in text
    assert "**Minder behandelingen** (sinds 1 januari 2026, met Huisartsen). Oefeningen op video." in text
    assert "Zes in plaats van acht behandelingen." in text


def test_what_is_left_out_of_a_change_stays(run, practice):
    run("improve", "practice", "Groepsles", "--changed", "Eén groep.", "--partner", "Welzijn", workspace=practice)
    run("improve", "practice", "Groepsles", "--changed", "Twee groepen.", workspace=practice)
    (one,) = run("improve", "practice", "--json", workspace=practice).json["practices"]
    assert (one["changed"], one["partner"], one["since"]) == ("Twee groepen.", "Welzijn", None)
    assert run("improve", "practice", "Groepsles", "--remove", workspace=practice).code == 0
    assert run("improve", "practice", "--json", workspace=practice).json["practices"] == []
    assert "good-practice-removed" in run("log", "show", "--json", workspace=practice).out


@pytest.mark.parametrize(("words", "code", "rule"), [
    (("Nieuw",), 14, "practising.what-changed"),
    (("Nieuw", "--remove"), 14, "practising.unknown"),
    (("--changed", "Iets"), 2, "program.usage"),
])  # fmt: skip
def test_a_good_practice_without_what_it_needs_is_refused(run, practice, words, code, rule):
    said = run("improve", "practice", *words, "--json", workspace=practice)
    assert (said.code, said.json["error"]["rule"]) == (code, rule)


def test_only_an_approved_quotation_is_printed(run, practice, tmp_path):
    id_ = loaded(run, practice, tmp_path, QUOTE)
    assert QUOTE not in plan(run, practice, tmp_path)
    said = run("improve", "quote", "approve", id_[:8], "--language", "nl", workspace=practice)
    assert said.code == 0
    assert "alleen een mens" in said.out
    assert QUOTE in plan(run, practice, tmp_path)
    (listed,) = run("improve", "quote", "list", "--json", workspace=practice).json["comments"]
    assert listed["approved"] is True
    assert "quotation-approved" in run("log", "show", "--json", workspace=practice).out


@pytest.mark.parametrize(
    "comment", ["Bel mij op 06-12345678.", "Mail naar iemand@voorbeeld.invalid.", "Mijn nummer is 123456782."]
)
def test_a_comment_that_leads_to_somebody_is_not_approved(run, practice, tmp_path, comment):
    id_ = loaded(run, practice, tmp_path, comment)
    said = run("improve", "quote", "approve", id_, "--json", workspace=practice)
    assert (said.code, said.json["error"]["rule"]) == (14, "quoting.traceable")
    assert comment not in said.out
    assert said.json["error"]["hints"]


def test_a_number_that_no_comment_has_is_refused(run, practice):
    said = run("improve", "quote", "approve", "0123456789", "--json", workspace=practice)
    assert (said.code, said.json["error"]["rule"]) == (14, "quoting.unknown")


def test_progress_sets_what_was_planned_beside_what_came_of_it(run, practice, tmp_path):
    run(
        "improve", "record", "meten", "--title", "Vaker meten", "--baseline", "40 procent", "--goal", "80 procent",
        "--actions", "Vragenlijst klaarleggen.", "--realised", "70 procent", "--indicator", "measured",
        "--check-on", "2027-01-15", workspace=practice,
    )  # fmt: skip
    text = plan(run, practice, tmp_path, "--progress")
    assert "### Vaker meten" in text
    assert "| 40 procent | 80 procent | 70 procent |" in text
    assert "Wat ik zou doen: Vragenlijst klaarleggen." in text
    assert "Gemeten over" in text


def test_progress_in_every_format_it_is_made_in(run, practice, tmp_path):
    files = [tmp_path / f"progress.{suffix}" for suffix in ("docx", "html", "pdf", "md")]
    said = run("plan", "--progress", *(word for file in files for word in ("--to", file)), "--json", workspace=practice)
    assert said.json["files"] == [str(file) for file in files]
    assert all(file.stat().st_size > 200 for file in files)


@pytest.mark.parametrize("words", [("--progress",), ("--progress", "--final", "--to", "x.md")])
def test_progress_asks_for_a_file_and_no_final_edition(run, practice, tmp_path, words):
    said = run("plan", *words, "--json", workspace=practice, cwd=tmp_path)
    assert (said.code, said.json["error"]["rule"]) == (2, "program.usage")
    assert list(tmp_path.glob("x.*")) == []


@pytest.mark.parametrize("content", [b"no Word document", b"", b"PK\x03\x04 broken"])
def test_a_letterhead_that_is_no_word_document_is_refused_before_anything_is_written(run, practice, tmp_path, content):
    (practice / "letterhead.docx").write_bytes(content)
    files = [tmp_path / "plan.md", tmp_path / "plan.docx"]
    said = run("plan", *(word for file in files for word in ("--to", file)), "--json", workspace=practice)
    assert (said.code, said.json["error"]["rule"]) == (17, "reports.reference-unreadable")
    assert said.json["error"]["hints"]
    assert not any(file.exists() for file in files)


def test_a_letterhead_without_our_styles_is_used_with_a_warning_that_names_them(run, practice, tmp_path):
    import subprocess

    import pypandoc

    default = subprocess.run(
        [pypandoc.get_pandoc_path(), "--print-default-data-file", "reference.docx"], capture_output=True, check=True
    ).stdout
    (practice / "letterhead.docx").write_bytes(default)
    said = run("plan", "--to", tmp_path / "plan.docx", "--json", workspace=practice)
    (found,) = (one for one in said.json["findings"] if one["rule"] == "summarising.styles")
    assert (said.code, found["severity"]) == (3, "warning")
    assert {"Banner", "Blank", "Note"} <= set(found["params"]["styles"].split(", "))
    assert "Heading 1" not in found["params"]["styles"]
    assert (tmp_path / "plan.docx").is_file()
    other = run("plan", "--to", tmp_path / "plan.html", "--json", workspace=practice)
    assert [one for one in other.json["findings"] if one["rule"] == "summarising.styles"] == []


def test_names_are_struck_out_before_a_person_approves(run, practice, town, tmp_path):
    with town.open("praktijk") as workspace:
        who = workspace.store.dataset().patients[0].patient_id
        name = workspace.store.patient_identity(who).name.split()[0]

    def survey(respondents: int) -> None:
        file = tmp_path / "prem.csv"
        file.write_text(
            "Meetbureau;Periode van;Periode tot;Respondenten;Gemiddelde;NPS;Opmerkingen\n"
            f"Bureau;01-01-2025;31-12-2025;{respondents};9,0;60;{name} en Sanne uit Ons Dorp hielpen mij goed.\n"
        )
        assert run("load", file, "--as", "prem", "--json", workspace=practice).json["files"][0]["already"] is False

    survey(48)
    (waiting,) = run("improve", "quote", "list", "--json", workspace=practice).json["comments"]
    id_ = waiting["id"]
    assert waiting["text"] == "[…] en Sanne uit Ons Dorp hielpen mij goed."
    wrong = run("improve", "quote", "approve", id_, "--strike", "Kees", "--json", workspace=practice)
    assert (wrong.code, wrong.json["error"]["rule"]) == (14, "quoting.no-such-word")
    said = run(
        "improve", "quote", "approve", id_, "--strike", "sanne", "--strike", "Ons Dorp", "--json", workspace=practice
    )
    assert said.json["text"] == "[…] en […] uit […] hielpen mij goed."
    printed = plan(run, practice, tmp_path)
    assert "Sanne" not in printed
    assert name not in printed
    survey(49)  # the same comments once more bring no name back
    (kept,) = run("improve", "quote", "list", "--json", workspace=practice).json["comments"]
    assert (kept["text"], kept["approved"]) == ("[…] en […] uit […] hielpen mij goed.", True)
