"""Rules for a message as a whole: the Bundle's invariants, its references, and the closed loop of the Task."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from exchange.findings import Finding, Severity
from exchange.messages.codes import EVENTS, SYSTEMS
from exchange.messages.looking import at, coded, items
from exchange.messages.schema import targets
from exchange.messages.surveying import Entry, Pointer, Survey

_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RELATIVE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?$")
RESULTS = frozenset({"Observation", "MeasureReport", "QuestionnaireResponse"})
TASK = "Task"
_EVENTS = tuple(EVENTS)

Places = Iterator[str]


def _type(found: Survey) -> str:
    """Return the type of the Bundle; what is no text is no type, and is a finding of the schema."""
    written = found.bundle.get("type")
    return written if isinstance(written, str) else ""


def _entries(found: Survey) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, entry in enumerate(found.bundle.get("entry") or ()):
        if isinstance(entry, dict):
            yield f"Bundle.entry[{number}]", entry


def _bdl_1(found: Survey) -> Places:
    if "total" in found.bundle and _type(found) not in {"searchset", "history"}:
        yield "Bundle.total"


def _bdl_2(found: Survey) -> Places:
    if _type(found) != "searchset":
        yield from (f"{path}.search" for path, entry in _entries(found) if "search" in entry)


def _bdl_3(found: Survey) -> Places:
    wanted = _type(found) in {"batch", "transaction", "history"}
    yield from (f"{path}.request" for path, entry in _entries(found) if ("request" in entry) != wanted)


def _bdl_4(found: Survey) -> Places:
    wanted = _type(found) in {"batch-response", "transaction-response", "history"}
    yield from (f"{path}.response" for path, entry in _entries(found) if ("response" in entry) != wanted)


def _bdl_5(found: Survey) -> Places:
    for path, entry in _entries(found):
        if not entry.keys() & {"resource", "request", "response"}:
            yield path


def _bdl_7(found: Survey) -> Places:
    if _type(found) == "history":
        return
    seen = set()
    for entry in found.entries:
        key = (entry.url, str(at(entry.resource, "meta", "versionId")))
        if entry.url and key in seen:
            yield f"Bundle.entry[{entry.number}].fullUrl"
        seen.add(key)


def _bdl_8(found: Survey) -> Places:
    yield from (f"Bundle.entry[{each.number}].fullUrl" for each in found.entries if "/_history/" in each.url)


def _bdl_9(found: Survey) -> Places:
    identified = all(isinstance(at(found.bundle, "identifier", name), str) for name in ("system", "value"))
    if _type(found) == "document" and not identified:
        yield "Bundle.identifier"


def _bdl_10(found: Survey) -> Places:
    if _type(found) == "document" and "timestamp" not in found.bundle:
        yield "Bundle.timestamp"


def _bdl_11(found: Survey) -> Places:
    first = found.by_number.get(0)
    if _type(found) == "document" and (first is None or first.kind != "Composition"):
        yield "Bundle.entry[0]"


def _bdl_12(found: Survey) -> Places:
    first = found.by_number.get(0)
    if first is None or first.kind != "MessageHeader":
        yield "Bundle.entry[0]"


def _urn(found: Survey) -> Places:
    for entry in found.entries:
        if entry.url.startswith("urn:uuid:") and not _UUID.fullmatch(entry.url):
            yield f"Bundle.entry[{entry.number}].fullUrl"


def _no_url(found: Survey) -> Places:
    yield from (f"Bundle.entry[{each.number}].fullUrl" for each in found.entries if not each.url)


def _second_header(found: Survey) -> Places:
    yield from (each.path for each in found.of_kind("MessageHeader") if each.number != 0)


def _unresolved(found: Survey) -> Places:
    for pointer in found.pointers:
        if pointer.target.startswith("urn:") and found.resolve(pointer) is None:
            yield pointer.path


def _outside(found: Survey) -> Places:
    for pointer in found.pointers:
        if not pointer.target.startswith(("urn:", "#")) and found.resolve(pointer) is None:
            yield pointer.path


def _contained(found: Survey) -> Places:
    named: dict[int, set[str]] = {}
    for pointer in found.pointers:
        if pointer.target.startswith("#") and pointer.target != "#":
            if pointer.entry not in named:
                contained = items(found.by_number[pointer.entry].resource, "contained")
                named[pointer.entry] = {each["id"] for each in contained if isinstance(each.get("id"), str)}
            if pointer.target[1:] not in named[pointer.entry]:
                yield pointer.path


def _wrong_target(found: Survey) -> Places:
    for pointer in found.pointers:
        wanted = targets().get(pointer.element)
        if wanted is None:
            continue
        kind = _kind_of(found, pointer)
        if kind is not None and kind not in wanted:
            yield pointer.path


def _kind_of(found: Survey, pointer: Pointer) -> str | None:
    entry = found.resolve(pointer)
    if entry is not None:
        return entry.kind
    return kind_named(pointer.target)


def kind_named(reference: str) -> str | None:
    """Return the resource type that a relative or absolute reference names."""
    relative = _RELATIVE.search(reference)
    return relative.group(1) if relative else None


def _graph(found: Survey) -> dict[int, set[int]]:
    links: dict[int, set[int]] = {entry.number: set() for entry in found.entries}
    for pointer in found.pointers:
        target = found.resolve(pointer)
        if target is not None:
            links[pointer.entry].add(target.number)
    return links


def _reached(links: dict[int, set[int]], start: set[int]) -> set[int]:
    reached, todo = set(start), list(start)
    while todo:
        for number in links.get(todo.pop(), set()) - reached:
            reached.add(number)
            todo.append(number)
    return reached


def _apart(found: Survey) -> Places:
    """Follow references both ways: a Provenance points at what it is about, nothing points at it."""
    links = _graph(found)
    both = {number: set(linked) for number, linked in links.items()}
    for number, linked in links.items():
        for each in linked:
            both[each].add(number)
    reached = _reached(both, {0})
    yield from (entry.path for entry in found.entries if entry.number not in reached)


def _not_in_output(found: Survey) -> Places:
    tasks = found.of_kind("Task")
    if not tasks:
        return
    numbers = {task.number for task in tasks}
    start = {
        target.number
        for pointer in found.pointers
        if pointer.entry in numbers
        and pointer.element.startswith("Task.output.")
        and (target := found.resolve(pointer)) is not None
    }
    reached = _reached(_graph(found), start)
    yield from (each.path for each in found.entries if each.kind in RESULTS and each.number not in reached)


def _contradiction(found: Survey) -> Places:
    """Hold status and business status together, where the business status is one of ours."""
    for task in found.of_kind("Task"):
        business = coded(task.resource.get("businessStatus"), "business-status")
        if business is None:
            continue
        allowed = [event.states[business] for event in _events_of(found) if business in event.states]
        if task.resource.get("status") not in allowed:
            yield f"{task.path}.businessStatus"


def _events_of(found: Survey) -> Iterator[Any]:
    code = at(found.bundle, "entry", 0, "resource", "eventCoding", "code")
    known = EVENTS.get(code) if isinstance(code, str) else None
    yield from [known] if known is not None else EVENTS.values()


def _without_reason(found: Survey) -> Places:
    """Ask a reason of a Task that failed or was refused by someone else's system; ours says it in the event."""
    for task in found.of_kind("Task"):
        unexplained = "statusReason" not in task.resource and "businessStatus" not in task.resource
        if task.resource.get("status") in ("failed", "rejected") and unexplained:
            yield f"{task.path}.statusReason"


