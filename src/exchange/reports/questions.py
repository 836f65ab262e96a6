"""The brackets of the letter: what fills each one, what is still open, and how an open one is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from exchange import shipped
from exchange.findings import say
from exchange.reports import markdown
from exchange.reports.facts import Words
from exchange.reports.figures_text import words
from exchange.reports.markdown import Markdown


@dataclass(frozen=True, slots=True)
class Question:
    """One bracket: `filled_from` is data, asked or data-or-asked; a required one must be filled before sending."""

    id: str
    where: str
    filled_from: str
    required: bool
    long: bool
    question: Words
    blank: Words


@cache
def questions() -> tuple[Question, ...]:
    """Return every bracket of the letter in the order in which it is asked."""
    read = json.loads(shipped.schemas("templates", "plan-questions.json").read_text(encoding="utf-8"))
    return tuple(
        Question(
            one["id"],
            one["where"],
            one["from"],
            one["required"],
            one.get("long", False),
            one["question"],
            one["blank"],
        )
        for one in read["questions"]
    )


class Blanks:
    """Fills the brackets of one letter; data go before answers, and nothing is made up."""

    def __init__(self, data: Mapping[str, str], answers: Mapping[str, str], language: str) -> None:
        """Take what the data say and what was answered."""
        self._known = {one.id: one for one in questions()}
        answered = {name: text for name, text in answers.items() if text.strip()}
        self._answered = answered
        self._filled = {**answered, **{name: text for name, text in data.items() if text.strip()}}
        self._language = language

    def has(self, name: str) -> bool:
        """Say whether a bracket is filled."""
        return name in self._filled

    def has_answer(self, name: str) -> bool:
        """Say whether a person answered this question."""
        return name in self._answered

    def fill(self, name: str) -> Markdown:
        """Return what stands in a bracket: its text on one line, or the marked blank."""
        if name in self._filled:
            # The sentence around it has its own full stop.
            return markdown.escape(self._filled[name].strip().rstrip("."))
        return self._blank(name)

    def fill_opening(self, name: str) -> Markdown:
        """Return what stands in a bracket that begins a sentence."""
        text = self._filled.get(name, "").strip()
        return markdown.escape(text[:1].upper() + text[1:]) if text else self._blank(name)

    def fill_long(self, name: str) -> Markdown:
        """Return a longer text in its paragraphs, ended as a sentence is, or the marked blank."""
        text = self._filled.get(name, "").strip()
        if not text:
            return self._blank(name)
        ended = text.rstrip(")]”’\"'")[-1:] in tuple(".!?…")
        return markdown.paragraphs(text if ended else text + ".")

    def _blank(self, name: str) -> Markdown:
        asked = words(self._known[name].blank, self._language)
        marked = say("reports.blank", {}, self._language)
        return Markdown(rf"[\[… {marked}: {markdown.escape(asked)}\]]{{.blank}}")

    def missing(self) -> tuple[Question, ...]:
        """Return every bracket that is still open, in order."""
        return tuple(one for one in questions() if one.id not in self._filled)
