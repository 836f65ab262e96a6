"""What a practice sees of clients that its claims and its EPD know differently."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_a_client_known_from_claims_alone_is_listed_by_the_number_of_the_claim(
    run: Any, town: Any, tmp_path: Path
) -> None:
    from exchange.operations.inventing import claiming, drawing

    folder = tmp_path / "praktijk"
    assert run("init", folder, "--name", "Praktijk", "--id", drawing.PRACTICE, "--no-passphrase").code == 0
    claims = tmp_path / "declaraties.txt"
    courses = drawing.draw(clients=26, courses=32)
    claims.write_bytes(claiming.pm304(courses, drawing.FIRST_DAY, drawing.TODAY))
    run("load", claims, workspace=folder)
    listed = run("quality", "--show", "open", "--json", workspace=folder).json["shown"]
    assert listed
    assert {one["epd_number"] for one in listed} <= {one.client.epd_number for one in courses}


def test_an_answer_that_was_recorded_stays_when_the_epd_does_not_know_it(run: Any, town: Any) -> None:
    practice, file = town["praktijk"], town["bestanden"] / "trajecten.csv"
    head, *rows = file.read_bytes().decode("cp1252").splitlines()
    names = head.split(";")
    cells = [dict(zip(names, row.split(";"), strict=True)) for row in rows]
    mine = max(
        (one for one in cells if one["Verwijzer AGB"] and one["Begindatum"]), key=lambda one: one["Begindatum"][6:]
    )
    said = run("referral", "record", "--epd", mine["Patiëntnummer"], "--referrer", "agb:01999991", "--on", "2026-01-02",
               "--otherwise", "gp", workspace=practice)  # fmt: skip
    assert said.code == 0
    for one in cells:
        one |= {"Anders verwezen naar": "onbekend", "Vastgelegd op": ""}
    text = "\r\n".join([head, *(";".join(one.values()) for one in cells)])
    file.write_bytes(text.encode("cp1252"))
    assert run("load", file, workspace=practice).code in {0, 3}
    with town.open("praktijk") as workspace:
        answers = [one.counterfactual.value for one in workspace.store.dataset().referrals]
    assert "gp" in answers


def _answer_without_lines(claims: bytes) -> bytes:
    """Keep the opening record as an insurer's answer to the whole file, and close it over nothing."""
    head = claims.splitlines()[0]
    opening = (head[:2] + b"108" + head[5:]).ljust(370)
    return opening + b"\r\n" + (b"99" + b"0" * 42 + b"D").ljust(370) + b"\r\n"


def test_an_answer_to_a_whole_file_settles_nothing_and_says_so(run: Any, tmp_path: Path) -> None:
    """The file is claimed anew under its reference numbers: every treatment counts once."""
    from exchange.operations.inventing import claiming, drawing

    folder, claims, answer = (tmp_path / name for name in ("praktijk", "declaraties.txt", "antwoord.txt"))
    assert run("init", folder, "--name", "Praktijk", "--id", drawing.PRACTICE, "--no-passphrase").code == 0
    claims.write_bytes(claiming.pm304(drawing.draw(clients=9, courses=10), drawing.FIRST_DAY, drawing.TODAY))
    first = run("load", claims, "--json", workspace=folder).json
    answer.write_bytes(_answer_without_lines(claims.read_bytes()))
    assert "opnieuw in met dezelfde" in run("load", answer, "--language", "nl", "--dry-run", workspace=folder).out
    said = run("load", answer, "--json", workspace=folder)
    assert [one["rule"] for one in said.json["files"][0]["findings"]] == ["loading.answer-without-lines"]
    again = tmp_path / "opnieuw.txt"
    again.write_bytes(claims.read_bytes().replace(b"\r\n", b"\n"))
    assert run("load", again, "--json", workspace=folder).json["sessions"] == 0
    assert first["sessions"] > 0
