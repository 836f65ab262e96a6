"""Time the catalogue over pooled Parquet: DuckDB from definitions, by hand, and pandas; arguments: sessions, runs.

    python tests/benchmarks/pooled_speed.py 20000000 5

The pool is of practices of 10^5 sessions each, laid as their exports lie: one folder a practice and year in each table.
Each measurement is a process of its own; they take turns. Printed: medians of wall and processor seconds and the peak
of resident memory, and the ratios.
"""

from __future__ import annotations

import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from exchange.counting import counting, engines, parquet
from exchange.indicators.cohort import Question
from exchange.indicators.definition import Definition
from exchange.indicators.reading import shipped_definitions
from exchange.records.instruments import instruments

START, END, CUT_OFF = date(2022, 1, 1), date(2025, 1, 1), date(2026, 6, 1)
ONE = "substitution-net"
# pandas reads Parquet with pyarrow, which nothing else here needs: `python -m pip install pyarrow`.
FOUR = (ONE, "durable-discharge-12", "measured", "sessions-per-patient")
NEEDY = ("rate-ratio", "standardised-ratio")

# Episodes of nine sessions on average over four years; everything from a hash of its number, so that it is the same
# in every run. One in ten is long.
_DRAWN = """
CREATE TABLE drawn AS SELECT i,
    printf('e%015d', i) AS episode_id, printf('p%015d', i * 7 // 10) AS patient_id,
    DATE '2021-01-01' + CAST(hash(i, 1) % 1300 AS INTEGER) AS start_date,
    CAST(CASE WHEN hash(i, 2) % 10 = 0 THEN 20 + hash(i, 3) % 20 ELSE 2 + hash(i, 3) % 9 END AS INTEGER) AS sessions,
    CAST(30 + hash(i, 4) % 46 AS VARCHAR) AS location
FROM range($1) AS numbers(i)
"""
_TABLES = {
    "patient": """SELECT DISTINCT patient_id, CASE WHEN hash(patient_id) % 2 = 0 THEN 'male' ELSE 'female' END AS sex,
        DATE '1940-01-01' + CAST(hash(patient_id, 1) % 25000 AS INTEGER) AS birth_date FROM drawn""",
    "episode": """SELECT episode_id, patient_id, start_date, start_date + 7 * sessions AS end_date, '' AS diagnosis,
        location, 'referred' AS access,
        CASE WHEN hash(i, 5) % 10 < 7 THEN 'goals-reached' WHEN hash(i, 5) % 10 = 7 THEN 'stopped-by-client'
            WHEN hash(i, 5) % 10 = 8 THEN 'maintenance' ELSE 'unknown' END AS end_reason,
        CASE WHEN hash(i, 6) % 4 < 2 THEN 'no' WHEN hash(i, 6) % 4 = 2 THEN 'yes' ELSE 'unknown' END AS onward_advice,
        CAST(hash(i, 7) % 10 = 0 AS SMALLINT) AS chronic, 'nprs' AS instrument, '' AS therapist,
        CAST(0 AS SMALLINT) AS "foreign" FROM drawn""",
    "session": """SELECT i * 64 + n AS session_id, episode_id, start_date + CAST(7 * n AS INTEGER) AS "day",
        'session' AS "type" FROM drawn, LATERAL (SELECT unnest(range(sessions)) AS n)""",
    "measurement": """SELECT i * 2 + n AS measurement_id, episode_id, 'nprs' AS instrument,
        start_date + CAST(n * 7 * sessions AS INTEGER) AS "day",
        CAST(CASE WHEN n = 0 THEN 70 ELSE 10 * (hash(i, 8) % 8) END AS INTEGER) AS score
        FROM drawn, (VALUES (0), (1)) AS ends(n)""",
    "referral": """SELECT i AS referral_id, episode_id, start_date AS "day",
        CASE hash(i, 9) % 3 WHEN 0 THEN 'hospital' WHEN 1 THEN 'gp' ELSE 'nothing' END AS counterfactual,
        start_date AS recorded_on FROM drawn""",
    "evaluation": """SELECT i * 3 + n AS evaluation_id, episode_id, CAST(4 * n + 4 AS INTEGER) AS session_number,
        start_date + CAST(7 * (4 * n + 4) AS INTEGER) AS "day", 'sufficient' AS effect, 'yes' AS advice_taken_up,
        'continue' AS decision, CAST(NULL AS DATE) AS told_referrer_on
        FROM drawn, (VALUES (0), (1), (2)) AS moments(n) WHERE sessions > 4 * n + 4 AND hash(i, 10 + n) % 10 < 7""",
    "answer": """SELECT episode_id AS case_id, episode_id, 'answer.specialist-referral' AS element, start_date,
        start_date + 7 * sessions + 370 AS end_date,
        CASE WHEN hash(i, 20) % 3 < 2 THEN 'no' ELSE 'yes' END AS status, 'signed' AS evidence,
        CAST(NULL AS INTEGER) AS "count", CAST(NULL AS DATE) AS first_day,
        start_date + 7 * sessions + 371 + CAST(hash(i, 21) % 60 AS INTEGER) AS received_on FROM drawn""",
    "aggregate": """SELECT '' AS partner, '' AS element, DATE '2000-01-01' AS start_date, DATE '2000-01-01' AS end_date,
        0 AS value, 0 AS population, '' AS evidence, '' AS message_id WHERE false""",
    "case_opened": "SELECT episode_id AS case_id, episode_id, '' AS agreement_id, start_date AS opened_on FROM drawn",
}


