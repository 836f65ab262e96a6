"""Time indicators in the encrypted store, beside pandas reading the same store; arguments: sessions, runs, a folder.

    python tests/benchmarks/store_speed.py 1000000 5

Each measurement is a process of its own; they take turns. `exchange ...` is the command line itself, from start to
exit, with the bytecode that an installation has. What every command pays, start-up and opening the store with a key
that scrypt derives, is counted along and printed by itself as well. A folder keeps the store for a next run.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
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


def catalogue_by_pandas(folder: Path) -> object:
    """Count the whole catalogue with pandas from the same store: the second reading that the tests hold it to."""
    import pandas as pd
    import sqlalchemy as sa

    from exchange.records.instruments import instruments

    reading = _second_reading()
    renamed = {"start": "start_date", "end": "end_date"}
    frames = {}
    with _open(folder) as workspace, workspace.store.reading() as connection:
        for name, columns in reading.COLUMNS.items():
            table = "case_opened" if name == "cases" else name.removesuffix("s")
            listed = ", ".join(f'"{renamed.get(one, one)}" AS "{one}"' for one in columns)
            query = sa.text(f"SELECT {listed} FROM {table} WHERE load_to IS NULL")
            frames[name] = pd.read_sql(query, connection, parse_dates=reading.DAY_COLUMNS[name])
    scales = {
        one.id: reading.Scale(
            one.better == "lower", one.lowest if one.better == "lower" else one.highest, one.mic, one.mic_percent,
            one.mdc95, one.effect,
        )
        for one in instruments().values()
    }  # fmt: skip
    practice = reading.Practice(frames, scales, reading.Asked(START, END, ON), lambda _row: None)
    counted = [one.id for one in figuring.definitions() if not figuring.needs_more(one)]
    return {name: reading.READINGS[name](practice) for name in counted}


def catalogue_by_definitions(folder: Path) -> dict[str, dict[str, int]]:
    """Count the whole catalogue as the program does, for its integers; not timed."""
    with _open(folder) as workspace:
        chosen = [one for one in figuring.definitions() if not figuring.needs_more(one)]
        starts = {one.id: START for one in chosen}
        return {
            cube.indicator: dict(cube.total.counts)
            for cube in figuring.cubes(workspace, chosen, starts=starts, end=END)
        }


def _second_reading() -> Any:
    path = Path(__file__).parent.parent / "generative" / "pandas_reading.py"
    spec = importlib.util.spec_from_file_location("pandas_reading", path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules["pandas_reading"] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


CATALOGUE = "exchange indicators"
WAYS: dict[str, Callable[[Path], object]] = {
    "one definition": by_definition,
    "one definition by pandas": by_pandas,
    "catalogue by pandas": catalogue_by_pandas,
}
COMMANDS: dict[str, tuple[str, ...]] = {
    "exchange log show": ("log", "show"),
    CATALOGUE: ("indicators", *PERIOD),
    "exchange indicators --by month": ("indicators", *PERIOD, "--by", "month"),
    "exchange indicators --by location": ("indicators", *PERIOD, "--by", "location"),
    "exchange indicators --by both": ("indicators", *PERIOD, "--by", "location", "--by", "month"),
}
# At its end the program writes its peak of memory, as `pooled_speed.cost` reads it, where nothing else is written.
_PROGRAM = """
import atexit, pathlib, sys
from exchange_cli.program import main
def peak():
    status = pathlib.Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    sys.stderr.write(next((line.split()[1] for line in lines if line.startswith("VmHWM")), "nan"))
atexit.register(peak)
main()
"""


def measured(way: str, folder: Path) -> dict[str, Any]:
    """Run one way in a process of its own: the program as a user starts it, or a function here."""
    words = ("-c", _PROGRAM, "--workspace", str(folder), "--language", "en", *COMMANDS.get(way, ()))
    if way not in COMMANDS:
        words = (__file__, "--way", way, str(folder))
    # What pip has compiled for a user stands here in a folder of our own.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder.parent / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    ran = subprocess.run([sys.executable, *words], check=True, capture_output=True, env=environment)
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told = {"answer": None, "peak": float(ran.stderr) / 1024} if way in COMMANDS else json.loads(ran.stdout)
    return {**told, "wall": wall, "processor": used}


def main(sessions: int, runs: int, kept: str = "") -> None:
    """Make the store, let the ways take turns, and print medians and ratios."""
    folder = Path(kept or tempfile.mkdtemp(prefix="store-")) / "practice"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True, parents=True)
        make(folder, sessions)
    measured(CATALOGUE, folder)  # so that there is bytecode
    ways = [*WAYS, *COMMANDS]
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for _ in range(runs):
        for way in ways:
            found[way].append(measured(way, folder))
    medians = {
        way: {name: statistics.median(each[name] for each in ran) for name in ("wall", "processor", "peak")}
        for way, ran in found.items()
    }
    sys.stdout.write(f"{sessions} sessions, medians of {runs}\n")
    for way, m in medians.items():
        sys.stdout.write(f"  {way:34} {m['wall']:7.2f} s wall {m['processor']:7.2f} s processor {m['peak']:7.0f} MiB\n")
    for mine, other in (("one definition", "one definition by pandas"), (CATALOGUE, "catalogue by pandas")):
        ratios = {name: medians[other][name] / medians[mine][name] for name in ("wall", "processor", "peak")}
        listed = ", ".join(f"{name} x{ratio:.2f}" for name, ratio in ratios.items())
        sys.stdout.write(f"  {other} against {mine}: {listed}\n")
    _compared(folder, found)
    if not kept:
        shutil.rmtree(folder.parent)


def _compared(folder: Path, found: dict[str, list[dict[str, Any]]]) -> None:
    """Say whether pandas found the same integers."""
    mine, other = (found[way][0]["answer"] for way in ("one definition", "one definition by pandas"))
    sys.stdout.write(f"  the same integers of one definition: { {name: mine[name] for name in other} == other }\n")
    whole, theirs = catalogue_by_definitions(folder), found["catalogue by pandas"][0]["answer"]
    differ = sorted(
        name for name, counts in theirs.items() if any(whole[name].get(each) != n for each, n in counts.items())
    )
    sys.stdout.write(f"  the same integers of the catalogue: {not differ} {', '.join(differ)}\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--way"]:
        sys.stdout.write(pooled_speed.cost(WAYS[sys.argv[2]](Path(sys.argv[3]))))
    else:
        main(
            int(sys.argv[1]) if len(sys.argv) > 1 else 100_000,
            int(sys.argv[2]) if len(sys.argv) > 2 else 5,
            sys.argv[3] if len(sys.argv) > 3 else "",
        )
