"""Printing a signed agreement as Markdown, from its own content only, with its annexes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from exchange.agreements.acceding import Accession, OnPaper, joined
from exchange.agreements.clauses import day_text, fingerprint, plain
from exchange.agreements.deriving import flows_text
from exchange.agreements.frozen import Frozen
from exchange.agreements.signing import PaperRecord, thaw
from exchange.agreements.terminating import Termination
from exchange.errors import AgreementError, IndicatorError
from exchange.findings import say
from exchange.indicators.reading import read as read_definition
from exchange.indicators.wording import counting
from exchange.records.codes import PartnerKind
from exchange.signing.canonical import canonical


def document(
    payload: bytes,
    language: str = "nl",
    *,
    signed: Iterable[tuple[str, date | None, bool]] = (),
    draft: bool = False,
    acceded: Iterable[Accession] = (),
    papers: Iterable[PaperRecord] = (),
    ended: Iterable[Termination] = (),
) -> str:
    """Return the whole agreement in one language: clauses, then definitions, elements, keys and signatures.

    `signed` are (party, day where known, on paper). With `draft` the first line says that nobody is bound yet.
    `acceded` are the parties that joined since the text was signed, `papers` what was recorded of paper, `ended` what
    was said of an end: for one party, or for all.
    """
    later, over = tuple(acceded), _holding(ended)
    frozen = joined(thaw(payload), later)
    if language not in frozen.clauses:
        raise AgreementError("agreements.language-missing", language=language)
    lines = [*_head(frozen, language, draft=draft)]
    for number, clause in enumerate(frozen.clauses[language], start=1):
        lines += [f"## {number}. {clause.title}", "", clause.text, ""]
    lines += _definitions(frozen, language)
    client = frozen.agreement.kind is PartnerKind.CLIENT
    listed = flows_text(frozen.flows, frozen.labels, language, client=client)
    lines += [f"# {_say('annex-elements', language)}", "", listed]
    lines += _keys(frozen, language)
    lines += _acceded(later, over, language)
    lines += _ended(frozen, over, language)
    lines += _signatures(frozen, tuple(signed), {one.party: one for one in papers}, language)
    return "\n".join(lines).rstrip() + "\n"


def clause(payload: bytes, id_: str, language: str = "nl") -> str:
    """Return one clause as a page of its own, such as the client's letter or the follow-up page."""
    for one in thaw(payload).clauses.get(language, ()):
        if one.id == id_:
            return f"# {one.title}\n\n{one.text}\n"
    raise AgreementError("agreements.clause-unknown", clause=id_)


def _say(what: str, language: str, **params: object) -> str:
    return say(f"agreements.print.{what}", params, language)


def _head(frozen: Frozen, language: str, *, draft: bool) -> list[str]:
    agreement = frozen.agreement
    about = _say("about", language, id=agreement.id, version=agreement.version)
    return [
        f"# {plain(agreement.title[language])}",
        "",
        *([f"**{_say('draft', language)}**", ""] if draft else []),
        f"{about} {_say('digest', language)} `{frozen.digest}`.",
        "",
    ]


def _definitions(frozen: Frozen, language: str) -> list[str]:
    lines = [f"# {_say('annex-definitions', language)}", ""]
    for raw in frozen.definitions:
        name = f"{plain(str(raw.get('id', '')))}, {_say('version', language)} {plain(str(raw.get('version', '')))}"
        lines += [f"## {_words(raw, 'title', language)} ({name})", ""]
        for part in ("rationale", "counted", "limits", "example"):
            words = _counted(raw, language) if part == "counted" else _words(raw, part, language)
            if words:
                lines += [f"*{_say(part, language)}* {words}", ""]
        checksum = hashlib.sha256(canonical(dict(raw))).hexdigest()
        lines += [f"{_say('machine', language)} `{checksum}`.", ""]
    return lines


