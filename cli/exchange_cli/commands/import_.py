"""exchange import: take in what a partner sealed, or a form that came back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange.errors import ExchangeError
from exchange_cli import exits
from exchange_cli.reaching import login, reaching
from exchange_cli.speaking import Speaker, common

if TYPE_CHECKING:
    from exchange.operations.forms import FormTaken
    from exchange.operations.importing import Imported


@click.command("import")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--from", "folder", metavar="FOLDER|sftp://…", help="Every sealed file of a folder or of an SFTP server's folder."
)
@click.option(
    "--after",
    type=click.Choice(["keep", "move", "delete"]),
    help="With --from: what becomes of a file that was taken in. A folder keeps it; a server moves it to done/.",
)
@click.option("--agreement", help="For a form: the agreement it belongs to.")
@click.option("--partner", help="For a form: the party it came from.")
@click.option("--how", default="", help="For a form: how you know who sent it.")
@click.option(
    "--receipt", type=click.Path(path_type=Path, dir_okay=False),
    help="For a form: a page for who returned it (.docx, .pdf, .html or .md).",
)  # fmt: skip
@reaching
@common
def command(
    speaker: Speaker,
    files: tuple[Path, ...],
    folder: str | None,
    after: str | None,
    agreement: str | None,
    partner: str | None,
    how: str,
    receipt: Path | None,
    host_key: str,
    identity: Path | None,
    ssh_secret_fd: int | None,
) -> int:
    """Open, check, ask the gate, store. A file that was taken in before is said to be so and changes nothing.

    Example: exchange import inbox/file.age
    """
    from exchange.operations import forms, importing

    if not files and folder is None:
        raise click.UsageError(speaker.say("program.no-files"))
    if receipt is not None and len([file for file in files if file.suffix.lower() == ".xlsx"]) != 1:
        raise click.UsageError(speaker.say("program.receipt-one"))
    with speaker.workspace() as workspace, speaker.progress("program.importing") as step:
        sheets = [file for file in files if file.suffix.lower() == ".xlsx"]
        sealed = [file for file in files if file.suffix.lower() != ".xlsx"]
        read = [
            forms.take_in(
                workspace,
                file,
                agreement=agreement or "",
                partner=partner or "",
                how=how,
                receipt=receipt,
                language=speaker.asked or "nl",
            )
            for file in sheets
        ]
        into = login(speaker, host_key, identity, ssh_secret_fd)
        failed: list[ExchangeError] = []
        results = importing.take_in(
            workspace, sealed, folder=folder, after=after, login=into, progress=step, failed=failed
        )
    if len(failed) == 1 and not results and not read:
        raise failed[0]
    return _told(speaker, results, read, failed)


def _told(speaker: Speaker, results: tuple[Imported, ...], read: list[FormTaken], failed: list[ExchangeError]) -> int:
    """Say what became of each file: what was taken in first, then each that was not with its own error."""
    for form in read:
        speaker.tell("program.import-form", file=form.file, answers=form.answers, party=form.party)
        speaker.findings(form.findings)
        if form.receipt is not None:
            speaker.tell("program.import-receipt", file=form.receipt, party=form.party)
    for one in results:
        speaker.tell(
            f"program.import-{one.state}",
            file=one.file,
            party=one.party,
            kind=one.kind,
            messages=one.messages,
            cases=one.cases,
            answers=one.answers,
        )
        speaker.findings(one.findings)
    document = {"files": results, "forms": read}
    if failed:
        codes = [speaker.error(error, quiet=speaker.as_json) for error in failed]
        errors = [speaker.described(error) for error in failed]
        speaker.result({**document, "error": errors[0], "errors": errors, "exit": codes[0]})
        return codes[0]
    speaker.result(document)
    found = [*(one.findings for one in results), *(form.findings for form in read)]
    problems = any(finding.severity != "information" for some in found for finding in some)
    return exits.FINDINGS if problems else exits.DONE
