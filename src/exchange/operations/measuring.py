"""The measurement instruments as people ask for them: the list, one of them, and a score from its items."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from exchange.errors import IndicatorError
from exchange.findings import Finding, say
from exchange.records.instruments import VERIFIED, Instrument, Threshold, find_instrument, instruments
from exchange.records.scoring import Scored, score
from exchange.records.thresholds import mdc_text, mic_text, points, threshold_text

if TYPE_CHECKING:
    from exchange.indicators.definition import Definition
    from exchange.operations.workspace import Workspace

HEAD = ("id", "better", "range", "mic", "error", "status", "items", "population", "source")


def listed() -> tuple[Instrument, ...]:
    """Return every instrument, those that can show an effect first."""
    return tuple(sorted(instruments().values(), key=lambda one: (not one.effect, one.id)))


def named(name: str) -> Instrument:
    """Return the instrument with this id or alias."""
    found = find_instrument(name)
    if found is None:
        raise IndicatorError("records.instrument-unknown", hints=("hint.instruments-list",), given=name[:40])
    return found


def row(one: Instrument, language: str) -> tuple[str, ...]:
    """Return an instrument as a row under HEAD; an unverified threshold is called so in its own column."""
    return (
        one.id,
        say(f"program.instrument-better-{one.better}", {}, language),
        span(one, language),
        mic_text(one, language) or "–",
        mdc_text(one, language) or "–",
        status(one, language),
        items(one, language),
        one.population[language] or "–",
        _reference(one.source) or "–",
    )


def span(one: Instrument, language: str) -> str:
    """Write the range of its scores."""
    lowest = points(one, one.lowest, language).removesuffix(one.unit).rstrip() if one.unit else None
    return f"{lowest or points(one, one.lowest, language)}–{points(one, one.highest, language)}"


def status(one: Instrument, language: str) -> str:
    """Say whether its thresholds were verified, that it has none, or that it predicts and is no effect."""
    if not one.effect:
        return say("program.instrument-prognostic", {}, language)
    if not one.has_threshold:
        return say("program.instrument-no-threshold", {}, language)
    return say(f"program.instrument-{one.status}", {}, language)


def items(one: Instrument, language: str) -> str:
    """Say how many items it is scored from here; a dash where only a total is taken."""
    rule = one.scoring
    if rule is None:
        return "–"
    mark = "" if rule.status == VERIFIED else f" ({say(f'program.instrument-{rule.status}', {}, language)})"
    return f"{rule.items}{mark}"


def described(one: Instrument, language: str) -> tuple[tuple[str, str], ...]:
    """Return all that is known of one instrument, as pairs of what it is and what it says."""
    pairs = [
        ("name", one.label[language]),
        ("aliases", ", ".join(one.aliases)),
        ("better", say(f"program.instrument-better-{one.better}", {}, language)),
        ("range", span(one, language)),
        ("decimals", str(one.decimals)),
        ("mic", mic_text(one, language) or "–"),
        ("error", mdc_text(one, language) or "–"),
        ("population", one.population[language]),
        ("source", one.source),
        ("status", status(one, language)),
        ("loinc", one.loinc),
        *_rule(one, language),
        *(("other", _other(one, other, language)) for other in one.others),
        ("note", one.note[language]),
    ]
    return tuple((say(f"program.instrument-{name}", {}, language), text) for name, text in pairs if text)


def _rule(one: Instrument, language: str) -> tuple[tuple[str, str], ...]:
    rule = one.scoring
    if rule is None:
        return (("scoring", say("program.instrument-total-only", {}, language)),)
    said = {
        "items": rule.items,
        "lowest": rule.item_lowest,
        "highest": rule.item_highest,
        "least": rule.answered_at_least,
    }
    how = say(f"program.instrument-combine-{rule.combine}", said, language)
    least = say(f"program.instrument-blank-{rule.blank}", said, language) if rule.items > 1 else ""
    rounding = say(f"program.instrument-rounding-{rule.rounding}", {}, language)
    return (
        ("scoring", " ".join(part for part in (how, least, rounding) if part)),
        ("scoring-source", rule.source),
        ("scoring-status", say(f"program.instrument-{rule.status}", {}, language)),
    )


def _other(one: Instrument, other: Threshold, language: str) -> str:
    value = f"{other.value}%" if other.percent else points(one, other.value, language)
    confidence = "" if other.confidence is None else f" ({other.confidence}%)"
    kind = say(f"program.instrument-{'mic' if other.kind == 'mic' else 'error'}", {}, language)
    mark = "" if other.status == VERIFIED else f" ({say('program.instrument-unverified', {}, language)})"
    return f"{kind} {value}{confidence}, {other.population[language]} ({other.source}){mark}"


def answers(text: str) -> tuple[str | None, ...]:
    """Cut what somebody typed into answers, by semicolons, commas or spaces; `-` is no answer."""
    given = text.strip()
    if not given:
        return ()
    # A comma within a word is that of a decimal, where spaces part the answers.
    commas = re.search(r",(\s|$)", given) or not re.search(r"\s", given)
    by = r"\s*;\s*" if ";" in given else r"\s*,\s*" if commas else r"\s+"
    return tuple(None if one in {"", "-", "."} else one for one in re.split(by, given))


def scored(name: str, given: str) -> tuple[Instrument, Scored | Finding]:
    """Return the score of the answers, or the rule that one of them breaks.

    Where the instrument is one value, a comma in it is that of a decimal.
    """
    one = named(name)
    single = one.scoring is not None and one.scoring.items == 1
    return one, score(one, (given,) if single else answers(given))


def table(language: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return head and rows of the whole list."""
    head: Sequence[str] = [say(f"program.instrument-{name}", {}, language) for name in HEAD]
    return tuple(head), tuple(row(one, language) for one in listed())


def told(one: Instrument, found: Scored, language: str) -> Mapping[str, object]:
    """Return what is said of a score: the score, its range and direction, and how many answers it is of."""
    rule = one.scoring
    return {
        "name": one.label[language],
        "score": points(one, found.score, language),
        "range": span(one, language),
        "better": say(f"program.instrument-better-{one.better}", {}, language),
        "answered": found.answered,
        "items": rule.items if rule is not None else found.answered,
    }


def judged_by(workspace: Workspace, definitions: Iterable[Definition], as_of: int | None = None) -> tuple[str, ...]:
    """Return the instruments by whose thresholds these figures call a patient improved; none where none does."""
    from exchange.indicators.definition import Scores

    outcomes = (each for one in definitions for each in one.outcome)
    if not any(isinstance(each, Scores) and each.wanted == "improved" for each in outcomes):
        return ()
    return tuple(sorted(workspace.store.instruments_named(as_of)))


def thresholds(names: Iterable[str], language: str) -> tuple[str, ...]:
    """Return a line for each instrument with its threshold and source; an unverified one is marked so."""
    known = (instruments()[name] for name in names if name in instruments())
    return tuple(threshold_text(one, language) for one in known)


def _reference(source: str) -> str:
    """Return the short form of a source: what stands before its address."""
    return re.split(r", doi:|; | \(", source)[0]
