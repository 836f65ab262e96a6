"""exchange load: the practice's own files in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common

if TYPE_CHECKING:
    from exchange.errors import SourceError
    from exchange.operations.loading import Loaded
    from exchange.operations.workspace import Workspace
    from exchange.store.quality import Quality

# So many reasons for rejecting lines are told; the rejects file has every line.
REASONS = 8
KINDS = ("pm304", "gds801", "table", "fhir", "prem", "index")


@click.command("load")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--as", "kind", type=click.Choice(KINDS), help="What the files are; else they are recognised.")
@click.option("--mapping", metavar="FILE|NAME", help="How a table's columns are to be read: a file or a shipped one.")
@click.option("--suggest", is_flag=True, help="Propose a mapping for a table and load nothing.")
@click.option("--dry-run", is_flag=True, help="Say what would happen and change nothing.")
@common
def command(
    speaker: Speaker, files: tuple[Path, ...], kind: str | None, mapping: str | None, suggest: bool, dry_run: bool
) -> int:
    """Load files of your own: claims (PM304, GDS801), tables of your EPD, FHIR. Twice the same changes nothing.

    Example: exchange load episodes.csv --mapping epd-episodes
    """
    from exchange.findings import Severity
    from exchange.operations import loading

    if suggest:
        proposed = {str(file): loading.suggest(file) for file in files}
        speaker.result(proposed)
        for text in proposed.values():
            speaker.line(text)
        return exits.DONE
    with speaker.workspace() as workspace:
        results, failed = _each(speaker, workspace, files, kind=kind, mapping=mapping, dry_run=dry_run)
        total = loading.total(results, workspace)
        doubtful = loading.quality(workspace)
        gap = workspace.settings.gap_days
    _told(speaker, results, dry_run=dry_run)
    names = ("patients", "episodes", "sessions", "measurements", "rejected")
    speaker.table(
        [speaker.say(f"program.{name}") for name in names],
        [[getattr(total, name) for name in names]],
        right=frozenset(range(len(names))),
    )
    _quality(speaker, doubtful, gap)
    document = {**{name: getattr(total, name) for name in names}, "files": results, "dry_run": dry_run}
    if failed:
        speaker.tell("loading.some-files", count=len(failed), of=len(files))
        codes = [speaker.error(error, quiet=speaker.as_json) for error in failed]
        errors = [speaker.described(error) for error in failed]
        speaker.result({**document, "quality": doubtful, "errors": errors, "exit": codes[0]})
        return codes[0]
    speaker.result({**document, "quality": doubtful})
    warned = any(one.severity is not Severity.INFORMATION for result in results for one in result.findings)
    return exits.FINDINGS if total.rejected or warned else exits.DONE


def _each(
    speaker: Speaker, workspace: Workspace, files: tuple[Path, ...], **how: Any
) -> tuple[list[Loaded], list[SourceError]]:
    """Load every file that can be read; of a single one that cannot the error is the answer."""
    from exchange.errors import SourceError
    from exchange.operations import loading

    results: list[Loaded] = []
    failed: list[SourceError] = []
    for file in files:
        try:
            with speaker.progress("program.loading") as step:
                results += loading.load(workspace, [file], progress=step, **how)
        except SourceError as error:
            failed.append(error)
    if failed and len(files) == 1:
        raise failed[0]
    return results, failed


def _told(speaker: Speaker, results: list[Loaded], *, dry_run: bool) -> None:
    for result in results:
        said = "program.load-already" if result.already else "program.load-dry" if dry_run else "program.load-done"
        speaker.tell(said, file=result.file, kind=result.kind)
        speaker.findings(result.findings)
        if any(one.rule == "episodes.service-unknown" for one in result.findings):
            speaker.tell("loading.unknown-codes")
        for reason in result.reasons[:REASONS]:
            why = speaker.say(reason.rule, field=reason.field)
            speaker.tell("loading.reason", count=reason.count, line=reason.line, field=reason.field, why=why)
        if result.rejects is not None:
            speaker.tell("program.load-rejects", count=result.rejected, file=result.rejects)


def _quality(speaker: Speaker, doubtful: Quality, gap: int) -> None:
    """Say in one line what is doubtful; nothing where nothing is."""
    parts = [
        speaker.say(f"loading.quality-{name}", count=count, gap=gap)
        for name, count in (
            ("open", doubtful.open_without_care),
            ("days", doubtful.days_to_come),
            ("codes", doubtful.codes_closed),
            ("same", doubtful.perhaps_same),
        )
        if count
    ]
    if parts:
        speaker.tell("loading.quality", parts="; ".join(parts))
