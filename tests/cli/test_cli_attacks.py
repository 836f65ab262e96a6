"""What an attacker's files meet at the command line: one of three sentences, an event in the trail, nothing changed."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

import pytest

from exchange.findings.wording import say

CLOCK = datetime(2026, 11, 3, 9, tzinfo=UTC)


@pytest.fixture
def answered(run, snapshot):
    """Import a file and show that it got this one dull answer, in both languages, and changed nothing."""

    def tried(folder, file, rule, **how):
        before = snapshot(folder)
        said = run("import", file, "--json", workspace=folder, **how)
        assert (said.code, said.json["error"]["rule"]) == (12, rule)
        texts = [run("import", file, "--language", lang, workspace=folder, **how).err for lang in ("en", "nl")]
        for text, lang in zip(texts, ("en", "nl"), strict=True):
            assert text.splitlines()[0] == f"{file.name}: {say(rule, {}, lang)}"
        assert snapshot(folder) == before
        return texts

    return tried


def test_a_replayed_file_changes_nothing_and_is_said_to_be_known(run, mailed, snapshot):
    """Under its own name, another name, and beside itself: the message id and its place in the stream are taken."""
    file, practice = mailed["post"] / "from-a.age", mailed["praktijk"]
    assert run("import", file, workspace=practice).code == 0
    before = snapshot(practice)
    copied = mailed["post"] / "opnieuw.age"
    shutil.copy(file, copied)
    said = run("import", copied, file, copied, "--json", workspace=practice)
    assert {one["state"] for one in said.json["files"]} == {"already"}
    assert snapshot(practice) == before


def test_another_file_with_a_number_that_was_used_was_changed(answered, mailed, run, tmp_path, forger):
    """The partner's laptop was put back and its mark beside the keys with it: the same place, other contents."""
    back = tmp_path / "laptop"
    shutil.copytree(mailed["huisarts-a"], back)
    first = mailed["praktijk"]
    case = _case(mailed)
    assert run("import", mailed["post"] / "from-a.age", workspace=first).code == 0
    one = forger(mailed, "huisarts-a")
    assert run("import", one.seal(one.answer(case)), workspace=first).code in {0, 3}
    shutil.rmtree(mailed["huisarts-a"])
    shutil.copytree(back, mailed["huisarts-a"])
    other = one.seal(one.answer(case, element="answer.imaging"))
    answered(first, other, "sealing.was-changed")
    trail = run("log", "show", "--json", workspace=first)
    assert "message-replaced" in trail.out


def test_a_file_for_another_is_not_opened_here(answered, mailed):
    answered(mailed["huisarts-b"], mailed["post"] / "to-a.age", "sealing.cannot-open")


@pytest.mark.parametrize("days", [-30, 4000])
def test_a_file_of_a_false_or_stale_date_is_not_opened(answered, mailed, days):
    answered(mailed["praktijk"], mailed["post"] / "from-a.age", "sealing.cannot-open", at=CLOCK + timedelta(days=days))


def test_damage_anywhere_has_one_answer(answered, mailed):
    file = mailed["post"] / "from-a.age"
    whole = file.read_bytes()
    said = set()
    for changed in (whole[:500], whole[:-1], whole + b"x", whole[:3000] + b"x" + whole[3001:], b"Geachte collega"):
        file.write_bytes(changed)
        said.update(answered(mailed["praktijk"], file, "sealing.cannot-open"))
    assert len(said) == 2  # one sentence with its hint in each language


def _case(town):
    with town.open("huisarts-a") as workspace:
        return workspace.store.cases.of_agreement("huisartsen")[0].case_id
