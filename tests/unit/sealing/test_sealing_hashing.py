"""The hash that lags behind is the hash of what was given, whatever happens to the buffers meanwhile."""

from __future__ import annotations

import hashlib
import os
import threading

import pytest

from exchange.sealing.hashing import Hashing

MIB = 1 << 20


@pytest.mark.parametrize("sizes", [[], [0], [1], [4 * MIB, 1], [4 * MIB + 1], [7 * MIB], [MIB] * 9, [3, 5 * MIB, 0, 7]])
def test_pieces_of_every_kind_give_their_hash_in_order(sizes: list[int]) -> None:
    """Buffers are overwritten as soon as they were taken; bytes are not copied, for nobody can."""
    pieces = [os.urandom(size) for size in sizes]
    written: list[bytes] = []
    with Hashing() as hashed:
        for number, piece in enumerate(pieces):
            given = piece if number % 2 else bytearray(piece)
            hashed.pass_on(given, lambda part: written.append(bytes(part)))
            if isinstance(given, bytearray):
                given[:] = bytes(len(given))
        assert hashed.hexdigest() == hashlib.sha256(b"".join(pieces)).hexdigest()
        assert hashed.size == sum(sizes)
    assert written == pieces


def test_the_thread_ends_also_where_writing_fails() -> None:
    def fail(part: object) -> None:
        raise OSError(28, "No space left on device")

    before = threading.active_count()
    with Hashing() as hashed:
        hashed.take(bytes(6 * MIB))
        assert threading.active_count() == before + 1
        with pytest.raises(OSError, match="No space"):
            hashed.pass_on(bytes(MIB), fail)
    assert threading.active_count() == before
