"""What may flow, derived from the indicators an agreement names: nothing else is let through, in either direction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from exchange.agreements.agreement import Agreement, FlowTerms, Text
from exchange.agreements.frozen import Flow, Window, base
from exchange.findings import say
from exchange.indicators.definition import Definition
from exchange.indicators.needing import needed
from exchange.indicators.vocabulary import LEFT_LIST
from exchange.records.codes import PartnerKind
from exchange.records.elements import elements

# Every message about a patient names its case; the opening also gives the short form for letters and forms.
_CASE = ("case.id", "case.code")
# Which course of treatment a question is about. A social-domain partner is told the first day and no complaint.
_FRAME = ("episode.start",)
_COMPLAINT = ("episode.location", "referral.question")
_OTHERWISE = frozenset({"referral.day", "referral.counterfactual", "referral.recorded-on"})
# What somebody who knows a person would look for; that is checked before it goes out.
_RECOGNISED = frozenset({"patient.birth-date", "patient.sex", "episode.location"})
_POOLED_FORMS = {
    "patient.birth-date": "year",
    "episode.start": "week",
    "episode.end": "weeks-since-start",
    "episode.diagnosis": "location",
    "session.day": "weeks-since-start",
    "measurement.day": "weeks-since-start",
}
_NEVER_POOLED = frozenset({"patient.bsn", "patient.name", "referral.referrer", "referral.question"})
_ONE_PATIENT = "indicator.individual"
_FEEDBACK = frozenset(
    {
        "episode.end",
        "episode.end-reason",
        "evaluation.session-number",
        "evaluation.day",
        "evaluation.effect",
        "evaluation.decision",
        "evaluation.told-referrer-on",
    }
)


def pinned(agreement: Agreement, definitions: Mapping[str, Definition]) -> tuple[Definition, ...]:
    """Return the definitions an agreement pins, in its order; one that is not there in that version is left out."""
    found = (definitions.get(indicator.id) for indicator in agreement.indicators)
    pairs = zip(agreement.indicators, found, strict=True)
    return tuple(one for indicator, one in pairs if one is not None and one.version == indicator.version)


def flows(agreement: Agreement, definitions: Mapping[str, Definition]) -> tuple[Flow, ...]:
    """Return what each agreed kind of message may carry, in the order of the text."""
    found = pinned(agreement, definitions)
    return tuple(
        Flow(terms.sender, terms.event, _ordered(_allowed(terms, agreement, found))) for terms in agreement.flows
    )


def derived(terms: FlowTerms, agreement: Agreement, definitions: Iterable[Definition]) -> frozenset[str]:
    """Return the elements that the indicators need in this flow, before the text narrows it."""
    return frozenset(_needs(terms, agreement, definitions))


def from_partner(agreement: Agreement, definitions: Iterable[Definition]) -> frozenset[str]:
    """Return the elements that only the other side can supply."""
    asked = [need for definition in definitions for need in needed(definition) if need.supplier != "practice"]
    if agreement.kind is PartnerKind.CLIENT:
        # A client answers for themselves; whether someone left a list is for who keeps that list to say.
        return frozenset(need.element for need in asked if need.element.startswith("answer.")) - {LEFT_LIST}
    return frozenset(need.element for need in asked if need.supplier == "partner")


def from_practice(definitions: Iterable[Definition]) -> frozenset[str]:
    """Return the elements that the practice supplies; identity travels only when a case is opened."""
    listed = elements()
    return frozenset(
        need.element
        for definition in definitions
        for need in needed(definition)
        if need.supplier == "practice" and listed[need.element].sensitivity != "identity"
    )


def window(definitions: Iterable[Definition]) -> Window:
    """Return the longest time after the end of a treatment, or of the agreement, that an indicator looks at."""
    longest = Window()
    for definition in definitions:
        moments = [*definition.follow_up, *([definition.after.end] if definition.after else [])]
        moments += [definition.returns.until] if definition.returns else []
        for moment in moments:
            one = Window(moment.amount, 0) if moment.unit == "months" else Window(0, moment.amount)
            longest = max(longest, one, key=lambda each: each.months * 31 + each.days)
    return longest


def labels(listed: Iterable[Flow]) -> dict[str, dict[str, Text]]:
    """Return the label and the plain words of every element that may flow."""
    known = elements()
    used = {base(element) for flow in listed for element in flow.elements}
    return {one.id: {"label": one.label, "plain": one.plain} for one in known.values() if one.id in used}


def elements_text(agreement: Agreement, definitions: Mapping[str, Definition], language: str = "nl") -> str:
    """Return, as Markdown, exactly what leaves and what must come in, in a layman's words."""
    listed = flows(agreement, definitions)
    return flows_text(listed, labels(listed), language)


