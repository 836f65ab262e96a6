"""A manifest and the JWS around it: what is read has one form only, and what is verified was signed."""

from __future__ import annotations

from dataclasses import replace

from sealed_things import CARD, MANIFEST, MANIFEST_JWS

from exchange.errors import SealingError
from exchange.sealing.manifest import Kind, Manifest, Position, Stream
from exchange.signing import jws

_CONTROL = replace(
    MANIFEST,
    kind=Kind.CONTROL,
    agreement=None,
    contents=(),
    stream=Stream("agb:04000001", "", "0" * 32, 2, Position("f" * 32, 9, "9" * 64)),
)
CORPUS = (MANIFEST.to_bytes(), _CONTROL.to_bytes(), MANIFEST_JWS, b"{}", b'{"payload":"e30","signatures":[]}')


def one_input(data: bytes) -> None:
    """Read it as a manifest, as a JWS, and as the payload of one."""
    try:
        read = Manifest.from_bytes(data)
    except SealingError:
        pass
    else:
        assert replace(read, payload=b"").to_bytes() == data
    for kind in ("manifest", "card"):
        try:
            payload = jws.verify(data, kind, CARD)
        except SealingError:
            continue
        assert kind == "manifest"
        assert payload == MANIFEST.to_bytes()
    try:
        Manifest.from_bytes(jws.payload(data))
    except SealingError:
        return
