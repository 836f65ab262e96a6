"""What the indicator summary says first, and the Markdown of the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from exchange.findings import say
from exchange.indicators.charts_over_time import FEWEST_POINTS
from exchange.indicators.disclosure import TOO_NEAR
from exchange.indicators.figure import Figure
from exchange.reports import charts, figures_text, markdown, reliable, trends
from exchange.reports.converting import Document
from exchange.reports.facts import AgreementFacts, Audience, ImprovementPoint, SummaryFacts
from exchange.reports.markdown import Markdown
from exchange.reports.numbers import count, percent, shortest

# The page to look at first holds what fits on one page beside the agreements and the next steps.
_GLANCE = 6
# Numbers to calculate on with, which tell a reader nothing: they stand in the workbook and the JSON.
_TO_CALCULATE = frozenset({"answered-design-effect"})


def document(facts: SummaryFacts, language: str) -> Document:
    """Return the summary before it has a format."""
    drawn = charts.pictures(facts.charts, facts.agreements, language)
    over_time = trends.pictures(facts, language)
    context = {"facts": facts, **shared(facts.definitions, language), **certainty(facts)}
    context |= {
        "any_trend": bool(over_time),
        "least_periods": FEWEST_POINTS,
        "first_time": _first_time(),
        "trend_of": lambda figure, agreement="": over_time.get((agreement, figure.indicator)),
        "no_trend": lambda figure, agreement=None: _no_trend(figure, agreement or facts, language),
        "pictures": drawn,
        "glance": _glance(facts, language),
        "national": charts.national_sessions(),
        "bound": facts.charts.index.band.bound if facts.charts.index and facts.charts.index.band else "lower",
        "primary_title": lambda agreement: _primary_title(agreement, facts, language),
        "next_moment": next_moment,
        "next_check": lambda point: next_check(point, facts.on),
        "reliable": reliable,
    }
    title = f"{say('reports.document.summary', {}, language)} {facts.organisation.name}"
    banner = say("reports.document.internal", {}, language) if facts.audience is Audience.INTERNAL else ""
    text = markdown.render("summary", language, context)
    return Document(
        text, title, language, facts.on, banner=banner, labels=labels(language),
        pictures=drawn | {one.name: one for one in over_time.values()},
        author=facts.organisation.name,
    )  # fmt: skip


def _first_time() -> Callable[[Figure], bool]:
    """Return what says, once per page, whether a definition has not been printed yet."""
    printed: set[tuple[str, int]] = set()

    def first(figure: Figure) -> bool:
        name = (figure.indicator, figure.version)
        fresh = name not in printed
        printed.add(name)
        return fresh

    return first


def _widths(picture: charts.Picture) -> Sequence[int]:
    return picture.widths or [12] + [8] * (len(picture.header) - 1)


def _no_trend(figure: Figure, holder: SummaryFacts | AgreementFacts, language: str) -> str:
    """Say why a figure has no trend; empty where it has one, or where trends were not asked for."""
    trend = holder.trends.get(figure.indicator)
    return trends.reason(trend, language) if trend is not None else ""


def labels(language: str) -> dict[str, str]:
    """Return the few words that the page around the text needs."""
    return {name: say(f"reports.document.{name}", {}, language) for name in ("skip", "page", "of", "table")}


def shared(definitions: Any, language: str) -> dict[str, Any]:
    """Return what every template may call."""
    return {
        "title_of": lambda figure: figures_text.title_of(figure, definitions, language),
        "sentence": lambda figure: figures_text.sentence(figure, definitions, language),
        "parts_of": lambda figure: parts_text(figure, language),
        "heading": lambda depth, text="": Markdown("#" * depth + (" " + markdown.escape(text) if text else "")),
        "mark": lambda name: Markdown(f"[[picture {name}]]"),
        "rule": lambda picture: Markdown("|" + "|".join("-" * one for one in _widths(picture)) + "|"),
    }


def parts_text(figure: Figure, language: str) -> str:
    """Return the named counts and numbers of a figure as one line."""
    if figure.masked is not None:
        return ""
    said = [f"{_class_text(name, language)}: {count(n, language)}" for name, n in figure.parts.items()]
    for name, value in figure.details.items():
        if name in _TO_CALCULATE:
            continue
        said.append(f"{figures_text.label('detail', name, language)}: {_detail_text(name, value, language)}")
    return "; ".join(said)


def _class_text(name: str, language: str) -> str:
    """Return a class in words; a class of numbers such as 1-3 or 25- as people write it."""
    first, dash, last = name.partition("-")
    if not (dash and first.isdigit()):
        return figures_text.label("class", name, language)
    return f"{first}–{last}" if last else figures_text.label("class", "and-more", language, **{"from": first})


def _detail_text(name: str, value: float, language: str) -> str:
    """Return a named number: shares as percentages, counts without decimals."""
    if name.startswith(("answered-", "rate-")):
        return percent(value, language)
    return shortest(value, language)


def all_figures(facts: SummaryFacts) -> list[Figure]:
    """Return every figure, those of the agreements first."""
    return [figure for agreement in facts.agreements for figure in agreement.figures] + list(facts.figures)


def _glance(facts: SummaryFacts, language: str) -> list[tuple[Figure, str]]:
    """Return the figures for the first page, each with whose it is where an indicator stands there twice.

    First what was agreed to be judged, then what is judged, then the rest.
    """
    everything: list[tuple[Figure, AgreementFacts | None]] = [
        (figure, agreement) for agreement in facts.agreements for figure in agreement.figures
    ]
    everything += [(figure, None) for figure in facts.figures]
    primary = [one for one in everything if one[1] is not None and one[0].indicator == one[1].primary]
    chosen: list[tuple[Figure, AgreementFacts | None]] = []
    for one in [*primary, *(each for each in everything if each[0].target is not None), *everything]:
        if not any(one[0] == other[0] for other in chosen):
            chosen.append(one)
    shown = chosen[:_GLANCE]
    twice = Counter(figure.indicator for figure, _ in shown)
    return [
        (figure, _whose(agreement, facts, language) if twice[figure.indicator] > 1 else "")
        for figure, agreement in shown
    ]


def _whose(agreement: AgreementFacts | None, facts: SummaryFacts, language: str) -> str:
    """Return the kind of partner, or the partners where more than one agreement is of that kind."""
    if agreement is None:
        return ""
    alone = sum(other.kind == agreement.kind for other in facts.agreements) == 1
    kind = figures_text.label("kind", agreement.kind, language)
    # "Huisartsen" within a line, but "GPs".
    kind = kind if kind[1:2].isupper() else kind[:1].lower() + kind[1:]
    return kind if alone else ", ".join(agreement.partners) or agreement.title


def certainty(facts: SummaryFacts) -> dict[str, Any]:
    """Return what the paragraph on certainty counts; a total with a hidden part stays hidden."""
    everything = all_figures(facts)
    loops = [agreement.loop for agreement in facts.agreements]
    known = bool(loops) and all(loop.due is not None and loop.unanswered is not None for loop in loops)
    return {
        "all_figures": everything,
        "judged": sum(figure.verdict is not None for figure in everything),
        "masked": sum(figure.masked not in (None, TOO_NEAR) for figure in everything),
        "near": sum(figure.masked == TOO_NEAR for figure in everything),
        "any_before_after": any(figures_text.before_after(figure) for figure in everything),
        "coverage": next((one for one in everything if one.kind == "completeness" and one.masked is None), None),
        "due": sum(loop.due or 0 for loop in loops) if known else None,
        "unanswered": sum(loop.unanswered or 0 for loop in loops) if known else None,
    }


def _primary_title(agreement: AgreementFacts, facts: SummaryFacts, language: str) -> str:
    """Return the title of the one indicator an agreement is judged on."""
    definition = facts.definitions.get(agreement.primary or "")
    return figures_text.words(definition.title, language) if definition else agreement.primary or ""


def next_moment(agreement: AgreementFacts) -> date | None:
    """Return the next evaluation that is still to come; one that was missed stands in the agreement's own section."""
    return min((moment.on for moment in agreement.moments if moment.coming), default=None)


def next_check(point: ImprovementPoint, on: date) -> date | None:
    """Return the first check of an improvement point from this day on."""
    return min((day for day in point.check_on if day >= on), default=None)
