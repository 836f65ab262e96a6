"""A figure in words: value, interval, counts, unknown and method together, for a number never travels alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from exchange.findings import say
from exchange.findings.wording import catalogue
from exchange.indicators.disclosure import TOO_FEW, TOO_NEAR
from exchange.indicators.figure import Figure, Verdict
from exchange.reports.numbers import count, day, number, percent, period

if TYPE_CHECKING:
    from exchange.reports.facts import DefinitionText, Words

SHARES = frozenset({"proportion", "category-share", "completeness"})
_RATIOS = frozenset({"ratio", "rate-ratio"})
# indicators.md rule 3: before and after is not causal and regresses; it is never "met" on that alone.
_BEFORE_AFTER = frozenset({"rate-ratio", "mean-change"})


def words(texts: Words, language: str, fallback: str = "") -> str:
    """Return a text in the language, else in Dutch, else whatever there is."""
    return texts.get(language) or texts.get("nl") or next((text for text in texts.values() if text), fallback)


def label(family: str, name: str, language: str, **params: object) -> str:
    """Return the wording of `reports.<family>.<name>`; a name the catalogue lacks is printed as it is."""
    rule = f"reports.{family}.{name}"
    return say(rule, params, language) if rule in catalogue() else name


def title_of(figure: Figure, definitions: Mapping[str, DefinitionText], language: str) -> str:
    """Return an indicator's title with the group it is about."""
    definition = definitions.get(figure.indicator)
    title = words(definition.title, language, figure.indicator) if definition else figure.indicator
    group = ", ".join(label("group", value, language) for _, value in sorted(figure.group.items()))
    return f"{title} ({group})" if group else title


def amount(figure: Figure, value: float | None, language: str) -> str:
    """Write one number in the unit of the figure's kind."""
    if figure.kind in SHARES:
        return percent(value, language)
    return number(value, language, 2 if figure.kind in _RATIOS else 1)


def value_text(figure: Figure, language: str) -> str:
    """Write the value; masked is `<10` or "more than …", no value is said in words and never 0."""
    if figure.masked is not None:
        return _masked(figure, language)
    if figure.value is None:
        return label("value", "none", language)
    return amount(figure, figure.value, language)


def _masked(figure: Figure, language: str) -> str:
    """Say what may still be said of a masked figure: "more than 83 % (over 50 of 60)" where its details hold it."""
    for side in ("bound-over", "bound-under"):
        if side in figure.details:
            numbers = {"percent": "bound-percent", "count": side, "total": "bound-of"}
            said = {name: number(figure.details[key], language, 0) for name, key in numbers.items()}
            return label("value", side, language, **said)
    # A cell that is withheld only to protect another need not be below ten.
    return "<10" if figure.masked == TOO_FEW else label("value", "withheld", language)


def interval_text(figure: Figure, language: str) -> str:
    """Write the limits of the interval; a dash where there is none or where it is masked."""
    if figure.interval is None or figure.masked is not None:
        return "–"
    joined = label("interval", "joined", language)
    lower, upper = (amount(figure, limit, language) for limit in (figure.interval.lower, figure.interval.upper))
    if lower.endswith("%"):
        lower = lower.removesuffix("%")
    return f"{lower}{joined}{upper}"


def count_of(figure: Figure, name: str, language: str) -> str:
    """Write one count of a figure: withheld is said in words, and what does not exist is a dash."""
    value: int | None = getattr(figure, name)
    if value is not None:
        return number(value, language, 0)
    hidden = figure.masked is not None or name in figure.withheld
    return label("value", "withheld", language) if hidden else "–"


def bounds_text(figure: Figure, language: str) -> str:
    """Write the worst and the best case over what is unknown; empty where nothing is unknown."""
    if figure.bounds is None or figure.masked is not None or not figure.unknown:
        return ""
    worst, best = (amount(figure, bound, language) for bound in figure.bounds)
    return label("figure", "bounds", language, worst=worst, best=best)


def verdict_text(figure: Figure, language: str) -> str:
    """Say whether the target is met; before/after figures are described and never judged."""
    if figure.masked is not None:
        return label("verdict", "masked", language)
    if figure.verdict is None:
        return label("verdict", "descriptive", language)
    if figure.kind in _BEFORE_AFTER and figure.verdict is Verdict.MET:
        return label("verdict", "before-after", language)
    return label("verdict", figure.verdict.value, language)


