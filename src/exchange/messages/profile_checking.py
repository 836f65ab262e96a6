"""Hold the resources of a message of ours to our profiles and say where they break them, never quoting a value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

from exchange import shipped
from exchange.findings import Finding, Severity
from exchange.messages.codes import EVENTS, SYSTEMS
from exchange.messages.looking import at
from exchange.messages.profiles import profile_of
from exchange.messages.schema import known_names

_EVENTS = tuple(EVENTS)
MOST = 50
"""So many findings of one resource are listed."""

_RULES: Mapping[str, str] = {
    "AnyOf": "messages.profile-value",
    "Constant": "messages.profile-value",
    "Contains": "messages.profile-lacks",
    "Enum": "messages.profile-value",
    "FalseSchema": "messages.profile-forbids",
    "MaxItems": "messages.profile-too-many",
    "MinItems": "messages.profile-too-few",
    "Required": "messages.profile-requires",
}
"""What of the schema is broken -> the rule; whatever else can break is a value that the profile does not have."""


def is_ours(tree: Mapping[str, Any]) -> bool:
    """Say whether a Bundle is a message of this project: only those keep its profiles."""
    coding = at(tree, "entry", 0, "resource", "eventCoding")
    return at(coding, "system") == SYSTEMS["event"] and at(coding, "code") in _EVENTS


def check_profiles(tree: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield where a message of ours breaks a profile."""
    if not is_ours(tree):
        return
    yield from _broken("message", tree, "Bundle")
    for number, entry in enumerate(tree["entry"]):
        resource = at(entry, "resource")
        profile = profile_of(resource) if isinstance(resource, dict) else None
        if profile is not None:
            yield from _broken(profile, resource, f"Bundle.entry[{number}].{resource['resourceType']}")


def _broken(profile: str, resource: Mapping[str, Any], path: str) -> Iterator[Finding]:
    validator = _one(profile)
    if validator.is_valid(resource):
        return
    for error in islice(validator.iter_errors(resource), MOST):
        yield from _explained(error, profile, path)


def _explained(error: Any, profile: str, path: str) -> Iterator[Finding]:
    name = type(error.kind).__name__
    place = path + "".join(f"[{step}]" if isinstance(step, int) else f".{_named(step)}" for step in error.instance_path)
    if name == "Required":
        # A value that is not there but says why, stands under the name with an underscore.
        if isinstance(error.instance, dict) and f"_{error.kind.property}" in error.instance:
            return
        place = f"{place}.{error.kind.property}"
    yield Finding(_RULES.get(name, "messages.profile-value"), place, Severity.ERROR, params={"profile": profile})


def _named(step: str) -> str:
    return step if step in known_names() else "?"


@cache
def compiled() -> dict[str, Any]:
    """Return the schema of all profiles, each a definition under its id."""
    schema: dict[str, Any] = json.loads(shipped.schemas("fhir", "profiles.schema.json").read_text(encoding="utf-8"))
    return schema


@cache
def profiles() -> tuple[str, ...]:
    """Return the ids of the profiles that are compiled."""
    return tuple(compiled()["x-profiles"])


@cache
def _one(profile: str) -> Any:
    return _validator({"$ref": f"#/$defs/{profile}"})


def _validator(schema: dict[str, Any]) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(
        {"$schema": compiled()["$schema"], "$defs": compiled()["$defs"], **schema},
        pattern_options=jsonschema_rs.RegexOptions(),
    )
