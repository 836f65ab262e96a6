"""Rendering an agreement's clauses from the templates of agreements/clauses; used before signing, never after."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from exchange import shipped
from exchange.agreements import life
from exchange.agreements.agreement import AgreedIndicator, Agreement, FlowTerms, Text
from exchange.agreements.deriving import flows, label_of, pinned
from exchange.agreements.deriving import window as longest
from exchange.agreements.frozen import Clause, Flow, Frozen, Window, base
from exchange.errors import AgreementError
from exchange.findings import say
from exchange.indicators.definition import Definition
from exchange.indicators.wording import counting, paragraph, thresholds
from exchange.records.codes import PartnerKind
from exchange.records.elements import elements

if TYPE_CHECKING:
    from jinja2 import Environment, Template

LANGUAGES = ("nl", "en")
# The purposes of our own templates; an agreement may name others.
_PURPOSES = frozenset({"treatment", "effect", "handover"})
_NOTE = "\n===\n"
_MARKS = re.compile(r"([\\`*_\[\]<>|#~$])")
_MONTHS: Mapping[str, tuple[str, ...]] = {
    "nl": (
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ),
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}


def render(
    agreement: Agreement, definitions: Mapping[str, Definition], listed: tuple[Flow, ...], window: Window, language: str
) -> tuple[Clause, ...]:
    """Return the agreement's clauses in one language, in its order, its own clauses last but for the signing."""
    words = _context(agreement, definitions, listed, window, language)
    rendered = [_clause(id_, words, language) for id_ in agreement.clauses]
    own = [Clause(one.id, plain(one.title[language]), _own(one.text[language])) for one in agreement.own_clauses]
    place = len(rendered) - 1 if rendered and rendered[-1].id == "signing" else len(rendered)
    return (*rendered[:place], *own, *rendered[place:])


def known(language: str = "nl") -> frozenset[str]:
    """Return the ids of the clauses that ship in a language."""
    return frozenset(file.stem for file in shipped.agreements("clauses", language).glob("*.md"))


def title(id_: str, language: str = "nl") -> str:
    """Return the title of a clause that ships, or its id: how a refusal names the article it rests on."""
    return _source(id_, language)[0] if id_ in known(language) else id_


def notes(agreement: Agreement, language: str = "nl") -> str:
    """Return, as Markdown, the notes for a lawyer on this agreement's clauses; they are no part of what is signed."""
    lines = [f"# {say('agreements.notes-title', {}, language)}", ""]
    for id_ in agreement.clauses:
        title, _, note = _source(id_, language)
        lines += [f"## {title}", "", note, ""]
    return "\n".join(lines)


def dpia(agreement: Agreement, definitions: Mapping[str, Definition], language: str = "nl") -> str:
    """Return, as Markdown, the input for a data protection impact assessment that follows from an agreement."""
    listed = flows(agreement, definitions)
    words = _context(agreement, definitions, listed, longest(pinned(agreement, definitions)), language)
    text = shipped.agreements("templates", f"dpia.{language}.md").read_text(encoding="utf-8")
    return _template(text).render(words).strip() + "\n"


