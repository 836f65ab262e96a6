"""Markdown from templates: what a person typed can never become markup, whatever it holds."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from exchange import shipped
from exchange.findings import say
from exchange.reports import figures_text, numbers

# Characters that mean something to pandoc's Markdown anywhere in a line (smart quotes are off, raw HTML is off).
_MEANING = re.compile(r"([\\`*_{}\[\]<>|~^$@&!#])")
# What only means something where a line begins: lists, headings, quotations, definitions, rules, title blocks.
_OPENING = re.compile(r"^(\(?[0-9A-Za-z]{1,9}(?=[.)](\s|$))|)(?=[.)+\-=:%\"'])")
# Invisible marks that turn the reading order around; a name must not be able to rearrange a sentence.
_REORDERING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


# A name of 300 characters must not fill the first page; it stands in full at its own section.
_CELL = 80


class Markdown(str):
    """Text that is Markdown already and is printed as it stands."""

    __slots__ = ()


def plain(text: str) -> str:
    """Return text on one line, without control characters and without marks that reorder it."""
    kept = "".join(" " if unicodedata.category(letter) in {"Cc", "Zl", "Zp"} else letter for letter in text)
    return " ".join(_REORDERING.sub("", kept).split())


def escape(text: str) -> Markdown:
    """Return any text as Markdown that shows exactly this text; right-to-left text keeps its own direction."""
    line = _MEANING.sub(r"\\\1", plain(text))
    line = _OPENING.sub(r"\1\\", line)
    if any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in line):
        return Markdown(f'[{line}]{{dir="rtl"}}')
    return Markdown(line)


def paragraphs(text: str) -> Markdown:
    """Return a longer answer as paragraphs: an empty line parts them, everything else is escaped."""
    parts = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return Markdown("\n\n".join(escape(part) for part in parts if part.strip()))


def _finalize(value: object) -> object:
    """Escape whatever a template prints, unless our own code made it as Markdown."""
    if isinstance(value, Markdown) or not isinstance(value, str):
        return value
    return escape(value)


@cache
def environment() -> ImmutableSandboxedEnvironment:
    """Return the sandbox in which templates run; every printed value goes through `escape`."""
    # Autoescape is about HTML; here `finalize` escapes for Markdown, and pandoc escapes for what comes after it.
    jinja = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(shipped.schemas("templates")),
        autoescape=False,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    jinja.filters["paragraphs"] = paragraphs
    jinja.filters["cells"] = lambda texts: Markdown(" | ".join(escape(text) for text in texts))
    jinja.filters["shorten"] = lambda text: text if len(text) <= _CELL else text[: _CELL - 1].rstrip() + "…"
    jinja.filters["first_capital"] = lambda text: text[:1].upper() + text[1:]
    return jinja


def render(template: str, language: str, context: Mapping[str, Any]) -> str:
    """Render `<template>.<language>.md`, with the filters that speak that language."""
    jinja = environment().overlay()
    jinja.filters = dict(jinja.filters)
    jinja.filters.update(_speaking(language))
    text: str = jinja.get_template(f"{template}.{language}.md").render(**context)
    # Blocks that printed nothing leave runs of empty lines behind.
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _speaking(language: str) -> dict[str, Any]:
    """Return the filters that depend on the language."""
    return {
        "number": lambda value, decimals=1: numbers.number(value, language, decimals),
        "shortest": lambda value, decimals=1: numbers.shortest(value, language, decimals),
        "percent": lambda value, decimals=1: numbers.percent(value, language, decimals),
        "count": lambda value: numbers.count(value, language),
        "day": lambda value: numbers.day(value, language),
        "words": lambda texts: figures_text.words(texts, language),
        "label": lambda name, family: figures_text.label(family, name, language),
        "say": lambda rule, **params: say(f"reports.{rule}", params, language),
        "value": lambda figure: figures_text.value_text(figure, language),
        "interval": lambda figure: figures_text.interval_text(figure, language),
        "bounds": lambda figure: figures_text.bounds_text(figure, language),
        "counts": lambda figure: figures_text.counts_text(figure, language),
        "rests": lambda figure: figures_text.rests_on(figure, language),
        "unknown": lambda figure: figures_text.count_of(figure, "unknown", language),
        "target": lambda figure: "–" if figure.target is None else figures_text.amount(figure, figure.target, language),
        "baseline": lambda figure: figures_text.amount(figure, figure.baseline, language),
        "verdict": lambda figure: figures_text.verdict_text(figure, language),
        "endnote": lambda figure: figures_text.endnote(figure, language),
        "before_after": figures_text.before_after,
        "period": lambda pair: numbers.period(pair[0], pair[1], language),
    }
