"""Measure loading a claims file beside bare pandas: invented PM304 and GDS801; asserts nothing.

python tests/benchmarks/claims_speed.py [LINES] [RUNS] [pm304|gds801]

Each run is a process of its own, in turns: our load with every check, credits settled, episodes rebuilt, everything
encrypted; and `pandas.read_fwf` of the same 24 fields with `to_sql` into the same kind of encrypted database, with no
check and no index. GDS801 stands beside `lxml.iterparse` over all events, which stores nothing.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from exchange.records.identifiers import bsn_valid

# Where our reader looks in a record 04, 0-based.
FIELDS = [
    (0, 2), (14, 23), (23, 27), (58, 66), (66, 69), (69, 75), (75, 79), (80, 83), (83, 91), (91, 94), (94, 102),
    (102, 105), (105, 113), (113, 116), (116, 124), (124, 127), (127, 135), (139, 147), (147, 155), (159, 161),
    (182, 190), (190, 191), (191, 211), (211, 231),
]  # fmt: skip
PER_PATIENT = 20


def numbers() -> Iterator[str]:
    """Yield numbers that pass the 11-test; they are nobody's on purpose, as far as a sequence can be."""
    number = 100_000_000
    while True:
        number += 7
        if bsn_valid(str(number)):
            yield str(number)


def placed(width: int, *places: tuple[int, str]) -> str:
    """Return a record with texts at 1-based positions."""
    record = bytearray(b" " * width)
    for start, text in places:
        record[start - 1 : start - 1 + len(text)] = text.encode("ascii")
    return record.decode("ascii")


def write_pm304(path: Path, count: int) -> None:
    """Write `count` lines of patients with twenty each, one in two hundred a credit."""
    draw, total, persons, written = random.Random(5), 0, 0, 0
    bsn = numbers()
    with path.open("w", encoding="ascii", newline="") as file:
        opening = ((1, "01"), (3, "107"), (6, "03"), (8, "02"), (10, "P"), (39, "0" * 8), (47, "07000001"))
        file.write(placed(310, *opening, (55, "0" * 8)) + "\r\n")
        while written < count:
            who, persons = next(bsn), persons + 1
            born = f"{draw.randrange(1940, 2000)}01{draw.randrange(10, 28)}"
            file.write(placed(310, (1, "02"), (15, who), (54, born), (62, "2"), (64, "VERZONNEN")) + "\r\n")
            start = date(2022, 1, 1) + timedelta(days=draw.randrange(600))
            location, therapist = draw.choice(["34", "35", "36", "41"]), f"0700000{draw.randrange(2, 7)}"
            for number in range(min(PER_PATIENT, count - written)):
                written += 1
                credit = number > 0 and draw.randrange(200) == 0
                day = start + timedelta(days=7 * (number - credit))
                total += -3500 if credit else 3500
                file.write(
                    placed(
                        310, (1, "04"), (15, who), (24, "7095"), (59, day.strftime("%Y%m%d")), (67, "012002000"),
                        (76, "0001"), (81, "005"), (84, f"0000{location}27"), (125, "009"), (128, therapist),
                        (140, "0" * 16), (160, "00"), (183, "00003500"), (191, "C" if credit else "D"),
                        (192, f"R{written:09}"), (212, f"R{written - 1:09}" if credit else ""),
                    ) + "\r\n"
                )  # fmt: skip
        counts = f"{persons % 10**6:06}000000{written % 10**6:06}000000{(persons + written) % 10**7:07}{total:011}D"
        file.write(placed(310, (1, "99"), (3, counts)) + "\r\n")


def write_gds801(path: Path, count: int) -> None:
    """Write `count` Prestaties of patients with twenty each."""
    draw, bsn, written = random.Random(3), numbers(), 0
    with path.open("w", encoding="utf-8") as file:
        file.write(
            '<?xml version="1.0" encoding="UTF-8"?><Bericht xmlns="http://ei.vektis.nl/declaratiebericht573"><Header>'
            "<Berichtcode>573</Berichtcode><Berichtsoort>P</Berichtsoort><DeclaratieContext><Declarant>"
            "<Zorgaanbiedercode>07000001</Zorgaanbiedercode></Declarant></DeclaratieContext></Header>\n"
        )
        while written < count:
            start = date(2025, 1, 1) + timedelta(days=draw.randrange(300))
            file.write("<Verzekerde>\n")
            for number in range(min(PER_PATIENT, count - written)):
                written += 1
                file.write(
                    "<Prestatie><DebetPrestatie>\n"
                    f"<Referentienummer>R{written:09}</Referentienummer>"
                    "<PrestatieCodelijstCode>074</PrestatieCodelijstCode><Prestatiecode>2000</Prestatiecode>\n"
                    f"<Begindatum>{start + timedelta(days=7 * number)}</Begindatum><Aantal>1</Aantal>"
                    "<DeclaratieBedragInclBtw>3500</DeclaratieBedragInclBtw>\n"
                    "<AanvullendPrestatieKenmerk><ApkCodelijstCode>004</ApkCodelijstCode><ApkCode>009</ApkCode>"
                    "</AanvullendPrestatieKenmerk>\n"
                    "<Verwijzing><TypeVerwijzingcode>01</TypeVerwijzingcode><Verwijsdatum>2025-01-02</Verwijsdatum>"
                    "<Verwijzer><Zorgaanbiedercode>01000001</Zorgaanbiedercode></Verwijzer></Verwijzing>\n"
                    "<Zorgaanbieder><Zorgaanbiedercode>07000002</Zorgaanbiedercode>"
                    "<ZorgaanbiederRol>01</ZorgaanbiederRol></Zorgaanbieder>\n<AanvullendePrestatiegegevens><Diagnose>"
                    "<DiagnoseCodelijstCode>005</DiagnoseCodelijstCode><Diagnosecode>3427</Diagnosecode></Diagnose>"
                    f"<Zorgtraject><ZorgtrajectStartdatum>{start}</ZorgtrajectStartdatum></Zorgtraject>"
                    "</AanvullendePrestatiegegevens></DebetPrestatie></Prestatie>\n"
                )
            file.write(
                f"<BSN>{next(bsn)}</BSN><UzoviNummer>7095</UzoviNummer><Geboortedatum>1970-01-01</Geboortedatum>"
                "</Verzekerde>\n"
            )
        file.write(
            f"<Overzicht><TotaalDeclaratiebedragInclBtw><Bedrag>{count * 3500}</Bedrag>"
            "<DebetCreditCode>D</DebetCreditCode></TotaalDeclaratiebedragInclBtw></Overzicht></Bericht>\n"
        )