def plain(text: str) -> str:
    """Return a person's words as one line of Markdown that says exactly these words."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def day_text(day: date, language: str) -> str:
    """Return a day as people write it."""
    return f"{day.day} {_MONTHS[language][day.month - 1]} {day.year}"


def fingerprint(digits: str) -> str:
    """Return forty digits as eight groups of five."""
    return " ".join(digits[start : start + 5] for start in range(0, len(digits), 5))


def window_text(window: Window, language: str) -> str:
    """Return the longest window in words."""
    unit, number = ("days", window.days) if window.days else ("months", window.months)
    return say(f"agreements.window.{unit}", {"number": number}, language)


def _own(text: str) -> str:
    # A clause of one's own may use Markdown, but never HTML.
    return text.strip().replace("<", "&lt;")


def _clause(id_: str, words: Mapping[str, Any], language: str) -> Clause:
    title, text, _ = _source(id_, language)
    rendered = _template(text).render(words).strip()
    return Clause(id_, title, re.sub(r"\n{3,}", "\n\n", rendered))


@cache
def _source(id_: str, language: str) -> tuple[str, str, str]:
    if id_ not in known(language):
        raise AgreementError("agreements.clause-unknown", hints=("hint.agreements.see-template",), clause=id_)
    whole = shipped.agreements("clauses", language, f"{id_}.md").read_text(encoding="utf-8")
    head, _, rest = whole.partition("\n")
    text, _, note = rest.partition(_NOTE)
    return head.removeprefix("# ").strip(), text.strip(), note.strip()


@cache
def _template(text: str) -> Template:
    return _environment().from_string(text)


@cache
def _environment() -> Environment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # Markdown, not HTML: `plain` escapes what people wrote.
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


def _context(
    agreement: Agreement, definitions: Mapping[str, Definition], listed: tuple[Flow, ...], window: Window, language: str
) -> dict[str, Any]:
    known_labels = {one.id: {"label": one.label} for one in elements().values()}
    identity = [label_of(one, known_labels, language).lower() for one in agreement.identity if one != "patient.bsn"]
    bsn = "patient.bsn" in agreement.identity
    person = "client" if agreement.kind in (PartnerKind.SOCIAL, PartnerKind.CLIENT) else "patient"
    placed = Frozen(agreement, "", listed, {}, (), {}, window)
    return {
        "a": agreement,
        "practice": agreement.practice,
        "partners": agreement.partners,
        "many": len(agreement.partners) > 1 or agreement.accession is not None,
        "admitted": [
            say(f"agreements.admitted.{one.value}", {}, language)
            for one in (agreement.accession.kinds if agreement.accession is not None else ())
        ],
        "person": say(f"agreements.person.{person}", {}, language),
        "persons": say(f"agreements.persons.{person}", {}, language),
        "identity": [*([elements()["patient.bsn"].label[language].lower()] if bsn else []), *identity],
        "moments": listing([str(one) for one in agreement.session_moments], language),
        "bsn": bsn,
        "paper": any(party.signs == "paper" for party in agreement.parties),
        "double_claims": any(one.double_claim_check for one in agreement.funding),
        "flows": [_flow(terms, flow, language) for terms, flow in zip(agreement.flows, listed, strict=True)],
        "questions": _questions(listed, language, client=agreement.kind is PartnerKind.CLIENT),
        "indicators": [_indicator(one, definitions[one.id], language) for one in agreement.indicators],
        "tables": [
            (definitions[one.indicator].title[language], split_text(one.by, language))
            for one in agreement.table_plan
            if one.indicator in definitions
        ],
        "exceptions": [_exception(agreement, index, language) for index in range(len(agreement.exceptions))],
        "window": window_text(window, language),
        "follow_up": life.follow_up_until(placed, agreement.term.until),
        "listing": lambda items: listing(items, language),
        "t": lambda text: plain(text[language]),
        "l": plain,
        "d": lambda day: day_text(day, language),
        "money": lambda cents: money(cents, language),
        "word": lambda group, code: say(f"agreements.{group}.{code}", {}, language),
        "fingerprint": fingerprint,
        "named": lambda purpose: _purpose(purpose, language),
    }


def _purpose(purpose: str, language: str) -> str:
    """Return what people call a purpose; one of an agreement's own making is called as it was written."""
    return say(f"agreements.purpose.{purpose}", {}, language) if purpose in _PURPOSES else plain(purpose)


def money(cents: int, language: str) -> str:
    """Return an amount in euros as people write it."""
    text = f"{cents // 100}.{cents % 100:02d}"
    return f"€ {text.replace('.', ',')}" if language == "nl" else f"€ {text}"


