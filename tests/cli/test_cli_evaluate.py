"""exchange evaluate: what is due, recorded and counted at session 4, 8 and 12."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def test_what_is_due_is_listed_by_epd_number(run: Any, treated: Any) -> None:
    listed = run("evaluate", "due", "--json", workspace=treated["praktijk"]).json["due"]
    assert listed
    assert all(one["moment"] in {4, 8, 12} for one in listed)
    assert {one["what"] for one in listed} <= {"overdue", "next"}
    for one in listed:
        assert one["moment"] <= one["sessions"] + 1
    dutch = run("evaluate", "due", "--language", "nl", workspace=treated["praktijk"])
    assert dutch.code == 0
    assert "EPD-nummer" in dutch.out
    assert listed[0]["epd_number"] in dutch.out


def test_recording_settles_what_was_due(run: Any, demo: Path) -> None:
    practice = demo / "praktijk"
    overdue = next(
        one for one in run("evaluate", "due", "--json", workspace=practice).json["due"] if one["what"] == "overdue"
    )
    counted = run("evaluate", "list", "--json", workspace=practice).json["moments"]
    recorded = run(
        "evaluate", "record", "--epd", overdue["epd_number"], "--session", overdue["moment"], "--effect", "sufficient",
        "--decision", "continue", "--instrument", "NPRS", "--advice-taken-up", "yes", "--relatives", "no",
        "--told-referrer-on", "2026-11-02", "--on", "2026-11-02", "--language", "nl", workspace=practice,
    )  # fmt: skip
    assert (recorded.code, recorded.err) == (0, "")
    assert recorded.out.strip()
    after = run("evaluate", "list", "--json", workspace=practice).json["moments"]
    done = {one["moment"]: one["done"] for one in counted}
    done_after = {one["moment"]: one["done"] for one in after}
    assert done_after[overdue["moment"]] == done[overdue["moment"]] + 1
    due = {(one["epd_number"], one["moment"], one["what"]) for one in
           run("evaluate", "due", "--json", workspace=practice).json["due"]}  # fmt: skip
    assert (overdue["epd_number"], overdue["moment"], "overdue") not in due


def test_recording_twice_supersedes_and_does_not_add(run: Any, treated: Any) -> None:
    practice = treated["praktijk"]
    epd = run("evaluate", "due", "--json", workspace=practice).json["due"][0]["epd_number"]
    words = ("evaluate", "record", "--epd", epd, "--session", "4", "--decision", "stop", "--effect")
    for effect in ("none", "unknown"):
        assert run(*words, effect, "--json", workspace=practice).json == {"recorded": 1}
    with treated.open("praktijk") as workspace:
        (episode,) = {one.episode_id for one in workspace.store.episodes_of_epd_number(epd) if one.end is None}
        held = [one for one in workspace.store.dataset().evaluations if one.episode_id == episode]
    assert [one.effect.value for one in held if one.session_number == 4] == ["unknown"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--epd", "nobody", "--session", "4"), 14),
        (("--epd", "P00001", "--session", "0"), 2),
        (("--epd", "P00001", "--session", "-3"), 2),
        (("--epd", "P00001", "--session", "4", "--partner", "agb:1"), 1),
        (("--epd", "P00001", "--session", "4", "--on", "2027-01-01"), 14),
    ],
)
def test_what_cannot_be_is_refused(run: Any, treated: Any, words: tuple[str, ...], code: int) -> None:
    ran = run("evaluate", "record", *words, "--effect", "none", "--decision", "stop", "--json",
              workspace=treated["praktijk"])  # fmt: skip
    assert ran.code == code, ran.out
    assert ran.json["exit"] == code
    assert "nobody" not in ran.out


def test_nothing_due_is_said(run: Any, treated: Any) -> None:
    ran = run("evaluate", "due", "--language", "nl", workspace=treated["welzijn"])
    assert ran.code == 0
    assert ran.out.splitlines()[-1].strip()
    assert run("evaluate", "due", "--json", workspace=treated["welzijn"]).json == {"due": []}


def test_an_effect_by_a_prognostic_list_is_refused_and_without_an_effect_it_is_recorded(run: Any, treated: Any) -> None:
    practice = treated["praktijk"]
    epd = run("evaluate", "due", "--json", workspace=practice).json["due"][0]["epd_number"]
    words = ("evaluate", "record", "--epd", epd, "--session", "4", "--decision", "continue", "--instrument")
    for name in ("startback", "STarT Back"):
        refused = run(*words, name, "--effect", "sufficient", "--language", "nl", workspace=practice)
        assert refused.code == 14
        assert "voorspelt het beloop" in refused.err
        assert "unknown" in refused.err
    assert run(*words, "startback", "--effect", "unknown", "--json", workspace=practice).json == {"recorded": 1}
