"""The paragraph of the printed agreement: a definition in full sentences, Dutch or English, from its own words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exchange.findings import say
from exchange.indicators.cohort import Step
from exchange.indicators.definition import Criterion, Definition, Has, Scores
from exchange.indicators.moments import Moment, Window
from exchange.indicators.needing import needed
from exchange.indicators.vocabulary import ATTRIBUTES, LASTING
from exchange.records.elements import elements
from exchange.records.instruments import instruments
from exchange.records.thresholds import all_thresholds


def paragraph(definition: Definition, language: str = "nl") -> str:
    """Return the clause: what it is for, what is counted, who supplies what, and what it can't show."""
    return " ".join(_sentences(definition, language))


def _sentences(definition: Definition, language: str) -> Iterator[str]:
    title = definition.title[language]
    yield say(
        "indicators.clause.head",
        {"title": title, "id": definition.id, "version": definition.version},
        language,
    )
    yield definition.rationale[language]
    yield from counting(definition, language)
    yield from thresholds(definition, language)
    yield _needs(definition, language)
    for supplier in definition.suppliers:
        yield say(
            f"indicators.clause.supplier.{supplier.who}",
            {
                "system": supplier.system[language],
                "time": _time(supplier.minutes, language),
                "ground": supplier.ground[language],
            },
            language,
        )
    if definition.aggregate_form:
        yield definition.aggregate_form[language]
    yield say(f"indicators.clause.improvement.{definition.improvement}", {}, language)
    yield definition.limits[language]


def _time(minutes: int, language: str) -> str:
    if not minutes:
        return ""
    return say(f"indicators.clause.time.{'one' if minutes == 1 else 'many'}", {"minutes": minutes}, language)


def counting(definition: Definition, language: str = "nl") -> tuple[str, ...]:
    """Return the sentences that say what is counted, in the order in which a case is judged."""
    if definition.count == "aggregates":
        return (_before_after(definition, language),)
    if definition.count == "patients":
        return (say(f"indicators.clause.mean.{definition.measure}", {}, language),)
    if definition.count == "moments":
        moments = {"moments": _listed([str(each) for each in definition.moments], language, "or")}
        return (say("indicators.clause.moments", moments, language),)
    if definition.returns is not None:
        terms = definition.returns
        said = {"moment": _moment(terms.until, language), "days": terms.within}
        return (say("indicators.clause.returns", said, language),)
    return tuple(_cases(definition, language))


def thresholds(definition: Definition, language: str = "nl") -> tuple[str, ...]:
    """Return the sentences with the thresholds by which change is judged, the unverified ones apart.

    They are today's: for what is yet to be signed, never for what was.
    """
    return (all_thresholds(instruments().values(), language),) if _judges_change(definition) else ()


def _judges_change(definition: Definition) -> bool:
    return any(isinstance(each, Scores) and each.wanted == "improved" for each in definition.outcome)


def _cases(definition: Definition, language: str) -> Iterator[str]:
    conditions = _listed([_criterion(each, language) for each in definition.where], language, "and")
    rule = "indicators.clause.where" if conditions else "indicators.clause.all"
    yield say(f"{rule}.{definition.period}", {"conditions": conditions}, language)
    if definition.exclude:
        excluded = _listed([_has(each, language) for each in definition.exclude], language, "or")
        yield say("indicators.clause.exclude", {"conditions": excluded}, language)
    if definition.follow_up:
        moments = _listed([_moment(each, language) for each in definition.follow_up], language, "and")
        yield say("indicators.clause.due", {"moments": moments}, language)
    if definition.outcome:
        wanted = _listed([_criterion(each, language) for each in definition.outcome], language, "and")
        yield say("indicators.clause.outcome", {"conditions": wanted}, language)
    if definition.paired:
        yield _compared(definition, language)
    if definition.agreed:
        yield say("indicators.clause.agreed", {"sessions": definition.agreed}, language)
    if definition.asks_partner:
        yield say(f"indicators.clause.silence{'.counts' if definition.paired else ''}", {}, language)
    if _judges_change(definition):
        yield say("indicators.clause.classes", {}, language)
    if definition.kind == "standardised-ratio":
        listed = [say(f"indicators.characteristic.{each}", {}, language) for each in definition.reference]
        yield say("indicators.clause.index", {"characteristics": _listed(listed, language, "and")}, language)


