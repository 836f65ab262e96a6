"""An agreement as signed: everything in it came out of the signed bytes, nothing out of today's templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exchange.agreements.agreement import Agreement, Text


def base(element: str) -> str:
    """Return the element's id without the coarser form."""
    return element.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause as rendered in one language; `text` is Markdown."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Flow:
    """What one kind of message from one role may carry: element ids, sorted as in schemas/elements.json.

    `patient.birth-date:year` allows only that coarser form; an element by itself allows every form of it.
    """

    sender: str
    event: str
    elements: tuple[str, ...]

    def allows(self, element: str) -> bool:
        """Say whether an element, or `element:form`, may travel here."""
        return element in self.elements or base(element) in self.elements


@dataclass(frozen=True, slots=True)
class Window:
    """The longest time after the end of a treatment that an indicator still looks at."""

    months: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True)
class Frozen:
    """The content of a signed agreement; `digest` is the SHA-256 of its payload bytes, 64 hex digits.

    `labels` are the elements' labels and plain words by language; `definitions` the full indicator definitions.
    """

    agreement: Agreement
    digest: str
    flows: tuple[Flow, ...]
    clauses: Mapping[str, tuple[Clause, ...]]
    definitions: tuple[Mapping[str, Any], ...]
    labels: Mapping[str, Mapping[str, Text]]
    window: Window

    def flow(self, event: str, sender: str) -> Flow | None:
        """Return what this kind of message from this role may carry, or nothing."""
        return next((flow for flow in self.flows if flow.event == event and flow.sender == sender), None)

    def title(self, clause: str, language: str) -> str:
        """Return a clause's number and title as printed, or its id where the agreement has no such clause."""
        for number, one in enumerate(self.clauses.get(language, ()), start=1):
            if one.id == clause:
                return f"{number}. {one.title}"
        return clause
