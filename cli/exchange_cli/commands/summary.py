"""exchange summary: write the indicator summary, or explain one of its numbers."""

from __future__ import annotations

from pathlib import Path

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common


@click.command("summary")
@click.option(
    "--to", "files", multiple=True, type=click.Path(path_type=Path, dir_okay=False),
    help="A file to write: .html, .docx, .pdf, .xlsx, .json, .md or .fhir.json; may be repeated.",
)  # fmt: skip
@click.option("--for", "audience", type=click.Choice(["internal", "insurer"]), default="insurer", help="Who reads it.")
@click.option("--release", is_flag=True, help="This is the edition that is sent: enter its counts in the ledger.")
@click.option("--explain", metavar="FIGURE", help="From a number (ID or ID@AGREEMENT) back to records; local only.")
@common
def command(speaker: Speaker, files: tuple[Path, ...], audience: str, release: bool, explain: str | None) -> int:
    """Write the indicator summary: what we agreed, what we see, how sure, what we do next.

    With --explain one number is walked back to its definition, query, cases and messages. That is for the practice
    alone, goes to the screen only, and is noted in the log of each patient whose case is shown.

    Example: exchange summary --to summary.html

    Example: exchange summary --explain substitution-net@gp-2026
    """
    from exchange.operations import summarising

    if explain is not None:
        if files or release:
            raise click.UsageError(speaker.say("program.explain-alone"))
        return _explain(speaker, explain)
    if not files:
        raise click.UsageError(speaker.say("program.summary-what"))
    with speaker.workspace() as workspace, speaker.progress("program.writing") as step:
        written = summarising.summary(
            workspace, files, audience=audience, language=speaker.asked, release=release, progress=step
        )
    for file in written.files:
        speaker.tell("program.written", file=file)
    if release:
        speaker.tell("program.released")
    elif audience == "insurer":
        speaker.tell("program.preview")
        speaker.tell("program.preview-summary")
    speaker.findings(written.findings)
    speaker.result(written)
    return exits.FINDINGS if written.findings else exits.DONE


def _explain(speaker: Speaker, figure: str) -> int:
    from exchange.operations import explaining

    with speaker.workspace() as workspace:
        told = explaining.explain(workspace, figure, language=speaker.language)
    for line in explaining.lines(told, speaker.language):
        speaker.line(line)
    speaker.findings(told.findings)
    speaker.result(told)
    return exits.FINDINGS if told.findings else exits.DONE