def _compared(definition: Definition, language: str) -> str:
    """Say what of each episode is compared with what."""
    before, after = definition.before, definition.after
    if before is None or after is None:
        raise AssertionError(definition.id)  # the schema asks for both
    said = {"before": _window(before, language), "after": _window(after, language)}
    if definition.instrument:
        said["instrument"] = instruments()[definition.instrument].label[language]
        return say("indicators.clause.change", said, language)
    said["event"] = say(f"indicators.event.{definition.events.removeprefix('answer.')}", {}, language)
    return say("indicators.clause.paired", said, language)


def _before_after(definition: Definition, language: str) -> str:
    before, after = definition.before, definition.after
    if before is None or after is None:
        raise AssertionError(definition.id)  # the schema asks for both
    labels = elements()
    return say(
        "indicators.clause.rate",
        {
            "events": _lower(labels[definition.events].label[language]),
            "population": _lower(labels[definition.population].label[language]),
            "before": _window(before, language),
            "after": _window(after, language),
        },
        language,
    )


def _needs(definition: Definition, language: str) -> str:
    labels = [_lower(elements()[need.element].label[language]) for need in needed(definition)]
    return say("indicators.clause.needs", {"elements": _listed(labels, language, "and")}, language)


def step_text(step: Step, language: str = "nl") -> str:
    """Return one criterion of the explanation of one case, in the clause's own words."""
    return say(step.rule, step.params, language) if step.criterion is None else _criterion(step.criterion, language)


def _criterion(criterion: Criterion, language: str) -> str:
    if isinstance(criterion, Has):
        return _has(criterion, language)
    if isinstance(criterion, Scores):
        generic = criterion.instrument in ("primary", "any")
        rule = f"indicators.criterion.scores.{criterion.wanted}.{criterion.instrument if generic else 'named'}"
        label = "" if generic else instruments()[criterion.instrument].label[language]
        return say(rule, {"within": criterion.within, "instrument": label}, language)
    lasting = ".lasting" if criterion.event in LASTING else ""
    rule = f"exists{lasting}" if criterion.wanted else "absent"
    text = say(
        f"indicators.criterion.{rule}",
        {
            "event": say(f"indicators.event.{criterion.event}", {}, language),
            "window": _window(criterion.window, language),
        },
        language,
    )
    return text + (say("indicators.criterion.leave-out-start", {}, language) if criterion.leave_out_start else "")


def _has(condition: Has, language: str) -> str:
    values = [say(f"indicators.value.{condition.element}.{each}", {}, language) for each in condition.values]
    params = {"label": _lower(elements()[condition.element].label[language]), "values": _listed(values, language, "or")}
    if ATTRIBUTES[condition.element].record == "evaluation":
        return say("indicators.criterion.has-last", params, language)
    if condition.recorded_by is None:
        return say("indicators.criterion.has", params, language)
    params["moment"] = _moment(condition.recorded_by, language)
    return say("indicators.criterion.has-recorded-by", params, language)


def _window(window: Window, language: str) -> str:
    return say(
        "indicators.window",
        {"start": _moment(window.start, language), "end": _moment(window.end, language)},
        language,
    )


def _moment(moment: Moment, language: str) -> str:
    anchor = say(f"indicators.anchor.{moment.anchor}", {}, language)
    if not moment.amount:
        return anchor
    side = "after" if moment.amount > 0 else "before"
    number = "one" if abs(moment.amount) == 1 else "many"
    unit = say(f"indicators.unit.{moment.unit}.{number}", {}, language)
    return say(f"indicators.moment.{side}", {"amount": abs(moment.amount), "unit": unit, "anchor": anchor}, language)


def _listed(items: Sequence[str], language: str, joint: str) -> str:
    if len(items) < 2:
        return "".join(items)
    return ", ".join(items[:-1]) + " " + say(f"indicators.joint.{joint}", {}, language) + " " + items[-1]


def _lower(text: str) -> str:
    """Begin a label in lower case, unless its first word is an abbreviation."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]
