"""What left for outsiders stands in a ledger; what is too near it is left out, or the document refused."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest


@pytest.fixture
def practice(demo):
    """Return the demo practice's folder, its letter complete."""
    folder = demo / "praktijk"
    with (folder / "plan-answers.toml").open("a", encoding="utf-8") as file:
        file.write('\npopulation = "Verzonnen."\nclosing = "Verzonnen."\n')
    return folder


def ledger(folder):
    """Return all that was released."""
    from datetime import UTC, datetime

    from exchange.operations.workspace import Workspace

    now = datetime(2026, 11, 3, tzinfo=UTC)
    with Workspace.open(folder, passphrase=lambda _name: "", now=now, on=now.date(), user="tester") as workspace:
        return workspace.store.releases.all()


def newest(folder, count: int, indicator: str, part: str, drop: int) -> None:
    """Put a release in the ledger that lacks a few patients of the newest one: as if it had been sent before."""
    from datetime import UTC, datetime

    from exchange.operations.workspace import Workspace
    from exchange.store.releases import ReleasedCell

    now = datetime(2026, 11, 3, tzinfo=UTC)
    with Workspace.open(folder, passphrase=lambda _name: "", now=now, on=now.date(), user="tester") as workspace:
        cells = [(one, json.loads(one.cell)) for one in workspace.store.releases.all()]
        cells = [one for one, name in cells if (name["indicator"], name["part"]) == (indicator, part)]
        members = frozenset(sorted(cells[0].members)[drop:])
        assert len(members) == len(cells[0].members) - drop
        import sqlalchemy as sa

        from exchange.store import tables

        with workspace.store.engine.connect().execution_options(exchange_writes=True) as connection, connection.begin():
            connection.execute(sa.delete(tables.release_cell))
        earlier = {**json.loads(cells[0].cell), "end": "2026-05-01"}
        cell = json.dumps(earlier, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        workspace.store.releases.save("plan-final 2026-05-01", [ReleasedCell(cell, count, members)], at=now)


def test_a_draft_writes_nothing_in_the_ledger(run, practice, tmp_path):
    assert run("plan", "--to", tmp_path / "plan.md", workspace=practice).code == 3
    assert run("summary", "--to", tmp_path / "summary.md", workspace=practice).code == 3
    assert ledger(practice) == ()


def test_a_final_letter_writes_each_published_count_with_its_patients(run, practice, tmp_path):
    said = run("plan", "--final", "--to", tmp_path / "plan.docx", "--json", workspace=practice)
    assert said.code == 3, said.out
    cells = {one.cell: one for one in ledger(practice)}
    named = [json.loads(cell) for cell in cells]
    assert {"indicator", "version", "start", "end", "group", "part", "agreement"} == set(named[0])
    assert {"durable-discharge-12", "onward-advice", "measured"} <= {one["indicator"] for one in named}
    assert all(one.count == len(one.members) >= 10 for one in cells.values())
    assert all(one.document.startswith("plan-final 2026-11-03") for one in cells.values())


def test_the_same_figures_again_are_nothing_new(run, practice, tmp_path):
    assert run("summary", "--release", "--to", tmp_path / "one.md", workspace=practice).code == 3
    before = ledger(practice)
    assert run("summary", "--release", "--to", tmp_path / "two.md", workspace=practice).code == 3
    assert ledger(practice) == before


@pytest.mark.parametrize("drop", [1, 9])
def test_a_figure_that_differs_by_a_few_patients_is_left_out_and_the_rest_is_sent(run, practice, tmp_path, drop):
    run("summary", "--release", "--to", tmp_path / "first.md", workspace=practice)
    newest(practice, 100, "durable-discharge-12", "answered", drop)
    to = tmp_path / "second.md"
    said = run("summary", "--release", "--to", to, "--json", "--language", "nl", workspace=practice)
    assert said.code == 3, said.err
    (found, *_) = [one for one in said.json["findings"] if one["rule"] == "releasing.left-out"]
    assert "(12 maanden)" in found["params"]["figure"]
    assert found["params"]["document"].startswith("plan-final 2026-05-01")
    page = to.read_text(encoding="utf-8")
    assert "niet getoond: te dicht bij wat eerder is uitgegeven; zie de eerdere uitgave" in page
    assert "plan-final 2026-05-01" not in page  # what others were given is for the practice to know
    assert "| Afgesloten zonder advies tot doorverwijzing | 9" in page
    entered = [json.loads(one.cell) for one in ledger(practice) if one.document.startswith("summary ")]
    assert {one["indicator"] for one in entered} >= {"onward-advice", "measured"}
    assert not [one for one in entered if one["indicator"] == "durable-discharge-12" and not one["agreement"]]
    # The same once more says the same, and enters nothing.
    before = ledger(practice)
    assert run("summary", "--release", "--to", tmp_path / "third.md", workspace=practice).code == 3
    assert ledger(practice) == before


def test_without_its_main_figure_a_letter_is_refused_and_leaves_nothing(run, practice, tmp_path):
    run("summary", "--release", "--to", tmp_path / "first.md", workspace=practice)
    newest(practice, 100, "sessions-per-patient", "answered", 4)
    before, to = ledger(practice), tmp_path / "plan.docx"
    said = run("plan", "--final", "--to", to, "--json", workspace=practice)
    assert (said.code, said.json["error"]["rule"]) == (17, "releasing.differencing")
    assert said.json["error"]["hints"]
    assert not to.exists()
    assert ledger(practice) == before
    # The summary is about more than that.
    assert run("summary", "--release", "--to", tmp_path / "second.md", workspace=practice).code == 3


def test_ten_patients_more_are_enough(run, practice, tmp_path):
    run("summary", "--release", "--to", tmp_path / "first.md", workspace=practice)
    newest(practice, 100, "durable-discharge-12", "answered", 10)
    assert run("summary", "--release", "--to", tmp_path / "second.md", workspace=practice).code == 3


def test_a_release_that_can_not_be_written_whole_is_none(run, practice, tmp_path):
    one, two = tmp_path / "one.md", tmp_path / "two.odt"
    said = run("summary", "--release", "--to", one, "--to", two, "--json", workspace=practice)
    assert (said.code, said.json["error"]["rule"]) == (17, "reports.unknown-format")
    assert not one.exists()
    assert ledger(practice) == ()


def test_an_internal_edition_is_not_released(run, practice, tmp_path):
    to = tmp_path / "one.md"
    said = run("summary", "--release", "--for", "internal", "--to", to, "--json", workspace=practice)
    assert (said.code, said.json["error"]["rule"]) == (17, "summarising.release-internal")
    assert not to.exists()


def test_no_digest_in_the_ledger_is_a_patients_own_id(run, practice, tmp_path):
    run("summary", "--release", "--to", tmp_path / "first.md", workspace=practice)
    members = {digest for one in ledger(practice) for digest in one.members}
    from datetime import UTC, datetime

    from exchange.operations.workspace import Workspace

    now = datetime(2026, 11, 3, tzinfo=UTC) + timedelta(days=1)
    with Workspace.open(practice, passphrase=lambda _name: "", now=now, on=now.date(), user="tester") as workspace:
        ids = {one.patient_id[:16] for one in workspace.store.dataset().patients}
    assert members
    assert not members & ids
