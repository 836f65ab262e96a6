"""What reading asks of resources of ours beyond their profiles, so that one pass shows that a message can be read.

Like the certificate this is about speed alone, and may ask more than reading does, never less: what it does not take is
read instead. A resource of a profile that is not named here is always read. `reading.require_head` reads the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WHOLE = "whole"
"""The keyword for a whole number that is also written as one: to JSON Schema 1.0 is an integer too."""

_WHOLE = {WHOLE: True}
# The definitions know how long each month is, but not the leap years.
_DAY = {"minLength": 10, "not": {"pattern": "^[0-9]{4}-02-29"}}
_PERIOD = {"properties": {"start": _DAY, "end": _DAY}}
_EXTENSION = {"items": {"properties": {"valueInteger": _WHOLE, "valueDate": _DAY}}}
# A profile asks that one of the codings is of its list; where there is but one, that is the one that is read.
_CODED = {"properties": {"coding": {"maxItems": 1}}}
_VALUES = {
    "effectiveDateTime": _DAY,
    "valueCodeableConcept": _CODED,
    "valueDateTime": _DAY,
    "valueInteger": _WHOLE,
}
_OBSERVATION = {"properties": {**_VALUES, "extension": _EXTENSION}}

PROFILES: Mapping[str, Mapping[str, Any]] = {
    "complaint": {},
    "evaluation": {
        "properties": {**_VALUES, "component": {"items": {"properties": {**_VALUES, "code": _CODED}}}},
    },
    # One that answers another message is read.
    "message-header": {"required": ["id"], "properties": {"response": False}},
    "message-provenance": {},
    "message-summary": {},
    "pain-score": _OBSERVATION,
    "party": {},
    "person": {"properties": {"birthDate": {"anyOf": [_DAY, {"maxLength": 4}]}}},
    "prom-response": {},
    "referral": {"properties": {"authoredOn": _DAY, "extension": _EXTENSION}},
    "score": _OBSERVATION,
    "session": {"properties": {"period": _PERIOD, "type": {"items": _CODED}, "extension": _EXTENSION}},
    "session-count": _OBSERVATION,
    "therapist": {},
    "treatment": {},
    "treatment-episode": {"properties": {"period": _PERIOD, "extension": _EXTENSION}},
    "treatment-goal": {},
    "exchange-task": {},
}
"""Profile -> what makes a resource that keeps it, and of which each invariant holds, readable."""


class Whole:
    """The keyword `WHOLE`."""

    def __init__(self, parent_schema: Any, value: Any, schema_path: Any) -> None:
        pass

    def validate(self, instance: Any) -> None:
        """Raise for anything but a whole number."""
        if type(instance) is not int:
            raise ValueError
