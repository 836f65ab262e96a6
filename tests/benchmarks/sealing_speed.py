"""Seal and open one big file beside Debian's age, in turns: ratios of medians, wall and processor time, peak memory.

Run it by hand: python tests/benchmarks/sealing_speed.py [MiB [runs]]. `seal` reads once, `write` reads twice, from the
journal's manifest, as after a crash. Signatures, padding, hashes and fsync are in our figures; age has none of them.
Asserts nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

from exchange.sealing import addressees, once, opening, sealing
from exchange.sealing.manifest import AgreementRef, Kind, Stream
from exchange.signing.cards import Card, make_card
from exchange.signing.keys import Keyring

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SENDER = "agb:04000001"
_MIB = 1 << 20
_PAIRS = (("seal", "age -r"), ("write", "age -r"), ("open", "age -d"))


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


def heading() -> sealing.Heading:
    """Invent a heading."""
    stream, agreement = Stream(SENDER, "x", "0" * 32), AgreementRef("x", 1, "0" * 64)
    return sealing.Heading(Kind.DATA, stream, 1, NOW, NOW + timedelta(days=9), agreement)


def seal(contents: list[sealing.Content], file: Path, ours: Keyring, theirs: Keyring, *, twice: bool) -> None:
    """Seal contents to a file, in one reading or in two."""
    to = addressees.to_cards([card(theirs, "agb:01000002")], on=NOW.date())
    own = card(ours, SENDER)
    if twice:
        sealing.write(sealing.prepare(contents, heading(), to, ours, own).jws, contents, to, file)
    else:
        once.seal(contents, heading(), to, ours, own, file, journal=lambda prepared: None)


def unseal(file: Path, into: Path, ours: Keyring, theirs: Keyring) -> None:
    """Open a file."""
    sender = card(ours, SENDER)
    into.mkdir(exist_ok=True)
    opening.open_file(file, theirs, lambda party, digest: sender, now=NOW, into=into)


def one(verb: str, folder: Path) -> None:
    """Do one thing in this process, after unlocking, and print seconds, processor seconds and peak MB."""
    import resource

    ours, theirs = (Keyring.from_bytes((folder / name).read_bytes()) for name in ("keys-1", "keys-2"))
    contents = [sealing.Content("data.bin", "application/octet-stream", path=folder / "in")]
    start, before = time.perf_counter(), time.process_time()
    if verb == "open":
        unseal(folder / "ours.age", folder / "opened", ours, theirs)
    else:
        seal(contents, folder / "ours.age", ours, theirs, twice=verb == "write")
    seconds, worked = time.perf_counter() - start, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps([seconds, worked, peak]))


def measured(command: list[str], folder: Path) -> list[float]:
    """Run a command; take its own figures where it prints them."""
    os.sync()
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    seconds = time.perf_counter() - start
    return json.loads(said) if said else [seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]


def compared(mebibytes: int, runs: int) -> None:
    """Take turns, then print medians and ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = prepared(folder, mebibytes)
        found: dict[str, list[list[float]]] = {job: [] for job in commands}
        for run in range(runs):
            # Theirs first in every second run: whoever comes first touches memory that was never used, which is slow.
            turns = sorted(commands, key=lambda job: job.startswith("age") != bool(run % 2))
            for job in turns:
                if job == "seal":
                    # To write over a file of this size would count its deletion.
                    (folder / "ours.age").unlink()
                found[job].append(measured(commands[job], folder))
            shutil.rmtree(folder / "opened", ignore_errors=True)
            for file in ("ours.age", "theirs.age", "out"):
                (folder / file).unlink(missing_ok=True)
        middle = {job: [median(run[at] for run in done) for at in range(3)] for job, done in found.items() if done}
        size = mebibytes * _MIB / 1e6
        for job, (seconds, worked, peak) in middle.items():
            report(f"{job:8} {size / seconds:6.0f} MB/s wall {size / worked:6.0f} MB/s processor {peak:5.0f} MB peak")
        for ours, theirs in _PAIRS:
            if theirs in middle:
                wall, worked = (middle[theirs][at] / middle[ours][at] for at in (0, 1))
                report(f"{ours} as fast as {theirs}: {wall:.2f} wall, {worked:.2f} processor")


