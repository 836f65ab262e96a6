"""Join what our profiles ask with what the certificate asks of a type, so that one pass looks at each element once.

What a merged schema takes, both schemas take. It is written so that as little as possible is looked at twice: a profile
goes into the elements of the type it narrows, an element that it forbids is one that is not known, what is fixed needs
no pattern beside it, and of a choice only the types that are left are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = dict[str, Any]
Given = Mapping[str, Any]

PROFILE = "profile:"
"""What stands before the names of the definitions that come from the profiles."""

WHOLE_NUMBER = "urn:outcome-exchange:whole-number"
WHOLE: Given = {
    "$id": WHOLE_NUMBER,
    "id": WHOLE_NUMBER,
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "integer",
}
"""A whole number that is written as one: to this draft 1.0 is none, and to every later draft it is."""

WRITTEN_WHOLE: Given = {"whole": True}
"""What is asked of a number beyond a profile, as `WHOLE` says it."""

_NOTHING: Schema = {"not": {}}
_MOST = frozenset({"maxItems", "maxLength", "maximum"})
_LEAST = frozenset({"minItems", "minLength", "minimum"})
_BRANCH = frozenset({"if", "then", "else"})
_OF_OBJECTS = frozenset({"properties", "required"})


class Merging:
    """The definitions of both: those of the types by their name, those of the profiles by theirs."""

    def __init__(self, types: Given, profiles: Given) -> None:
        self._types = types
        self._profiles = profiles
        self._any_order = False

    def definitions(self) -> Schema:
        """Return all that a merged schema may refer to."""
        ours = {f"{PROFILE}{name}": _ours(each) for name, each in self._profiles.items()}
        return {**self._types, **ours, "whole": WHOLE}

    def profile(self, profile: str, kind: Given, *further: Given, any_order: bool = False) -> Any:
        """Return what must hold of what keeps the profile, is of the type, and of which more may be asked.

        Where one item of a list must be as the profile says, it must here be the first, but for `any_order`.
        """
        self._any_order = any_order
        made: Any = kind
        for asked in (self._profiles[profile], *further):
            made = self.both(made, asked)
        return made

    def both(self, first: Any, second: Any) -> Any:
        """Return a schema that takes nothing but what both take."""
        if first is False or second is False:
            return False
        if second is True or second == {}:
            return first
        parts = list(self._parts(second))
        if len(parts) == 1 and parts[0].keys() <= _BRANCH and "if" not in first:
            return self._branched(first, parts[0])
        made = self._opened(first)
        for part in parts:
            made = self._with(made, part)
        return _reduced(made)

    def _opened(self, schema: Given) -> Schema:
        """Return a schema that says all itself, but for what stands below."""
        if "$ref" in schema and len(schema) == 1 and schema["$ref"].startswith("#/$defs/"):
            return self._opened(self._types[schema["$ref"].removeprefix("#/$defs/")])
        made = {name: value for name, value in schema.items() if name != "allOf"}
        for part in schema.get("allOf", ()):
            if "$ref" in part and not made:
                made = self._opened(part)
            elif _OF_OBJECTS.issuperset(part):
                made = self._with(made, part)
            elif part:
                made["allOf"] = [*made.get("allOf", ()), part]
        return made

    def _parts(self, schema: Given) -> Iterator[Given]:
        """Return the conditions of a profile's schema one by one."""
        if "$ref" in schema:
            yield from self._parts(self._profiles[schema["$ref"].removeprefix("#/$defs/")])
            return
        rest = {name: value for name, value in schema.items() if name != "allOf"}
        if len(rest.get("anyOf", ())) == 1:
            yield from self._parts(rest.pop("anyOf")[0])
        if rest:
            yield rest
        sliced = [part for part in schema.get("allOf", ()) if _is_sliced(part)]
        if len(sliced) > 1 and _exclusive([part["items"] for part in sliced]):
            yield {"items": _chain([part["items"] for part in sliced])}
        else:
            for part in sliced:
                yield part
        for part in schema.get("allOf", ()):
            if not _is_sliced(part):
                yield from self._parts(part)

    def _with(self, made: Schema, part: Given) -> Schema:
        if part == WRITTEN_WHOLE:
            bounds = {name: value for name, value in made.items() if name != "type"}
            return {**bounds, "$ref": WHOLE_NUMBER}
        if part.keys() == {"const"}:
            return {"const": part["const"]} if _takes(made, part["const"]) else _NOTHING
        if part.keys() == {"enum"}:
            return {"enum": [each for each in part["enum"] if _takes(made, each)]}
        if part.keys() <= _BRANCH:
            return self._branched(made, part)
        if made.keys() == _BRANCH:
            return {**made, "then": self.both(made["then"], part), "else": self.both(made["else"], part)}
        if "contains" in part:
            made = self._contains(made, part)
            part = {name: each for name, each in part.items() if "ontains" not in name}
        made = dict(made)
        for name, value in part.items():
            self._ask(made, name, value)
        return made

    def _ask(self, made: Schema, name: str, value: Any) -> None:
        """Ask one thing more."""
        if name in _OF_OBJECTS and made.get("type", "object") != "object":
            return
        if name == "properties":
            made[name] = self._properties(made, value)
        elif name == "required":
            made[name] = list(dict.fromkeys([*made.get(name, ()), *value]))
        elif name == "items":
            made[name] = self.both(made.get(name, {}), value)
            if "prefixItems" in made:
                made["prefixItems"] = [self.both(each, value) for each in made["prefixItems"]]
        elif name in _MOST | _LEAST:
            made[name] = (min if name in _MOST else max)(made.get(name, value), value)
        else:
            made["allOf"] = [*made.get("allOf", ()), {name: _ours(value)}]

    def _properties(self, made: Schema, asked: Given) -> Schema:
        properties = dict(made.get("properties", {}))
        closed = made.get("additionalProperties") is False
        for name, schema in asked.items():
            if closed and (schema is False or name not in properties):
                properties.pop(name, None)
            else:
                properties[name] = self.both(properties.get(name, {}), schema)
        return properties

    def _branched(self, made: Given, part: Given) -> Schema:
        """Hold an item to the slice it is of, and walk it once."""
        if "if" in made:
            return {**made, "allOf": [*made.get("allOf", ()), _ours(part)]}
        return {"if": part["if"], "then": self.both(made, part["then"]), "else": self.both(made, part.get("else", {}))}

    def _contains(self, made: Schema, part: Given) -> Schema:
        """Ask of the first item what one of them must be, which is narrower, where nothing counts them."""
        counted = {name: _ours(each) for name, each in part.items() if "ontains" in name}
        if self._any_order or len(counted) > 1 or "prefixItems" in made or "if" in made.get("items", {}):
            return {**made, "allOf": [*made.get("allOf", ()), counted]}
        first = self.both(made.get("items", {}), part["contains"])
        return {**made, "prefixItems": [first], "minItems": 1}