def flows_text(
    listed: Iterable[Flow], words: Mapping[str, Mapping[str, Text]], language: str = "nl", *, client: bool = False
) -> str:
    """Return flows as Markdown with the labels and plain words given; with `client` it is clients who answer."""
    lines: list[str] = []
    known = tuple(listed)
    for flow in known:
        title = say("agreements.list.of-client" if client else f"agreements.flow.{flow.event}", {}, language)
        sender = say(f"agreements.sender.{flow.sender}", {}, language)
        lines += [f"## {title}", "", f"{sender}.", ""]
        lines += [f"- {label_of(one, words, language)}: {words[base(one)]['plain'][language]}" for one in flow.elements]
        lines += [*([] if flow.elements else [say("agreements.flow.totals-only", {}, language)]), ""]
    return "\n".join(lines)


def _allowed(terms: FlowTerms, agreement: Agreement, definitions: tuple[Definition, ...]) -> frozenset[str]:
    allowed = derived(terms, agreement, definitions)
    if terms.elements:
        kept = {*_CASE, *agreement.identity}
        # `element:form` keeps only the coarser form of what is needed.
        allowed = (allowed & kept) | {one for one in terms.elements if one in allowed or base(one) in allowed}
    return allowed


def _needs(terms: FlowTerms, agreement: Agreement, definitions: Iterable[Definition]) -> Iterator[str]:
    found = tuple(definitions)
    back = from_partner(agreement, found)
    totals = frozenset(one for one in back if one.startswith("aggregate."))
    if terms.event == "case-opening":
        yield from (*_CASE, *agreement.identity, *_FRAME)
        if agreement.kind not in (PartnerKind.SOCIAL, PartnerKind.CLIENT):
            yield from _COMPLAINT
    elif terms.event == "outcome-report":
        yield from (*_CASE, *from_practice(found))
    elif terms.event == "indicator-report" and terms.sender == "practice":
        yield from _reported(terms)
    elif terms.event == "pooled-records":
        yield from _pooled(found)
    elif terms.event == "feedback-to-referrer":
        yield from (*_CASE, *(from_practice(found) & _FEEDBACK))
    elif terms.event == "partner-return":
        apart = agreement.terms("partner-aggregates", "partner") is not None
        yield from back - totals if apart else back
        if back - totals:
            yield from (*_CASE, *_said_by_referrer(agreement, found))
    elif terms.sender == "partner":
        yield from totals


def _reported(terms: FlowTerms) -> Iterator[str]:
    """Return the figure over all patients; that of one patient goes with its case, and only where the text asks it."""
    yield "indicator.figure"
    if _ONE_PATIENT in terms.elements:
        yield from ("case.id", _ONE_PATIENT)


def _pooled(definitions: tuple[Definition, ...]) -> Iterator[str]:
    """Return everything the indicators need, days by the week and no identity but sex and year of birth."""
    for element in sorted({need.element for definition in definitions for need in needed(definition)} | _RECOGNISED):
        if element.startswith("aggregate.") or element in _NEVER_POOLED:
            continue
        form = _POOLED_FORMS.get(element)
        yield f"{element}:{form}" if form else element


def _said_by_referrer(agreement: Agreement, definitions: tuple[Definition, ...]) -> frozenset[str]:
    """Return what the referrer is the one to say: what would have been done otherwise."""
    refers = agreement.kind in (PartnerKind.GP, PartnerKind.SPECIALIST)
    return from_practice(definitions) & _OTHERWISE if refers else frozenset()


def label_of(element: str, words: Mapping[str, Mapping[str, Text]], language: str) -> str:
    """Return an element's label, with the coarser form where only that is allowed."""
    label = words[base(element)]["label"][language]
    form = element.partition(":")[2]
    return f"{label} ({say(f'agreements.coarser.{form}', {}, language)})" if form else label


def _ordered(wanted: frozenset[str]) -> tuple[str, ...]:
    order = {element: place for place, element in enumerate(elements())}
    return tuple(sorted(wanted, key=lambda one: (order[base(one)], one)))
