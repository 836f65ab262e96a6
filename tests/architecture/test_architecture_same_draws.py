"""The gate draws the same examples whichever modules happen to be imported, so that what is green stays green."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DRAWS = """
import json
{imports}
from hypothesis import given, strategies as st

def test_draws():
    seen = []

    @given(st.tuples(st.integers(), st.text(), st.binary(max_size=20)))
    def draw(value):
        seen.append(repr(value))

    draw()
    print("DRAWN", json.dumps(seen))
"""


def drawn(folder: Path, imports: str) -> str:
    """Return what a generated test drew in a pytest of its own, under the gate's profile."""
    folder.mkdir()
    (folder / "conftest.py").write_text((REPOSITORY / "tests" / "conftest.py").read_text("utf-8"), "utf-8")
    (folder / "many.py").write_text("".join(f"A{n} = {1000003 * n}\nB{n} = 'word-{n}'\n" for n in range(500)), "utf-8")
    (folder / "test_draws.py").write_text(DRAWS.replace("{imports}", imports), "utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", "test_draws.py"],
        check=False,
        cwd=folder,
        env=os.environ | {"CI": "1", "PYTHONPATH": str(folder)},
        capture_output=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return next(line.partition("DRAWN")[2] for line in run.stdout.splitlines() if "DRAWN" in line)


@pytest.mark.parametrize("imports", ["import many", "import many, sqlalchemy, exchange.indicators.oracle"])
def test_the_gate_draws_the_same_whatever_is_imported(tmp_path, imports):
    alone = drawn(tmp_path / "alone", "")

    assert len(alone) > 1000
    assert drawn(tmp_path / "beside", imports) == alone
