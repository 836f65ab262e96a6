"""What the program writes to a file is UTF-8, whatever the code page of the computer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_mapping_sent_to_a_file_under_another_code_page_can_be_used(tmp_path: Path) -> None:
    table = tmp_path / "scores.csv"
    table.write_text(
        "Patiëntnummer;Trajectnummer;Meetinstrument;Meetdatum;Score\nP1;T1;nprs;01-02-2026;5\n", encoding="utf-8"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    program = "from exchange_cli.program import main; main()"
    command = [sys.executable, "-c", program, "load", str(table), "--suggest"]
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    assert "Patiëntnummer" in done.stdout.decode("utf-8")
