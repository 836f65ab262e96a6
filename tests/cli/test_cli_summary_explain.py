"""exchange summary --explain: from a number back to the cases and messages that it rests on, for our own eyes only."""

from __future__ import annotations

import json

import pytest

GP_A = "agb:01999991"


@pytest.fixture
def answered(run, mailed):
    """Return the practice's folder after GP A's answers came in."""
    assert run("import", mailed["post"] / "from-a.age", workspace=mailed["praktijk"]).code == 0
    return mailed["praktijk"]


@pytest.mark.parametrize(
    "figure",
    [
        "substitution-net",
        "substitution-net@huisartsen",
        "onward-advice",
        "durable-discharge-12",
        "responders",
        "measured",
        "evaluation-moments",
    ],
)
def test_the_cases_add_up_to_the_number(run, answered, figure):
    said = run("summary", "--explain", figure, "--json", workspace=answered)
    told = said.json
    assert (said.code, told["findings"]) == (0, [])
    confirmed = sum(one["status"] == "confirmed" for one in told["cases"])
    refuted = sum(one["status"] == "refuted" for one in told["cases"])
    assert confirmed == told["counts"]["numerator"] == told["figure"]["numerator"]
    assert confirmed + refuted == told["counts"]["answered"]


def test_the_sessions_of_each_patient_add_up_to_the_mean(run, demo):
    told = run("summary", "--explain", "sessions-per-patient", "--json", workspace=demo / "praktijk").json
    counted = [one for one in told["cases"] if one["status"] != "excluded"]
    assert len(counted) == told["counts"]["patients"] > 0
    assert sum(one["number"] for one in counted) == told["counts"]["sum"]
    assert told["findings"] == []


def test_it_names_definition_query_load_and_files(run, answered):
    told = run("summary", "--explain", "substitution-net@huisartsen", "--json", workspace=answered).json
    assert (told["name"], told["version"]) == ("substitution-net@huisartsen", told["figure"]["version"])
    assert told["clause"]
    assert "SELECT" in told["sql"]
    assert told["load"] == told["figure"]["as_of_load"] > 0
    files = {one["file"]: one for one in told["sources"]}
    assert {"trajecten.csv", "metingen.csv", "evaluaties.csv"} <= set(files)
    assert all(len(one["digest"]) == 64 and one["load"] <= told["load"] for one in files.values())


def test_each_answer_leads_to_the_message_it_came_in(run, answered, mailed):
    told = run("summary", "--explain", "substitution-net@huisartsen", "--json", workspace=answered).json
    messages = {one["id"]: one for one in told["messages"]}
    assert messages
    assert {one["sender"] for one in messages.values()} == {GP_A}
    assert all(one["sent"].startswith("2026-11-03") for one in messages.values())
    resting = [one for one in told["cases"] if one["messages"]]
    assert {id_ for one in resting for id_ in one["messages"]} == set(messages)
    with mailed.open("praktijk") as practice:
        known = {one.code for one in practice.store.cases.of_agreement("huisartsen")}
    assert all(set(one["codes"]) <= known and one["codes"] and one["epd_number"] for one in resting)


def test_people_read_the_same_in_both_languages(run, answered):
    english = run("summary", "--explain", "substitution-net", workspace=answered)
    dutch = run("summary", "--explain", "substitution-net", "--language", "nl", workspace=answered)
    assert (english.code, dutch.code) == (0, 0)
    assert "Messages that the answers came in" in english.out
    assert "Berichten waarin de antwoorden kwamen" in dutch.out
    assert "SELECT" in english.out


def test_every_patient_whose_case_is_shown_has_it_in_the_log(run, answered, mailed):
    told = run("summary", "--explain", "durable-discharge-12", "--json", workspace=answered).json
    shown = {one["epd_number"] for one in told["cases"]}
    with mailed.open("praktijk") as practice:
        store = practice.store
        events = [one.event for one in store.audit.show() if one.event.event == "explained"]
        assert {one.object for one in events} == {"figure:durable-discharge-12"}
        noted = {store.patient_identity(one.subject).epd_number for one in events if one.subject}
        assert noted == shown
        assert store.audit.verify() == ()
        last = store.last_load()
    again = run("summary", "--explain", "durable-discharge-12", "--json", workspace=answered).json
    assert again == told  # looking changes no figure and opens no load
    with mailed.open("praktijk") as practice:
        assert practice.store.last_load() == last


def test_nothing_of_it_goes_into_a_file(run, answered, tmp_path):
    to = tmp_path / "out.html"
    for more in (("--to", to), ("--release",)):
        said = run("summary", "--explain", "onward-advice", *more, "--json", workspace=answered)
        assert (said.code, said.json["error"]["rule"]) == (2, "program.usage")
    assert not to.exists()


@pytest.mark.parametrize(("figure", "code", "rule"), [
    ("nonsense", 13, "choosing.unknown"),
    ("nonsense@huisartsen", 13, "choosing.unknown"),
    ("substitution-net@nobody", 11, "agreeing.unknown"),
    ("treatment-index", 13, "choosing.unknown"),
])  # fmt: skip
def test_a_figure_that_there_is_none_of_is_refused_with_what_to_do(run, answered, figure, code, rule):
    said = run("summary", "--explain", figure, "--json", workspace=answered)
    assert (said.code, said.json["error"]["rule"]) == (code, rule)
    assert said.json["error"]["hints"]


def test_totals_of_partners_have_no_cases_and_say_so(run, answered):
    said = run("summary", "--explain", "specialist-referral-rate@huisartsen", workspace=answered)
    assert said.code == 0
    assert "no single cases" in said.out


def test_without_a_file_or_a_figure_the_command_line_is_off(run, answered):
    said = run("summary", "--json", workspace=answered)
    assert (said.code, json.loads(said.out)["error"]["rule"]) == (2, "program.usage")
