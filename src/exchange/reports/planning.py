"""The improvement plan: the letter to the insurer, its annex, and later its progress."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from exchange.errors import ReportError
from exchange.findings import say
from exchange.indicators.figure import Figure
from exchange.reports import charts, figures_text, markdown, summarising
from exchange.reports.converting import Document
from exchange.reports.facts import AgreementFacts, Audience, Charts, IndexFacts, IndexPoint, PlanFacts
from exchange.reports.markdown import Markdown
from exchange.reports.numbers import count, day, number, period, shortest
from exchange.reports.questions import Blanks

DRAFT, FINAL = "draft", "final"
_PAGES = 3
# An agreement that is only a draft or is over is no agreement to show an insurer.
_IN_FORCE = frozenset({"signed", "active", "active-paper-signed", "under-review", "follow-up-tail"})
_KINDS = ("gp", "specialist", "social", "other")


def document(facts: PlanFacts, language: str, edition: str) -> tuple[Document, tuple[str, ...]]:
    """Return the letter before it has a format, and the ids of the brackets that are still open."""
    blanks = Blanks(from_data(facts, language), facts.answers, language)
    missing = blanks.missing()
    if edition == FINAL:
        _require_complete(facts, [one.id for one in missing if one.required])
    draft = edition != FINAL
    drawn = charts.pictures(Charts(facts.index, facts.sessions, facts.changes), facts.agreements, language)
    notes: list[Figure] = []
    context = {
        **summarising.shared(facts.definitions, language),
        **_bracketed(blanks, draft),
        **_letter(facts, blanks, language),
        "facts": facts,
        "organisation": facts.organisation,
        "draft": draft,
        "missing": missing,
        "pictures": drawn,
        "notes": notes,
        "claim": lambda figure: _claim(figure, notes, facts, language),
        "definition_of": lambda figure: _definition(figure, facts, language),
        "primary_title": lambda agreement: _primary_title(agreement, facts, language),
    }
    text = markdown.render("plan", language, context)
    made = _document(facts, "plan", text, language, drawn, banner="document.draft" if draft else "")
    return made, tuple(one.id for one in missing)


def progress(facts: PlanFacts, language: str) -> Document:
    """Return what was realised beside what was planned."""
    drawn = charts.pictures(Charts(index=facts.index), (), language)
    figures = [*facts.process, *facts.outcome, *facts.durable, *facts.substitution]
    context = {
        **summarising.shared(facts.definitions, language),
        "facts": facts,
        "organisation": facts.organisation,
        "pictures": drawn,
        "figures": figures,
        "days_of": lambda days: _days(days, language),
    }
    return _document(facts, "progress", markdown.render("progress", language, context), language, drawn, banner="")


def _document(
    facts: PlanFacts, name: str, text: str, language: str, drawn: dict[str, charts.Picture], *, banner: str
) -> Document:
    """Put title, banner and author around a text."""
    if facts.audience is Audience.INTERNAL:
        banner = "document.internal"
    return Document(
        text,
        f"{say(f'reports.document.{name}', {}, language)} {facts.organisation.name}",
        language,
        facts.on,
        style="letter",
        banner=say(f"reports.{banner}", {}, language) if banner else "",
        author=facts.organisation.name,
        labels=summarising.labels(language),
        pictures=drawn,
    )


def _require_complete(facts: PlanFacts, open_ids: Sequence[str]) -> None:
    """Refuse a final letter from internal figures or with a required bracket open."""
    if facts.audience is Audience.INTERNAL:
        raise ReportError("reports.internal-final", hints=("hint.make-outside-edition",))
    if open_ids:
        raise ReportError(
            "reports.blanks-open", hints=("hint.answer-questions",), number=len(open_ids), blanks=", ".join(open_ids)
        )


def require_short(pages: int) -> None:
    """Refuse a letter that an insurer will not read to the end."""
    if pages > _PAGES:
        raise ReportError("reports.letter-too-long", hints=("hint.shorten-letter",), pages=pages, allowed=_PAGES)


def from_data(facts: PlanFacts, language: str) -> dict[str, str]:
    """Return the brackets that the data fill, as the text that stands there."""
    filled = {
        "signatory": facts.organisation.signatory,
        "klinimetrie": "x" if facts.outcome else "",
        "durable-discharge": "x" if facts.durable else "",
        "prem": _prem(facts, language),
        "planned-sessions": "x" if any(group.planned is not None for group in facts.groups) else "",
        **_index_brackets(facts, language),
        **{f"partners-{kind}": _partners(facts, kind) for kind in _KINDS},
    }
    if facts.substitution and "substitution-potential" not in facts.answers:
        filled["substitution-potential"] = "x"
    if facts.insurer is not None:
        filled["insurer"] = facts.insurer.name
        filled["contract-year"] = str(facts.insurer.contract_year or "")
    if facts.sessions is not None and facts.sessions.mean is not None:
        filled["mean-sessions"] = number(facts.sessions.mean, language)
    agreed = [agreement for agreement in facts.agreements if agreement.state in _IN_FORCE]
    filled["exchange-with"] = _enumerated([name for one in agreed for name in one.partners], language)
    filled["funding"] = "; ".join(dict.fromkeys(one.funding.strip().rstrip(".") for one in agreed if one.funding))
    return filled


def _index_brackets(facts: PlanFacts, language: str) -> dict[str, str]:
    """Return the brackets about the treatment index: the bound that the insurer judges, never another."""
    index = facts.index
    if index is None:
        return {}
    filled: dict[str, str] = {}
    if index.points:
        filled["index-current"] = shortest(_latest(index).value, language)
    if index.band is not None:
        filled["index-allowed"] = shortest(index.band.upper, language)
    if index.target is not None:
        filled["index-target"] = shortest(index.target, language)
    return filled


def _latest(index: IndexFacts) -> IndexPoint:
    """Return the newest official figure."""
    return max(index.points, key=lambda point: (point.year, point.edition))


def _index_from(facts: PlanFacts, blanks: Blanks, language: str) -> Markdown:
    """Return the number that the plan starts from; a bound is called so, for it is no index to compare with another."""
    index = facts.index
    if index is None or not index.points or index.basis == "value":
        return blanks.fill("index-current")
    start: float | None = getattr(_latest(index), index.basis)
    if start is None:
        return blanks.fill("index-current")
    params = {"index": shortest(start, language), "bound": figures_text.label("bound", index.basis, language)}
    return markdown.escape(say("reports.index.from-bound", params, language))


def _index_limits(facts: PlanFacts, language: str) -> str:
    """Return the year and the published bounds of the newest official figure."""
    if facts.index is None or not facts.index.points:
        return ""
    last = _latest(facts.index)
    if last.lower is None or last.upper is None:
        return str(last.year)
    params = {"year": last.year, "lower": shortest(last.lower, language), "upper": shortest(last.upper, language)}
    return say("reports.index.limits", params, language)


def _within(facts: PlanFacts) -> bool:
    """Say whether the number that the insurer judges lies within what it allows; unknown is not within."""
    index = facts.index
    if index is None or index.band is None or not index.points:
        return False
    compared: float | None = getattr(_latest(index), index.band.bound)
    return compared is not None and compared <= index.band.upper


def _judged(facts: PlanFacts, language: str) -> str:
    """Name the bound that the insurer judges, with its number; empty where it judges the figure itself."""
    index = facts.index
    if index is None or index.band is None or not index.points or index.band.bound == "value":
        return ""
    number_judged = getattr(_latest(index), index.band.bound)
    named = figures_text.label("bound", index.band.bound, language)
    return named if number_judged is None else f"{named}, {shortest(number_judged, language)}"


def _partners(facts: PlanFacts, kind: str) -> str:
    """Return the partners of one kind."""
    return ", ".join(partner.name for partner in facts.partners if partner.kind == kind)


def _enumerated(names: Sequence[str], language: str) -> str:
    """Join names as a sentence does: a, b and c."""
    once = list(dict.fromkeys(names))
    if len(once) < 2:
        return "".join(once)
    return ", ".join(once[:-1]) + f" {say('reports.and', {}, language)} " + once[-1]


def _prem(facts: PlanFacts, language: str) -> str:
    """Return the survey's results in sentences, with how many answered."""
    prem = facts.prem
    if prem is None:
        return ""
    dated = {"period": period(prem.start, prem.end, language)}
    params = {
        "source": prem.source,
        "when": say("reports.prem.when", dated, language) if prem.start and prem.end else "",
        "respondents": count(prem.respondents, language),
        "invited": count(prem.invited, language),
        "grade": number(prem.grade, language),
        "nps": number(prem.nps, language, 0),
    }
    rules = ["prem.respondents" if prem.invited is None else "prem.response"]
    rules += ["prem.grade"] if prem.grade is not None else []
    rules += ["prem.nps"] if prem.nps is not None else []
    said = [say(f"reports.{rule}", params, language) for rule in rules]
    for question, mean, n in prem.questions:
        asked = {"question": question, "mean": number(mean, language), "n": count(n, language)}
        said.append(say("reports.prem.question", asked, language))
    return " ".join(said)


