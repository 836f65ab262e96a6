"""The README's transcript works as printed: every command is run, every printed line is found in what it prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parent.parent.parent / "README.md"
DONE = "---done---"


def steps() -> list[tuple[str, list[str]]]:
    """Return each command with the lines printed under it."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif line.strip():
                found[-1][1].append(line)
    return found


def pattern(line: str) -> re.Pattern[str]:
    return re.compile(".*?".join(re.escape(part) for part in line.split("…")) + (r".*" if line.endswith("…") else ""))


@pytest.mark.slow
def test_the_transcript_works_as_printed(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "HOME": str(tmp_path),
        "EXCHANGE_NO_KEYRING": "1",
    }
    demo = ["exchange", "demo", "--into", "demo"]
    subprocess.run(demo, cwd=tmp_path, env=environment, check=True, capture_output=True)
    script = "\n".join(f"{command}\ncode=$?; echo; echo {DONE} $code" for command, _ in steps())
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    outputs = re.split(rf"\n?{DONE} (\d+)\n", done.stdout)
    assert len(outputs) == 2 * len(steps()) + 1, done.stdout[-2000:] + done.stderr[-2000:]
    for number, (command, lines) in enumerate(steps()):
        printed, code = outputs[2 * number], outputs[2 * number + 1]
        assert code in {"0", "3"}, f"{command}\n{printed}\n{done.stderr[-2000:]}"
        for line in lines:
            if line.strip("… ") == "":
                continue
            assert pattern(line).search(printed), f"{command}\nexpected: {line}\nprinted: {printed}"
