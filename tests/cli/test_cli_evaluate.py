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


def test_what_was_recorded_is_listed_with_all_that_was_said(run: Any, treated: Any) -> None:
    practice = treated["praktijk"]
    settings = practice / "exchange.toml"
    settings.write_text(settings.read_text().replace('effect-rule = ""', 'effect-rule = "NPRS twee punten lager"'))
    epd = run("evaluate", "due", "--json", workspace=practice).json["due"][0]["epd_number"]
    said = run("evaluate", "record", "--epd", epd, "--session", "4", "--effect", "sufficient", "--decision", "adjust",
               "--instrument", "NPRS", "--advice-taken-up", "yes", "--relatives", "no", "--language", "nl",
               workspace=practice)  # fmt: skip
    assert "NPRS twee punten lager" in said.out
    done = run("evaluate", "list", "--epd", epd, "--json", workspace=practice).json["recorded"]
    (mine,) = [one for one in done if one["session_number"] == 4]
    assert (mine["instrument"], mine["effect"], mine["advice_taken_up"], mine["relatives_involved"]) == (
        "nprs", "sufficient", "yes", "no"
    )  # fmt: skip
    assert (mine["decision"], mine["to_tell"]) == ("adjust", False)
    dutch = run("evaluate", "list", "--epd", epd, "--language", "nl", workspace=practice).out
    assert "bijstellen" in dutch
    assert "voldoende" in dutch


def test_stopping_without_effect_makes_a_message_to_the_referrer(run: Any, treated: Any) -> None:
    from exchange.operations.gathering import Courses

    practice = treated["praktijk"]
    with treated.open("praktijk") as workspace:
        course = next(
            one for one in Courses(workspace.store.dataset()).of_party("agb:01999991") if one.episode.end is None
        )
        epd = workspace.store.patient_identity(course.episode.patient_id).epd_number
        at = max(len(course.sessions), 1)

    def messages() -> int:
        with treated.open("praktijk") as workspace:
            courses = Courses(workspace.store.dataset()).of_party("agb:01999991")
            return sum(one.stopped_without_effect for one in courses)

    before = messages()
    said = run("evaluate", "record", "--epd", epd, "--session", at, "--effect", "none", "--decision", "stop",
               "--language", "nl", workspace=practice)  # fmt: skip
    assert "de verwijzer krijgt dit bij de volgende export" in said.out
    assert messages() == before + 1
    waiting = run("evaluate", "list", "--to-tell", "--json", workspace=practice).json
    assert epd in {one["epd_number"] for one in waiting["recorded"]}
    sent = run("export", "huisartsen", "--json", workspace=practice)
    assert sent.code in {0, 3}
    (mine,) = [one for one in run("evaluate", "list", "--epd", epd, "--json", workspace=practice).json["recorded"]
               if one["session_number"] == at]  # fmt: skip
    assert (mine["to_tell"], mine["sent_on"]) == (False, "2026-11-03")
    told = run("evaluate", "record", "--epd", epd, "--session", at, "--effect", "none", "--decision", "stop",
               "--told-referrer-on", "2026-11-02", "--json", workspace=practice)  # fmt: skip
    assert told.code == 0
    waiting = run("evaluate", "list", "--to-tell", "--json", workspace=practice).json
    assert epd not in {one["epd_number"] for one in waiting["recorded"]}


def test_after_session_twelve_the_step_is_a_setting(run: Any, treated: Any) -> None:
    practice = treated["praktijk"]
    settings = practice / "exchange.toml"
    settings.write_text(settings.read_text().replace("evaluate-every = 0", "evaluate-every = 6"))
    moments = {one["moment"] for one in run("evaluate", "list", "--json", workspace=practice).json["moments"]}
    assert moments >= {4, 8, 12, 18}
