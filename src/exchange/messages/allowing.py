"""Which elements an agreement lets through, whole or in a coarser form."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from exchange.errors import MessageError
from exchange.records.elements import elements


@dataclass(frozen=True, slots=True)
class Allowed:
    """Element id -> the form that is allowed: empty for whole, else a generalisation of elements.json."""

    forms: Mapping[str, str]

    @classmethod
    def of(cls, names: Collection[str]) -> Allowed:
        """Read element ids; `patient.birth-date:year` allows only the coarser form. Whole wins over coarser.

        Raises MessageError for an id or a form that elements.json does not list: a misspelt name must not quietly
        mean that less is sent than was agreed.
        """
        forms: dict[str, str] = {}
        known = elements()
        for name in sorted(names):
            element, _, form = name.partition(":")
            if element not in known or (form and form not in known[element].generalisations):
                raise MessageError("messages.unknown-element", element=name)
            if forms.get(element) != "":
                forms[element] = form
        return cls(forms)

    def whole(self, element: str) -> bool:
        """Say whether the element may be told as it is."""
        return self.forms.get(element) == ""

    def coarser(self, element: str, form: str) -> bool:
        """Say whether the element may be told in just this coarser form."""
        return self.forms.get(element) == form

    def some(self, element: str) -> bool:
        """Say whether the element may be told in any form."""
        return element in self.forms
