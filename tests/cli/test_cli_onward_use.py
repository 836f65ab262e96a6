"""What rests on partners' answers goes to the insurer only under a clause for it, and after the partners saw it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

CLAUSE = re.compile(r"^onward-use:\n(?:  .*\n)+", re.MULTILINE)


@pytest.fixture
def answered(run, mailed):
    """Return the town after GP A's answers came in."""
    assert run("import", mailed["post"] / "from-a.age", workspace=mailed["praktijk"]).code == 0
    return mailed


def revised(town, onward_use: str) -> None:
    """Have both GPs sign a second version of their agreement with another clause on onward use."""
    from exchange.operations import agreeing, importing

    with town.open("praktijk") as practice:
        draft = practice.folder / "agreements" / "huisartsen.yaml"
        text = CLAUSE.sub(onward_use, draft.read_text(encoding="utf-8"))
        assert onward_use in text
        draft.write_text(re.sub(r"^version: .*$", "version: 2", text, flags=re.MULTILINE), encoding="utf-8")
        sent = agreeing.sign(practice, draft).files
    for name, posted in zip(("huisarts-a", "huisarts-b"), sent, strict=True):
        with town.open(name) as partner:
            importing.take_in(partner, [posted.file])
            answers = [one.file for one in agreeing.accept(partner, "huisartsen").files]
        with town.open("praktijk") as practice:
            importing.take_in(practice, answers)


def written(run, town, tmp_path, *more, at=None):
    to = tmp_path / "summary.md"
    moment = {"at": at} if at is not None else {}
    said = run("summary", "--to", to, *more, "--json", "--language", "en", workspace=town["praktijk"], **moment)
    found = {one["path"]: one for one in said.json["findings"] if one["rule"].startswith("passing.")}
    return said.code, found, to.read_text(encoding="utf-8")


def test_an_outside_edition_warns_until_the_partners_saw_the_figures(run, answered, tmp_path):
    code, found, text = written(run, answered, tmp_path)
    assert code == 3
    assert found["huisartsen"]["rule"] == "passing.not-shown"
    assert found["huisartsen"]["params"]["date"] == "2026-11-17"  # fourteen days after the third
    assert "does not let figures go" not in text


def test_a_recorded_preview_gives_the_date_and_then_silence(run, answered, tmp_path):
    shown = run("agreement", "preview", "huisartsen", "--on", "2026-11-03", "--json", workspace=answered["praktijk"])
    assert (shown.code, shown.json["sendable_from"], shown.json["version"]) == (0, "2026-11-17", 1)
    _, found, _ = written(run, answered, tmp_path)
    assert (found["huisartsen"]["rule"], found["huisartsen"]["params"]["date"]) == ("passing.not-yet", "2026-11-17")
    _, found, _ = written(run, answered, tmp_path, at=datetime(2026, 11, 17, 9, tzinfo=UTC))
    assert "huisartsen" not in found
    log = run("log", "show", "--json", workspace=answered["praktijk"])
    assert "figures-shown" in log.out


def test_a_preview_of_before_the_answers_came_does_not_stand(run, mailed, tmp_path):
    run("agreement", "preview", "huisartsen", "--on", "2026-11-03", workspace=mailed["praktijk"])
    later = datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert run("import", mailed["post"] / "from-a.age", workspace=mailed["praktijk"], at=later).code == 0
    _, found, _ = written(run, mailed, tmp_path, at=later)
    assert found["huisartsen"]["rule"] == "passing.changed"


def test_without_a_clause_the_figure_is_left_out_and_the_document_says_so(run, answered, tmp_path):
    revised(answered, "onward-use: []\n")
    code, found, text = written(run, answered, tmp_path)
    assert (code, found["huisartsen"]["rule"]) == (3, "passing.left-out")
    assert "‘Net substitution’ is left out" in text
    assert not re.search(r"\| Net substitution \|", text.split("###")[2])
    _, _, inside = written(run, answered, tmp_path, "--for", "internal")
    assert "does not let figures go" not in inside
    figures = run("indicators", "substitution-net", "--for", "insurer", "--json", workspace=answered["praktijk"])
    assert (figures.code, figures.json["figures"]) == (3, [])
    plan = tmp_path / "plan.md"
    run("plan", "--to", plan, "--language", "en", workspace=answered["praktijk"])
    assert "‘Net substitution’ is left out" in plan.read_text(encoding="utf-8")


def test_a_clause_for_somebody_else_is_none_for_the_insurer(run, answered, tmp_path):
    clause = (
        "onward-use:\n  - to: de regionale huisartsenorganisatie\n    what:\n      nl: de totalen.\n"
        "      en: the totals.\n    preview-days: 0\n    objection-days: 0\n"
    )
    revised(answered, clause)
    assert written(run, answered, tmp_path)[1]["huisartsen"]["rule"] == "passing.left-out"


def test_what_rests_on_our_own_data_needs_no_clause(run, answered, tmp_path):
    revised(answered, "onward-use: []\n")
    to = tmp_path / "summary.json"
    run("summary", "--to", to, workspace=answered["praktijk"])
    import json

    names = {one["indicator"] for one in json.loads(to.read_text(encoding="utf-8"))["figures"]}
    assert {"onward-advice", "durable-discharge-12", "measured"} <= names
    assert "substitution-net" not in names


@pytest.mark.parametrize(("words", "code", "rule"), [
    (("nobody", "--on", "2026-11-01"), 11, "agreeing.unknown"),
    (("huisartsen", "--on", "2026-12-01"), 11, "passing.future"),
])  # fmt: skip
def test_a_preview_that_can_not_have_been_is_refused(run, answered, words, code, rule):
    said = run("agreement", "preview", *words, "--json", workspace=answered["praktijk"])
    assert (said.code, said.json["error"]["rule"]) == (code, rule)
    assert said.json["error"]["hints"]


def test_a_preview_without_a_clause_is_refused(run, answered):
    revised(answered, "onward-use: []\n")
    said = run("agreement", "preview", "huisartsen", "--on", "2026-11-01", "--json", workspace=answered["praktijk"])
    assert (said.code, said.json["error"]["rule"]) == (11, "passing.no-clause")
