"""Files are written whole, and no more open to others than they were."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.errors import ExchangeError
from exchange.operations import files


def test_what_its_owner_closed_to_others_stays_closed(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows keeps who may read a file in lists, not in a mode")
    file = tmp_path / "exchange.toml"
    file.write_bytes(b"before")
    file.chmod(0o600)
    files.write(file, b"after")
    assert file.read_bytes() == b"after"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_pieces_that_break_off_leave_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_bytes(b"before")

    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise OSError(28, "No space left on device")

    with pytest.raises(ExchangeError, match="the disk is full"):
        files.write(file, pieces())
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]
