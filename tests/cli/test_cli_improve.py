"""exchange improve: a point grows from plan to act, and what is left out stays."""

from __future__ import annotations

from typing import Any


def test_a_point_is_recorded_and_changed_piece_by_piece(run: Any, town: Any) -> None:
    practice = town["praktijk"]
    first = run(
        "improve", "record", "meten", "--title", "Vaker meten", "--goal", "80%", "--baseline", "60%", "--owner",
        "praktijkhouder", "--check-on", "2027-04-15", "--check-on", "2027-01-15", "--language", "nl",
        workspace=practice,
    )  # fmt: skip
    assert (first.code, first.err) == (0, "")
    assert "meten" in first.out
    second = run("improve", "record", "meten", "--realised", "72%", "--json", workspace=practice).json
    assert (second["title"], second["goal"], second["realised"]) == ("Vaker meten", "80%", "72%")
    assert second["check_on"] == ["2027-04-15", "2027-01-15"]
    (point,) = run("improve", "list", "--json", workspace=practice).json["points"]
    assert point == second
    listed = run("improve", "list", "--language", "nl", workspace=practice)
    assert "2027-01-15" in listed.out
    assert "72%" in listed.out
    assert "None" not in listed.out


def test_a_practice_without_points_gets_an_empty_list(run: Any, town: Any) -> None:
    assert run("improve", "list", "--json", workspace=town["praktijk"]).json == {"points": []}
    assert run("improve", "list", workspace=town["praktijk"]).code == 0


def test_a_point_needs_a_name(run: Any, town: Any) -> None:
    ran = run("improve", "record", "--title", "x", "--json", workspace=town["praktijk"])
    assert ran.code == 2
    assert ran.json["exit"] == 2
