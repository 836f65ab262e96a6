"""Which data elements a definition needs, derived from the words it uses and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from exchange.indicators.definition import Definition, Happens, Has, Scores
from exchange.indicators.vocabulary import ATTRIBUTES, BRINGS, LEFT_LIST, NEW_EPISODE, answer_element
from exchange.records.elements import elements


@dataclass(frozen=True, slots=True)
class Need:
    """One data element and who supplies it: `practice`, `partner` or `client`."""

    element: str
    supplier: str


def needed(definition: Definition) -> tuple[Need, ...]:
    """Return every element the definition's words need, in the order of the list of elements."""
    used = set(_elements(definition))
    return tuple(Need(each, _supplier(each, definition)) for each in elements() if each in used)


def _elements(definition: Definition) -> Iterator[str]:
    for word in _words(definition):
        yield from BRINGS[word]
    for criterion in (*definition.where, *definition.exclude, *definition.outcome):
        if isinstance(criterion, Has):
            yield criterion.element
        elif isinstance(criterion, Happens) and criterion.event != NEW_EPISODE:
            yield answer_element(criterion.event)
    if definition.asks_partner:
        # Who died, moved or left the list is censored, so whoever answers says that as well.
        yield LEFT_LIST
    yield from (each for each in (definition.events, definition.population) if each)


def _words(definition: Definition) -> Iterator[str]:
    if definition.period:
        yield f"period: {definition.period}"
    for criterion in (*definition.where, *definition.exclude, *definition.outcome):
        if isinstance(criterion, Has):
            yield from _condition(criterion)
        elif isinstance(criterion, Happens):
            yield from _happening(criterion)
        elif isinstance(criterion, Scores):
            yield from (f"scores: {criterion.wanted}", "anchor: start", "anchor: end")
            if criterion.instrument == "primary":
                yield "instrument: primary"
    yield from _compared(definition)
    if definition.moments:
        yield "moments"
    if definition.measure:
        yield f"measure: {definition.measure}"
        yield "by: location"
    yield from (f"reference: {each}" for each in definition.reference)


def _compared(definition: Definition) -> Iterator[str]:
    if definition.paired:
        windows = [each for each in (definition.before, definition.after) if each is not None]
        yield from (f"anchor: {moment.anchor}" for each in windows for moment in (each.start, each.end))
    if definition.instrument:
        yield "instrument"
    if definition.returns is not None:
        yield f"anchor: {definition.returns.until.anchor}"


def _condition(condition: Has) -> Iterator[str]:
    if ATTRIBUTES[condition.element].record == "evaluation":
        yield "last evaluation"
    if condition.recorded_by is not None:
        yield from ("recorded-by", f"anchor: {condition.recorded_by.anchor}")


def _happening(criterion: Happens) -> Iterator[str]:
    yield from (f"anchor: {moment.anchor}" for moment in (criterion.window.start, criterion.window.end))
    if criterion.event == NEW_EPISODE:
        yield "event: new-episode"
    if criterion.same_location:
        yield "same: location"
    if criterion.leave_out_start:
        yield "leave-out: starting-referral"


def _supplier(element: str, definition: Definition) -> str:
    if not element.startswith(("answer.", "aggregate.")):
        return "practice"
    return "client" if {each.who for each in definition.suppliers} == {"client"} else "partner"