def _counted(raw: Mapping[str, Any], language: str) -> str:
    """Say in sentences what a signed definition counts; one that we can't read has its own words only."""
    try:
        definition = read_definition(canonical(dict(raw)), str(raw.get("id", "")))
    except IndicatorError:
        return ""
    return " ".join(plain(one) for one in counting(definition, language))


def _words(raw: Mapping[str, Any], part: str, language: str) -> str:
    """Return a definition's words; an old signed definition is printed as far as it has them, and never refused."""
    texts = raw.get(part)
    return plain(str(texts.get(language, ""))) if isinstance(texts, Mapping) else ""


def _holding(ended: Iterable[Termination]) -> dict[str, Termination]:
    """Return, per party or for all (""), the statement that holds: an end that was told can only come sooner."""
    first: dict[str, Termination] = {}
    for one in sorted(ended, key=lambda one: (one.on, one.told_on, one.by)):
        first.setdefault(one.party, one)
    return first


def _acceded(later: tuple[Accession, ...], over: Mapping[str, Termination], language: str) -> list[str]:
    if not later:
        return []
    lines = [f"# {_say('annex-acceded', language)}", ""]
    for one in later:
        party = one.party
        words = {
            "name": plain(party.name),
            "identifiers": ", ".join(one.identifiers),
            "function": plain(party.signatory.function),
            "authority": plain(party.signatory.authority),
            "day": day_text(one.on, language),
            "contact": plain(party.privacy_contact),
        }
        said = [_say("acceded", language, **words)]
        said += [_say("member", language, label=plain(party.label))] if party.label else []
        said += [_recorded(one.paper, language)] if one.paper is not None else []
        said += [_say("left", language, day=day_text(over[party.party].on, language))] if party.party in over else []
        lines.append(f"- {' '.join(said)}")
    return [*lines, ""]


def _ended(frozen: Frozen, over: Mapping[str, Termination], language: str) -> list[str]:
    """Say what was told of an end, for all of it first and then by party in the order of the text."""
    parties = {one.party: plain(one.name) for one in frozen.agreement.parties}
    told = [
        _say(
            "ended-for-one" if party else "ended",
            language,
            name=name,
            day=day_text(one.on, language),
            told=day_text(one.told_on, language),
            by=parties.get(one.by, one.by),
            ground=_say(f"ended-{one.ground}", language),
        )
        for party, name in [("", ""), *parties.items()]
        if (one := over.get(party)) is not None
    ]
    return [f"# {_say('endings', language)}", "", *(f"- {one}" for one in told), ""] if told else []


def _recorded(paper: OnPaper | PaperRecord, language: str) -> str:
    """Say what the practice recorded of a signature on paper."""
    return _say(
        "paper",
        language,
        who=plain(", ".join(dict.fromkeys((paper.signatory, paper.function)))),
        authority=plain(paper.authority),
        day=day_text(paper.on, language),
        scan=paper.scan,
        by=plain(paper.recorded_by),
    )


def _keys(frozen: Frozen, language: str) -> list[str]:
    lines = [
        f"# {_say('annex-keys', language)}",
        "",
        f"| {_say('party', language)} | {_say('fingerprint', language)} |",
    ]
    lines.append("|---|---|")
    for party in frozen.agreement.parties:
        shown = fingerprint(party.card) if party.card else _say("on-paper", language)
        lines.append(f"| {plain(party.name)} ({party.party}) | {shown} |")
    return [*lines, ""]


def _signatures(
    frozen: Frozen,
    signed: tuple[tuple[str, date | None, bool], ...],
    papers: Mapping[str, PaperRecord],
    language: str,
) -> list[str]:
    if not signed:
        return []
    lines = [f"# {_say('signatures', language)}", ""]
    for party, day, paper in signed:
        known = frozen.agreement.party(party)
        name = plain(known.name) if known else party
        when = f", {day_text(day, language)}" if day else ""
        lines.append(f"- {name}: {_say('by-paper' if paper else 'by-keys', language)}{when}")
        lines += [f"    - {_recorded(papers[party], language)}"] if party in papers else []
    return [*lines, ""]
