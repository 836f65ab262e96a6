"""What reading asks of resources of ours beyond their profiles, so that one pass shows that a message can be read.

Like the certificate this is about speed alone, and may ask more than reading does, never less: what it does not take is
left to the rules. A message with a resource of a profile that is not named here, or that answers another, is always
read; `reading.require_head` reads the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchange.messages.merging import WRITTEN_WHOLE

_WHOLE = WRITTEN_WHOLE
# The definitions know how long each month is, but not which years have a leap day.
_NO_LEAP = "[02468][1235679]|[13579][01345789]"
_DAY = {"minLength": 10, "not": {"pattern": f"^(?:[0-9]{{2}}(?:{_NO_LEAP})|(?:{_NO_LEAP})00)-02-29"}}
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
    "message-header": {"required": ["id"]},
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
