"""Walk a built message and refuse every leaf that neither the agreement nor the envelope allows.

This is the second lock behind projecting: it sees only the JSON that is about to leave, knows nothing of how it was
made, and so also stops what a mistake in building would add.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from exchange.errors import MessageError
from exchange.messages.allowing import Allowed
from exchange.messages.codes import EXTENSION_NAMES, SYSTEMS, measure
from exchange.messages.envelope import BUSINESS_AT_SESSION, ENVELOPE, OBSERVATION, REPORT
from exchange.messages.reading import message_of
from exchange.messages.slicing import leaves
from exchange.messages.summary import narrative
from exchange.records.elements import elements

_ANY = re.compile(r"[\s\S]*")
_EXTENSION_URLS = {name: url for url, name in EXTENSION_NAMES.items()}
_NESTING = (".extension[agreement].", ".extension[figure].", ".extension[interval].")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_COARSER: Mapping[tuple[str, str], Mapping[str, re.Pattern[str]]] = {
    ("patient.birth-date", "year"): {"Patient.birthDate": re.compile(r"\d{4}")},
    ("episode.start", "week"): {"EpisodeOfCare.period.start": _DAY, "Procedure.performedPeriod.start": _DAY},
    ("episode.end", "weeks-since-start"): {
        "EpisodeOfCare.extension[end-weeks-since-start].valueInteger": re.compile(r"-?\d{1,4}"),
    },
    ("episode.diagnosis", "location"): {"Condition.bodySite.coding[dcsph-location].code": re.compile(r"\d\d")},
    ("session.day", "weeks-since-start"): {
        "Encounter.extension[weeks-since-start].valueInteger": re.compile(r"-?\d{1,4}"),
    },
    ("measurement.day", "weeks-since-start"): {
        "Observation[measurement].extension[weeks-since-start].valueInteger": re.compile(r"-?\d{1,4}"),
    },
}
"""Where each generalisation of elements.json stands, and the shape that shows that it is the coarser form."""

_ONLY_WITH_CONTENT = frozenset(
    {
        "Condition",
        "Encounter",
        "EpisodeOfCare",
        "Goal",
        "MeasureReport",
        "PractitionerRole",
        "Procedure",
        "QuestionnaireResponse",
    }
)
"""Resources whose mere number would tell something: they may stand only where one of their elements is allowed."""

_HELD_BY = {"Condition": "EpisodeOfCare", "PractitionerRole": "EpisodeOfCare"}
"""The resource that refers to another; it goes along, with nothing but that reference and its status."""

_WEEKLY = frozenset({"EpisodeOfCare.period.start", "Procedure.performedPeriod.start"})
_BUSINESS = "Task.businessStatus.coding[business-status].code"


def walk(bundle: Mapping[str, Any], allowed: Collection[str]) -> None:
    """Raise MessageError at the first leaf that may not leave, and where the human summary says anything else.

    The error names the path, never the value.
    """
    permitted = _permitted(frozenset(allowed))
    for path, value in leaves(bundle):
        pattern = permitted.get(path)
        if pattern is None or not pattern.fullmatch(_text(value)):
            raise MessageError("messages.leaf-not-allowed", path=path)
    _require_whole_weeks(bundle, Allowed.of(allowed))
    _require_own_summary(bundle)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return repr(value)


@lru_cache(maxsize=256)
def _permitted(allowed: frozenset[str]) -> Mapping[str, re.Pattern[str]]:
    """Return every path that may occur, with the pattern its value must have."""
    told: dict[str, re.Pattern[str]] = {}
    for element, form in Allowed.of(allowed).forms.items():
        told.update(dict.fromkeys(elements()[element].fhir, _ANY) if not form else _COARSER[(element, form)])
    kinds = {path.partition(".")[0] for path in told}
    kinds |= {_HELD_BY[kind] for kind in kinds & _HELD_BY.keys()}
    permitted = told | {
        path: shape
        for path, shape in ENVELOPE.items()
        if (kind := path.partition(".")[0]) not in _ONLY_WITH_CONTENT or kind in kinds
    }
    if Allowed.of(allowed).whole("evaluation.session-number"):
        permitted[_BUSINESS] = BUSINESS_AT_SESSION
    for path in told:
        permitted.update(_observation(path))
    for path in list(permitted):
        permitted.update(_companions(path))
    return permitted


def _observation(path: str) -> dict[str, re.Pattern[str]]:
    """Return what an allowed Observation or MeasureReport must carry to say which element it tells."""
    start, _, rest = path.partition(".")
    if start.startswith("MeasureReport["):
        return {f"{start}.{leaf}": shape for leaf, shape in REPORT.items()}
    if rest.startswith("group.population["):
        element = rest.partition("[")[2].partition("]")[0]
        return {"MeasureReport.measure": re.compile(re.escape(measure("")) + r"aggregate\.[a-z-]+")} | {
            f"MeasureReport.group.population[{element}].code.coding[observation].code": re.compile(re.escape(element)),
        }
    if not path.startswith("Observation["):
        return {}
    slice_name = path.partition("[")[2].partition("]")[0]
    return {f"Observation[{slice_name}].{leaf}": shape for leaf, shape in OBSERVATION.items()} | {
        f"Observation[{slice_name}].code.coding[observation].code": re.compile(re.escape(slice_name)),
    }


def _companions(path: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield the leaves that stand beside a permitted one and only say what it is: systems, URLs, units."""
    for found in re.finditer(r"(?:coding|identifier|eventCoding|class)\[([a-z-]+)\]", path):
        yield path[: found.end()] + ".system", _exactly(SYSTEMS[found.group(1)])
    for found in re.finditer(r"extension\[([a-z-]+)\]", path):
        name = found.group(1)
        nested = path[: found.start()].endswith(_NESTING)
        yield path[: found.end()] + ".url", _exactly(name if nested else _EXTENSION_URLS[name])
    for found in re.finditer(r"component\[([a-z-]+)\]", path):
        code = path[: found.end()] + ".code.coding[component]"
        yield code + ".code", _exactly(found.group(1))
        yield code + ".system", _exactly(SYSTEMS["component"])
    if path.endswith(".valueQuantity.value"):
        start = path.removesuffix("value")
        yield start + "unit", _exactly("score")
        yield start + "system", _exactly(SYSTEMS["ucum"])
        yield start + "code", _exactly("{score}")


def _exactly(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text))


def _require_whole_weeks(bundle: Mapping[str, Any], allowed: Allowed) -> None:
    """Hold a start that may only be told by the week to Mondays."""
    if not allowed.coarser("episode.start", "week"):
        return
    for path, value in leaves(bundle):
        if path in _WEEKLY and date.fromisoformat(value).weekday() != 0:
            raise MessageError("messages.leaf-not-allowed", path=path)


def _require_own_summary(bundle: Mapping[str, Any]) -> None:
    """Render the summary again from what the leaves say; anything more or else in it is refused."""
    written = [value for path, value in leaves(bundle) if path == "Composition.section.text.div"]
    if not written:
        return
    if written != [narrative(message_of(bundle))]:
        raise MessageError("messages.leaf-not-allowed", path="Composition.section.text.div")
