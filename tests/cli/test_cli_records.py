"""exchange records export: pooled records, without anyone in them, only under an agreement that says so."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from exchange.records.codes import ConsentState

POOL = "agb:07999995"
FLOWS = re.compile(r"^flows:\n(?:(?:  .*)?\n)+?(?=^#|^[a-z])", re.MULTILINE)
FLOW = """flows:
  - event: pooled-records
    from: practice
    purpose: effect
    article-6: 6-1-a
    article-9: 9-2-a
    secrecy: explicit-consent
    consent: required
    frequency:
      nl: een keer per jaar.
      en: once a year.
"""
INDICATORS = ["substitution-net", "durable-discharge-6", "measured", "sessions-per-patient", "evaluation-moments"]


@pytest.fixture
def pooling(town):
    """Return the town whose practice has signed with a pool, and whose clients agreed to it."""
    from exchange.operations import agreeing, consenting, importing, partners
    from exchange.operations.workspace import Workspace

    with town.open("praktijk") as practice:
        pool = Workspace.create(
            town["pool"], party=POOL, name="Verzonnen pool", contact="privacy@voorbeeld.invalid", passphrase=None,
            now=practice.now, on=practice.on, user="pool",
        )  # fmt: skip
        with pool:
            for giver, taker, kind in ((pool, practice, "other"), (practice, pool, "practice")):
                file = town.folder / "kaarten" / f"{giver.folder.name}-pool.json"
                card = partners.own_card(giver, to=file)
                partners.add(taker, file, kind=kind)
                partners.verify(taker, card.parties[0], fingerprint=card.fingerprint, ours=taker.card.fingerprint,
                                how="telefonisch vergeleken")  # fmt: skip
            draft = town.draft(practice, "other", "pool", POOL, indicators=INDICATORS, targets={INDICATORS[0]: 0.8})
            text, count = FLOWS.subn(FLOW, draft.read_text(encoding="utf-8"))
            assert count == 1
            text = re.sub(r"^identity: .*$", "identity: []", text, flags=re.MULTILINE)
            draft.write_text(text, encoding="utf-8")
            (posted,) = agreeing.sign(practice, draft).files
            importing.take_in(pool, [posted.file])
            importing.take_in(practice, [one.file for one in agreeing.accept(pool, "pool").files])
        given = (town["bestanden"] / "toestemming.csv").read_text(encoding="utf-8")
        (town["bestanden"] / "pool.csv").write_text(_for_the_pool(given), encoding="utf-8")
        consenting.load(practice, town["bestanden"] / "pool.csv")
    return town


def _for_the_pool(given: str) -> str:
    """Return every client's consent once more, for the pool and its purpose."""
    head, *lines = given.splitlines()
    names = head.split(";")
    found = {}
    for line in lines:
        row = dict(zip(names, line.split(";"), strict=True))
        found[row[names[0]]] = row
    partner = next(name for name in names if name.lower() in ("partner", "partij"))
    purpose = next(name for name in names if name.lower() in ("purpose", "doel"))
    made = [";".join(({**row, partner: POOL, purpose: "effect"})[name] for name in names) for row in found.values()]
    return "\n".join([head, *made]) + "\n"