def _bracketed(blanks: Blanks, draft: bool) -> dict[str, Any]:
    """Return what the template calls for its brackets; a final letter drops what is empty and may be."""
    return {
        "fill": blanks.fill,
        "fill_long": blanks.fill_long,
        "fill_opening": blanks.fill_opening,
        "has_answer": blanks.has_answer,
        "wanted": lambda name: draft or blanks.has(name),
    }


def _letter(facts: PlanFacts, blanks: Blanks, language: str) -> dict[str, Any]:
    """Return the parts of the letter that are worked out."""
    kinds = [kind for kind in _KINDS if blanks.has(f"partners-{kind}")]
    scheme, _, agb = facts.organisation.party.partition(":")
    return {
        "agb": agb if scheme == "agb" else "",
        "insurer_address": facts.insurer.address if facts.insurer else (),
        "index_from": _index_from(facts, blanks, language),
        "index_limits": _index_limits(facts, language),
        "judged": _judged(facts, language),
        "within": _within(facts),
        "domains": _domains(kinds, language),
        "partners": [(kind, blanks.fill(f"partners-{kind}")) for kind in kinds],
        "groups": [group for group in facts.groups if group.planned is not None],
        "way": _way(facts, language),
        "reached": _reached(facts, language),
        "agreed": [agreement for agreement in facts.agreements if agreement.state in _IN_FORCE],
        "moments_of": lambda agreement: _days([moment.on for moment in agreement.moments], language),
        "days_of": lambda days: _days(days, language),
    }


