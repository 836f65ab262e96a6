"""exchange plan: write the improvement plan with its transparency section."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common

if TYPE_CHECKING:
    from exchange.operations.workspace import Workspace


@click.command("plan")
@click.option(
    "--to", "files", multiple=True, type=click.Path(path_type=Path, dir_okay=False),
    help="A file to write: .docx, .html, .pdf or .md; may be repeated.",
)  # fmt: skip
@click.option("--ask", is_flag=True, help="Ask what only you can know; the answers are kept in plan-answers.toml.")
@click.option("--final", is_flag=True, help="The edition to send: no blanks, three pages and an annex.")
@click.option("--progress", "progress", is_flag=True, help="Plan against realised, improvement point by point.")
@common
def command(speaker: Speaker, files: tuple[Path, ...], ask: bool, final: bool, progress: bool) -> int:
    """Write the improvement plan for the insurer: a draft with marked blanks, or the final edition.

    The final edition and the progress are what you send: their counts are entered in the ledger of releases.

    Example: exchange plan --to plan.docx

    Example: exchange plan --progress --to progress.docx
    """
    from exchange.operations import summarising

    if not files and not ask:
        raise click.UsageError(speaker.say("program.plan-what"))
    if progress and (final or not files):
        raise click.UsageError(speaker.say("program.plan-progress"))
    with speaker.workspace() as workspace:
        if ask:
            _ask(speaker, workspace)
        if not files:
            return exits.DONE
        with speaker.progress("program.writing") as step:
            if progress:
                written = summarising.progress_of_plan(workspace, files, language=speaker.asked, progress=step)
            else:
                edition = "final" if final else "draft"
                written = summarising.plan(workspace, files, edition=edition, language=speaker.asked, progress=step)
    for file in written.files:
        speaker.tell("program.written", file=file)
    if progress or final:
        speaker.tell("program.released")
    else:
        speaker.tell("program.preview")
        speaker.tell("program.preview-plan")
    if written.missing:
        speaker.tell("program.plan-missing", count=len(written.missing))
        for question in written.missing:
            speaker.line(f"  • {question}")
    speaker.findings(written.findings)
    speaker.result(written)
    return exits.FINDINGS if written.findings else exits.DONE


def _ask(speaker: Speaker, workspace: Workspace) -> None:
    from exchange.operations import asking, summarising

    folder = workspace.folder
    still_open = summarising.still_open(workspace)
    open_questions = asking.questions(folder, speaker.language, still_open=still_open)
    if not sys.stdin.isatty():
        asking.write_blank(folder, open_questions)
        speaker.tell("program.plan-answers", file=folder / asking.FILE)
        return
    for question in open_questions:
        answer = click.prompt(
            question.text, default=question.answer or "", show_default=bool(question.answer), err=True
        )
        asking.answer(folder, question.id, answer)
    speaker.tell("program.plan-answers", file=folder / asking.FILE)
