"""exchange keys: our own keys."""

from __future__ import annotations

import click

from exchange_cli.speaking import Speaker, common


@click.group("keys")
def command() -> None:
    """Our own keys: what they are, and the passphrase that locks them."""


@command.command("show")
@common
def show(speaker: Speaker) -> None:
    """Show our fingerprint, recipient and validity; never a secret.

    Example: exchange keys show
    """
    with speaker.workspace() as workspace:
        card = workspace.card
    rows = {
        "fingerprint": card.fingerprint,
        "serial": card.serial,
        "valid_from": card.valid_from,
        "valid_until": card.valid_until,
        "demo": card.demo,
    }
    for name, value in rows.items():
        shown = speaker.say("program.yes" if value else "program.no") if isinstance(value, bool) else value
        speaker.line(f"{speaker.say('program.keys-' + name.replace('_', '-')):<20} {shown}")
    speaker.result({**rows, "recipient": card.recipient})


@command.command("passphrase")
@common
def passphrase(speaker: Speaker) -> None:
    """Change the passphrase of the keystore; with --passphrase-fd the old one and the new one each on a line.

    Example: exchange keys passphrase
    """
    from exchange.operations import keeping

    with speaker.workspace() as workspace:
        name = workspace.settings.name
        old = speaker.passphrase(name)
        keeping.change_passphrase(workspace, old=old, new=speaker.passphrase(name, confirm=True, line=1))
    speaker.tell("program.keys-changed")
    speaker.result({"changed": True})