def _unknown_event(found: Survey) -> Places:
    header = at(found.bundle, "entry", 0, "resource")
    coding = at(header, "eventCoding")
    ours = at(coding, "system") == SYSTEMS["event"] and at(coding, "code") in _EVENTS
    if at(header, "resourceType") == "MessageHeader" and not ours:
        yield "Bundle.entry[0].MessageHeader.eventCoding"


def _focus(found: Survey) -> Places:
    header: Entry | None = found.by_number.get(0)
    if header is None or header.kind != "MessageHeader":
        return
    pointed = [each for each in found.pointers if each.entry == 0 and each.element == "MessageHeader.focus"]
    if not any((target := found.resolve(each)) is not None and target.kind == "Task" for each in pointed):
        yield "Bundle.entry[0].MessageHeader.focus"


Rule = tuple[str, Severity, Callable[[Survey], Places]]

REFERENCES: tuple[Rule, ...] = (
    ("messages.contained", Severity.ERROR, _contained),
    ("messages.target", Severity.ERROR, _wrong_target),
)
"""Rules that the references of any resource must keep."""

BUNDLE: tuple[Rule, ...] = (
    ("messages.bdl-1", Severity.ERROR, _bdl_1),
    ("messages.bdl-2", Severity.ERROR, _bdl_2),
    ("messages.bdl-3", Severity.ERROR, _bdl_3),
    ("messages.bdl-4", Severity.ERROR, _bdl_4),
    ("messages.bdl-5", Severity.ERROR, _bdl_5),
    ("messages.bdl-7", Severity.ERROR, _bdl_7),
    ("messages.bdl-8", Severity.ERROR, _bdl_8),
    ("messages.bdl-9", Severity.ERROR, _bdl_9),
    ("messages.bdl-10", Severity.ERROR, _bdl_10),
    ("messages.bdl-11", Severity.ERROR, _bdl_11),
    ("messages.urn", Severity.ERROR, _urn),
    ("messages.unresolved", Severity.ERROR, _unresolved),
    *REFERENCES,
)
"""Rules that any Bundle must keep."""

OF_TASKS: tuple[Rule, ...] = (
    ("messages.contradiction", Severity.ERROR, _contradiction),
    ("messages.no-status-reason", Severity.WARNING, _without_reason),
    ("messages.unknown-event-code", Severity.WARNING, _unknown_event),
)
"""Rules that a message must keep and that look at the header and the tasks alone."""

MESSAGE: tuple[Rule, ...] = (
    ("messages.bdl-12", Severity.ERROR, _bdl_12),
    ("messages.second-header", Severity.ERROR, _second_header),
    ("messages.no-full-url", Severity.ERROR, _no_url),
    ("messages.outside", Severity.WARNING, _outside),
    ("messages.apart", Severity.WARNING, _apart),
    ("messages.not-in-output", Severity.ERROR, _not_in_output),
    *OF_TASKS,
    ("messages.focus", Severity.ERROR, _focus),
)
"""Rules that a message must keep beside those."""


def check_rules(found: Survey, rules: tuple[Rule, ...]) -> Iterator[Finding]:
    """Yield a finding for each place where a rule is broken."""
    for rule, severity, places in rules:
        yield from (Finding(rule, path, severity) for path in places(found))
