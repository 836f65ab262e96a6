"""What a control file may carry: the objects by which partners come to an agreement, and never a patient."""

from __future__ import annotations

from exchange.errors import SealingError
from exchange.sealing.manifest import Listed
from exchange.signing.canonical import NotStrict, strict

CONTENTS = (
    "card", "proposal", "response", "accession", "acceptance", "termination", "rotation", "revocation",
    "acknowledgement",
)  # fmt: skip
MEDIA_TYPES = ("application/jose+json", "application/json")
MOST_CONTROL = 4 * 1024 * 1024


def require_listed(listed: Listed) -> None:
    """Refuse a content by its name (such as `card.jws.json` or `proposal-2.json`), media type or size."""
    stem = listed.name.replace("-", ".").partition(".")[0]
    if stem not in CONTENTS or listed.media_type not in MEDIA_TYPES or listed.size > MOST_CONTROL:
        raise SealingError("sealing.control-refused", name=listed.name)


def require_no_resource(name: str, data: bytes) -> None:
    """Refuse what is not JSON, or has a FHIR resource in it at any depth."""
    try:
        level = [strict(data, most=MOST_CONTROL)]
    except NotStrict:
        raise SealingError("sealing.control-refused", name=name) from None
    while level:
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                if "resourceType" in item:
                    raise SealingError("sealing.control-refused", name=name)
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        level = inner
