"""A new draft from a template: a whole agreement as YAML, with a marked blank for each thing not yet known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from exchange import shipped
from exchange.agreements.agreement import Agreement, Joining, Party, Text
from exchange.errors import AgreementError
from exchange.findings import say
from exchange.indicators.definition import Definition
from exchange.indicators.moments import add_months
from exchange.records.codes import PartnerKind

# What each kind of agreement measures unless asked otherwise, the primary indicator first.
USUAL: Mapping[PartnerKind, tuple[str, ...]] = {
    PartnerKind.GP: ("substitution-net", "onward-advice", "durable-discharge-12", "specialist-referral-rate"),
    PartnerKind.SPECIALIST: ("no-intervention", "no-imaging", "substitution-net", "onward-advice"),
    PartnerKind.SOCIAL: ("warm-handover", "warm-handover-active", "durable-discharge-12", "onward-advice"),
    PartnerKind.OTHER: ("durable-discharge-12", "responders", "onward-advice"),
    PartnerKind.CLIENT: ("substitution-net", "responders", "analgesic-reduction", "participation-regained"),
}
_HINT = ("hint.agreements.see-template",)
# The order in which people read an agreement, and the parts of it.
_WHOLE = (
    "format", "id", "version", "revises", "kind", "title", "parties", "occasion", "purposes", "flows", "controllers",
    "indicators", "identity", "evaluations", "session-moments", "consequences", "funding", "onward-use", "table-plan",
    "retention-months", "breach-hours", "answer-days", "keys", "term", "place", "clauses", "own-clauses",
)  # fmt: skip
_PARTS = (
    "id", "name", "event", "from", "on", "to", "party", "activity", "version", "until", "role", "kind", "purpose", "nl",
)  # fmt: skip


def new(
    kind: PartnerKind,
    practice: Party,
    partners: Sequence[Party],
    *,
    id: str,  # noqa: A002 - the word the text itself uses
    on: date,
    definitions: Mapping[str, Definition],
    title: Text | None = None,
    indicators: Iterable[str] | None = None,
    targets: Mapping[str, float] | None = None,
    baselines: Mapping[str, float] | None = None,
    months: int = 24,
    until: date | None = None,
    covers_from: date | None = None,
    passphrase_until: date | None = None,
    place: str = "",
    accession: Joining | None = None,
) -> str:
    """Return the YAML text of a new draft that begins on `on`, as a person will read and change it.

    Without `indicators` the usual ones of this kind, as far as `definitions` has them; the first is the primary one.
    It runs for `months`, or until the day given: the first on which it is no longer in force.
    `passphrase_until` lets partners who sign on paper get a passphrase file until that day. `accession` says who may
    still accede to it.
    """
    chosen = tuple(indicators) if indicators is not None else tuple(one for one in USUAL[kind] if one in definitions)
    unknown = [one for one in chosen if one not in definitions]
    if unknown or not chosen:
        raise AgreementError("agreements.indicators-unknown", hints=_HINT, indicators=", ".join(unknown))
    covers = covers_from or on
    words: dict[str, Any] = {
        "id": id,
        "version": 1,
        "title": title or _title(kind, practice, partners),
        "parties": _block([_party(one) for one in (practice, *partners)]),
        "indicators": _block(_indicators(chosen, definitions, targets or {}, baselines or {})),
        "evaluations": _block([{"on": add_months(on, step).isoformat()} for step in _steps(months)]),
        "tables": _tables(chosen, definitions),
        "exceptions": _exceptions(partners, passphrase_until),
        "term": {
            "start": on.isoformat(),
            "until": (until or add_months(on, months)).isoformat(),
            "covers_from": covers.isoformat(),
            "aggregates_from": min(add_months(on, -12), covers).isoformat(),
        },
        "place": place,
        "accession": "" if accession is None else _accession(accession),
    }
    return str(_template(kind).render(words))


def next_version(
    agreement: Agreement, *, on: date, months: int, measured: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Return the mapping of the next version: the same text, one number higher, from a new first day.

    The evaluation days begin anew; everything else is for the parties to change before it is signed. A baseline is
    carried over; where none was agreed, what was `measured` (value, start and end by indicator) becomes the baseline.
    """
    raw: dict[str, Any] = _in_order(json.loads(json.dumps(agreement.raw)), _WHOLE)
    raw["version"] = agreement.version + 1
    raw["revises"] = agreement.version
    for indicator in raw["indicators"]:
        _give_baseline(indicator, (measured or {}).get(indicator["id"], {}), on)
    raw["term"] |= {"from": on.isoformat(), "until": add_months(on, months).isoformat()}
    raw["evaluations"] = [{"on": add_months(on, step).isoformat()} for step in _steps(months)]
    ordered: dict[str, Any] = _in_order(raw, _WHOLE)
    return ordered


def _in_order(value: Any, first: Sequence[str]) -> Any:
    """Return a mapping as people read it: what was signed is sorted by letter, a text begins with what it is."""
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: (first.index(key) if key in first else len(first), key))
        return {key: _in_order(value[key], _PARTS) for key in keys}
    return [_in_order(one, _PARTS) for one in value] if isinstance(value, list) else value


