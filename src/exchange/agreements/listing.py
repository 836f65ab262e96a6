"""The list of what goes to and fro under an agreement, for a layman: who tells whom what, when, on whose yes."""

from __future__ import annotations

from exchange.agreements.clauses import plain
from exchange.agreements.deriving import label_of
from exchange.agreements.frozen import Flow, Frozen, base
from exchange.findings import say
from exchange.records.codes import PartnerKind
from exchange.records.elements import elements

_SIDES = ("practice", "partner")


def page(frozen: Frozen, language: str = "nl") -> str:
    """Return, as Markdown, exactly what leaves and what must come in, both directions apart, and what never goes."""
    agreement = frozen.agreement
    partners = [plain(one.name) for one in agreement.partners]
    names = {"practice": plain(agreement.practice.name), "partner": _either(partners, language)}
    many = agreement.kind is not PartnerKind.CLIENT and len(partners) > 1
    lines = [f"# {_say('title', language)}", "", _say("whole", language), ""]
    for sender in _SIDES:
        receiver = _SIDES[1 - _SIDES.index(sender)]
        flows = [one for one in frozen.flows if one.sender == sender]
        lines += [f"## {_say('way', language, sender=names[sender], receiver=names[receiver])}", ""]
        if many and sender == "practice" and flows:
            lines += [_say("own", language), ""]
        for flow in flows:
            lines += _flow(frozen, flow, language)
        if not flows:
            lines += [_say("nothing", language), ""]
    return "\n".join([*lines, *_never(frozen, language)]).rstrip() + "\n"


def _flow(frozen: Frozen, flow: Flow, language: str) -> list[str]:
    terms = frozen.agreement.terms(flow.event, flow.sender)
    client = frozen.agreement.kind is PartnerKind.CLIENT
    title = _say("of-client", language) if client else say(f"agreements.flow.{flow.event}", {}, language)
    lines = [f"### {title}", ""]
    if terms is not None:
        about = any(elements()[base(one)].sensitivity != "aggregate" for one in flow.elements)
        yes = ("asked" if terms.consent_required else "objection") if about else "nobody"
        purpose = next((one.text[language] for one in frozen.agreement.purposes if one.id == terms.purpose), "")
        lines += [
            f"- {_say('when', language)} {plain(terms.frequency[language])}",
            f"- {_say('what-for', language)} {plain(purpose)}",
            f"- {_say('whose-yes', language)} {_say(yes, language)}",
            "",
            _say("carries", language),
            "",
        ]
    words = frozen.labels
    listed = [f"- **{label_of(one, words, language)}**: {words[base(one)]['plain'][language]}" for one in flow.elements]
    return [*lines, *(listed or [say("agreements.flow.totals-only", {}, language)]), ""]


def _never(frozen: Frozen, language: str) -> list[str]:
    """Say what a reader looks for in the list and does not find."""
    everything = {base(one) for flow in frozen.flows for one in flow.elements}
    missing = [] if "patient.bsn" in everything else ["never-bsn"]
    missing += [] if everything & {"patient.name", "patient.birth-date"} else ["never-name"]
    rules = [*missing, "never-notes", "never-others", "never-insurer"]
    return [f"## {_say('never', language)}", "", *(f"- {_say(one, language)}" for one in rules)]


def _either(names: list[str], language: str) -> str:
    joint = say("agreements.list.or", {}, language)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {joint} {names[-1]}"


def _say(what: str, language: str, **params: object) -> str:
    return say(f"agreements.list.{what}", params, language)
