"""The map of service codes to what a claimed service is: shown, editable, never a constant in code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from exchange import shipped
from exchange.errors import SourceError
from exchange.records.codes import EndReason, Payer, SessionType

TREATMENTS = frozenset({SessionType.SESSION, SessionType.GROUP})


@dataclass(frozen=True, slots=True)
class ServiceMap:
    """Service codes by list (012 in PM304, 074 in GDS801), reasons of end of care, and who pays by entitlement code."""

    types: Mapping[tuple[str, str], SessionType]
    end_reasons: Mapping[str, EndReason] = field(default_factory=dict)
    entitlements: Mapping[str, Payer] = field(default_factory=dict)

    def type_of(self, code_list: str, code: str) -> SessionType | None:
        """Return what the code is, or nothing where the map does not know it; leading zeros don't matter."""
        return self.types.get((code_list.zfill(3), code.lstrip("0")))

    def end_reason(self, code: str) -> EndReason:
        """Return the reason for an end code, or unknown."""
        return self.end_reasons.get(code.lstrip("0"), EndReason.UNKNOWN)

    def payer(self, entitlement: str) -> Payer:
        """Return which insurance a claim is made on, or unknown."""
        return self.entitlements.get(entitlement.lstrip("0"), Payer.UNKNOWN)

    def over(self, other: ServiceMap) -> ServiceMap:
        """Return the other map with all that this one says over it."""
        return ServiceMap(
            {**other.types, **self.types},
            {**other.end_reasons, **self.end_reasons},
            {**other.entitlements, **self.entitlements},
        )


def read_services(text: str) -> ServiceMap:
    """Read a map in the form of schemas/services.json."""
    try:
        data = json.loads(text)
        types = {
            (code_list.zfill(3), code.lstrip("0")): SessionType(service["type"])
            for code_list, codes in data["lists"].items()
            for code, service in codes.items()
        }
        reasons = {code.lstrip("0"): EndReason(item["reason"]) for code, item in data.get("end_reasons", {}).items()}
        payers = {code.lstrip("0"): Payer(payer) for code, payer in data.get("entitlements", {}).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError("episodes.services-unreadable", hints=("hint.services-shape",)) from error
    return ServiceMap(types, reasons, payers)


@cache
def shipped_services() -> ServiceMap:
    """Return the map that comes with the toolkit."""
    return read_services(shipped.schemas("services.json").read_text(encoding="utf-8"))