def _domains(kinds: Sequence[str], language: str) -> str:
    """Say in which domain the partners work; without any the sentence stays general."""
    health = any(kind in {"gp", "specialist"} for kind in kinds)
    social = "social" in kinds
    rule = {(True, True): "both", (True, False): "health", (False, True): "social"}.get((health, social), "both")
    return say(f"reports.domains.{rule}", {}, language)


def _way(facts: PlanFacts, language: str) -> str:
    """Say how many sessions fewer the target takes; only where the official figure gives it."""
    index = facts.index
    if index is None or index.observed is None or index.to_save is None or index.target is None:
        return ""
    params = {
        "observed": number(index.observed, language, 0),
        "expected": number(index.expected, language, 0),
        "to_save": number(index.to_save, language, 0),
        "target": shortest(index.target, language),
        "bound": figures_text.label("bound", index.basis, language),
    }
    return say("reports.way.to-save-bound" if index.expected is None else "reports.way.to-save", params, language)


def _reached(facts: PlanFacts, language: str) -> str:
    """Say where the plan ends up, and that it misses the target where it does."""
    index = facts.index
    if index is None or index.reached_by_plan is None or index.target is None:
        return ""
    params = {"reached": number(index.reached_by_plan, language, 0), "target": shortest(index.target, language)}
    # What is printed is what is compared: 130.4 prints as 130 and reaches it.
    rule = "reached" if round(index.reached_by_plan) <= index.target else "misses"
    return say(f"reports.way.{rule}", params, language)


def _days(days: Sequence[date], language: str) -> str:
    """Write dates one after the other."""
    return _enumerated([day(one, language) for one in sorted(days)], language)


def _claim(figure: Figure, notes: list[Figure], facts: PlanFacts, language: str) -> Markdown:
    """Return a figure as the letter says it, with the number of its endnote."""
    if figure not in notes:
        notes.append(figure)
    said = figures_text.sentence(figure, facts.definitions, language)
    return Markdown(f"{markdown.escape(said)}^{notes.index(figure) + 1}^")


def _definition(figure: Figure, facts: PlanFacts, language: str) -> str:
    """Return what an indicator means and what it can't show."""
    definition = facts.definitions.get(figure.indicator)
    if definition is None:
        return ""
    texts = (definition.paragraph, definition.cannot_show)
    return " ".join(text for text in (figures_text.words(one, language) for one in texts) if text)


def _primary_title(agreement: AgreementFacts, facts: PlanFacts, language: str) -> str:
    """Return the title of the one indicator an agreement is judged on."""
    definition = facts.definitions.get(agreement.primary or "")
    return figures_text.words(definition.title, language) if definition else agreement.primary or ""
