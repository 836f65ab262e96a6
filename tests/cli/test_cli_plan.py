"""exchange plan: a draft that lists its blanks, a final edition that has none, and answers that last."""

from __future__ import annotations

import json
import shutil
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def made(played: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan") / "praktijk"
    shutil.copytree(played / "praktijk", folder)
    return folder


@pytest.fixture
def practice(made: Path) -> Any:
    """Return the practice with the demo's answers, which every test may change."""
    answers = made / "plan-answers.toml"
    before = answers.read_bytes()
    yield made
    answers.write_bytes(before)


def written(ran: Any) -> Any:
    """Take what was written, with or without the warning that partners have not yet been shown their figures."""
    assert ran.code in {0, 3}, ran.out + ran.err
    assert ran.err == ""
    return ran


def answer_everything(practice: Path, text: str = "Een verzonnen antwoord.") -> None:
    from exchange.operations import asking

    for question in asking.questions(practice):
        if not question.answer:
            asking.answer(practice, question.id, text)


def test_a_draft_lists_its_blanks(run: Any, practice: Path, tmp_path: Path) -> None:
    ran = written(run("plan", "--to", tmp_path / "plan.md", "--language", "nl", workspace=practice))
    assert "•" in ran.out
    text = (tmp_path / "plan.md").read_text(encoding="utf-8")
    assert "in te vullen" in text
    assert "## Wat nog ontbreekt" in text
    for word in ("None", "sessions-per-patient", "substitution-net Ik", "(none)", "(wmo)", ".).", "130 over 2027 130"):
        assert word not in text, word
    machine = run("plan", "--to", tmp_path / "plan.md", "--json", workspace=practice).json
    assert machine["missing"]
    assert machine["files"] == [str(tmp_path / "plan.md")]


def test_an_english_letter_is_english(run: Any, practice: Path, tmp_path: Path) -> None:
    written(run("plan", "--to", tmp_path / "plan.md", "--language", "en", workspace=practice))
    text = (tmp_path / "plan.md").read_text(encoding="utf-8")
    for word in ("afgeschermd", "in te vullen", "behandelindex waar", "None", "Bijlage"):
        assert word not in text, word


def test_a_final_letter_refuses_blanks(run: Any, practice: Path, tmp_path: Path) -> None:
    ran = run("plan", "--final", "--to", tmp_path / "plan.docx", "--json", workspace=practice)
    assert ran.code == 17
    assert ran.json["error"]["rule"] == "reports.blanks-open"
    assert ran.json["error"]["hints"]
    assert not list(tmp_path.iterdir())


def test_a_final_letter_is_written_when_everything_is_answered(run: Any, practice: Path, tmp_path: Path) -> None:
    answer_everything(practice)
    written(run("plan", "--final", "--to", tmp_path / "plan.docx", "--to", tmp_path / "plan.md", workspace=practice))
    text = (tmp_path / "plan.md").read_text(encoding="utf-8")
    assert "in te vullen" not in text
    assert "CONCEPT" not in text
    assert zipfile.is_zipfile(tmp_path / "plan.docx")
    provenance = json.loads((tmp_path / "plan.provenance.json").read_text(encoding="utf-8"))
    assert provenance


def test_ask_without_a_terminal_writes_the_questions_as_comments(run: Any, practice: Path) -> None:
    ran = run("plan", "--ask", "--language", "nl", workspace=practice)
    assert (ran.code, ran.err) == (0, "")
    text = (practice / "plan-answers.toml").read_text(encoding="utf-8")
    assert '# closing = ""' in text
    assert "# Hoe wilt u de brief afsluiten?" in text
    assert tomllib.loads(text)["contract-year"] == "2027"


def test_answers_survive_every_regeneration(run: Any, practice: Path, tmp_path: Path) -> None:
    run("plan", "--ask", workspace=practice)
    file = practice / "plan-answers.toml"
    text = file.read_text(encoding="utf-8").replace(
        '# closing = ""', 'closing = "Ik bericht u in ‘juli’ \\\\ \\"zo\\"."'
    )
    file.write_text(text, encoding="utf-8")
    for _ in range(2):
        written(run("plan", "--ask", "--to", tmp_path / "plan.md", workspace=practice))
    assert tomllib.loads(file.read_text(encoding="utf-8"))["closing"] == 'Ik bericht u in ‘juli’ \\ "zo".'
    assert "Ik bericht u in ‘juli’" in (tmp_path / "plan.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("broken", [b'closing = "', b"\xff\xfe", b"[[", b"closing = 1\nclosing = 2"])
def test_a_broken_file_of_answers_is_refused_and_kept(run: Any, practice: Path, tmp_path: Path, broken: bytes) -> None:
    (practice / "plan-answers.toml").write_bytes(broken)
    for words in (("plan", "--to", tmp_path / "plan.md"), ("plan", "--ask")):
        ran = run(*words, "--json", workspace=practice)
        assert ran.code == 16
        assert ran.json["error"]["rule"] == "asking.unreadable"
    assert (practice / "plan-answers.toml").read_bytes() == broken
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["pdf"])
def test_a_patients_number_in_an_answer_stops_the_letter(run: Any, practice: Path, tmp_path: Path, suffix: str) -> None:
    from exchange.operations import asking
    from exchange.operations.inventing import drawing

    bsn = next(course.client.bsn for course in drawing.draw() if course.client.bsn)
    asking.answer(practice, "closing", f"Zie mevrouw met nummer {bsn[:4]} {bsn[4:]}.")
    ran = run("plan", "--to", tmp_path / f"plan.{suffix}", "--json", workspace=practice)
    assert ran.code == 17, ran.out
    assert ran.json["error"]["rule"] == "summarising.bsn"
    assert bsn not in ran.out
    assert not list(tmp_path.iterdir())
    said = run("log", "show", "--last", "1", "--json", workspace=practice).json["entries"][0]
    assert (said["event"], said["outcome"]) == ("document-refused", "refused")


def test_nine_digits_of_nobody_are_a_warning(run: Any, practice: Path, tmp_path: Path) -> None:
    from exchange.operations import asking

    asking.answer(practice, "closing", "Ons kenmerk is 123456782.")
    ran = written(run("plan", "--to", tmp_path / "plan.md", "--json", workspace=practice))
    about = [one for one in ran.json["findings"] if not one["rule"].startswith("passing.")]
    assert about
    assert "123456782" not in json.dumps(about)


def test_strange_answers_stay_text(run: Any, practice: Path, tmp_path: Path) -> None:
    from exchange.operations import asking

    for question in ("closing", "patient-context", "signatory"):
        asking.answer(practice, question, "مرحبا <b>x</b> {{ 7 * 7 }} | # \\pagebreak `rm` $x$ " + "é" * 300)
    words = [word for one in ("html", "pdf") for word in ("--to", tmp_path / f"p.{one}")]
    written(run("plan", *words, workspace=practice))
    html = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "<b>x</b>" not in html
    assert "{{ 7 * 7 }}" in html
    assert "مرحبا" in html


def test_nothing_asked_is_a_wrong_use(run: Any, practice: Path) -> None:
    for words in (("plan",), ("plan", "--final")):
        ran = run(*words, "--json", workspace=practice)
        assert ran.code == 2
        assert ran.json["error"]["rule"] == "program.usage"


def test_a_practice_without_partners_or_index_gets_marked_blanks(run: Any, treated: Any, tmp_path: Path) -> None:
    written(run("plan", "--to", tmp_path / "plan.md", "--json", workspace=treated["praktijk"]))
    text = (tmp_path / "plan.md").read_text(encoding="utf-8")
    assert "None" not in text
    assert "in te vullen" in text
