"""Unfinished work: what a dead process left goes at once, what a live one writes stays."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from exchange.sealing import parts, permissions

NOW = datetime.now(UTC)
BEFORE = NOW - timedelta(hours=1)


def left_by_another_process(folder):
    """Let a process make a part and end without clearing up."""
    code = f"from pathlib import Path\nfrom exchange.sealing import parts\nPath({str(folder)!r}, parts.name()).mkdir()"
    subprocess.run([sys.executable, "-c", code], check=True)
    (part,) = folder.iterdir()
    (part / "messages.ndjson").write_bytes(b"plaintext")
    return part


@pytest.mark.skipif(not permissions.POSIX, reason="whether a process lives can't be asked without ending it here")
def test_what_a_dead_process_left_is_swept_at_once(tmp_path):
    part = left_by_another_process(tmp_path)
    assert parts.sweep(tmp_path, before=BEFORE) == 1
    assert not part.exists()


def test_what_a_live_process_writes_stays_until_it_is_old(tmp_path):
    with parts.folder(tmp_path) as part:
        assert part.stat().st_mode & 0o077 == 0 or not permissions.POSIX
        assert parts.sweep(tmp_path, before=BEFORE) == 0
        # a clock that jumps ahead takes nothing away from whoever is at work
        assert parts.sweep(tmp_path, before=NOW + timedelta(days=6)) == 0
        assert parts.sweep(tmp_path, before=NOW + timedelta(days=8)) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [".x.0123abcd-1.part", ".x.part", f".x.age.{'0' * 8}-999999999.part"])
def test_a_part_of_another_machine_or_without_a_mark_goes_by_its_age(tmp_path, name):
    (tmp_path / name).touch()
    assert parts.sweep(tmp_path, before=BEFORE) == 0
    os.utime(tmp_path / name, (BEFORE.timestamp() - 1,) * 2)
    assert parts.sweep(tmp_path, before=BEFORE) == 1


def test_nothing_else_is_swept(tmp_path):
    for name in ("a.age", ".hidden", "x.part", ".x.part.age"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    assert parts.sweep(tmp_path, before=NOW) == 0
    assert parts.sweep(tmp_path / "none", before=NOW) == 0


def test_a_part_beside_its_goal_is_one_that_is_swept(tmp_path):
    part = parts.beside(tmp_path / "a.age")
    assert part.parent == tmp_path
    assert part.name.startswith(".a.age.")
    part.touch()
    os.utime(part, (0, 0))
    assert parts.sweep(tmp_path, before=NOW) == 1