def _flow(terms: FlowTerms, flow: Flow, language: str) -> dict[str, Any]:
    known_elements = elements()
    words = {one.id: {"label": one.label} for one in known_elements.values()}
    about = any(known_elements[base(one)].sensitivity != "aggregate" for one in flow.elements)
    consent = ("yes" if terms.consent_required else "no") if about else "none"
    return {
        "title": say(f"agreements.flow.{terms.event}", {}, language),
        "sender": say(f"agreements.sender.{terms.sender}", {}, language),
        "purpose": _purpose(terms.purpose, language),
        "article_6": say(f"agreements.article.{terms.article_6}", {}, language),
        "article_9": say(f"agreements.article.{terms.article_9}", {}, language),
        "secrecy": say(f"agreements.secrecy.{terms.secrecy}", {}, language),
        "consent": say(f"agreements.consent.{consent}", {}, language),
        "frequency": plain(terms.frequency[language]),
        "elements": [
            {"label": label_of(one, words, language), "plain": known_elements[base(one)].plain[language]}
            for one in flow.elements
        ],
    }


def _indicator(agreed: AgreedIndicator, definition: Definition, language: str) -> dict[str, Any]:
    period = ""
    if agreed.baseline_from is not None and agreed.baseline_until is not None:
        days = {"start": day_text(agreed.baseline_from, language), "end": day_text(agreed.baseline_until, language)}
        period = say("agreements.period", days, language)
    return {
        "id": agreed.id,
        "version": agreed.version,
        "primary": agreed.primary,
        "title": definition.title[language],
        **_parts(definition, language),
        "baseline": None if agreed.baseline is None else number(agreed.baseline, definition.kind, language),
        "baseline_period": period,
        "target": None if agreed.target is None else number(agreed.target, definition.kind, language),
    }


def _parts(definition: Definition, language: str) -> dict[str, str]:
    """Return the definition's own paragraph in four parts, for a reader who looks for one of them."""
    counted = " ".join((*counting(definition, language), *thresholds(definition, language)))
    limits = definition.limits[language]
    _, _, after = paragraph(definition, language).partition(counted)
    return {
        "why": definition.rationale[language],
        "counted": counted,
        "supplied": after.removesuffix(limits).strip(),
        "limits": limits,
    }


def number(value: float, kind: str, language: str) -> str:
    """Return a baseline or target as printed: shares as a percentage, the rest as they are."""
    share = kind in ("proportion", "completeness", "category-share")
    text = f"{value * 100:.10g} %" if share else f"{value:.10g}"
    return text.replace(".", ",") if language == "nl" else text


def listing(items: list[str], language: str) -> str:
    """Return items as people list them: 4, 8 and 12."""
    joint = say("agreements.and", {}, language)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {joint} {items[-1]}" if items else ""


def split_text(by: Iterable[str], language: str) -> str:
    """Return a split as people name it: body location and month."""
    return listing([say(f"agreements.split.{one}", {}, language) for one in by], language)


def _questions(listed: tuple[Flow, ...], language: str, *, client: bool) -> list[str]:
    """Return what is asked of the other side about one case; a client is asked in a client's own words."""
    known_elements = elements()
    asked = [one for flow in listed if flow.event == "partner-return" for one in flow.elements]
    answers = [one for one in asked if one.startswith("answer.")]
    if client:
        return [say(f"agreements.asked.{one.removeprefix('answer.')}", {}, language) for one in answers]
    return [known_elements[one].plain[language].rstrip(".") for one in answers]


def _exception(agreement: Agreement, index: int, language: str) -> dict[str, Any]:
    one = agreement.exceptions[index]
    party = agreement.party(one.party)
    return {
        "party": plain(party.name if party else one.party),
        "until": one.until,
        "suite": say(f"agreements.suite.{one.suite}", {}, language),
        "reason": plain(_text(one.reason, language)),
    }


def _text(text: Text, language: str) -> str:
    return text[language]
