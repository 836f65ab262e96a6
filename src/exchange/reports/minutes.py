"""The minutes of a review: what was calculated for it, what the clause says, and blanks for what people decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from exchange.findings import say
from exchange.indicators.disclosure import TOO_NEAR
from exchange.indicators.figure import Figure, Verdict
from exchange.reports import converting, figures_text, markdown, pages, summarising
from exchange.reports.converting import Document
from exchange.reports.facts import DefinitionText, ImprovementPoint

FORMATS = (".docx", ".html", ".pdf", ".md")


@dataclass(frozen=True, slots=True)
class Line:
    """One agreed indicator: its figure, or from when there can be one; `primary` is the one that is judged.

    The `verdict` is for every reader: the parties agreed to judge it together, and it tells no number.
    """

    indicator: str
    primary: bool
    knowable: date
    figure: Figure | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """A party at the table: who signs for it, and how the exchange with it stands where the reader may know."""

    name: str
    function: str = ""
    cases: int | None = None
    answered: int | None = None
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Earlier:
    """What came of the review before this one."""

    moment: date
    held_on: date
    outcome: str
    decided: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class MinutesFacts:
    """All of the minutes. `reader` is internal, all, or the name of the one party they are for.

    `number` and `of` place the moment among the agreed ones; `cut_off` is the day up to which was counted, that day
    excluded. `missed` and `unanswered` are the clause's own words.
    """

    agreement: str
    version: int
    digest: str
    title: str
    reader: str
    moment: date
    number: int
    of: int
    cut_off: date
    on: date
    sides: tuple[Side, ...]
    together: Side | None
    lines: tuple[Line, ...]
    missed: str
    unanswered: str
    answer_days: int
    about: str = ""
    earlier: Earlier | None = None
    points: tuple[ImprovementPoint, ...] = ()
    next_moment: date | None = None
    double_claims: int | None = None
    definitions: Mapping[str, DefinitionText] = field(default_factory=dict)
    load: int = 0
    program: str = ""

    @property
    def primary(self) -> Line | None:
        """Return the line of the primary indicator."""
        return next((line for line in self.lines if line.primary), None)

    @property
    def missed_twice(self) -> bool:
        """Tell whether the target is not met now and was not met at the review before."""
        line = self.primary
        now = line is not None and line.verdict is Verdict.NOT_MET
        return now and self.earlier is not None and self.earlier.verdict == Verdict.NOT_MET.value


def write(facts: MinutesFacts, language: str, to: Path, *, reference: Path | None = None) -> None:
    """Write the minutes; the format is the file's ending, `reference` the practice's own letterhead."""
    pages.require_format(to, FORMATS)
    made = document(facts, language)
    if to.suffix.lower() == ".md":
        converting.publish(made.markdown.encode("utf-8"), to)
    else:
        converting.write(made, to, reference)


def document(facts: MinutesFacts, language: str) -> Document:
    """Return the minutes as Markdown."""
    text = markdown.render("minutes", language, _context(facts, language))
    title = say("reviewing.minutes-title", {"title": facts.title}, language)
    return Document(text, title, language, facts.on, style="report", labels=summarising.labels(language))


def _context(facts: MinutesFacts, language: str) -> dict[str, Any]:
    def title_of(line: Line) -> str:
        known = facts.definitions.get(line.indicator)
        return figures_text.words(known.title, language, line.indicator) if known else line.indicator

    return {
        "facts": facts,
        "primary": facts.primary,
        "title_of": title_of,
        "outcomes": tuple(say(f"reviewing.outcome-{one}", {}, language) for one in OUTCOMES),
        "outcome_of": lambda name: say(f"reviewing.outcome-{name}", {}, language),
        "verdict_of": lambda line: _verdict(line, language),
        "evidence": lambda figure: figures_text.evidence_text(figure, language),
        "blank": markdown.Markdown(r"\_" * 30),
        "short": markdown.Markdown(r"\_" * 12),
        "described": len([line for line in facts.lines if not line.primary]),
        "counted": [line for line in facts.lines if line.figure is not None],
        "waiting": [line for line in facts.lines if line.figure is None],
        "apart": [side for side in facts.sides if side.lines],
    }


OUTCOMES = ("continue", "improve", "revise", "end")


def _verdict(line: Line, language: str) -> str:
    """Say what the figure was judged; of one that was left out beside an earlier release nothing is said."""
    near = line.figure is not None and line.figure.masked == TOO_NEAR
    return figures_text.label("verdict", "masked" if near else line.verdict or "descriptive", language)
