"""An age file, written and read: header, recipients and stream put together."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from exchange.errors import SealingError
from exchange.sealing import armor, header
from exchange.sealing.failures import HeaderFailure, MacFailure, NoMatch
from exchange.sealing.recipients import FILE_KEY, Identity, Recipient, mac, open_stanzas, payload_key
from exchange.sealing.stream import StreamReader, StreamWriter

_NONCE = 16


@dataclass(frozen=True, slots=True)
class Decrypted:
    """An age file whose header was authenticated: who opened it, for how many it is, and its plaintext."""

    identity: Identity
    stanzas: tuple[header.Stanza, ...]
    stream: StreamReader


def begin(sink: BinaryIO, recipients: Sequence[Recipient]) -> bytes:
    """Write the header and return the key of the payload, for one payload only."""
    if not recipients:
        raise SealingError("sealing.no-recipients")
    if len(recipients) > header.MOST_STANZAS:
        raise SealingError("sealing.too-many-recipients", most=header.MOST_STANZAS)
    if len({recipient.kind for recipient in recipients}) > 1 or (recipients[0].alone and len(recipients) > 1):
        # A passphrase stands alone, and one classical stanza would undo what the hybrid ones are for.
        raise ValueError("recipients of different kinds")
    file_key, nonce = secrets.token_bytes(FILE_KEY), secrets.token_bytes(_NONCE)
    text = header.write([recipient.wrap(file_key) for recipient in recipients])
    sink.write(text + b" " + header.encode(mac(file_key, text)).encode("ascii") + b"\n" + nonce)
    return payload_key(file_key, nonce)


def encrypt(sink: BinaryIO, recipients: Sequence[Recipient]) -> StreamWriter:
    """Write the header and return the writer of the plaintext; call its `finish`."""
    return StreamWriter(begin(sink, recipients), sink)


def decrypt(source: BinaryIO, identities: Sequence[Identity], *, kinds: frozenset[str] | None = None) -> Decrypted:
    """Open the header and return the reader of the plaintext; an AgeFailure says why not.

    With `kinds`, a header holding a stanza of any other kind is refused before a key is used.
    """
    inner = armor.binary(source)
    read = header.read(inner)
    if kinds is not None and any(stanza.kind not in kinds for stanza in read.stanzas):
        raise HeaderFailure
    opened = open_stanzas(read.stanzas, identities)
    if opened is None:
        raise NoMatch
    file_key, identity = opened
    if not hmac.compare_digest(mac(file_key, read.authenticated), read.mac):
        raise MacFailure
    nonce = inner.read(_NONCE)
    if len(nonce) != _NONCE:
        raise HeaderFailure
    return Decrypted(identity, read.stanzas, StreamReader(payload_key(file_key, nonce), inner))
