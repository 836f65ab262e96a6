"""exchange init: make a workspace with its keys."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from exchange_cli.commands import keys
from exchange_cli.speaking import Speaker, common


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", help="The organisation's name.")
@click.option("--id", "party", metavar="SCHEME:NUMBER", help="Its identifier: agb, ura, kvk or oin.")
@click.option("--also", multiple=True, metavar="SCHEME:NUMBER", help="Another identifier; may be repeated.")
@click.option("--contact", default="", help="How partners reach you to compare fingerprints.")
@click.option("--insurer", default="", help="Whom the improvement plan is for.")
@click.option("--store", default="store.db", help="A file in the workspace, or a PostgreSQL URL.")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A backup, or the invitation of another laptop of this organisation.",
)
@click.option("--no-passphrase", is_flag=True, help="A demo workspace: exchanges with demo cards only.")
@common
def command(
    speaker: Speaker,
    folder: Path,
    name: str | None,
    party: str | None,
    also: tuple[str, ...],
    contact: str,
    insurer: str,
    store: str,
    source: Path | None,
    no_passphrase: bool,
) -> None:
    """Make a workspace: settings, keys, an encrypted store. Asks for what is missing, on a terminal.

    Example: exchange init practice --name "My practice" --id agb:07999990 --no-passphrase
    """
    from exchange.operations.workspace import Workspace

    if source is not None:
        keys.restored(speaker, source, folder)
        return
    name = name or _ask(speaker, "program.ask-name", "--name")
    party = party or _ask(speaker, "program.ask-party", "--id")
    passphrase = None if no_passphrase else speaker.passphrase(name, confirm=True)
    with Workspace.create(
        folder,
        party=party,
        name=name,
        contact=contact,
        also=also,
        passphrase=passphrase,
        now=speaker.now(),
        on=speaker.today(),
        user=speaker.user(),
        store=store,
        insurer=insurer,
    ) as workspace:
        speaker.tell("program.init-done", folder=folder, name=workspace.settings.name)
        speaker.tell("program.fingerprint", fingerprint=workspace.card.fingerprint)
        speaker.result(
            {"workspace": folder, "party": workspace.settings.party, "fingerprint": workspace.card.fingerprint}
        )


def _ask(speaker: Speaker, rule: str, option: str) -> str:
    if not sys.stdin.isatty() or speaker.as_json:
        raise click.UsageError(speaker.say("program.missing-option", option=option))
    answer: str = click.prompt(speaker.say(rule), err=True)
    return answer
