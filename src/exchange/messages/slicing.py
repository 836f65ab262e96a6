"""The sliced path of each leaf of a message: which of several Observations, identifiers or codings it stands in.

A path is `Type.element.element…`; an element that FHIR repeats for different things carries in brackets which one it
is: `Observation[answer.imaging]` by its code in this project's observation list, `MeasureReport[indicator]` for a
figure over all patients and `[individual]` for one of one patient (counts have none), `identifier[bsn]` and
`coding[dcsph]` by the short name of their system, `extension[access]` by its URL, `component[count]` and
`population[aggregate.eligible-patients]` by their code. What can't be told apart gets `[?]`, which no list allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from exchange.messages.codes import EXTENSION_NAMES, SYSTEM_NAMES, SYSTEMS
from exchange.messages.profiles import profile_of

UNKNOWN = "?"
PARTS = frozenset(
    {"id", "version", "digest"}  # of the agreement
    | {"scope", "unit", "cut-off", "source", "agreement", "masked"}  # of a figure
    | {"lower", "upper", "level", "method"}  # of an interval
)
"""The URLs of extensions inside one of ours: they are names, not addresses."""
_REPORTS = {"indicator-summary": "indicator", "indicator-individual": "individual"}


def leaves(bundle: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each leaf of the Bundle with its sliced path; each entry's resource starts a path of its own."""
    for name, value in bundle.items():
        if name == "entry" and isinstance(value, list):
            for entry in value:
                yield from _entry(entry)
        else:
            yield from _under(f"Bundle.{_sliced(name, value)}", value)


def _entry(entry: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(entry, dict):
        yield "Bundle.entry", entry
        return
    for name, value in entry.items():
        if name == "resource" and isinstance(value, dict):
            yield from _resource(value)
        else:
            yield from _under(f"Bundle.entry.{name}", value)


def _resource(resource: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    kind = str(resource.get("resourceType", UNKNOWN))
    start = kind
    if kind == "Observation":
        start = f"{kind}[{_code_slice(resource, 'observation')}]"
    elif kind == "MeasureReport" and (report := _REPORTS.get(profile_of(resource) or "")):
        start = f"{kind}[{report}]"
    for name, value in resource.items():
        yield from _each(start, name, value)


def _each(path: str, name: str, value: Any) -> Iterator[tuple[str, Any]]:
    for item in value if isinstance(value, list) and value else [value]:
        yield from _under(f"{path}.{_sliced(name, item)}", item)


def _under(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, below in value.items():
            yield from _each(path, name, below)
    elif isinstance(value, list) and value:
        for item in value:
            yield from _under(path, item)
    else:
        yield path, value


def _sliced(name: str, item: Any) -> str:
    if not isinstance(item, dict):
        return name
    if name in {"coding", "identifier"} or (name in {"eventCoding", "class"}):
        return f"{name}[{_by(item, 'system', SYSTEM_NAMES)}]"
    if name in {"extension", "modifierExtension"}:
        return f"{name}[{_extension(item)}]"
    if name in {"component", "population"}:
        return f"{name}[{_population(item) if name == 'population' else _code_slice(item, 'component')}]"
    return name


def _population(item: Mapping[str, Any]) -> str:
    """Name a count by its element, or say that it is one of an indicator's populations."""
    found = _code_slice(item, "observation")
    if found == UNKNOWN and any(
        _code_slice(item, each) != UNKNOWN for each in ("measure-population", "own-population")
    ):
        return "measure"
    return found


def _by(item: Mapping[str, Any], key: str, names: Mapping[str, str]) -> str:
    value = item.get(key)
    return names.get(value, UNKNOWN) if isinstance(value, str) else UNKNOWN


def _extension(item: Mapping[str, Any]) -> str:
    url = item.get("url")
    if isinstance(url, str) and url in PARTS:
        return url
    return _by(item, "url", EXTENSION_NAMES)


def _code_slice(item: Mapping[str, Any], system: str) -> str:
    """Return the one code the item has in this system; two or none can't be told apart."""
    code = item.get("code")
    coding = code.get("coding") if isinstance(code, dict) else None
    found = [
        each.get("code")
        for each in (coding if isinstance(coding, list) else [])
        if isinstance(each, dict) and each.get("system") == SYSTEMS[system]
    ]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else UNKNOWN
