"""Measure loading: invented claims into an encrypted store; run by hand, asserts nothing.

python tests/benchmarks/store_loading.py 100000 [--profile]
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from exchange.episodes.services import ServiceMap
from exchange.records.codes import SessionType, SourceKind
from exchange.signing.keys import StoreKeys
from exchange.sources.rows import ClaimRow, PatientKey
from exchange.store.deriving import Rebuilding
from exchange.store.opening import Store

SETTINGS = Rebuilding(90, ServiceMap({("012", "2000"): SessionType.SESSION}), "07000001")


def claims(count: int) -> Iterator[ClaimRow]:
    """Yield claims of `count` / 9 patients, nine each on average, by date as in a real file."""
    draw = random.Random(7)
    for number in range(count):
        patient = PatientKey(bsn=f"{draw.randrange(count // 9 + 1):09}")
        day = date(2023, 1, 1) + timedelta(days=number * 700 // count)
        yield ClaimRow(
            number, SourceKind.PM304, patient, "07000001", f"R{number}", "", False, day, "012", "2000", 1, 4500,
            f"{int(patient.bsn) % 3 + 34}27", "", f"0710000{draw.randrange(5)}", "", None, "", "3311",
        )  # fmt: skip


def main(count: int) -> None:
    """Load, load the same rows again, read, and print seconds and the peak of memory."""
    with tempfile.TemporaryDirectory() as folder, Store.create(Path(folder) / "s.db", StoreKeys.generate()) as store:
        for what in ("first load", "the same rows again"):
            begin, cpu = time.perf_counter(), time.process_time()
            with store.loading(
                kind="pm304", file_name="x", digest="", by="bench", at=datetime.now(UTC), settings=SETTINGS
            ) as batch:
                for row in claims(count):
                    batch.add(row)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            spent = time.process_time() - cpu
            wall = time.perf_counter() - begin
            print(f"{what}: {wall:.1f} s ({spent:.1f} s of processor), peak {peak} MiB, {batch.counts}")
        begin = time.perf_counter()
        data = store.dataset()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"dataset of {len(data.sessions)} sessions: {time.perf_counter() - begin:.1f} s, peak {peak} MiB")
        print(f"file: {(Path(folder) / 's.db').stat().st_size >> 20} MiB")


if __name__ == "__main__":
    if "--profile" in sys.argv:
        import cProfile

        cProfile.run("main(int(sys.argv[1]))", sort="tottime")
    else:
        main(int(sys.argv[1]))