def counts_text(figure: Figure, language: str) -> str:
    """Write numerator, denominator and patients as far as they exist and may be shown."""
    if figure.masked is not None:
        return say(TOO_NEAR, {}, language) if figure.masked == TOO_NEAR else label("figure", "masked", language)
    unit = label("unit", figure.unit, language)
    known = {
        "n": figure.numerator,
        "d": figure.denominator,
        "patients": figure.patients,
    }
    texts = {name: count(value, language) for name, value in known.items()}
    # A numerator of observed sessions over an expected number is no "x of y".
    if figure.numerator is not None and figure.denominator is not None and figure.kind in SHARES:
        sentence = label("figure", "of", language, unit=unit, **texts)
    elif figure.kind == "rate-ratio" and figure.numerator is not None and figure.denominator is not None:
        sentence = label("figure", "after-before", language, **texts)
    elif figure.kind == "ratio" and figure.numerator is not None and figure.denominator is not None:
        sentence = label("figure", "agreed", language, **texts)
    elif figure.denominator is not None:
        sentence = label("figure", "over", language, unit=unit, **texts)
    else:
        return label("figure", "patients", language, **texts) if figure.patients is not None else ""
    if figure.patients is not None and figure.unit != "patients":
        sentence += label("figure", "of-patients", language, **texts)
    return sentence


def rests_on(figure: Figure, language: str) -> str:
    """Write what a figure rests on, short enough for a table."""
    if figure.masked is not None and figure.masked != TOO_NEAR:
        return label("value", "withheld", language)
    return counts_text(figure, language) or "–"


def method_text(figure: Figure, language: str) -> str:
    """Name the method of the interval, with its level."""
    if figure.interval is None:
        return ""
    level = percent(figure.interval.level, language, 0)
    plain = figure.interval.method.removesuffix("-bounds").removesuffix("-answered")
    method = label("method", plain, language)
    if plain != figure.interval.method:
        over = "bounds" if figure.interval.method.endswith("-bounds") else "answered"
        method = say(f"reports.method-with-{over}", {"method": method}, language)
    return label("figure", "method", language, level=level, method=method)


def before_after(figure: Figure) -> bool:
    """Say whether the figure compares before with after, which proves no effect."""
    return figure.kind in _BEFORE_AFTER


def sentence(figure: Figure, definitions: Mapping[str, DefinitionText], language: str) -> str:
    """Write a figure as one sentence with everything that must travel along."""
    start = f"{title_of(figure, definitions, language)}: {value_text(figure, language)}"
    inside = [counts_text(figure, language)]
    if figure.interval is not None and figure.masked is None:
        level = percent(figure.interval.level, language, 0)
        inside.insert(0, label("figure", "interval", language, level=level, limits=interval_text(figure, language)))
    if figure.unknown is not None and figure.masked is None:
        inside.append(label("figure", "unknown", language, n=count(figure.unknown, language)))
    detail = "; ".join(part for part in inside if part)
    closing = [bounds_text(figure, language), _target_text(figure, language)]
    if before_after(figure):
        closing.append(label("figure", "before-after", language))
    text = f"{start} ({detail})." if detail else f"{start}."
    return " ".join([text, *(part for part in closing if part)])


def _target_text(figure: Figure, language: str) -> str:
    """Write the target beside the verdict, where there is a target."""
    if figure.target is None:
        return ""
    target = amount(figure, figure.target, language)
    return label("figure", "target", language, target=target, verdict=verdict_text(figure, language))


def endnote(figure: Figure, language: str) -> str:
    """Write an endnote's text: period, counts, method, definition version, scope and sources."""
    pieces = [
        period(figure.start, figure.end, language),
        label("figure", "cut-off", language, day=day(figure.cut_off, language)),
        counts_text(figure, language),
        method_text(figure, language),
        label("figure", "version", language, id=figure.indicator, version=figure.version),
        label("scope", figure.scope, language),
        evidence_text(figure, language),
        sources_text(figure, language),
    ]
    return "; ".join(piece for piece in pieces if piece)


def sources_text(figure: Figure, language: str) -> str:
    """Write whose data a figure rests on."""
    named = ", ".join(label("source", one, language) for one in figure.sources)
    return label("figure", "sources", language, sources=named) if named else ""


def evidence_text(figure: Figure, language: str) -> str:
    """Write how many answers rest on which level of evidence."""
    if not figure.evidence or figure.masked is not None:
        return ""
    listed = (
        f"{label('evidence', level, language)} {count(n, language)}" for level, n in sorted(figure.evidence.items())
    )
    return ", ".join(listed)
