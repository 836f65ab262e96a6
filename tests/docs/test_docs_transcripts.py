"""The transcripts of the quick start and of the partners' page work as printed, against the demo as it was played."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
REFEREES = DOCS.parent / "tests" / "referees"
DONE = "---done---"


def steps(text: str) -> list[tuple[str, list[str]]]:
    """Return each command with the lines printed under it; `> ` continues the command above."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif line.startswith("> ") and not found[-1][1]:
                found[-1] = (f"{found[-1][0]}\n{line[2:]}", [])
            elif line.strip("… "):
                found[-1][1].append(line)
    return found


def pattern(line: str) -> re.Pattern[str]:
    return re.compile(".*?".join(re.escape(part) for part in line.split("…")))


@pytest.fixture
def bash(demo: Path) -> Callable[[str], str]:
    """Run a script beside the demo and return what it printed."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "EXCHANGE_NO_KEYRING": "1",
    }

    def run(script: str) -> str:
        done = subprocess.run(
            ["bash", "-c", script], cwd=demo.parent, env=environment, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr[-2000:]

    return run


def hold(run: Callable[[str], str], told: list[tuple[str, list[str]]]) -> list[str]:
    """Run commands one after another in one shell, hold what each prints against the page, and return the outputs."""
    script = "\n".join(f"{command}\ncode=$?; echo; echo {DONE} $code" for command, _ in told)
    outputs = re.split(rf"\n?{DONE} (\d+)\n", run(script))
    assert len(outputs) == 2 * len(told) + 1, outputs[-1]
    for number, (command, lines) in enumerate(told):
        printed, code = outputs[2 * number], outputs[2 * number + 1]
        assert code == "0", f"{command}\n{printed}\n{outputs[-1]}"
        for line in lines:
            assert pattern(line).search(printed), f"{command}\nexpected: {line}\nprinted: {printed}"
    return outputs[::2]


def python_of(name: str) -> list[str]:
    """Return the blocks of Python of a page."""
    return re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(encoding="utf-8"), re.DOTALL)


def test_the_quick_start_works_as_printed(bash: Callable[[str], str]) -> None:
    told = steps((DOCS / "quickstart.md").read_text(encoding="utf-8"))
    assert len(told) > 6
    hold(bash, told)


def test_the_library_works_as_the_quick_start_says(demo: Path) -> None:
    (source,) = python_of("quickstart.md")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source], cwd=demo.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^onward-advice \d+ \d+ \d+$", done.stdout, re.MULTILINE)
    assert (demo.parent / "summary.html").stat().st_size > 10_000


def test_the_input_for_a_dpia_is_made_as_the_privacy_page_says(demo: Path) -> None:
    (source,) = python_of("privacy.md")
    subprocess.run([sys.executable, "-W", "error", "-c", source], cwd=demo / "praktijk", check=True)
    assert "AVG" in (demo / "praktijk" / "dpia.md").read_text(encoding="utf-8")


@pytest.mark.referee
def test_a_partner_opens_a_file_as_its_page_says(bash: Callable[[str], str], demo: Path) -> None:
    if shutil.which("age") is None or sys.platform == "win32":
        pytest.skip("the program age is not here")
    told = steps((DOCS / "partners.md").read_text(encoding="utf-8"))
    hybrid = [number for number, (command, _) in enumerate(told) if "bericht" in command]
    opens = next(number for number, (command, _) in enumerate(told) if command.startswith("age -d -o"))
    first = hold(bash, told[:opens])
    passphrase = next(found for text in first if (found := re.search(r"Wachtzin, eenmalig: ([a-z-]+)", text))).group(1)
    typist = [sys.executable, str(REFEREES / "type_on_terminal.py"), "1", passphrase]
    subprocess.run([*typist, *told[opens][0].split()], cwd=demo, check=True, capture_output=True, timeout=60)
    rest = [step for number, step in enumerate(told) if number > opens and number not in hybrid]
    hold(bash, [("cd demo", []), *rest])


@pytest.mark.referee
def test_a_partner_opens_a_file_with_its_own_key_as_its_page_says(bash: Callable[[str], str], demo: Path) -> None:
    """Debian's age is older than 1.3, so the TypeScript implementation opens the file in its place."""
    if shutil.which("node") is None or not (REFEREES / "node_modules" / "age-encryption").is_dir():
        pytest.skip("tests/referees/node_modules is not here: npm ci --prefix tests/referees")
    told = steps((DOCS / "partners.md").read_text(encoding="utf-8"))
    key = next(step for step in told if "sleutel.txt" in step[0] and "python" in step[0])
    opening, listing = (step for step in told if "bericht" in step[0])
    assert opening[0] == "age -d -i sleutel.txt -o bericht.tar bericht.age"
    hold(bash, [("cd demo", []), key])
    secret = (demo / "sleutel.txt").read_text(encoding="utf-8").strip()
    for file in sorted((demo / "praktijk" / "outbox").glob("*.age")):
        command = ["node", str(REFEREES / "age-file.mjs"), "open", secret, str(file), str(demo / "bericht.tar")]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            names = subprocess.run(
                ["tar", "tf", "bericht.tar"], cwd=demo, capture_output=True, text=True, check=True
            ).stdout
            if "messages.ndjson" in names:
                break
    hold(bash, [("cd demo", []), listing])
