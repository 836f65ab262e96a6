"""exchange summary: write the indicator summary."""

from __future__ import annotations

from pathlib import Path

import click

from exchange_cli.speaking import Speaker, common


@click.command("summary")
@click.option(
    "--to", "files", multiple=True, required=True, type=click.Path(path_type=Path, dir_okay=False),
    help="A file to write: .html, .docx, .pdf, .xlsx or .json; may be repeated.",
)  # fmt: skip
@click.option("--for", "audience", type=click.Choice(["internal", "insurer"]), default="insurer", help="Who reads it.")
@common
def command(speaker: Speaker, files: tuple[Path, ...], audience: str) -> None:
    """Write the indicator summary: what we agreed, what we see, how sure, what we do next.

    Example: exchange summary --to summary.html
    """
    from exchange.operations import summarising

    with speaker.workspace() as workspace, speaker.progress("program.writing") as step:
        written = summarising.summary(workspace, files, audience=audience, language=speaker.asked, progress=step)
    for file in written.files:
        speaker.tell("program.written", file=file)
    speaker.findings(written.findings)
    speaker.result(written)
