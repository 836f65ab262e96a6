"""exchange log verify --witness: what partners keep shows a trail that somebody rewrote with our own keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

PRACTICE, GP_A = "agb:07999990", "agb:01999991"


@pytest.fixture
def known(run: Any, mailed: Any) -> tuple[Any, Path]:
    """Return a town whose practice got its head back from GP A, in a receipt and in a signed file."""
    run("import", mailed.folder / "post" / "from-a.age", workspace=mailed["praktijk"])
    file = mailed.folder / "witness.json"
    assert run("log", "witness", PRACTICE, "--to", file, workspace=mailed["huisarts-a"]).code == 0
    return mailed, file


def rewrite(town: Any) -> None:
    """Rewrite the practice's whole trail with its own keys: another user in entry 2, and every link made anew."""
    from exchange.store.audit import START

    with town.open("praktijk") as practice:
        audit = practice.store.audit
        with practice.store.engine.connect().execution_options(exchange_writes=True) as connection, connection.begin():
            for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
            connection.exec_driver_sql("UPDATE audit SET user = 'nobody' WHERE number = 2")
            import sqlalchemy as sa

            from exchange.store import tables

            previous = START
            for row in connection.execute(sa.select(tables.audit).order_by(tables.audit.c.number)).mappings().all():
                values = dict(row) | {"previous": previous}
                previous = audit._link(values)  # the forger has our code and keys
                same = tables.audit.c.number == row["number"]
                link = {"previous": values["previous"], "hash": previous}
                connection.execute(sa.update(tables.audit).where(same).values(link))


def test_a_whole_trail_fits_what_partners_keep_of_it(run: Any, known: tuple[Any, Path]) -> None:
    town, file = known
    for words in ((), ("--witness", GP_A), ("--witness", file)):
        ran = run("log", "verify", *words, "--json", workspace=town["praktijk"])
        assert (ran.code, ran.json["findings"]) == (0, [])
        assert ran.json["witnesses"] > 0


def test_a_trail_rewritten_with_our_own_keys_is_found_by_what_partners_keep_and_by_nothing_else(
    run: Any, known: tuple[Any, Path]
) -> None:
    town, file = known
    rewrite(town)
    with town.open("praktijk") as practice:
        assert practice.store.audit.verify() == ()
    for words in ((), ("--witness", GP_A), ("--witness", file)):
        ran = run("log", "verify", *words, "--json", workspace=town["praktijk"])
        assert ran.code == 3
        assert {one["rule"] for one in ran.json["findings"]} == {"store.audit-witness-differs"}
        assert {one["params"]["witness"] for one in ran.json["findings"]} == {GP_A}
    dutch = run("log", "verify", "--witness", file, "--language", "nl", workspace=town["praktijk"])
    assert GP_A in dutch.out


def test_the_next_receipt_finds_a_rewritten_trail_by_itself(run: Any, known: tuple[Any, Path]) -> None:
    town, _ = known
    rewrite(town)
    assert run("export", "huisartsen", workspace=town["praktijk"]).code in {0, 3}
    with town.open("huisarts-a") as gp:
        case = gp.store.cases.received()[0]
    from tests.conftest import Forger

    from exchange.sealing import acknowledgement
    from exchange.sealing.acknowledgement import Acknowledgement, Head
    from exchange.sealing.manifest import Kind
    from exchange.sealing.sealing import Content

    assert case
    with town.open("huisarts-a") as gp:
        seen = [one for one in gp.store.journal.incoming() if one.audit_count][-1]
    data = Acknowledgement(witness=Head(seen.epoch, seen.sequence, seen.audit_count, seen.audit_hash)).to_bytes()
    content = Content(acknowledgement.NAME, acknowledgement.MEDIA_TYPE, 1, data)
    file = Forger(town, "huisarts-a").seal(kind=Kind.ACKNOWLEDGEMENT, contents=(content,))
    taken = run("import", file, "--json", workspace=town["praktijk"])
    assert taken.code == 3
    assert "store.audit-witness-differs" in {one["rule"] for one in taken.json["files"][0]["findings"]}


def test_a_testimony_counts_only_from_a_verified_partner_about_us_and_unchanged(
    run: Any, known: tuple[Any, Path], tmp_path: Path
) -> None:
    town, file = known
    changed = tmp_path / "changed.json"
    data = file.read_bytes()
    changed.write_bytes(data[:200] + (b"A" if data[200:201] != b"A" else b"B") + data[201:])
    own = tmp_path / "own.json"
    run("log", "witness", GP_A, "--to", own, workspace=town["praktijk"])
    for wrong in (changed, own):
        ran = run("log", "verify", "--witness", wrong, "--json", workspace=town["praktijk"])
        assert ran.code == 12, ran.out
    nobody = run("log", "verify", "--witness", "agb:01999992", "--json", workspace=town["praktijk"])
    assert (nobody.code, nobody.json["error"]["rule"]) == (14, "witnessing.none-of-ours")
    none = run("log", "witness", "kvk:12345678", "--to", own, "--json", workspace=town["praktijk"])
    assert (none.code, none.json["error"]["rule"]) == (14, "witnessing.none")
