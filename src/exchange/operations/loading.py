"""Load the practice's own files, each whole or not at all; bad rows go to a rejects file."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import SourceError
from exchange.findings import Finding, Severity, say
from exchange.operations import files, trail
from exchange.operations.tallying import Tally
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.sources.reading import Reading
    from exchange.sources.rejects import Rejects
    from exchange.store.deriving import Rebuilding
    from exchange.store.loading import Batch
    from exchange.store.quality import Quality

# Under which name the store keeps what settings its episodes were derived by.
_SETTINGS = "rebuilding"
_REJECTS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Reason:
    """Why rows were not taken: which rule a field broke, how often, and on which line first."""

    field: str
    rule: str
    count: int
    line: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one file brought: new or changed records, and rows that were not taken (in `rejects`)."""

    file: str
    kind: str
    already: bool
    patients: int
    episodes: int
    sessions: int
    measurements: int
    rejected: int
    load: int
    rejects: Path | None = None
    findings: tuple[Finding, ...] = field(default=())
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Total:
    """The counts of several files together."""

    patients: int
    episodes: int
    sessions: int
    measurements: int
    rejected: int


def load(
    workspace: Workspace,
    files_: Sequence[Path],
    *,
    kind: str | None = None,
    mapping: str | Path | None = None,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Loaded, ...]:
    """Load files in the order given; the same file twice changes nothing. A file that can't be read stores nothing."""
    loaded = []
    rebuilt = () if dry_run else _rebuilt(workspace)
    for file in files_:
        try:
            one = _one(workspace, file, kind, mapping, dry_run=dry_run, progress=progress)
            loaded.append(replace(one, findings=(*rebuilt, *one.findings)))
            rebuilt = ()
        except SourceError as error:
            error.params.setdefault("file", file.name)  # with several files: which of them it was
            raise
    return tuple(loaded)


def total(results: Sequence[Loaded], workspace: Workspace | None = None) -> Total:
    """Add up what several files brought; with the workspace a record that two of them changed counts once."""
    names = ("patients", "episodes", "sessions", "measurements")
    counts = {name: sum(getattr(one, name) for one in results) for name in names}
    fresh = [one.load for one in results if not one.already]
    # A dry run leaves no records: it can only be added up.
    if workspace is not None and len(fresh) > 1 and workspace.store.last_load() >= max(fresh):
        counts = workspace.store.changed_in(fresh)
    return Total(**counts, rejected=sum(one.rejected for one in results))


def quality(workspace: Workspace) -> Quality:
    """Return how often something is doubtful in the data as they stand now: counts, no patient."""
    return workspace.store.survey.quality(on=workspace.on, gap_days=workspace.settings.gap_days)


def suggest(file: Path) -> str:
    """Return a mapping for a table as TOML text, from its headers; only column names are repeated."""
    from exchange.sources.suggesting import suggest as proposal

    try:
        return proposal(file)
    except SourceError as error:
        error.params.setdefault("file", file.name)
        raise


def rebuilding(workspace: Workspace) -> Rebuilding:
    """Return the workspace's settings for deriving episodes: gap, map of service codes, our own AGB codes.

    The practice's own map adds to the shipped one.
    """
    import json

    from exchange.episodes.services import read_services, shipped_services
    from exchange.store.deriving import Rebuilding

    services = shipped_services()
    if workspace.settings.services:
        services = read_services(json.dumps({"lists": {}, **workspace.settings.services})).over(services)
    agb = [text.partition(":")[2] for text in sorted(workspace.parties) if text.startswith("agb:")]
    return Rebuilding(
        gap_days=workspace.settings.gap_days,
        services=services,
        declarant=agb[0] if agb else "",
        also=frozenset(agb[1:]),
    )


def rebuild_where_changed(workspace: Workspace) -> tuple[Finding, ...]:
    """Derive all episodes and sessions anew where the settings changed since the last load; say so where it did."""
    return _rebuilt(workspace)


def _rebuilt(workspace: Workspace) -> tuple[Finding, ...]:
    """Derive all episodes and sessions anew where the settings are not those of the load before; say so."""
    import hashlib

    settings = rebuilding(workspace)
    parts = (
        settings.gap_days,
        sorted((*key, meant.value) for key, meant in settings.services.types.items()),
        sorted((key, meant.value) for key, meant in settings.services.end_reasons.items()),
        settings.declarant,
        sorted(settings.also),
    )
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()
    before = workspace.store.setting(_SETTINGS)
    if before == digest:
        return ()
    with workspace.store.at_once(savepoints=False):
        if before:
            workspace.store.rebuild(settings, by=workspace.user, at=workspace.now)
            trail.note(workspace, "rebuilt")
        workspace.store.set_setting(_SETTINGS, digest)
    return (Finding("loading.rebuilt", severity=Severity.INFORMATION),) if before else ()


