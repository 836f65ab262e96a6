"""The acknowledgement: what a receiver says of a sender's files, as one small JSON content of a sealed file.

It names messages, numbers and rules; of a patient at most the case number of a withdrawal that it answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from exchange import shipped
from exchange.errors import SealingError
from exchange.signing.canonical import NotStrict, canonical, strict

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

FORMAT = "outcome-exchange-acknowledgement/1"
NAME = "acknowledgement.json"
MEDIA_TYPE = "application/json"
MOST = 4 * 1024 * 1024
# Of messages in one file; what is left goes with the next.
MOST_MESSAGES = 10_000
DELETED, KEPT = "deleted", "kept"
GROUNDS = ("care-record", "legal-duty", "legal-claim", "other-purpose")


@dataclass(frozen=True, slots=True)
class Named:
    """A message by its id and its manifest's digest; `rule` says why it was refused."""

    message: str
    digest: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Numbers of one epoch, both included."""

    epoch: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Head:
    """A head of the addressee's audit trail, and the message of theirs that it came with."""

    epoch: str
    sequence: int
    count: int
    hash: str


@dataclass(frozen=True, slots=True)
class WithdrawalAnswer:
    """What was done after a consent was withdrawn: `deleted`, or `kept` on a ground."""

    case: str
    purpose: str
    answer: str
    ground: str
    on: date


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """One receipt; `missing` are the addressee's numbers, `cancelled` the sender's own."""

    received: tuple[Named, ...] = ()
    refused: tuple[Named, ...] = ()
    missing: tuple[Stretch, ...] = ()
    cancelled: tuple[tuple[str, int], ...] = ()
    witness: Head | None = None
    withdrawals: tuple[WithdrawalAnswer, ...] = ()

    def to_bytes(self) -> bytes:
        """Return it as canonical JSON; SealingError when it breaks the schema."""
        content = _content(self)
        _require_valid(content)
        return canonical(content)

    @classmethod
    def from_bytes(cls, data: bytes) -> Acknowledgement:
        """Read it strictly; SealingError when it is anything else."""
        try:
            content = strict(data, most=MOST, deepest=8)
        except NotStrict:
            raise SealingError("sealing.acknowledgement-malformed", path="/") from None
        _require_valid(content)
        # One form only: without this 1.0 would be an integer to the schema and a float to Python.
        if canonical(content) != data:
            raise SealingError("sealing.acknowledgement-malformed", path="/")
        return _read(content)


def _require_valid(content: Any) -> None:
    for error in _schema().iter_errors(content):
        # The path and never the value.
        raise SealingError("sealing.acknowledgement-malformed", path="/" + "/".join(map(str, error.instance_path)))
    try:
        for one in content["withdrawals"]:
            date.fromisoformat(one["on"])
    except ValueError:
        raise SealingError("sealing.acknowledgement-malformed", path="/withdrawals") from None


@cache
def _schema() -> Draft202012Validator:
    import jsonschema_rs

    text = shipped.schemas("acknowledgement.schema.json").read_text(encoding="utf-8")
    return jsonschema_rs.Draft202012Validator(json.loads(text))


def _content(one: Acknowledgement) -> dict[str, object]:
    head = one.witness
    return {
        "format": FORMAT,
        "received": [{"message": named.message, "digest": named.digest} for named in one.received],
        "refused": [{"message": named.message, "digest": named.digest, "rule": named.rule} for named in one.refused],
        "missing": [{"epoch": gap.epoch, "first": gap.first, "last": gap.last} for gap in one.missing],
        "cancelled": [{"epoch": epoch, "sequence": number} for epoch, number in one.cancelled],
        "witness": head and {"epoch": head.epoch, "sequence": head.sequence, "count": head.count, "hash": head.hash},
        "withdrawals": [
            {
                "case": said.case,
                "purpose": said.purpose,
                "answer": said.answer,
                "ground": said.ground,
                "on": said.on.isoformat(),
            }
            for said in one.withdrawals
        ],
    }


def _read(content: Mapping[str, Any]) -> Acknowledgement:
    head = content["witness"]
    return Acknowledgement(
        tuple(Named(named["message"], named["digest"]) for named in content["received"]),
        tuple(Named(named["message"], named["digest"], named["rule"]) for named in content["refused"]),
        tuple(Stretch(gap["epoch"], gap["first"], gap["last"]) for gap in content["missing"]),
        tuple((one["epoch"], one["sequence"]) for one in content["cancelled"]),
        head and Head(head["epoch"], head["sequence"], head["count"], head["hash"]),
        tuple(
            WithdrawalAnswer(
                said["case"], said["purpose"], said["answer"], said["ground"], date.fromisoformat(said["on"])
            )
            for said in content["withdrawals"]
        ),
    )
