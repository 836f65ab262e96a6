"""Time indicators in the encrypted store, beside pandas reading the same store; arguments: sessions, runs.

    python tests/benchmarks/store_speed.py 1000000 5

Each measurement is a process of its own; they take turns. The last two are the command line, everything included.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import counting_speed
import pooled_speed

from exchange.operations import figuring
from exchange.operations.workspace import Workspace

ON = date(2026, 6, 1)
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
START, END, ONE = pooled_speed.START, pooled_speed.END, pooled_speed.ONE
PERIOD = ("--from", START.isoformat(), "--until", END.isoformat())


def make(folder: Path, sessions: int) -> None:
    """Make a demo workspace with an invented practice in its store, as one load."""
    made = Workspace.create(
        folder, party="agb:90000001", name="Verzonnen praktijk", passphrase=None, now=NOW, on=ON, user="bench"
    )
    with made, made.store._database.changing(by="bench", at=NOW) as (connection, load):
        for table, rows in counting_speed._practice(sessions):
            connection.execute(table.insert(), [{**row, "load_from": load} for row in rows])


def _open(folder: Path) -> Workspace:
    return Workspace.open(folder, passphrase=lambda _name: "", now=NOW, on=ON, user="bench")


def by_definition(folder: Path) -> object:
    """Count the one indicator as the program does."""
    with _open(folder) as workspace:
        definition = figuring.definitions([ONE])[0]
        return dict(figuring.cube(workspace, definition, start=START, end=END).total.counts)


def by_pandas(folder: Path) -> object:
    """Count the same with pandas from the same store."""
    import pandas as pd
    import sqlalchemy as sa

    with _open(folder) as workspace, workspace.store.reading() as connection:

        def read(table: str, *columns: str) -> pd.DataFrame:
            listed = ", ".join(columns)
            return pd.read_sql(sa.text(f"SELECT {listed} FROM {table} WHERE load_to IS NULL"), connection)

        return pooled_speed.net(read)


def _program(folder: Path, *words: str) -> object:
    from exchange_cli import program

    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        out, sys.stdout = sys.stdout, nowhere
        try:
            program.main(["--workspace", str(folder), "--language", "en", "indicators", *PERIOD, *words])
        except SystemExit as left:
            return {"code": left.code}
        finally:
            sys.stdout = out


def catalogue(folder: Path) -> object:
    """Run the whole catalogue from the command line."""
    return _program(folder)


def monthly(folder: Path) -> object:
    """Run the whole catalogue by diagnosis group and month from the command line."""
    return _program(folder, "--by", "location", "--by", "month")


WAYS: dict[str, Callable[[Path], object]] = {
    "one definition": by_definition,
    "pandas": by_pandas,
    "command line, catalogue": catalogue,
    "command line, by group, month": monthly,
}


def measured(way: str, folder: Path) -> dict[str, Any]:
    """Run one way in a process of its own."""
    begun = time.monotonic()
    ran = subprocess.run([sys.executable, __file__, "--way", way, str(folder)], check=True, capture_output=True)
    return {"wall": time.monotonic() - begun, **json.loads(ran.stdout)}


def main(sessions: int, runs: int, kept: str = "") -> None:
    """Make the store, let the ways take turns, and print medians and ratios."""
    folder = Path(kept or tempfile.mkdtemp(prefix="store-")) / "practice"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        make(folder, sessions)
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(runs):
        for way in WAYS:
            found[way].append(measured(way, folder))
    one = found["one definition"]
    sys.stdout.write(f"{sessions} sessions, medians of {runs}\n")
    for way, ran in found.items():
        m = {name: statistics.median(each[name] for each in ran) for name in ("wall", "processor", "peak")}
        ratio = m["processor"] / statistics.median(each["processor"] for each in one)
        sys.stdout.write(f"  {way:30} {m['wall']:7.2f} s wall {m['processor']:7.2f} s processor (x{ratio:.2f})")
        sys.stdout.write(f" {m['peak']:7.0f} MiB\n")
    answer, mine = found["pandas"][0]["answer"], one[0]["answer"]
    sys.stdout.write(f"  the same integers: { {name: mine[name] for name in answer} == answer }\n")
    if not kept:
        shutil.rmtree(folder.parent)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--way"]:
        sys.stdout.write(pooled_speed.cost(WAYS[sys.argv[2]](Path(sys.argv[3]))))
    else:
        main(
            int(sys.argv[1]) if len(sys.argv) > 1 else 100_000,
            int(sys.argv[2]) if len(sys.argv) > 2 else 5,
            sys.argv[3] if len(sys.argv) > 3 else "",
        )
