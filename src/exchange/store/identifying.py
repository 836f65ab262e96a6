"""Which ways of naming a patient are one person: a function of all of them together, whatever order they came in.

A file names a patient by a BSN, by the EPD's number, by a system's own id, or by several at once. Ways that share
an identifier are one patient, and the patient's id is that of the strongest identifier. A BSN is never two people:
where an EPD number stands beside two different BSNs, that number is left on its own and reported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Naming:
    """One way in which a file names a patient: ids (nodes) of the identifiers it gives, empty where it gives none."""

    source_id: str
    bsn: str
    epd: str
    key: str

    @property
    def nodes(self) -> tuple[str, ...]:
        """Return the identifiers that are given, strongest first."""
        return tuple(node for node in (self.bsn, self.epd, self.key) if node)


@dataclass(frozen=True, slots=True)
class Identified:
    """The patient of every way of naming one; `ambiguous` counts identifiers that stood beside two BSNs."""

    patients: Mapping[str, str]
    ambiguous: int = 0


@dataclass(slots=True)
class _Forest:
    """Which nodes hang together."""

    parent: dict[str, str] = field(default_factory=dict)

    def top(self, node: str) -> str:
        """Return the node that stands for the whole tree."""
        self.parent.setdefault(node, node)
        while self.parent[node] != node:
            self.parent[node] = self.parent[self.parent[node]]
            node = self.parent[node]
        return node

    def join(self, one: str, other: str) -> None:
        """Make two trees one."""
        self.parent[self.top(one)] = self.top(other)


def identify(namings: Iterable[Naming]) -> Identified:
    """Give every way of naming a patient its patient's id. Give whole components: all that share an identifier."""
    forest = _Forest()
    known = list(namings)
    for naming in known:
        for node in naming.nodes[1:]:
            forest.join(naming.nodes[0], node)
    components: dict[str, list[Naming]] = defaultdict(list)
    for naming in known:
        if naming.nodes:
            components[forest.top(naming.nodes[0])].append(naming)
    patients: dict[str, str] = {}
    ambiguous = 0
    for component in components.values():
        found = _one_person(component) if len(_bsns(component)) < 2 else _several(component)
        patients.update(found.patients)
        ambiguous += found.ambiguous
    return Identified(patients, ambiguous)


def _bsns(component: Iterable[Naming]) -> set[str]:
    return {naming.bsn for naming in component if naming.bsn}


def _one_person(component: list[Naming]) -> Identified:
    for kind in ("bsn", "epd", "key"):
        nodes = [node for naming in component if (node := getattr(naming, kind))]
        if nodes:
            return Identified({naming.source_id: min(nodes) for naming in component})
    raise AssertionError


def _several(component: list[Naming]) -> Identified:
    """Each BSN is a person; what stands beside one BSN only goes with it, the rest is told apart again."""
    beside: dict[str, set[str]] = defaultdict(set)
    for naming in component:
        for node in naming.nodes[1:] if naming.bsn else ():
            beside[node].add(naming.bsn)
    patients: dict[str, str] = {}
    rest: list[Naming] = []
    for naming in component:
        owners = {naming.bsn} if naming.bsn else set().union(*(beside.get(node, set()) for node in naming.nodes))
        if len(owners) == 1:
            patients[naming.source_id] = owners.pop()
        else:
            rest.append(naming)
    ambiguous = {node for node, owners in beside.items() if len(owners) > 1}
    patients.update(identify(rest).patients)
    return Identified(patients, len(ambiguous))