def _give_baseline(indicator: dict[str, Any], found: Mapping[str, Any], on: date) -> None:
    """Freeze what was measured as the baseline of an indicator that has none, before the new version begins."""
    if indicator.get("baseline") is not None or found.get("value") is None:
        return
    if found["start"] < found["end"] <= on.isoformat() and found.get("version") == indicator["version"]:
        indicator |= {
            "baseline": round(found["value"], 4), "baseline-from": found["start"], "baseline-until": found["end"]
        }  # fmt: skip


def write(raw: Mapping[str, Any]) -> str:
    """Return a mapping as YAML that `reading.read` reads back to the same mapping."""
    return "\n".join(_lines(raw, 0)) + "\n"


def _steps(months: int) -> range:
    return range(6, months + 1, 6) if months >= 6 else range(months, months + 1)


def _title(kind: PartnerKind, practice: Party, partners: Sequence[Party]) -> Text:
    labels = {one.label for one in partners}
    label = labels.pop() if len(labels) == 1 else ""
    other = label or ", ".join(one.name for one in partners[:3])
    names = {"practice": practice.name, "partner": other}
    return {language: say(f"agreements.title.{kind.value}", names, language) for language in ("nl", "en")}


def _party(party: Party) -> dict[str, Any]:
    """Return a party as the text writes it; what must be there and is not known becomes a marked blank."""
    signatory = {
        "function": party.signatory.function or _blank("function"),
        "authority": party.signatory.authority or _blank("authority"),
    }
    written: dict[str, Any] = {
        "id": party.party,
        "name": party.name or _blank("name"),
        "role": party.role,
        "kind": party.kind.value,
        "care-provider": party.care_provider,
        "signs": party.signs,
        "signatory": signatory | ({"name": party.signatory.name} if party.signatory.name else {}),
        "privacy-contact": party.privacy_contact or _blank("privacy-contact"),
    }
    optional = {"label": party.label, "address": party.address, "card": party.card.replace(" ", "")}
    return written | {name: value for name, value in optional.items() if value}


def _blank(what: str) -> str:
    return say(f"agreements.blank.{what}", {}, "nl")


def _indicators(
    chosen: tuple[str, ...],
    definitions: Mapping[str, Definition],
    targets: Mapping[str, float],
    baselines: Mapping[str, float],
) -> list[dict[str, Any]]:
    return [
        {
            "id": one,
            "version": definitions[one].version,
            "primary": place == 0,
            "baseline": baselines.get(one),
            "target": targets.get(one),
        }
        for place, one in enumerate(chosen)
    ]


def _tables(chosen: tuple[str, ...], definitions: Mapping[str, Definition]) -> str:
    """Return the usual table plan: figures per half-year, as the summary draws them; what else, people add."""
    drawn = [one for one in chosen if definitions[one].before is None and definitions[one].count != "aggregates"]
    if not drawn:
        return "table-plan: []"
    return "\n".join(["table-plan:", *_lines([{"indicator": one, "by": ["half-year"]} for one in drawn], 1)])


def _exceptions(partners: Sequence[Party], until: date | None) -> str:
    papers = [one for one in partners if one.signs == "paper" and one.kind is not PartnerKind.CLIENT]
    if until is None or not papers:
        return "  exceptions: []"
    reason = {language: say("agreements.exception-reason", {}, language) for language in ("nl", "en")}
    listed = [
        {"party": one.party, "suite": "passphrase", "until": until.isoformat(), "reason": reason} for one in papers
    ]
    return "\n".join(["  exceptions:", *_lines(listed, 2)])


def _accession(terms: Joining) -> str:
    days = {"until": terms.until, "passphrase-until": terms.passphrase_until}
    written = {"kinds": [one.value for one in terms.kinds]} | {
        name: day.isoformat() for name, day in days.items() if day is not None
    }
    return "\n".join(["accession:", *_lines(written, 1)])


def _block(items: list[dict[str, Any]]) -> str:
    return "\n".join(_lines(items, 1))


def _lines(value: Any, depth: int) -> list[str]:
    """Write mappings and lists as block YAML; scalars as JSON, which YAML is a superset of."""
    margin = "  " * depth
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, one in value.items():
            lines += _entry(f"{margin}{key}:", one, depth)
    else:
        for one in value:
            inner = _lines(one, depth + 1) if _nested(one) else [f"{margin}  {json.dumps(one, ensure_ascii=False)}"]
            lines += [f"{margin}- {inner[0].lstrip()}", *inner[1:]]
    return lines


def _entry(head: str, value: Any, depth: int) -> list[str]:
    if _nested(value):
        return [head, *_lines(value, depth + 1)]
    return [f"{head} {json.dumps(value, ensure_ascii=False)}"]


def _nested(value: Any) -> bool:
    return isinstance(value, Mapping | list) and bool(value)


def _template(kind: PartnerKind) -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    environment.filters["q"] = lambda text: json.dumps(text, ensure_ascii=False)
    return environment.from_string(shipped.agreements("templates", f"{kind.value}.yaml").read_text(encoding="utf-8"))