def rows(folder, table):
    import duckdb

    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT * FROM read_parquet('{folder}/{table}/*/*/*.parquet', hive_partitioning = false)"
        )
        names = [one[0] for one in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_what_goes_out_names_nobody_and_at_least_five_share_what_can_be_recognised(run, pooling, tmp_path):
    to = tmp_path / "pool"
    said = run("records", "export", "pool", "--to", to, "--json", workspace=pooling["praktijk"])
    assert said.code in (0, 3), said.out
    assert said.json["patients"] >= 5
    with pooling.open("praktijk") as practice:
        known = practice.store.dataset()
    surrogates = {one.patient_id for one in known.patients} | {one.episode_id for one in known.episodes}
    patients, episodes = rows(to, "patient"), rows(to, "episode")
    assert len(patients) == said.json["patients"]
    assert not surrogates & {value for row in (*patients, *episodes) for value in row.values()}
    born = {one["patient_id"]: (one["birth_date"], one["sex"]) for one in patients}
    cells = Counter({(*born[one["patient_id"]], one["location"], one["patient_id"]) for one in episodes})
    sharing = Counter(cell[:3] for cell in cells)
    assert min(sharing.values()) >= 5
    assert all(one["start_date"].weekday() == 0 for one in episodes)
    starts = {one["episode_id"]: one["start_date"] for one in episodes}
    for table in ("session", "measurement", "evaluation"):
        for one in rows(to, table):
            assert (one["day"] - starts[one["episode_id"]]).days % 7 == 0
    about = json.loads(next((to / "about").glob("*.json")).read_text(encoding="utf-8"))
    assert (about["format"], about["dates"], about["least"]) == ("pooled-records/1", "weeks-since-start", 5)
    log = run("log", "show", "--json", workspace=pooling["praktijk"])
    assert log.out.count('"pooled"') >= 1


def test_two_exports_have_no_id_in_common(run, pooling, tmp_path):
    for name in ("one", "two"):
        run("records", "export", "pool", "--to", tmp_path / name, workspace=pooling["praktijk"])
    ids = [{one["episode_id"] for one in rows(tmp_path / name, "episode")} for name in ("one", "two")]
    assert len(ids[0]) == len(ids[1]) > 0
    assert not ids[0] & ids[1]


def test_the_figures_over_what_was_exported_are_there_without_a_workspace(run, pooling, tmp_path):
    to = tmp_path / "pool"
    run("records", "export", "pool", "--to", to, workspace=pooling["praktijk"])
    said = run("indicators", "measured", "sessions-per-patient", "--engine", "duckdb", "--data", to, "--json")
    assert said.code == 0, said.out
    figures = said.json["figures"]
    assert {one["scope"] for one in figures} == {"pooled"}
    assert next(one for one in figures if one["indicator"] == "measured")["eligible"] > 0


def test_an_agreement_without_the_clause_lets_nothing_out(run, pooling, tmp_path):
    said = run("records", "export", "huisartsen", "--to", tmp_path / "no", "--json", workspace=pooling["praktijk"])
    assert (said.code, said.json["error"]["rule"]) == (11, "pooling.no-clause")
    assert not (tmp_path / "no").exists()


def test_who_withdrew_stays_out(run, pooling, tmp_path):
    before = run("records", "export", "pool", "--dry-run", "--json", workspace=pooling["praktijk"]).json
    with pooling.open("praktijk") as practice:
        standing = practice.store.consents.all_standing(practice.on)
        given = {key: one for key, one in standing.items() if key[1] == POOL and one.state is ConsentState.GIVEN}
        withdrawn = replace(given[min(given)], state=ConsentState.WITHDRAWN, day=practice.on)
        practice.store.consents.save(withdrawn, by="t", at=practice.now)
    after = run("records", "export", "pool", "--dry-run", "--json", workspace=pooling["praktijk"]).json
    assert after["refused"].get("gate.consent.refused", 0) == before["refused"].get("gate.consent.refused", 0) + 1


def test_a_folder_that_holds_something_is_left_alone(run, pooling, tmp_path):
    (tmp_path / "here.txt").write_text("mine")
    said = run("records", "export", "pool", "--to", tmp_path, "--json", workspace=pooling["praktijk"])
    assert said.json["error"]["rule"] == "pooling.not-empty"


def test_a_dry_run_writes_nothing(run, pooling, tmp_path):
    words = ("--to", tmp_path / "pool", "--dry-run", "--json")
    said = run("records", "export", "pool", *words, workspace=pooling["praktijk"])
    assert said.json["folder"] is None
    assert not (tmp_path / "pool").exists()


def test_weeks_since_the_start_keep_what_a_window_asks():
    from exchange.operations.coarsening import by_weeks, week_of

    for offset in range(14):
        start = date(2024, 2, 26) + timedelta(offset)
        assert by_weeks(start, start) == week_of(start)
        assert by_weeks(None, start) is None
        # recorded within seven days stays within seven days, and on the eighth stays too late
        assert by_weeks(start + timedelta(7), start, up=True) <= week_of(start) + timedelta(7)
        assert by_weeks(start + timedelta(8), start, up=True) > week_of(start) + timedelta(7)


def test_people_are_coarsened_no_further_than_they_need():
    from exchange.operations.coarsening import Known, coarsened

    crowd = {f"c{i}": Known(1980, "female", frozenset({"34"})) for i in range(5)}
    near = {f"n{i}": Known(1960 + i, "male", frozenset({"34"})) for i in range(5)}
    odd = {"odd": Known(1920, "male", frozenset({"99"}))}
    found = coarsened({**crowd, **near, **odd})
    assert all(found[one] == crowd[one] for one in crowd)
    assert {(found[one].year, found[one].width, found[one].sex) for one in near} == {(1960, 5, "male")}
    assert "odd" not in found


def test_the_practice_is_the_region_so_five_must_share_within_each():
    from exchange.operations.coarsening import LEAST, Known, coarsened

    def people(name, count):
        return {f"{name}{one}": Known(1980, "female", frozenset({"26"}), 1) for one in range(count)}

    crowd = {f"x{one}": Known(1983 + one % 2, "female", frozenset({"26"}), 1) for one in range(2 * LEAST)}
    # Three here and three there are six together, and three in each region: they are hidden in each by itself.
    for name in ("a", "b"):
        found = coarsened({**people(name, 3), **crowd})
        assert all(known.width > 1 for person, known in found.items() if person.startswith(name))
    together = coarsened({**people("a", 3), **people("b", 3), **crowd})
    assert all(known.width == 1 for person, known in together.items() if person[0] in "ab")


def test_a_pooled_folder_tells_no_place_of_anybody(run, pooling, tmp_path):
    to = tmp_path / "pool"
    assert run("records", "export", "pool", "--to", to, workspace=pooling["praktijk"]).code in (0, 3)
    for table in ("patient", "episode", "case_opened"):
        said = {str(cell) for row in rows(to, table) for cell in row.values()}
        assert said or table == "case_opened"
        assert not [one for one in said if "Voorbeeldstad" in one or one.startswith(("agb:", "kvk:"))]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "duckdb", "spark", "trino"])
def test_the_query_of_any_engine_is_shown_without_a_workspace(run, tmp_path, engine):
    said = run("indicators", "onward-advice", "--sql", "--engine", engine, "--json", cwd=tmp_path)
    assert said.code == 0, said.out
    assert "episode" in said.json["sql"]["onward-advice"]


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("--engine", "duckdb"), "figuring.engine-elsewhere"),
        (("--engine", "trino", "--data", "."), "figuring.no-pooled-engine"),
        (("--engine", "spark", "--data", "."), "figuring.no-remote"),
        (("--data", "."), "counting.no-exported"),
    ],
)
def test_an_engine_that_cannot_count_here_says_so(run, tmp_path, words, rule):
    said = run("indicators", "onward-advice", *words, "--json", cwd=tmp_path)
    assert (said.code, said.json["error"]["rule"]) == (13, rule)
