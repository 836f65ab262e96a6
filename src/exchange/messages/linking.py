"""Say whether all resources of a message hang together, and whether its Task puts out each result.

It answers for a message of which all references lead to an entry. First it looks where a message of ours has its
references; only where that does not show it, each reference of each resource is followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from exchange.messages.rules import RESULTS, TASK

Resource = Mapping[str, Any]
Resources = Mapping[str, Resource]
Links = dict[str, set[str]]


def all_linked(by_url: Resources, by_kind: Mapping[str, list[str]], header: str) -> bool:
    """Say that the header names a Task, that its output leads to each result, and that nothing stands apart."""
    focus = {_target(each) for each in by_url[header]["focus"]}
    tasks = by_kind.get(TASK, [])
    if focus.isdisjoint(tasks):
        return False
    return (len(tasks) == 1 and _plainly(by_url, by_kind, header, tasks[0])) or _surely(by_url, by_kind, header, tasks)


def _plainly(by_url: Resources, by_kind: Mapping[str, list[str]], header: str, task: str) -> bool:
    """Look at the outputs of the one Task, and then for the subject of whatever it does not put out."""
    says = by_url[task]
    output = {_target(one["valueReference"]) for one in says.get("output", ())}
    results = {url for kind in RESULTS for url in by_kind.get(kind, ())} - output
    if results:
        put_out = (by_url[url] for url in by_kind.get("Observation", ()) if url in output)
        results -= {_target(each) for one in put_out for each in one.get("derivedFrom", ())}
    if results:
        return False
    named = {_target(says.get(name)) for name in ("focus", "for", "requester", "owner")}
    named |= {_target(by_url[header].get("sender")), header, task}
    named |= output
    return all(not named.isdisjoint(_about(by_url[url])) for url in by_url.keys() - named)


def _about(resource: Resource) -> Iterator[str | None]:
    """Yield what a resource of ours is about."""
    for name in ("subject", "patient", "organization"):
        if name in resource:
            yield _target(resource[name])
    if resource["resourceType"] == "Provenance":
        yield from (_target(each) for each in resource["target"])


def _target(node: Any) -> str | None:
    return node.get("reference") if type(node) is dict else None


def _surely(by_url: Resources, by_kind: Mapping[str, list[str]], header: str, tasks: list[str]) -> bool:
    links = {url: set(_references(resource)) & by_url.keys() for url, resource in by_url.items()}
    output = {target for url in tasks for target in _references(by_url[url].get("output", []))}
    put_out = _reached(links, output & by_url.keys())
    if any(url not in put_out for kind in RESULTS for url in by_kind.get(kind, ())):
        return False
    both: Links = {url: set(linked) for url, linked in links.items()}
    for url, linked in links.items():
        for each in linked:
            both[each].add(url)
    return len(_reached(both, {header})) == len(by_url)


def _references(node: Any) -> Iterator[str]:
    todo = [node]
    while todo:
        each = todo.pop()
        if type(each) is list:
            todo.extend(each)
        elif type(each) is dict:
            target = each.get("reference")
            if type(target) is str:
                yield target
            todo.extend(each.values())


def _reached(links: Links, start: set[str]) -> set[str]:
    reached, todo = set(start), list(start)
    while todo:
        new = links[todo.pop()] - reached
        reached |= new
        todo.extend(new)
    return reached
