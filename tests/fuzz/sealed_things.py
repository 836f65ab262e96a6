"""Invented keys that are the same each time, and what they sealed: what the harnesses of the sealed file begin with."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, date, datetime

from exchange.sealing import age, tar
from exchange.sealing.manifest import FILE_NAME, AgreementRef, AuditHead, Kind, Listed, Manifest, Stream
from exchange.sealing.recipients import HybridRecipient, PassphraseRecipient, Recipient
from exchange.signing import jws
from exchange.signing.cards import Card, make_card
from exchange.signing.keys import EncryptionKey, Keyring, SigningKeys, StoreKeys

CONTENT = b'{"resourceType":"Bundle","id":"invented"}\n'


def _seed(number: int) -> bytes:
    return bytes([number]) * 32


KEYRING = Keyring(
    SigningKeys(_seed(1), _seed(2)),
    EncryptionKey(_seed(3)),
    StoreKeys(_seed(4), _seed(5), _seed(6)),
    EncryptionKey(_seed(7)),
    demo=True,
    retired=(EncryptionKey(_seed(8)),),
    backups={"2026": EncryptionKey(_seed(9))},
)
CARD: Card = make_card(
    KEYRING,
    parties=("agb:04000001", "kvk:12345678"),
    name="Verzonnen praktijk",
    contact="kaart@voorbeeld.invalid",
    valid_from=date(2026, 1, 1),
    valid_until=date(2027, 12, 31),
)
MANIFEST = Manifest(
    message_id="a" * 32,
    kind=Kind.DATA,
    sender="agb:04000001",
    sender_card=CARD.digest,
    recipients=(CARD.recipient_digest,),
    agreement=AgreementRef("proef-1", 1, "ab" * 32),
    stream=Stream("agb:04000001", "proef-1", "0" * 32),
    sequence=1,
    previous="",
    audit=AuditHead(3, "cd" * 32),
    created=datetime(2026, 3, 2, 9, tzinfo=UTC),
    expires=datetime(2026, 4, 2, 9, tzinfo=UTC),
    contents=(Listed("bundle.json", "application/fhir+json", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), 1),),
)
MANIFEST_JWS = jws.sign(MANIFEST.to_bytes(), "manifest", KEYRING.signing)


def container(manifest_jws: bytes, *members: tuple[str, bytes]) -> bytes:
    """Pack members behind a manifest."""
    sink = io.BytesIO()
    writer = tar.Writer(sink)
    for name, data in ((FILE_NAME, manifest_jws), *members):
        writer.begin(name, len(data))
        writer.write(data)
        writer.end(len(data))
    writer.finish()
    return sink.getvalue()


def encrypted(recipient: Recipient, plain: bytes) -> bytes:
    """Return an age file."""
    sink = io.BytesIO()
    stream = age.encrypt(sink, [recipient])
    stream.write(plain)
    stream.finish()
    return sink.getvalue()


HYBRID_FILE = encrypted(HybridRecipient(KEYRING.encryption.recipient), CONTENT)
PASSPHRASE_FILE = encrypted(PassphraseRecipient("verzonnen", work_factor=2), CONTENT)