def _is_sliced(part: Given) -> bool:
    return part.keys() == {"items"} and part["items"].keys() == {"if", "then"}


def _exclusive(slices: list[Given]) -> bool:
    """Say whether no item can be of two slices: each is known by another value of the same element."""
    names, values = set(), []
    for each in slices:
        asked = each["if"]
        if asked.keys() != {"required", "properties"} or len(asked["properties"]) != 1:
            return False
        ((name, said),) = asked["properties"].items()
        if said.keys() != {"const"}:
            return False
        names.add(name)
        values.append(said["const"])
    return len(names) == 1 and len(set(values)) == len(values)


def _chain(slices: list[Given]) -> Schema:
    first, *others = slices
    return {**first, **({"else": _chain(others)} if others else {})}


def _takes(schema: Given, value: Any) -> bool:
    """Say whether a text or a number is of the type: such a type says all itself."""
    import jsonschema_rs

    return jsonschema_rs.is_valid(dict(schema), value)


def _reduced(made: Schema) -> Schema:
    """Leave out what the rest says: types of a choice that are not known, and what no object here can have."""
    if made.get("additionalProperties") is not False:
        return made
    known, rules = made["properties"].keys(), []
    for rule in made.get("allOf", ()):
        names = _choice(rule)
        if not names:
            rules.append(rule)
            continue
        left = [name for name in names if name in known]
        needed = "oneOf" not in rule or "allOf" in rule["oneOf"][-1]
        if len(left) == 1 and needed:
            made = {**made, "required": list(dict.fromkeys([*made.get("required", ()), *left]))}
        elif not left and needed:
            return _NOTHING
        elif len(left) > 1:
            present: list[Schema] = [{"required": [name]} for name in left]
            none = [] if needed else [{"not": {"anyOf": present}}]
            rules.append({"oneOf": [*present, *none]} if "oneOf" in rule else {"anyOf": present})
    made = {name: each for name, each in made.items() if name != "allOf"} | ({"allOf": rules} if rules else {})
    if len(made.get("required", ())) >= made.get("minProperties", 0):
        made.pop("minProperties", None)
    return made


def _choice(rule: Given) -> list[str]:
    """Return the names between which a rule chooses, or none where it says something else."""
    if rule.keys() == {"anyOf"}:
        parts = rule["anyOf"]
    elif rule.keys() == {"oneOf"} and rule["oneOf"][-1].keys() <= {"allOf", "not"}:
        parts = rule["oneOf"][:-1]
    else:
        return []
    if not all(part.keys() == {"required"} and len(part["required"]) == 1 for part in parts):
        return []
    return [part["required"][0] for part in parts]


def _ours(schema: Any) -> Any:
    """Return a profile's schema with its references made to lead to the definitions of the profiles."""
    if isinstance(schema, list):
        return [_ours(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: each.replace("#/$defs/", f"#/$defs/{PROFILE}") if name == "$ref" else _ours(each)
        for name, each in schema.items()
    }
