"""Change one thing at a time in the code where a silent pass would hurt, and fail where no test notices.

    python tests/mutation/mutate.py [TARGET ...]      gate, disclosure, detector; all when none is named

mutmut makes and runs the mutants in a temporary folder. A mutant that survives fails the run unless equivalent.toml
lists it, by file and changed lines, with the reason why no test can tell it apart.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SURVIVED = {0, 33}  # mutmut's codes for "the tests passed" and "no test runs this line"


@dataclass(frozen=True, slots=True)
class Target:
    """Files to change and the tests that must notice."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]


TARGETS = {
    "gate": Target(("src/exchange/agreements/gate.py",), ("tests/unit/agreements/*gate*.py", "tests/spec/*gate*.py")),
    "disclosure": Target(
        ("src/exchange/indicators/disclosure.py", "src/exchange/indicators/protecting.py"),
        ("tests/unit/indicators/test_disclosure_cells.py", "tests/unit/indicators/test_disclosure_protecting.py"),
    ),
    "detector": Target(("src/exchange/records/detector.py",), ("tests/unit/records/*detector*.py",)),
}

SETTINGS = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = {sources}
pytest_add_cli_args_test_selection = ["tests"]
also_copy = ["schemas", "agreements"]

[tool.pytest.ini_options]
addopts = "-q -p no:cacheprovider --import-mode=importlib -m 'not slow and not shared'"
markers = ["shared: x", "referee: x", "postgresql: x", "slow: x"]
"""


def prepare(folder: Path, targets: list[Target]) -> bool:
    """Copy what the mutants need; say no where there is nothing to test."""
    for name in ("src", "schemas", "agreements"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    sources = [source for target in targets for source in target.sources]
    (folder / "pyproject.toml").write_text(SETTINGS.format(sources=json.dumps(sources)), encoding="utf-8")
    tests = {path for target in targets for pattern in target.tests for path in ROOT.glob(pattern)}
    # Fixtures of a folder go with its tests.
    tests |= {path.parent / "conftest.py" for path in tests if (path.parent / "conftest.py").exists()}
    for path in tests:
        goal = folder / path.relative_to(ROOT)
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, goal)
    return bool(tests)


def results(folder: Path) -> Iterator[tuple[str, int | None]]:
    """Return every mutant's name and exit code."""
    for path in sorted((folder / "mutants" / "src").rglob("*.meta")):
        yield from json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"].items()


def change(folder: Path, mutant: str) -> tuple[str, str, str]:
    """Return the file of a mutant and its changed lines, before and after."""
    shown = run(folder, "show", mutant).stdout.splitlines()
    file = next(line[4:] for line in shown if line.startswith("--- "))
    was = [line[1:].strip() for line in shown if line.startswith("-") and not line.startswith("---")]
    now = [line[1:].strip() for line in shown if line.startswith("+") and not line.startswith("+++")]
    return file, "\n".join(was), "\n".join(now)


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run mutmut in the folder, quietly."""
    command = [sys.executable, "-m", "mutmut", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def main(names: list[str]) -> int:
    """Run the chosen targets and return 0 when every mutant was killed or is listed."""
    started = time.monotonic()
    chosen = [TARGETS[name] for name in names or TARGETS]
    chosen = [target for target in chosen if all((ROOT / source).exists() for source in target.sources)]
    listed = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text(encoding="utf-8"))["equivalent"]
    reasons = {(each["file"], each["was"].strip(), each["now"].strip()): each["reason"] for each in listed}
    with tempfile.TemporaryDirectory(prefix="changed-") as temporary:
        folder = Path(temporary)
        if not prepare(folder, chosen):
            sys.stdout.write("no tests for these targets\n")
            return 2
        done = run(folder, "run", "--max-children", str(os.cpu_count() or 2))
        found = list(results(folder))
        if not found or any(code is None for _, code in found):
            sys.stdout.write(done.stdout[-2000:] + done.stderr[-4000:] + "\nmutmut did not finish\n")
            return 2
        survivors = [(name, change(folder, name)) for name, code in found if code in SURVIVED]
    unlisted = [(name, what) for name, what in survivors if what not in reasons]
    gaps = sum(reasons.get(what, "").startswith("gap:") for _, what in survivors)
    killed = len(found) - len(survivors)
    for name, (file, was, now) in unlisted:
        sys.stdout.write(f"\nsurvived: {name} in {file}\n- {was}\n+ {now}\n")
    sys.stdout.write(
        f"\n{len(found)} mutants: {killed} killed, {len(survivors) - len(unlisted)} listed in equivalent.toml "
        f"({gaps} of them gaps in the tests), "
        f"{len(unlisted)} survived; {time.monotonic() - started:.0f} s\n"
    )
    return 1 if unlisted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
