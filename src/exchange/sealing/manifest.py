"""The manifest: what a sealed file is, from whom, for whom and with what in it; its bytes are what is signed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from exchange import shipped
from exchange.errors import SealingError
from exchange.sealing.recipients import HYBRID
from exchange.signing.canonical import NotStrict, canonical, strict

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

FORMAT = "outcome-exchange-manifest/1"
FILE_NAME = "manifest.jws.json"
MOST_MANIFEST = 64 * 1024
TO_PASSPHRASE = ("passphrase",)

_DEEPEST = 8
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"


class Kind(StrEnum):
    """What a sealed file is for; only `control` can do without an agreement."""

    DATA = "data"
    ACKNOWLEDGEMENT = "acknowledgement"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class AgreementRef:
    """The agreement a file falls under; for a proposal the digest is over the proposed bytes."""

    id: str
    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a stream: epoch, sequence number, digest of the manifest there."""

    epoch: str
    sequence: int
    digest: str


@dataclass(frozen=True, slots=True)
class Stream:
    """One organisation's files under one agreement in one epoch; `after` is where the epoch before it was known."""

    organisation: str
    agreement: str
    epoch: str
    epoch_order: int = 1
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class AuditHead:
    """How long the sender's audit trail was, and its last hash."""

    count: int = 0
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """One content as the manifest lists it."""

    name: str
    media_type: str
    size: int
    sha256: str
    records: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything the signatures bind. `recipients` are SHA-256 of recipient keys, or `("passphrase",)`.

    `payload` is the signed bytes, filled on reading and by `to_bytes`; a digest is always over those bytes.
    """

    message_id: str
    kind: Kind
    sender: str
    sender_card: str
    recipients: tuple[str, ...]
    agreement: AgreementRef | None
    stream: Stream
    sequence: int
    previous: str
    audit: AuditHead
    created: datetime
    expires: datetime
    contents: tuple[Listed, ...]
    suite: str = HYBRID
    payload: bytes = field(default=b"", repr=False, compare=False)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the signed bytes as hex."""
        return hashlib.sha256(self.payload or self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """Return the manifest as canonical JSON; SealingError when it breaks the schema or a limit."""
        content = _content(self)
        _require_valid(content)
        data = canonical(content)
        if len(data) > MOST_MANIFEST:
            raise SealingError("sealing.too-large", name=FILE_NAME)
        return data

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Read a manifest strictly; SealingError when it breaks the schema or a limit."""
        try:
            content = strict(data, most=MOST_MANIFEST, deepest=_DEEPEST)
        except NotStrict:
            raise SealingError("sealing.manifest-malformed", path="/") from None
        _require_valid(content)
        # One form only: without this 1.0 would be an integer to the schema and a float to Python.
        if canonical(content) != data:
            raise SealingError("sealing.manifest-malformed", path="/")
        return _manifest(content, data)


def _require_valid(content: Any) -> None:
    for error in _schema().iter_errors(content):
        # The path and never the value.
        raise SealingError("sealing.manifest-malformed", path="/" + "/".join(map(str, error.instance_path)))
    names = [listed["name"] for listed in content["contents"]]
    if len(set(names)) != len(names) or FILE_NAME in names:
        raise SealingError("sealing.manifest-malformed", path="/contents")
    try:
        in_order = _read_instant(content["created"]) <= _read_instant(content["expires"])
    except ValueError:
        in_order = False
    if not in_order:
        raise SealingError("sealing.manifest-malformed", path="/expires")


@cache
def _schema() -> Draft202012Validator:
    import jsonschema_rs

    text = shipped.schemas("manifest.schema.json").read_text(encoding="utf-8")
    return jsonschema_rs.Draft202012Validator(json.loads(text))


def _content(manifest: Manifest) -> dict[str, object]:
    stream, agreement = manifest.stream, manifest.agreement
    return {
        "format": FORMAT,
        "message-id": manifest.message_id,
        "kind": manifest.kind.value,
        "suite": manifest.suite,
        "sender": manifest.sender,
        "sender-card": manifest.sender_card,
        "recipients": list(manifest.recipients),
        "agreement": agreement and {"id": agreement.id, "version": agreement.version, "digest": agreement.digest},
        "stream": {
            "organisation": stream.organisation,
            "agreement": stream.agreement,
            "epoch": stream.epoch,
            "epoch-order": stream.epoch_order,
            "after": stream.after
            and {"epoch": stream.after.epoch, "sequence": stream.after.sequence, "digest": stream.after.digest},
        },
        "sequence": manifest.sequence,
        "previous": manifest.previous,
        "audit": {"count": manifest.audit.count, "hash": manifest.audit.hash},
        "created": _instant(manifest.created),
        "expires": _instant(manifest.expires),
        "contents": [
            {
                "name": listed.name,
                "media-type": listed.media_type,
                "size": listed.size,
                "sha256": listed.sha256,
                "records": listed.records,
            }
            for listed in manifest.contents
        ],
    }


def _manifest(content: Mapping[str, Any], data: bytes) -> Manifest:
    stream, agreement, audit = content["stream"], content["agreement"], content["audit"]
    after = stream["after"]
    return Manifest(
        message_id=content["message-id"],
        kind=Kind(content["kind"]),
        sender=content["sender"],
        sender_card=content["sender-card"],
        recipients=tuple(content["recipients"]),
        agreement=agreement and AgreementRef(agreement["id"], agreement["version"], agreement["digest"]),
        stream=Stream(
            stream["organisation"],
            stream["agreement"],
            stream["epoch"],
            stream["epoch-order"],
            after and Position(after["epoch"], after["sequence"], after["digest"]),
        ),
        sequence=content["sequence"],
        previous=content["previous"],
        audit=AuditHead(audit["count"], audit["hash"]),
        created=_read_instant(content["created"]),
        expires=_read_instant(content["expires"]),
        contents=tuple(
            Listed(listed["name"], listed["media-type"], listed["size"], listed["sha256"], listed["records"])
            for listed in content["contents"]
        ),
        suite=content["suite"],
        payload=data,
    )


def _instant(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    # Not strftime: whether it writes the year 324 with four digits depends on the platform.
    return f"{moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat()}Z"


def _read_instant(text: str) -> datetime:
    return datetime.strptime(text, _INSTANT).replace(tzinfo=UTC)
