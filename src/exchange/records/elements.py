"""The one list of data elements: what can be agreed on, exchanged, stored and counted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from exchange import shipped


@dataclass(frozen=True, slots=True)
class Element:
    """One data element; `id` is what agreements and definitions name.

    `attribute` is `Record.attribute` of `records.model` (or empty), `column` is `table.column` of the store,
    `fhir` the leaf paths that may carry it in a message. `sensitivity` is one of identity, health, process,
    aggregate. `generalisations` are the allowed coarser forms, finest first.

    A leaf path is `Type.name.name…`, without positions. What FHIR repeats for different things carries a slice in
    brackets: `Observation[answer.imaging]` by the code it has in the project's observation list, `identifier[bsn]`
    and `coding[dcsph]` by the short name of the system (`messages.codes.SYSTEMS`), `extension[access]` by the
    project's extension, `component[count]` and `population[aggregate.…]` by their code.
    """

    id: str
    attribute: str
    column: str
    fhir: tuple[str, ...]
    label: Mapping[str, str]
    plain: Mapping[str, str]
    sensitivity: str
    generalisations: tuple[str, ...]


@cache
def elements() -> Mapping[str, Element]:
    """Return every element of schemas/elements.json by id, in the file's order."""
    listed = json.loads(shipped.schemas("elements.json").read_text(encoding="utf-8"))["elements"]
    return {
        item["id"]: Element(
            id=item["id"],
            attribute=item["attribute"],
            column=item["column"],
            fhir=tuple(item["fhir"]),
            label=item["label"],
            plain=item["plain"],
            sensitivity=item["sensitivity"],
            generalisations=tuple(item["generalisations"]),
        )
        for item in listed
    }