def _one(
    workspace: Workspace,
    file: Path,
    kind: str | None,
    mapping: str | Path | None,
    *,
    dry_run: bool,
    progress: Callable[[int, int], None] | None,
) -> Loaded:
    from exchange.sources.reading import read

    reading = read(file, kind=kind, mapping=mapping, on=workspace.on)
    settings = rebuilding(workspace)
    tally = Tally(settings.also | {settings.declarant} - {""})
    # One transaction: a crash leaves neither a load that the trail does not know nor one without its rejects.
    with nullcontext() if dry_run else workspace.store.at_once(savepoints=False):
        batch = _stored(workspace, reading, tally, settings, dry_run=dry_run, progress=progress)
        if not dry_run and not batch.already:
            trail.note(workspace, "loaded", object=f"file:{file.name}", detail=f"{reading.kind} {batch.counts}")
        rejects = _write_rejects(workspace, file, batch.rejected) if batch.rejected and not dry_run else None
    counts = {} if batch.already else batch.counts
    return Loaded(
        file=file.name,
        kind=reading.kind,
        already=batch.already,
        patients=counts.get("patients", 0),
        episodes=counts.get("episodes", 0),
        sessions=counts.get("sessions", 0),
        measurements=counts.get("measurements", 0),
        rejected=_lines(reading, batch.rejected),
        load=batch.load_id,
        rejects=rejects,
        reasons=_reasons(batch.rejected),
        findings=(*_test_message(workspace, reading), *_tallied(batch.already, tally, reading), *batch.findings),
    )


def _stored(
    workspace: Workspace,
    reading: Reading,
    tally: Tally,
    settings: Rebuilding,
    *,
    dry_run: bool,
    progress: Callable[[int, int], None] | None,
) -> Batch:
    size = max(1, reading.path.stat().st_size)
    with workspace.store.loading(
        kind=reading.kind,
        file_name=reading.path.name,
        digest=_digest(reading.digest, reading.mapping.digest if reading.mapping is not None else ""),
        by=workspace.user,
        at=workspace.now,
        settings=settings,
        dry_run=dry_run,
    ) as batch:
        if not batch.already:
            for number, row in enumerate(reading.rows()):
                batch.add(row)
                tally.see(row)
                if progress is not None and number % 1000 == 0:
                    progress(min(number * 200, size), size)  # a row is some 200 bytes; exact only at the end
    return batch


def _reasons(rejected: Rejects) -> tuple[Reason, ...]:
    """Count what was not taken by field and rule, the most frequent first."""
    return tuple(Reason(name, rule, count, first) for name, rule, count, first in rejected.reasons())


def _lines(reading: Reading, rejected: Rejects) -> int:
    """Count what was not taken: of a table the lines, however many rules one of them breaks."""
    return rejected.lines() if reading.mapping is not None else len(rejected)


def _tallied(already: bool, tally: Tally, reading: Reading) -> tuple[Finding, ...]:
    return () if already else tally.findings(reading)


def _test_message(workspace: Workspace, reading: Reading) -> tuple[Finding, ...]:
    """Warn of a claims file that calls itself a test message, unless this workspace is one for tests."""
    if not reading.test or workspace.settings.demo:
        return ()
    return (Finding("sources.test-message", reading.path.name, Severity.WARNING),)


def _digest(content: str, mapping: str) -> str:
    """Return what decides the rows of a file: its bytes and the mapping it is read by."""
    import hashlib

    return content if not mapping else hashlib.sha256(f"{content}|{mapping}".encode("ascii", "replace")).hexdigest()


def _write_rejects(workspace: Workspace, file: Path, rejected: Rejects) -> Path:
    """Write line, field, rule and what it means; never what stood there."""
    target = workspace.folder / "reports" / f"afgekeurd-{file.stem}.csv"
    files.write(target, _reject_lines(rejected, workspace.settings.language))
    return target


def _reject_lines(rejected: Rejects, language: str) -> Iterator[bytes]:
    """Yield the rejects file in pieces."""
    meaning = cache(lambda name, rule: say(rule, {"field": name}, language))
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
    writer.writerow(["regel", "veld", "code", "toelichting"])
    yield codecs.BOM_UTF8
    for number, one in enumerate(rejected, start=1):
        writer.writerow([one.line, one.field, one.rule, meaning(one.field, one.rule)])
        if number % _REJECTS_AT_ONCE == 0:
            yield stream.getvalue().encode()
            stream.seek(0)
            stream.truncate()
    yield stream.getvalue().encode()
