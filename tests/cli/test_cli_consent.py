"""exchange consent: what a client said, by whom and where it is written down."""

from __future__ import annotations

import json

import pytest

GP = "agb:01999991"
HEAD = "epd;partner;doel;besluit;datum;bewijs;door\n"


@pytest.fixture
def epd(town):
    """Return an adult client's number in the EPD."""
    with town.open("praktijk") as practice:
        people = [practice.store.patient_identity(one.patient_id) for one in practice.store.dataset().patients]
        return min(one.epd_number for one in people if one.birth_date.year < 1990)


def record(run, town, epd, *more, **changes):
    words = {"--epd": epd, "--partner": GP, "--purpose": "effect", "--state": "given", "--evidence": "formulier"}
    words |= {f"--{name}": value for name, value in changes.items()}
    return run("consent", "record", *(one for pair in words.items() for one in pair), *more, workspace=town["praktijk"])


def last(town, epd):
    from exchange.sources.rows import PatientKey

    with town.open("praktijk") as practice:
        patient = practice.store.patient_named(PatientKey(epd_number=epd))
        return practice.store.consents.standing(patient, GP, "effect", practice.on)


def test_what_a_client_said_is_recorded_with_its_evidence(run, town, epd):
    said = record(run, town, epd, state="refused", on="2026-11-03")
    assert (said.code, said.out) == (0, "The consent was recorded.\n")
    assert record(run, town, epd, "--json", state="refused", on="2026-11-03").json == {
        "recorded": 1,
        "cancelled": [],
        "standing": [],
    }
    known = last(town, epd)
    assert (known.state.value, known.evidence, known.given_by) == ("refused", "formulier", "self")


def test_without_a_day_it_is_today(run, town, epd):
    assert record(run, town, epd, state="withdrawn").code == 0
    assert last(town, epd).day.isoformat() == "2026-11-03"


def test_it_stands_in_the_trail_of_that_client_without_its_number(run, town, epd):
    record(run, town, epd, state="withdrawn")
    entries = run("log", "show", "--epd", epd, "--json", workspace=town["praktijk"]).json["entries"]
    assert entries[-1]["event"] == "consent-withdrawn"
    assert epd not in json.dumps(entries)


def test_an_unknown_client_is_refused_without_repeating_the_number(run, town, snapshot):
    before = snapshot(town["praktijk"])
    said = record(run, town, "KANARIE-4711", "--json")
    assert (said.code, said.json["error"]["rule"]) == (14, "operations.unknown-epd")
    assert said.json["error"]["hints"]
    assert "KANARIE" not in said.out
    assert snapshot(town["praktijk"]) == before


def test_an_adult_decides_without_parents(run, town, epd, snapshot):
    before = snapshot(town["praktijk"])
    said = record(run, town, epd, "--json", by="parents")
    assert said.code == 11
    assert said.json["error"]["hints"]
    assert snapshot(town["praktijk"]) == before


@pytest.mark.parametrize("changes", [{"state": "perhaps"}, {"on": "yesterday"}, {"by": "neighbour"}])
def test_a_word_that_is_none_is_a_usage_error(run, town, epd, changes):
    said = record(run, town, epd, "--json", **changes)
    assert (said.code, said.json["error"]["rule"]) == (2, "program.usage")


def test_a_partner_that_is_no_identifier_is_refused(run, town, epd):
    said = record(run, town, epd, "--json", partner="de huisarts")
    assert said.code not in {0, 2}
    assert said.json["error"]["rule"] != "program.unexpected"


def test_a_table_of_consents_is_recorded_and_counted(run, town, epd, tmp_path):
    file = tmp_path / "toestemming.csv"
    file.write_text(f"{HEAD}{epd};{GP};effect;ingetrokken;2026-11-01;brief;zelf\n", encoding="utf-8")
    said = run("consent", "load", file, "--language", "nl", workspace=town["praktijk"])
    assert (said.code, said.out) == (0, "1 keer toestemming vastgelegd.\n")
    assert last(town, epd).state.value == "withdrawn"
    assert run("consent", "load", file, "--json", workspace=town["praktijk"]).json == {"recorded": 1}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("iets;anders\n1;2\n", "operations.consent-columns"),
        ("", "operations.consent-columns"),
        (f"{HEAD}{{epd}};{GP};effect;misschien;2026-11-01;brief;zelf\n", "operations.consent-row"),
        (f"{HEAD}{{epd}};{GP};effect;gegeven;1 mei;brief;zelf\n", "operations.consent-row"),
        (f"{HEAD}{{epd}};{GP};effect;gegeven\n", "operations.consent-row"),
        (f"{HEAD}{{epd}};{GP};effect;gegeven;2026-11-01;brief;buurvrouw\n", "operations.consent-row"),
        (f"{HEAD}KANARIE-4711;{GP};effect;gegeven;2026-11-01;brief;zelf\n", "operations.unknown-epd"),
    ],
)
def test_a_table_with_something_wrong_is_refused_whole(run, town, epd, tmp_path, snapshot, text, rule):
    file = tmp_path / "toestemming.csv"
    good = f"{epd};{GP};effect;ingetrokken;2026-11-01;brief;zelf\n"
    file.write_text(text.replace("{epd}", epd).replace(HEAD, HEAD + good), encoding="utf-8")
    before = snapshot(town["praktijk"])
    said = run("consent", "load", file, "--json", workspace=town["praktijk"])
    assert said.code in {14, 15}
    assert said.json["error"]["rule"] == rule
    assert said.json["error"]["hints"]
    assert "KANARIE" not in said.out
    assert snapshot(town["praktijk"]) == before


@pytest.fixture
def children(run, town):
    """Return EPD numbers of invented people by their age on 3 November 2026."""
    born = {"11": "04-11-2014", "12": "03-11-2014", "15": "04-11-2010", "16": "03-11-2010"}
    rows = [f"KIND{age};{day};T-{age};01-09-2026;" for age, day in born.items()]
    file = town["praktijk"].parent / "kinderen.csv"
    file.write_text(
        "\n".join(["Patiëntnummer;Geboortedatum;Trajectnummer;Begin behandeling;Einde behandeling", *rows]) + "\n"
    )
    assert run("load", file, "--mapping", "epd-episodes", "--json", workspace=town["praktijk"]).json["episodes"] == 4
    return {age: f"KIND{age}" for age in born}


@pytest.mark.parametrize(("age", "giver"), [("11", "parents"), ("12", "both"), ("15", "both"), ("16", "self")])
def test_under_12_the_parents_from_12_both_and_from_16_the_client_alone(run, town, children, age, giver):
    for by in ("self", "parents", "both"):
        said = record(run, town, children[age], "--json", by=by)
        if by == giver:
            assert said.code == 0, said.out
        else:
            assert (said.code, said.json["error"]["rule"]) == (11, "agreements.consent-giver")
            assert said.json["error"]["hints"]


def test_consent_without_evidence_is_none(run, town, epd, snapshot):
    before = snapshot(town["praktijk"])
    said = record(run, town, epd, "--json", evidence=" ")
    assert (said.code, said.json["error"]["rule"]) == (11, "agreements.consent-no-evidence")
    assert snapshot(town["praktijk"]) == before


def test_the_clients_themselves_are_a_party_only_where_an_agreement_names_them(run, town, epd):
    said = record(run, town, epd, "--json", partner="local:clients")
    assert said.json["error"]["rule"] == "records.party"
