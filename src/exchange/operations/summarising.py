"""Write the summary and the improvement plan: only aggregates leave, after disclosure control and the BSN detector."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
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
    found: list[Finding] = []
    for number, file in enumerate(to, 1):
        file.parent.mkdir(parents=True, exist_ok=True)
        pages.summary(facts, chosen, file, reference=_letterhead(workspace))
        found += _require_no_bsn(workspace, file)
        if progress is not None:
            progress(number, len(to))
    _note(workspace, "summary", audience, to)
    return Written(tuple(to), findings=tuple(found))


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
    found: list[Finding] = []
    for number, file in enumerate(to, 1):
        file.parent.mkdir(parents=True, exist_ok=True)
        for blank in pages.plan(facts, chosen, edition, file, reference=_letterhead(workspace)):
            missing[blank] = words.get(blank, blank)
        found += _require_no_bsn(workspace, file)
        if progress is not None:
            progress(number, len(to))
    _note(workspace, f"plan-{edition}", audience, to)
    return Written(tuple(to), tuple(missing.values()), tuple(found))


def _letterhead(workspace: Workspace) -> Path | None:
    """Return the practice's own Word reference document, where it put one in its workspace."""
    own = workspace.folder / REFERENCE
    return own if own.is_file() else None


def _note(workspace: Workspace, document: str, audience: str, to: Sequence[Path]) -> None:
    trail.note(workspace, "document", object=document, detail=f"{audience}: {', '.join(file.name for file in to)}")


def _require_no_bsn(workspace: Workspace, file: Path) -> tuple[Finding, ...]:
    """Remove a document that holds the BSN of a patient and raise; return other nine digits as warnings."""
    found = detector.check(texts(file), known=workspace.store.knows_bsn, allowed=lambda _path: False)
    if any(one.severity is Severity.ERROR for one in found):
        file.unlink(missing_ok=True)
        trail.note(workspace, "document-refused", outcome="refused", object=file.name)
        raise ReportError("summarising.bsn", hints=("hint.summarising-bsn",), file=file.name)
    return found


def texts(file: Path) -> Iterator[tuple[str, str]]:
    """Yield the texts of a document with their place: what a reader can see of it, and its properties."""
    yield f"{file.name} (name)", file.name
    suffix = file.suffix.lower()
    if suffix in {".docx", ".xlsx"}:
        with zipfile.ZipFile(file) as package:
            for name in package.namelist():
                if name.endswith((".xml", ".rels")):
                    yield f"{file.name}/{name}", _without_tags(package.read(name).decode("utf-8", "replace"))
    elif suffix == ".json":
        yield file.name, json.dumps(json.loads(file.read_text(encoding="utf-8")), ensure_ascii=False)
    elif suffix in {".html", ".md"}:
        yield file.name, _without_tags(file.read_text(encoding="utf-8"))


def _without_tags(text: str) -> str:
    """Drop tags, scripts and pictures, so that digits of a drawing are not read as a number."""
    import re

    without = re.sub(r"(?is)<(script|style|svg)\b.*?</\1>|data:[a-z/+;=0-9-]+,[^\"')\s]*", " ", text)
    return re.sub(r"<[^>]*>", "\n", without)
