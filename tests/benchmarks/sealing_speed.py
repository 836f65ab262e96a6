"""Seal and open one big file, and let Debian's age do the same: seconds, MB/s and peak memory. Asserts nothing.

Run it by hand: python tests/benchmarks/sealing_speed.py [MiB]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from exchange.sealing import addressees, opening, sealing
from exchange.sealing.manifest import AgreementRef, Kind, Stream
from exchange.signing.cards import Card, make_card
from exchange.signing.keys import Keyring

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SENDER = "agb:04000001"
_MIB = 1 << 20


def card(keyring: Keyring, party: str) -> Card:
    """Invent a card."""
    return make_card(
        keyring,
        parties=(party,),
        name="Verzonnen",
        contact="",
        valid_from=date(2026, 1, 1),
        valid_until=date(2026, 12, 31),
    )


def seal(folder: Path, ours: Keyring, theirs: Keyring) -> None:
    """Seal `in` to `ours.age`."""
    contents = [sealing.Content("data.bin", "application/octet-stream", path=folder / "in")]
    to = addressees.to_cards([card(theirs, "agb:01000002")], on=NOW.date())
    heading = sealing.Heading(
        Kind.DATA, Stream(SENDER, "x", "0" * 32), 1, NOW, NOW + timedelta(days=9), AgreementRef("x", 1, "0" * 64)
    )
    prepared = sealing.prepare(contents, heading, to, ours, card(ours, SENDER))
    sealing.write(prepared.jws, contents, to, folder / "ours.age")


def one(verb: str, folder: Path) -> None:
    """Do one thing in this process and say how long it took and how much memory it had."""
    import resource

    ours, theirs = (Keyring.from_bytes((folder / name).read_bytes()) for name in ("keys-1", "keys-2"))
    start = time.perf_counter()
    if verb == "seal":
        seal(folder, ours, theirs)
    else:
        sender = card(ours, SENDER)
        opening.open_file(folder / "ours.age", theirs, lambda party, digest: sender, now=NOW, into=folder)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report(f"ours {verb}", seconds, (folder / "in").stat().st_size, f"{peak:.0f} MB peak")


def report(what: str, seconds: float, size: int, more: str = "") -> None:
    """Print one line."""
    sys.stdout.write(f"{what:12} {seconds:6.2f} s {size / seconds / 1e6:7.0f} MB/s {more}\n")
    sys.stdout.flush()


def referee(folder: Path) -> None:
    """Time Debian's age (classical, unsigned, without fsync) on the same file."""
    if shutil.which("age") is None:
        return
    secret = subprocess.run(["age-keygen"], check=True, capture_output=True, text=True).stdout
    (folder / "key").write_text(secret)
    public = next(line.split()[-1] for line in secret.splitlines() if "public key" in line)
    size = (folder / "in").stat().st_size
    for verb, command in (
        ("encrypt", ["age", "-r", public, "-o", "theirs.age", "in"]),
        ("decrypt", ["age", "-d", "-i", "key", "-o", "out", "theirs.age"]),
    ):
        start = time.perf_counter()
        subprocess.run(command, check=True, cwd=folder)
        report(f"age {verb}", time.perf_counter() - start, size)


def main(mebibytes: int) -> None:
    """Time everything, each in a process of its own, three times."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "in").open("wb") as file:
            for _ in range(mebibytes):
                file.write(os.urandom(_MIB))
        for number in (1, 2):
            (folder / f"keys-{number}").write_bytes(Keyring.generate().to_bytes())
        for _ in range(3):
            for verb in ("seal", "open"):
                subprocess.run([sys.executable, __file__, verb, name], check=True)
            referee(folder)


if __name__ == "__main__":
    if sys.argv[1:2] in (["seal"], ["open"]):
        one(sys.argv[1], Path(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 256)