# A patient has all episodes at one practice.
_PRACTICE = {
    "patient": "CAST(substr(patient_id, 2) AS BIGINT) // $1",
    "episode": "CAST(substr(patient_id, 2) AS BIGINT) // $1",
    "aggregate": "0",
}
_PRACTICE_OF_EPISODE = "CAST(substr(episode_id, 2) AS BIGINT) * 7 // 10 // $1"
_PATIENTS = 8400


def make(folder: Path, sessions: int, patients: int = _PATIENTS) -> None:
    """Write invented tables as `exchange records export` lays them, each practice with so many patients."""
    connection = parquet.duckdb().connect(":memory:")
    connection.execute(_DRAWN, [round(sessions / 8.35)])
    connection.execute("SET partitioned_write_max_open_files = 5000")
    folder.mkdir(parents=True, exist_ok=True)
    for name, query in _TABLES.items():
        divided = parquet.TABLES[name].year
        practice = f"printf('p%06d', {_PRACTICE.get(name, _PRACTICE_OF_EPISODE)})".replace("$1", str(patients))
        rows = f"SELECT *, {practice} AS source, {f'year({divided})' if divided else '0'} AS year FROM ({query})"
        place = folder / name
        if name == "aggregate":
            place = place / "source=p000000" / "year=0"
            place.mkdir(parents=True)
            connection.execute(f"COPY ({query}) TO '{place}/part-0.parquet' (FORMAT parquet)")
        else:
            divided_by = "FORMAT parquet, PARTITION_BY (source, year)"
            connection.execute(f"COPY ({rows} ORDER BY source) TO '{place}' ({divided_by})")
    connection.close()


def by_definitions(folder: Path, ids: tuple[str, ...]) -> object:
    """Count definitions with DuckDB."""
    known = shipped_definitions()
    chosen: list[Definition] = [known[name] for name in ids] or [one for one in known.values() if one.kind not in NEEDY]
    with engines.OnDuckDB(folder) as tables:
        questions = [Question(one, START, END, CUT_OFF, (), instruments()) for one in chosen]
        return {cube.indicator: dict(cube.total.counts) for cube in counting.cubes(tables, questions)}


