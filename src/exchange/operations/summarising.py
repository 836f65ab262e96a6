"""Write the summary and the improvement plan: only aggregates leave, after disclosure control and the BSN detector."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import ReportError
from exchange.findings import Finding, Severity, disk
from exchange.operations import asking, choosing, norming, omitting, releasing, trail
from exchange.operations.composing import Composer
from exchange.operations.workspace import Workspace
from exchange.records import detector

if TYPE_CHECKING:
    from exchange.store.releases import ReleasedCell

REFERENCE = "letterhead.docx"
FHIR = ".fhir.json"
# What the letter argues with.
_ARGUED = (choosing.PER_YEAR,)


@dataclass(frozen=True, slots=True)
class Written:
    """The files that were written, what is still open (as questions), and findings: nine digits, styles, onward use."""

    files: tuple[Path, ...]
    missing: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def summary(
    workspace: Workspace,
    to: Sequence[Path],
    *,
    audience: str = "insurer",
    language: str | None = None,
    release: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Written:
    """Write the indicator summary in every format asked for; `release` enters what it publishes in the ledger."""
    from exchange.reports import bundle, converting, pages

    chosen = language or workspace.settings.language
    composer = Composer(workspace, audience, chosen)
    if release and not composer.outside:
        raise ReportError("summarising.release-internal", hints=("hint.summarising-release",))
    facts = composer.summary()
    if not composer.outside:
        # For the practice alone: nothing in it is withheld. Where no change can be judged the page has no use for it.
        found = norming.tables(workspace, language=chosen)
        judged = any(one.basis != "none" for one in found.tables)
        facts = dataclasses.replace(facts, reliable=found if judged else None)

    def write(file: Path, reference: Path | None) -> tuple[str, ...]:
        if file.name.lower().endswith(FHIR):
            known = [asked.definition for asked, _, _ in composer.published]
            converting.publish(bundle.bundle(facts, known, chosen), file)
        else:
            pages.summary(facts, chosen, file, reference=reference)
        return ()

    return _write(composer, "summary", facts, to, write, release=release, progress=progress)


def plan(
    workspace: Workspace,
    to: Sequence[Path],
    *,
    edition: str = "draft",
    audience: str = "insurer",
    language: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Written:
    """Write the improvement plan as a draft with marked blanks, or as the final edition that refuses them.

    The final edition enters what it publishes in the release ledger, and is refused where that would tell too much.
    """
    from exchange.reports import pages
    from exchange.reports.questions import questions

    chosen = language or workspace.settings.language
    composer = Composer(workspace, audience, chosen)
    facts = composer.plan(asking.answers(workspace.folder))

    def write(file: Path, reference: Path | None) -> tuple[str, ...]:
        return pages.plan(facts, chosen, edition, file, reference=reference)

    final = edition == "final"
    written = _write(composer, f"plan-{edition}", facts, to, write, main=_ARGUED, release=final, progress=progress)
    words = {one.id: one.question[chosen] for one in questions()}
    return dataclasses.replace(written, missing=tuple(words.get(blank, blank) for blank in written.missing))


def still_open(workspace: Workspace) -> tuple[str, ...]:
    """Return the ids of the brackets that neither the data nor the answers so far fill."""
    from exchange.reports.planning import from_data
    from exchange.reports.questions import Blanks

    given = asking.answers(workspace.folder)
    facts = Composer(workspace, "insurer", workspace.settings.language).plan(given)
    blanks = Blanks(from_data(facts, workspace.settings.language), given, workspace.settings.language)
    return tuple(one.id for one in blanks.missing())


def progress_of_plan(
    workspace: Workspace,
    to: Sequence[Path],
    *,
    audience: str = "insurer",
    language: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Written:
    """Write plan against realised, improvement point by improvement point: what the insurer asks half a year later.

    It has no draft: for the insurer what it publishes is entered in the ledger.
    """
    from exchange.reports import pages

    chosen = language or workspace.settings.language
    composer = Composer(workspace, audience, chosen)
    facts = composer.progress(asking.answers(workspace.folder))

    def write(file: Path, reference: Path | None) -> tuple[str, ...]:
        pages.progress(facts, chosen, file, reference=reference)
        return ()

    points = {one.indicator for one in workspace.store.figures.improvements() if one.indicator}
    return _write(composer, "plan-progress", facts, to, write, main=points, release=composer.outside, progress=progress)


def _write(
    composer: Composer,
    document: str,
    facts: object,
    to: Sequence[Path],
    write: Callable[[Path, Path | None], tuple[str, ...]],
    *,
    main: Collection[str] = (),
    release: bool,
    progress: Callable[[int, int], None] | None,
) -> Written:
    """Look at everything first, then write every file, then enter in the ledger what was published.

    A draft that outsiders read is held to the ledger like what is sent, and entered nowhere. `main` are the indicators
    without which the document has no sense; where none are named, it is all of them together.
    """
    workspace = composer.workspace
    reference, found = _letterhead(workspace, to)
    found += _require_no_bsn(workspace, facts, to)
    cells, beside = _published(composer, main, release=release) if composer.outside else ((), ())
    missing: dict[str, None] = {}
    done: list[Path] = []
    try:
        for number, file in enumerate(to, 1):
            with disk.writing(file):
                file.parent.mkdir(parents=True, exist_ok=True)
            missing.update(dict.fromkeys(write(file, reference)))
            done.append(file)
            if progress is not None:
                progress(number, len(to))
        if release:
            releasing.record(workspace, document, cells)
    except BaseException:
        # No document of a release that the ledger does not have may be left to send.
        for file in done if release else ():
            file.unlink(missing_ok=True)
        raise
    _note(workspace, document, composer.audience, to)
    return Written(tuple(to), tuple(missing), (*found, *beside))


def _published(
    composer: Composer, main: Collection[str], *, release: bool
) -> tuple[tuple[ReleasedCell, ...], tuple[Finding, ...]]:
    """Return the counts that a document publishes, and what to know: what was left out, and whose answers may not go.

    ReportError where what the document is about was left out.
    """
    near, workspace = composer.beside, composer.workspace
    about = {identity for identity, one in composer.asked.items() if one.definition.id in main and not one.group_by}
    omitting.require_rest(workspace, near, composer.language, about or None)
    cells = releasing.require_new(
        workspace, composer.published, composer.language, preview=not release, ledger=near.ledger
    )
    return cells, (*near.findings(composer.language), *composer.onward.findings)


def _letterhead(workspace: Workspace, to: Sequence[Path]) -> tuple[Path | None, tuple[Finding, ...]]:
    """Return the practice's own Word reference document, where it put one in its workspace and Word is asked for.

    ReportError for what is no plain Word document; a warning names the styles it lacks.
    """
    from exchange.reports import word

    own = workspace.folder / REFERENCE
    if not own.is_file() or not any(file.suffix.lower() == ".docx" for file in to):
        return None, ()
    lacking = word.missing_styles(word.usable(own))
    if not lacking:
        return own, ()
    params = {"file": REFERENCE, "styles": ", ".join(lacking)}
    return own, (Finding("summarising.styles", REFERENCE, Severity.WARNING, params=params),)


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
