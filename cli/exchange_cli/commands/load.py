"""exchange load: the practice's own files in."""

from __future__ import annotations

from pathlib import Path

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common

KINDS = ("pm304", "gds801", "table", "fhir", "prem", "index")


@click.command("load")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
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
    from exchange.operations import loading

    if suggest:
        speaker.result({str(file): loading.suggest(file) for file in files})
        for file in files:
            speaker.line(loading.suggest(file))
        return exits.DONE
    with speaker.workspace() as workspace, speaker.progress("program.loading") as step:
        results = loading.load(workspace, files, kind=kind, mapping=mapping, dry_run=dry_run, progress=step)
    total = loading.total(results)
    for result in results:
        said = "program.load-already" if result.already else "program.load-dry" if dry_run else "program.load-done"
        speaker.tell(said, file=result.file, kind=result.kind)
        speaker.findings(result.findings)
        if result.rejects is not None:
            speaker.tell("program.load-rejects", count=result.rejected, file=result.rejects)
    names = ("patients", "episodes", "sessions", "measurements", "rejected")
    speaker.table(
        [speaker.say(f"program.{name}") for name in names],
        [[getattr(total, name) for name in names]],
        right=frozenset(range(len(names))),
    )
    speaker.result({**{name: getattr(total, name) for name in names}, "files": results, "dry_run": dry_run})
    return exits.FINDINGS if total.rejected else exits.DONE
