"""The limits of a header, each shown from both sides: just within is read, one more is refused."""

from __future__ import annotations

import io

import pytest

from exchange.sealing import header
from exchange.sealing.failures import HeaderFailure
from exchange.sealing.header import Stanza
from exchange.sealing.recipients import PassphraseIdentity, PassphraseRecipient, open_stanzas

END = b" " + b"A" * 43 + b"\n"


def read(stanzas: list[Stanza]) -> header.Header:
    return header.read(io.BytesIO(header.write(stanzas) + END))


def test_a_header_has_at_most_128_stanzas() -> None:
    one = Stanza(("x",), b"")
    assert len(read([one] * 128).stanzas) == 128
    with pytest.raises(HeaderFailure):
        read([one] * 129)


def test_a_header_has_at_most_256_kib() -> None:
    def of_length(length: int) -> list[Stanza]:
        empty = len(header.write([Stanza(("x",), b"")]) + END)
        return [Stanza(("x" * (length - empty + 1),), b"")]

    assert read(of_length(256 * 1024)).stanzas
    with pytest.raises(HeaderFailure):
        read(of_length(256 * 1024 + 1))


def test_a_passphrase_stands_alone() -> None:
    stanza = PassphraseRecipient("secret", work_factor=1).wrap(bytes(16))
    assert open_stanzas([stanza], [PassphraseIdentity("secret")])
    for others in ([Stanza(("x",), b"")], [stanza]):
        with pytest.raises(HeaderFailure):
            open_stanzas([stanza, *others], [PassphraseIdentity("secret")])


def test_a_work_factor_beyond_a_laptop_is_refused_before_it_is_paid() -> None:
    stanza = PassphraseRecipient("secret", work_factor=5).wrap(bytes(16))
    identity = PassphraseIdentity("secret", most_work=4)
    with pytest.raises(HeaderFailure):
        identity.unwrap(stanza)
