"""exchange quality: a session at the expense of one payer that was claimed with another."""

from __future__ import annotations

from datetime import timedelta

import pytest


@pytest.fixture
def claimed(treated):
    """Return the EPD number of a patient and a day on which a session of theirs was claimed."""
    with treated.open("praktijk") as practice:
        sessions = sorted(practice.store.dataset().sessions, key=lambda one: (one.day, one.patient_id, one.session_id))
        known = ((practice.store.patient_identity(one.patient_id).epd_number, one) for one in sessions)
        number, session = next((number, one) for number, one in known if number)
        return number, session.day


def load(run, treated, number, day, column, word):
    file = treated["praktijk"].parent / f"zittingen-{word}.csv"
    head = f"Patiëntnummer;Behandeldatum;Soort zitting;{column}"
    file.write_text(f"{head}\n{number};{day:%d-%m-%Y};zitting;{word}\n", encoding="utf-8")
    said = run("load", file, "--mapping", "epd-sessions", "--json", workspace=treated["praktijk"])
    assert said.code in {0, 3}
    assert (said.json["sessions"], said.json["rejected"]) == (1, 0)


def doubts(run, treated):
    return run("quality", "--json", workspace=treated["praktijk"]).json["doubts"]["claimed-twice"]


@pytest.mark.parametrize(
    ("column", "word", "found"),
    [
        ("Betaler", "Wmo", 1),
        ("Betaler", "Jeugdwet", 1),
        ("Financiering", "Gemeente", 1),
        ("Betaler", "eigen rekening", 1),
        ("Particulier", "ja", 1),
        ("Betaler", "Zvw", 0),
        ("Betaler", "aanvullende verzekering", 0),
        ("Betaler", "Onbekende Verzekeraar", 0),
        ("Betaler", "", 0),
    ],
)
def test_what_another_pays_for_and_was_claimed_is_found(run, treated, claimed, column, word, found):
    assert doubts(run, treated) == 0
    load(run, treated, *claimed, column, word)
    assert doubts(run, treated) == found


def test_the_practice_sees_whose_and_when_and_at_whose_expense(run, treated, claimed):
    number, day = claimed
    load(run, treated, number, day, "Betaler", "Wmo")
    said = run("quality", "--show", "claimed-twice", "--language", "nl", workspace=treated["praktijk"])
    assert said.code == 3
    assert "toch is gedeclareerd" in said.out
    (line,) = (one for one in said.out.splitlines() if number in one)
    assert day.isoformat() in line
    assert "wmo" in line


def test_a_session_that_was_not_claimed_is_not_paid_twice(run, treated, claimed):
    number, day = claimed
    load(run, treated, number, day - timedelta(days=3650), "Betaler", "Wmo")
    assert doubts(run, treated) == 0
