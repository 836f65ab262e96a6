"""Run the harnesses of this folder: under atheris for some seconds each, or, from the tests, over a few mutations."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
WORK = HERE.parents[1] / "build" / "fuzz"
_LIMITS = ("-timeout=25", "-rss_limit_mb=2048", "-print_final_stats=1")
_SMALL = (b"\x00", b"\xff", b"\r\n", b"\n", b'"', b";", b"<", b"{", b"[", b"9" * 40, b"-1", b"1e999", b"\xef\xbb\xbf")


def names() -> tuple[str, ...]:
    """Return the harnesses: every `fuzz_*.py` of this folder."""
    return tuple(sorted(path.stem for path in HERE.glob("fuzz_*.py")))


def harness(name: str) -> ModuleType:
    """Import a harness; it may import its neighbours by their bare names."""
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def finds(name: str) -> tuple[Path, ...]:
    """Return the inputs that once broke this harness; they must never do so again."""
    return tuple(sorted(path for path in (HERE / "finds" / name).glob("*") if path.is_file()))


def mutated(corpus: Sequence[bytes], count: int, seed: str) -> Iterator[bytes]:
    """Yield `count` inputs made of the corpus by small damage, the same ones each time."""
    source = random.Random(seed)
    for _ in range(count):
        data = bytearray(source.choice(corpus))
        for _ in range(source.randint(1, 4)):
            _damage(data, source, corpus)
        yield bytes(data)


def _damage(data: bytearray, source: random.Random, corpus: Sequence[bytes]) -> None:
    at = source.randint(0, len(data))
    length = source.choice((1, 1, 2, 8, 60, 400))
    match source.randrange(7):
        case 0:
            del data[at : at + length]
        case 1:
            data[at:at] = source.choice(_SMALL)
        case 2:
            data[at : at + length] = source.randbytes(min(length, 8))
        case 3:
            data[at:at] = bytes(data[at : at + length]) * source.choice((1, 3, 50))
        case 4:
            other = source.choice(corpus)
            start = source.randint(0, len(other))
            data[at : at + length] = other[start : start + length]
        case 5:
            del data[at:]
        case _ if at < len(data):
            data[at] ^= 1 << source.randrange(8)


def main(arguments: Sequence[str]) -> int:
    """Fuzz the named harnesses, or all, FUZZ_SECONDS (60) each; return 1 where one broke."""
    if arguments[:1] == ["--inside"]:
        return _inside(arguments[1], int(arguments[2]))
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed here; it runs on Linux: pip install --group fuzz", file=sys.stderr)
        return 2
    seconds = int(os.environ.get("FUZZ_SECONDS", "60"))
    broken = [name for name in arguments or names() if not _run(name, seconds)]
    for name in broken:
        print(f"{name} broke: see {WORK / name}; mend it and keep the input in {HERE / 'finds' / name}")
    return 1 if broken else 0


def _run(name: str, seconds: int) -> bool:
    """Run one harness in a process of its own, for a crash or a full memory takes the process along."""
    folder = WORK / name
    for each in ("corpus", "finds"):
        (folder / each).mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("wb") as log:
        done = subprocess.run(
            [sys.executable, __file__, "--inside", name, str(seconds)], stdout=log, stderr=log, check=False
        )
    told = (folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
    wanted = ("stat::number_of_executed_units", "stat::peak_rss_mb")
    figures = [line.split(":", 2)[2] for line in told if line.startswith(wanted)]
    print(f"{name}: {'ok' if done.returncode == 0 else 'BROKE'} {' '.join(' '.join(figures).split())}", flush=True)
    return done.returncode == 0


def _inside(name: str, seconds: int) -> int:
    import atheris

    with atheris.instrument_imports(include=["exchange"]):
        module = harness(name)
    folder = WORK / name
    for seed in (*module.CORPUS, *(path.read_bytes() for path in finds(name))):
        (folder / "corpus" / f"seed-{hashlib.sha256(seed).hexdigest()[:16]}").write_bytes(seed)
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={folder / 'finds'}/", *_LIMITS]
    longest = max(map(len, module.CORPUS))
    atheris.Setup([__file__, *options, f"-max_len={max(4096, longest * 3)}", str(folder / "corpus")], module.one_input)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