_BY_HAND = """
WITH base AS (
    SELECT episode_id, patient_id, start_date, end_date, CAST(end_date + INTERVAL 12 MONTH AS DATE) AS until, end_reason
    FROM read_parquet('{0}/episode/*/*/*.parquet')
    WHERE end_date >= $1 AND end_date < $2),
asked AS (
    SELECT episode_id, arg_min(counterfactual, (recorded_on, referral_id)) AS otherwise
    FROM read_parquet('{0}/referral/*/*/*.parquet') JOIN base USING (episode_id)
    WHERE counterfactual != 'unknown' AND recorded_on <= base.start_date + 7 GROUP BY episode_id),
eligible AS (SELECT base.* FROM base JOIN asked USING (episode_id) WHERE otherwise = 'hospital' AND until <= $3),
said AS (
    SELECT e.episode_id, min(CASE
        WHEN status = 'yes' AND (first_day IS NULL AND a.start_date >= e.start_date AND a.end_date <= until
             OR first_day >= e.start_date AND first_day < until) THEN 1
        WHEN status = 'no' AND a.start_date <= e.start_date AND a.end_date >= until THEN 2 END) AS code
    FROM eligible e JOIN read_parquet('{0}/answer/*/*/*.parquet') a USING (episode_id)
    WHERE element = 'answer.specialist-referral' GROUP BY e.episode_id),
left_on AS (
    SELECT episode_id, min(coalesce(first_day, DATE '1000-01-01')) AS day
    FROM read_parquet('{0}/answer/*/*/*.parquet') WHERE element = 'answer.left-list' AND status = 'yes' GROUP BY 1),
agreed AS (SELECT DISTINCT episode_id FROM read_parquet('{0}/case_opened/*/*/*.parquet')),
judged AS (
    SELECT patient_id, CASE WHEN code = 1 THEN 'refuted'
        WHEN end_reason IN ('died', 'moved') OR day < until THEN 'censored'
        WHEN code = 2 THEN 'confirmed' WHEN agreed.episode_id IS NULL THEN 'no-agreement' ELSE 'unknown' END AS status
    FROM eligible LEFT JOIN said USING (episode_id) LEFT JOIN left_on USING (episode_id)
        LEFT JOIN agreed USING (episode_id)),
people AS (
    SELECT patient_id, count(*) AS due, count(*) FILTER (status = 'confirmed') AS numerator,
        count(*) FILTER (status = 'refuted') AS refuted FROM judged GROUP BY patient_id)
SELECT sum(due), sum(numerator), sum(refuted), count(*), sum(due * due), sum(numerator * due)
FROM people
"""


def by_hand(folder: Path, ids: tuple[str, ...]) -> object:
    """Count the one indicator as somebody would write it in SQL for DuckDB alone."""
    connection = parquet.duckdb().connect(":memory:")
    row = connection.execute(_BY_HAND.format(folder), [START, END, CUT_OFF]).fetchone()
    return dict(zip(("due", "numerator", "refuted", "patients_due", "due_due", "numerator_due"), row, strict=True))


def by_pandas(folder: Path, ids: tuple[str, ...]) -> object:
    """Count the one indicator with pandas, reading Parquet."""
    import pandas as pd

    def read(table: str, *columns: str) -> pd.DataFrame:
        files = sorted((folder / table).glob("*/*/*.parquet"))
        return pd.concat([pd.read_parquet(one, columns=list(columns)) for one in files], ignore_index=True)

    return net(read)


def net(read: Callable[..., Any]) -> dict[str, int]:
    """Count the one indicator as somebody would write it in pandas, reading only the columns it takes."""
    import pandas as pd

    base = read("episode", "episode_id", "patient_id", "start_date", "end_date", "end_reason")
    for name in ("start_date", "end_date"):
        base[name] = pd.to_datetime(base[name])
    base = base[(base.end_date >= pd.Timestamp(START)) & (base.end_date < pd.Timestamp(END))]
    base["until"] = base.end_date + pd.DateOffset(months=12)
    asked = read("referral", "referral_id", "episode_id", "counterfactual", "recorded_on")
    asked = asked[asked.counterfactual != "unknown"].merge(base[["episode_id", "start_date"]], on="episode_id")
    asked["recorded_on"] = pd.to_datetime(asked.recorded_on)
    asked = asked[asked.recorded_on <= asked.start_date + pd.Timedelta(days=7)]
    asked = asked.sort_values(["recorded_on", "referral_id"]).drop_duplicates("episode_id")
    wanted = asked.loc[asked.counterfactual == "hospital", ["episode_id"]]
    due = base[base.until <= pd.Timestamp(CUT_OFF)].merge(wanted, on="episode_id")
    said = read("answer", "episode_id", "element", "start_date", "end_date", "status", "first_day")
    left = said[(said.element == "answer.left-list") & (said.status == "yes")]
    said = said[said.element == "answer.specialist-referral"].merge(due, on="episode_id", suffixes=("_said", ""))
    for name in ("start_date_said", "end_date_said", "first_day"):
        said[name] = pd.to_datetime(said[name])
    yes, no = said.status == "yes", said.status == "no"
    undated = said.first_day.isna() & (said.start_date_said >= said.start_date) & (said.end_date_said <= said.until)
    dated = (said.first_day >= said.start_date) & (said.first_day < said.until)
    hit = set(said.loc[yes & (undated | dated), "episode_id"])
    clear = set(
        said.loc[no & (said.start_date_said <= said.start_date) & (said.end_date_said >= said.until), "episode_id"]
    )
    refuted = due.episode_id.isin(hit)
    censored = due.end_reason.isin(["died", "moved"]) | due.episode_id.isin(set(left.episode_id))
    confirmed = ~refuted & ~censored & due.episode_id.isin(clear)
    people = pd.DataFrame({"patient": due.patient_id, "due": 1, "numerator": confirmed, "refuted": refuted})
    people = people.groupby("patient").sum()
    return {
        "due": int(people.due.sum()),
        "numerator": int(people.numerator.sum()),
        "refuted": int(people.refuted.sum()),
        "patients_due": len(people),
        "due_due": int((people.due * people.due).sum()),
        "numerator_due": int((people.numerator * people.due).sum()),
    }


