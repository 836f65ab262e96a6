"""Change one thing at a time in the code where a silent pass would hurt, and fail where no test notices.

    python tests/mutation/mutate.py [TARGET ...]      gate, disclosure, detector; all when none is named

mutmut makes the mutants and runs the tests on each, in a temporary folder with a copy of the source. The run fails
when a mutant survives that equivalent.toml does not list with the reason why no test can tell it apart, and when a
listed one does not survive any more: the list is stale then. mutmut forks, so this runs on Linux and macOS.
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
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).parent / "equivalent.toml"
# mutmut's exit codes: the tests passed, found nothing to run, or no test calls the function.
SURVIVED = {0, 5, 33}
KILLED = {1, 3}
# Out of processor time or of time: what no longer ends is noticed too.
ENDLESS = {24, -24, 36, 152, 255, -9}


@dataclass(frozen=True, slots=True)
class Target:
    """Files to change and the tests that must notice."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]


TARGETS = {
    "gate": Target(("src/exchange/agreements/gate.py",), ("tests/spec/test_gate_premises.py",)),
    "disclosure": Target(
        ("src/exchange/indicators/disclosure.py", "src/exchange/indicators/protecting.py"),
        # Not the attacker with a solver: it is slow, and draws its tables at random.
        (
            "tests/unit/indicators/test_disclosure_cells.py",
            "tests/unit/indicators/test_disclosure_near.py",
            "tests/unit/indicators/test_disclosure_protecting.py",
            "tests/unit/indicators/test_disclosure_tables.py",
        ),
    ),
    "detector": Target(("src/exchange/records/detector.py",), ("tests/unit/records/test_records_detector.py",)),
}

SETTINGS = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = {sources}
pytest_add_cli_args_test_selection = ["tests"]
also_copy = ["schemas", "agreements"]
# A mutant may take eight times as long as its tests and a second; the default of fifteen waits long for endless ones.
timeout_multiplier = 8.0

[tool.pytest.ini_options]
addopts = "-q -p no:cacheprovider --import-mode=importlib -m 'not slow and not shared'"
markers = ["shared: x", "referee: x", "postgresql: x", "slow: x"]
"""

# Generated examples are the same in every run; a failing one is enough and need not be made smaller.
CONFTEST = """
from hypothesis import Phase, settings

settings.register_profile(
    "mutation", derandomize=True, database=None, deadline=None, max_examples=50, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile("mutation")
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What a mutant changed: the file, the function and the lines, before and after."""

    file: str
    function: str
    was: str
    now: str

    def __str__(self) -> str:
        lines = [f"{self.file} {self.function}", *(f"- {line}" for line in self.was.splitlines())]
        return "\n".join([*lines, *(f"+ {line}" for line in self.now.splitlines())])


def prepare(folder: Path, targets: Iterable[Target]) -> None:
    """Copy what the mutants need: sources, shipped data and the tests of the targets."""
    for name in ("src", "schemas", "agreements"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    sources = [source for target in targets for source in target.sources]
    (folder / "pyproject.toml").write_text(SETTINGS.format(sources=json.dumps(sources)), encoding="utf-8")
    for name in (name for target in targets for name in target.tests):
        goal = folder / name
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, goal)
    (folder / "tests" / "conftest.py").write_text(CONFTEST, encoding="utf-8")


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run mutmut in the folder, quietly, without what the developer's environment adds to Python or pytest."""
    added = ("PYTEST", "PYTHON", "HYPOTHESIS", "COV", "MUTANT", "MUTMUT")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(added)}
    clean |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-m", "mutmut", *words]
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=False)


def results(folder: Path, source: str) -> Iterator[tuple[str, int | None]]:
    """Return every mutant of a file by name, with its exit code."""
    path = folder / "mutants" / f"{source}.meta"
    yield from json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"].items() if path.exists() else ()


def change(folder: Path, mutant: str, source: str) -> Change:
    """Return what a mutant changed."""
    shown = [line for line in run(folder, "show", mutant).stdout.splitlines() if line[:3] not in ("---", "+++")]
    was, now = ("\n".join(line[1:].strip() for line in shown if line.startswith(sign)) for sign in "-+")
    function = mutant.rpartition(".")[2].rpartition("__mutmut_")[0].removeprefix("x_")
    return Change(source, function, was, now)


def listed(sources: Iterable[str]) -> Counter[Change]:
    """Return what the list says of these files; each entry lets one mutant through."""
    entries = tomllib.loads(LIST.read_text(encoding="utf-8"))["equivalent"]
    unexplained = [entry for entry in entries if not entry["reason"].strip()]
    if unexplained:
        raise SystemExit(f"no reason given: {unexplained[0]}")
    return Counter(
        Change(entry["file"], entry["function"], entry["was"].strip(), entry["now"].strip())
        for entry in entries
        if entry["file"] in sources
    )


def judge(folder: Path, name: str, target: Target) -> bool:
    """Say how one target did, and return whether it did well."""
    found = [(mutant, code, source) for source in target.sources for mutant, code in results(folder, source)]
    survived = Counter(change(folder, mutant, source) for mutant, code, source in found if code in SURVIVED)
    unjudged = [(mutant, code) for mutant, code, _ in found if code not in SURVIVED | KILLED | ENDLESS]
    entries = listed(target.sources)
    unlisted, stale = survived - entries, entries - survived
    for title, changes in (("survived, not listed", unlisted), ("listed, but killed or gone", stale)):
        for each in changes.elements():
            sys.stdout.write(f"\n{title}: {each}\n")
    for mutant, code in unjudged:
        sys.stdout.write(f"\nneither killed nor survived (code {code}): {mutant}\n")
    endless = sum(code in ENDLESS for _, code, _ in found)
    killed = len(found) - survived.total() - len(unjudged)
    sys.stdout.write(
        f"{name:<11}{len(found):>4} mutants: {killed} killed ({endless} of them endless), {survived.total()} survived, "
        f"{survived.total() - unlisted.total()} of them listed as equivalent\n"
    )
    return bool(found) and not (unlisted or stale or unjudged)


def main(names: list[str]) -> int:
    """Run the chosen targets and return 0 when exactly the listed mutants survived."""
    started = time.monotonic()
    chosen = {name: TARGETS[name] for name in names or TARGETS}
    with tempfile.TemporaryDirectory(prefix="mutants-") as temporary:
        folder = Path(temporary)
        prepare(folder, chosen.values())
        done = run(folder, "run", "--max-children", str(os.cpu_count() or 2))
        codes = [code for target in chosen.values() for source in target.sources for _, code in results(folder, source)]
        if not codes or None in codes:
            sys.stdout.write(done.stdout[-2000:] + done.stderr[-4000:] + "\nmutmut did not finish\n")
            return 2
        well = [judge(folder, name, target) for name, target in chosen.items()]
    sys.stdout.write(f"{time.monotonic() - started:.0f} s\n")
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
