"""Write the summary and the improvement plan: only aggregates leave, after disclosure control and the BSN detector."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exchange.errors import ReportError
from exchange.findings import Finding, Severity
from exchange.operations import asking, trail
from exchange.operations.composing import Composer
from exchange.operations.workspace import Workspace
from exchange.records import detector

REFERENCE = "letterhead.docx"


@dataclass(frozen=True, slots=True)
class Written:
    """The files that were written, what is still open (as questions), and findings of the BSN detector."""

    files: tuple[Path, ...]
    missing: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def summary(
    workspace: Workspace,
    to: Sequence[Path],
    *,
    audience: str = "insurer",
    language: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Written:
    """Write the indicator summary in every format asked for."""
    from exchange.reports import pages

    chosen = language or workspace.settings.language
    facts = Composer(workspace, audience, chosen).summary()
    found = _require_no_bsn(workspace, facts, to)
    for number, file in enumerate(to, 1):
        file.parent.mkdir(parents=True, exist_ok=True)
        pages.summary(facts, chosen, file, reference=_letterhead(workspace))
        if progress is not None:
            progress(number, len(to))
    _note(workspace, "summary", audience, to)
    return Written(tuple(to), findings=found)


def plan(
    workspace: Workspace,
    to: Sequence[Path],
    *,
    edition: str = "draft",
    audience: str = "insurer",
    language: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Written:
    """Write the improvement plan as a draft with marked blanks, or as the final edition that refuses them."""
    from exchange.reports import pages
    from exchange.reports.questions import questions

    chosen = language or workspace.settings.language
    facts = Composer(workspace, audience, chosen).plan(asking.answers(workspace.folder))
    words = {one.id: one.question[chosen] for one in questions()}
    missing: dict[str, str] = {}
    found = _require_no_bsn(workspace, facts, to)
    for number, file in enumerate(to, 1):
        file.parent.mkdir(parents=True, exist_ok=True)
        for blank in pages.plan(facts, chosen, edition, file, reference=_letterhead(workspace)):
            missing[blank] = words.get(blank, blank)
        if progress is not None:
            progress(number, len(to))
    _note(workspace, f"plan-{edition}", audience, to)
    return Written(tuple(to), tuple(missing.values()), found)


def _letterhead(workspace: Workspace) -> Path | None:
    """Return the practice's own Word reference document, where it put one in its workspace."""
    own = workspace.folder / REFERENCE
    return own if own.is_file() else None


def _note(workspace: Workspace, document: str, audience: str, to: Sequence[Path]) -> None:
    trail.note(workspace, "document", object=document, detail=f"{audience}: {', '.join(file.name for file in to)}")


def _require_no_bsn(workspace: Workspace, facts: object, to: Sequence[Path]) -> tuple[Finding, ...]:
    """Look through everything a document will say, and raise where it holds a patient's BSN; nothing is written then.

    Other nine digits come back as warnings. Facts are looked through and not files, so that every format is covered.
    """
    said = [*texts(facts), *((f"{file.name} (name)", file.name) for file in to)]
    found = detector.check(said, known=workspace.store.knows_bsn, allowed=lambda _path: False)
    if any(one.severity is Severity.ERROR for one in found):
        where = next(one.path for one in found if one.severity is Severity.ERROR)
        trail.note(workspace, "document-refused", outcome="refused", detail=where)
        raise ReportError("summarising.bsn", hints=("hint.summarising-bsn",), where=where)
    return found


def texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a tree of facts with its place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from texts(one, f"{path}.{key}")
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from texts(getattr(value, field.name), f"{path}.{field.name}" if path else field.name)
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for one in value:
            yield from texts(one, path)