WAYS: dict[str, tuple[Callable[[Path, tuple[str, ...]], object], tuple[str, ...]]] = {
    "DuckDB, one definition": (by_definitions, (ONE,)),
    "DuckDB, by hand": (by_hand, ()),
    "pandas": (by_pandas, ()),
    "DuckDB, four definitions": (by_definitions, FOUR),
    "DuckDB, the whole catalogue": (by_definitions, ()),
}


def measured(way: str, folder: Path) -> dict[str, Any]:
    """Run one way in a process of its own."""
    begun = time.monotonic()
    ran = subprocess.run([sys.executable, __file__, "--way", way, str(folder)], check=True, capture_output=True)
    return {"wall": time.monotonic() - begun, **json.loads(ran.stdout)}


def main(sessions: int, runs: int, kept: str = "") -> None:
    """Make the data, let the ways take turns, and print medians and ratios."""
    folder = Path(kept or tempfile.mkdtemp(prefix="pooled-"))
    if not (folder / "episode").exists():
        make(folder, sessions)
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(runs):
        for way in WAYS:
            found[way].append(measured(way, folder))
    medians = {
        way: {name: statistics.median(one[name] for one in ran) for name in ("wall", "processor", "peak")}
        for way, ran in found.items()
    }
    one = medians["DuckDB, one definition"]
    sys.stdout.write(f"{sessions} sessions, medians of {runs}\n")
    for way, m in medians.items():
        ratio = m["processor"] / one["processor"]
        wall = m["wall"] / one["wall"]
        sys.stdout.write(f"  {way:28} {m['wall']:7.2f} s wall (x{wall:.2f})")
        sys.stdout.write(f" {m['processor']:7.2f} s processor (x{ratio:.2f})")
        sys.stdout.write(f" {m['peak']:7.0f} MiB\n")
    answers = [found[way][0]["answer"] for way in ("DuckDB, by hand", "pandas")]
    mine = found["DuckDB, one definition"][0]["answer"][ONE]
    same = all({name: mine[name] for name in answer} == answer for answer in answers)
    sys.stdout.write(f"  the same integers: {same}\n")
    if not kept:
        shutil.rmtree(folder)


def cost(answer: object) -> str:
    """Return what this process cost so far, in seconds and MiB, beside its answer."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    status = Path("/proc/self/status")
    # The peak in `getrusage` is inherited from the process that started this one; on Linux there is a better one.
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    kept = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), used.ru_maxrss)
    return json.dumps({"processor": used.ru_utime + used.ru_stime, "peak": kept / 1024, "answer": answer}, default=int)


def alone(way: str, folder: Path) -> None:
    """Run one way here, and write what it cost."""
    run, ids = WAYS[way]
    sys.stdout.write(cost(run(folder, ids)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--way"]:
        alone(sys.argv[2], Path(sys.argv[3]))
    else:
        main(
            int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000,
            int(sys.argv[2]) if len(sys.argv) > 2 else 5,
            sys.argv[3] if len(sys.argv) > 3 else "",
        )