def ours(path: Path, folder: Path) -> dict[str, object]:
    """Load a file into a new store."""
    from exchange.signing.keys import StoreKeys
    from exchange.sources.reading import read
    from exchange.store.deriving import Rebuilding
    from exchange.store.opening import Store

    with Store.create(folder / "store.db", StoreKeys.generate()) as store:
        reading = read(path)
        with store.loading(
            kind=reading.kind, file_name=path.name, digest=reading.digest, by="bench", at=datetime.now(UTC),
            settings=Rebuilding(declarant="07000001"),
        ) as batch:  # fmt: skip
            for row in reading.rows():
                batch.add(row)
        return dict(batch.counts)


def pandas(path: Path, folder: Path) -> dict[str, object]:
    """Read the same fields and write them to the same kind of database."""
    import pandas as pd

    from exchange.store.database import private_file, sqlcipher_engine

    private_file(folder / "bare.db")
    engine = sqlcipher_engine(folder / "bare.db", b"k" * 32)
    frame = pd.read_fwf(path, colspecs=FIELDS, header=None, dtype=str, encoding="latin-1")
    claims = frame[frame[0] == "04"].rename(columns=lambda number: f"field_{number}")
    with engine.begin() as connection:
        claims.to_sql("claims", connection, index=False)
    return {"rows": len(claims)}


def iterparse(path: Path, _: Path) -> dict[str, object]:
    """Walk all events and keep nothing."""
    from lxml import etree

    events = 0
    for event, element in etree.iterparse(path, events=("start", "end")):
        events += 1
        if event == "end":
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    return {"events": events}


WAYS = {one.__name__: one for one in (ours, pandas, iterparse)}


def run(way: str, path: Path) -> dict[str, float]:
    """Run one way in a process of its own; return wall and processor seconds and MiB."""
    done = subprocess.run([sys.executable, __file__, "--one", way, str(path)], capture_output=True, check=True)
    return dict(json.loads(done.stdout))


def one(way: str, path: Path) -> None:
    """Do one run and print what it cost."""
    with tempfile.TemporaryDirectory() as folder:
        wall, processor = time.perf_counter(), time.process_time()
        found = WAYS[way](path, Path(folder))
        spent = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**spent, "peak": peak, **found}))


def compare(what: str, path: Path, other: str, runs: int) -> None:
    """Print medians of runs in turns, and the ratio."""
    taken: dict[str, list[dict[str, float]]] = {"ours": [], other: []}
    for _ in range(runs):
        for way, results in taken.items():
            results.append(run(way, path))
    median = {
        way: {name: statistics.median(one[name] for one in results) for name in ("wall", "processor", "peak")}
        for way, results in taken.items()
    }
    for way, cost in median.items():
        print(
            f"{what} {way:>9}: {cost['wall']:.1f} s, processor {cost['processor']:.1f} s, peak {cost['peak']:.0f} MiB"
        )
    ratio = {name: median["ours"][name] / median[other][name] for name in ("wall", "processor")}
    print(f"{what} ours / {other}: {ratio['wall']:.2f} wall, {ratio['processor']:.2f} processor (1 is as fast)")


KINDS = {"pm304": (write_pm304, "pandas"), "gds801": (write_gds801, "iterparse")}


def main(count: int, runs: int, kinds: list[str]) -> None:
    """Compare at `count` lines, and show how ours grows up to it."""
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            write, other = KINDS[kind]
            file = Path(folder) / f"claims-{kind}"
            for size in sorted({max(1, count // 100), max(1, count // 10), count}):
                write(file, size)
                cost = run("ours", file)
                each = cost["processor"] / size * 1e6
                spent = f"{cost['processor']:.1f} s of processor, {each:.0f} µs a line"
                print(f"{kind}, {size} lines: {spent}, peak {cost['peak']:.0f} MiB", flush=True)
            compare(kind, file, other, runs)
            file.unlink()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], Path(sys.argv[3]))
    else:
        given = dict(enumerate(sys.argv))
        main(int(given.get(1, "20000")), int(given.get(2, "5")), [given[3]] if 3 in given else list(KINDS))