def prepared(folder: Path, mebibytes: int) -> dict[str, list[str]]:
    """Make input and keys; return what is to be run, by name."""
    block = os.urandom(_MIB)
    with (folder / "in").open("wb") as file:
        for _ in range(mebibytes):
            file.write(block)
    for number in (1, 2):
        (folder / f"keys-{number}").write_bytes(Keyring.generate().to_bytes())
    # `open` reads what `seal` wrote
    commands = {verb: [sys.executable, __file__, verb, str(folder)] for verb in ("write", "seal", "open")}
    if shutil.which("age") is not None:
        secret = subprocess.run(["age-keygen"], check=True, capture_output=True, text=True).stdout
        (folder / "key").write_text(secret)
        public = next(line.split()[-1] for line in secret.splitlines() if "public key" in line)
        commands["age -r"] = ["age", "-r", public, "-o", "theirs.age", "in"]
        commands["age -d"] = ["age", "-d", "-i", "key", "-o", "out", "theirs.age"]
    return commands


def small(runs: int) -> None:
    """A thousand messages of 1 kB in one envelope, in this process: the median in milliseconds."""
    ours, theirs = Keyring.generate(), Keyring.generate()
    lines = b"".join(b'{"resourceType":"Bundle","id":"%04d","x":"%s"}\n' % (n, b"x" * 950) for n in range(1000))
    contents = [sealing.Content("messages.ndjson", "application/fhir+ndjson", 1000, lines)]
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "ours.age"
        to, own = addressees.to_cards([card(theirs, "agb:01000002")], on=NOW.date()), card(ours, SENDER)

        def pack() -> None:
            signed = sealing.prepare(contents, heading(), to, ours, own)
            sealing.write(signed.jws, contents, to, file)

        def unpack() -> None:
            # each time a folder of its own: to replace the one before would count its deletion
            into = Path(tempfile.mkdtemp(dir=name))
            opening.open_file(file, theirs, lambda party, digest: own, now=NOW, into=into)

        for what, job in (("pack", pack), ("open", unpack)):
            job()
            wall, worked = zip(*(timed(job) for _ in range(runs)), strict=True)
            report(f"1000 messages of 1 kB, {what}: {median(wall):5.1f} ms wall, {median(worked):5.1f} ms processor")


def timed(job: Callable[[], object]) -> tuple[float, float]:
    """Return milliseconds, on the clock and of the processor."""
    start, before = time.perf_counter(), time.process_time()
    job()
    return (time.perf_counter() - start) * 1e3, (time.process_time() - before) * 1e3


def limits() -> None:
    """What each step alone allows, per GiB: the floor under all of the above."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    chunk, count = 64 * 1024, 16 * 1024
    aead, plain, out = ChaCha20Poly1305(os.urandom(32)), bytearray(chunk), bytearray(chunk + 16)
    hashed = hashlib.sha256()

    def cipher() -> None:
        for number in range(count):
            aead.encrypt_into(number.to_bytes(12, "big"), plain, None, out)

    def digest() -> None:
        for _ in range(count):
            hashed.update(plain)

    with tempfile.TemporaryDirectory() as name, (Path(name) / "out").open("wb", buffering=0) as file:

        def write() -> None:
            for _ in range(count // 4):
                file.write(block)

        block = bytes(4 * chunk)
        for what, job in (
            ("ChaCha20-Poly1305", cipher),
            ("SHA-256", digest),
            ("write", write),
            ("fsync", lambda: os.fsync(file.fileno())),
        ):
            wall, worked = timed(job)
            report(f"{what:18} {wall:6.0f} ms wall {worked:6.0f} ms processor for 1 GiB")


def report(line: str) -> None:
    """Print one line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> None:
    """Measure all of it."""
    if arguments[:1] and arguments[0] in {"seal", "write", "open"}:
        one(arguments[0], Path(arguments[1]))
        return
    mebibytes, runs = [*map(int, arguments), 256, 3][:2] if len(arguments) != 1 else (int(arguments[0]), 3)
    # First, while this process is small: a child's peak counts from its parent's.
    compared(mebibytes, runs)
    small(21)
    limits()


if __name__ == "__main__":
    main(sys.argv[1:])
