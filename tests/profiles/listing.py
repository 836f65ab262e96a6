"""Write the code systems and value sets of the profiles in FSH, and the Questionnaires, from the program's lists."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from exchange.findings import say
from exchange.messages.codes import BASE, EVENTS, SYSTEMS, questionnaire
from exchange.messages.profiles import canonical
from exchange.messages.results import SCORE
from exchange.records import codes
from exchange.records.elements import elements
from exchange.records.instruments import Instrument, instruments

Codes = Mapping[str, str]

_BUSINESS = {
    "opened": "zaak geopend",
    "start": "begin van de behandeling",
    "interim": "tussenstand",
    "interim-4": "tussenstand na sessie 4",
    "interim-8": "tussenstand na sessie 8",
    "interim-12": "tussenstand na sessie 12",
    "end": "einde van de behandeling",
    "stopped-without-effect": "gestopt zonder effect",
    "answered": "beantwoord",
    "calculated": "berekend",
    "withdrawn": "toestemming ingetrokken",
    "received": "ontvangen",
    "refused": "geweigerd",
}
_OUTPUT = {
    "episode": "behandeling",
    "goal": "behandeldoel",
    "measure-report": "telling of indicator",
    "observation": "score, evaluatie of antwoord",
    "procedure": "behandeling als verrichting",
    "session": "sessie",
}
_COMPONENTS = {
    "session-number": "evaluation.session-number",
    "decision": "evaluation.decision",
    "advice-taken-up": "evaluation.advice-taken-up",
    "told-referrer-on": "evaluation.told-referrer-on",
}
_ENUMS: Mapping[str, type[StrEnum]] = {
    "access": codes.Access,
    "answered": codes.Answered,
    "counterfactual": codes.Counterfactual,
    "effect": codes.Effect,
    "end-reason": codes.EndReason,
    "next-step": codes.NextStep,
    "session-type": codes.SessionType,
}


def _label(element: str) -> str:
    return elements()[element].label["nl"]


def _named(prefix: str) -> dict[str, str]:
    return {name: each.label["nl"] for name, each in elements().items() if name.startswith(prefix)}


def systems() -> dict[str, Codes]:
    """Return the complete code systems: code -> Dutch label."""
    found: dict[str, Codes] = {
        name: {word.value: say(f"messages.word.{name}.{word}", {}, "nl") for word in kind}
        for name, kind in _ENUMS.items()
    }
    observed = {"measurement": "score", "evaluation": "evaluatie", "session.count": _label("session.count")}
    return found | {
        "business-status": {state: _BUSINESS[state] for event in EVENTS.values() for state in event.states},
        "component": {
            **{code: _label(element) for code, element in _COMPONENTS.items()},
            "count": "aantal",
            "first-day": "eerste dag",
        },
        "composition": {"summary": "samenvatting"},
        "event": {event: say(f"messages.event.{event}", {}, "nl") for event in EVENTS},
        "goal": {"improvement": "verbetering op een meetinstrument"},
        "instrument": {each.id: each.label["nl"] for each in instruments().values()},
        "observation": {**observed, **_named("answer."), **_named("aggregate.")},
        "output": _OUTPUT,
    }


_OPEN = {
    "dcsph": "Diagnosecodesysteem paramedische hulp: vier cijfers, twee voor de plaats en twee voor de aandoening",
    "dcsph-location": "De eerste twee cijfers van de DCSPH: de plaats",
    "measure-population": "Aantallen bij een indicator naast die van FHIR: due, answered, unknown, censored en part.*",
    "purpose": "Doelen waarvoor toestemming geldt: de nummers van de doelen in een afspraak",
    "rule": "Regels van exchange check, met hun nummer uit schemas/wording",
}
"""Code systems that are not listed here: others keep them, an agreement names them, or they grow with the program."""

_SETS: Mapping[str, tuple[str, str]] = {
    "AccessCodes": ("access", ""),
    "AggregateCodes": ("observation", "aggregate."),
    "AnswerCodes": ("observation", "answer."),
    "AnsweredCodes": ("answered", ""),
    "BusinessStatusCodes": ("business-status", ""),
    "CounterfactualCodes": ("counterfactual", ""),
    "EffectCodes": ("effect", ""),
    "EndReasonCodes": ("end-reason", ""),
    "EventCodes": ("event", ""),
    "InstrumentCodes": ("instrument", ""),
    "NextStepCodes": ("next-step", ""),
    "OutputCodes": ("output", ""),
    "SessionTypeCodes": ("session-type", ""),
}
_FOREIGN: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "GoalStatusCodes": ("http://hl7.org/fhir/goal-status", ("active", "completed")),
    "TreatmentStatusCodes": ("http://hl7.org/fhir/event-status", ("completed", "in-progress")),
}


def fsh() -> str:
    """Return the FSH of every code system and value set."""
    listed = systems()
    parts = ["// Written by `make profiles` from the lists the program uses; do not edit.\n"]
    parts += [_system(name, f"Codelijst {name}", "complete", codes) for name, codes in sorted(listed.items())]
    parts += [_system(name, title, "not-present", {}) for name, title in sorted(_OPEN.items())]
    for name, (system, prefix) in sorted(_SETS.items()):
        chosen = [code for code in listed[system] if code.startswith(prefix)]
        whole = not prefix
        parts.append(_value_set(name, f"{BASE}/CodeSystem/{system}", None if whole else chosen))
    parts += [_value_set(name, system, chosen) for name, (system, chosen) in sorted(_FOREIGN.items())]
    return "\n".join(parts)


def _system(name: str, title: str, content: str, listed: Codes) -> str:
    lines = [
        f"CodeSystem: {_camel(name)}System",
        f"Id: {name}",
        f"Title: {json.dumps(title, ensure_ascii=False)}",
        f"* ^url = {json.dumps(f'{BASE}/CodeSystem/{name}')}",
        "* ^caseSensitive = true",
        f"* ^content = #{content}",
        "* ^language = #nl",
        *(f"* #{code} {json.dumps(label, ensure_ascii=False)}" for code, label in listed.items()),
    ]
    return "\n".join(lines) + "\n"


def _value_set(name: str, system: str, chosen: Iterable[str] | None) -> str:
    ident = "".join(f"-{c.lower()}" if c.isupper() else c for c in name).strip("-")
    lines = [f"ValueSet: {name}", f"Id: {ident}", f'Title: "{name}"']
    if chosen is None:
        lines.append(f"* include codes from system {system}")
    else:
        lines += [f"* {system}#{code}" for code in chosen]
    return "\n".join(lines) + "\n"


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def questionnaires() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and content of the Questionnaire of each instrument that clients fill in."""
    for each in instruments().values():
        if each.reported_by == "client":
            yield f"Questionnaire-{each.id}.json", _questionnaire(each)


def _questionnaire(instrument: Instrument) -> dict[str, Any]:
    """Return a form in SDC's shape: an item for each question by its number, its words left to who owns them."""
    rule = instrument.scoring
    several = rule is not None and rule.combine != "single"
    items = [{"linkId": str(number), "type": "decimal"} for number in range(1, rule.items + 1)] if several else []
    return {
        "resourceType": "Questionnaire",
        "id": instrument.id,
        "meta": {"profile": [canonical("prom")]},
        "language": "nl",
        "url": questionnaire(instrument.id),
        "version": "0.1.0",
        "name": "".join(part.capitalize() for part in f"prom-{instrument.id}".split("-")),
        "title": instrument.label["nl"],
        "status": "active",
        "subjectType": ["Patient"],
        "code": [{"system": SYSTEMS["instrument"], "code": instrument.id}],
        "item": [*items, {"linkId": SCORE, "text": "Score", "type": "decimal"}],
    }
