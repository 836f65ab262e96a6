"""exchange keys: our own keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange_cli import remembering
from exchange_cli.speaking import Speaker, common, remembered

if TYPE_CHECKING:
    from exchange.operations.rotating import Own
    from exchange.operations.workspace import Workspace


@click.group("keys")
def command() -> None:
    """Our own keys: show, lock, rotate, revoke, back up, share with a second laptop, destroy."""


@command.command("show")
@common
def show(speaker: Speaker) -> None:
    """Show our fingerprint, recipient and validity, and every earlier card; never a secret.

    Example: exchange keys show
    """
    from exchange.operations import rotating

    with speaker.workspace() as workspace:
        card = workspace.card
        cards = rotating.cards(workspace)
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
    if len(cards) > 1:
        speaker.line()
        speaker.table(
            [speaker.say(f"program.keys-{name}") for name in ("card", "state", "opens-until", "fingerprint")],
            [[one.serial, _state(speaker, one), one.opens_until, one.fingerprint] for one in cards],
        )
    speaker.result({**rows, "recipient": card.recipient, "cards": cards})


def _state(speaker: Speaker, one: Own) -> str:
    state = speaker.say(f"program.keys-state-{one.state}")
    return f"{state}, {speaker.say('program.keys-state-destroyed')}" if one.destroyed else state


@command.command("passphrase")
@click.option("--remember", is_flag=True, help="Keep it in the system's keyring instead of changing it.")
@click.option("--forget", is_flag=True, help="Remove it from the system's keyring.")
@common
def passphrase(speaker: Speaker, remember: bool, forget: bool) -> None:
    """Change the passphrase of the keystore; with --passphrase-fd the old one and the new one each on a line.

    Example: exchange keys passphrase
    """
    from exchange.operations import keeping

    with speaker.workspace() as workspace:
        name = workspace.settings.name
        if forget:
            remembering.forget(name)
        elif remember:
            keeping.require_passphrase(workspace)
            old = speaker.passphrase(name, asked=True)
            workspace.unlock(old)
            remembering.remember(name, old)
        else:
            keeping.require_passphrase(workspace)
            old = speaker.passphrase(name)
            new = speaker.passphrase(name, confirm=True, line=1)
            keeping.change_passphrase(workspace, old=old, new=new)
            if remembered(name) is not None:
                remembering.remember(name, new)
    rule = "program.keys-forgotten" if forget else "program.keys-remembered" if remember else "program.keys-changed"
    speaker.tell(rule)
    speaker.result({"changed": not (forget or remember), "remembered": remember})


@command.command("rotate")
@click.option("--overlap", default=30, show_default=True, help="Days in which the old card still opens.")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write what partners need to this file.")
@common
def rotate(speaker: Speaker, overlap: int, to: Path | None) -> None:
    """Make new keys and a new card, signed by the old keys. Give the file to every partner.

    Example: exchange keys rotate --to rotation.json
    """
    from exchange.operations import files, rotating

    with speaker.workspace() as workspace:
        turned = rotating.rotate(workspace, passphrase=_unlocked(speaker, workspace), overlap_days=overlap)
    if to is not None:
        files.write(to, turned.file.read_bytes())
    speaker.tell("program.keys-rotated", serial=turned.serial, until=turned.until)
    speaker.tell("program.fingerprint", fingerprint=turned.fingerprint)
    speaker.tell("program.keys-give", file=to or turned.file, partners=", ".join(turned.partners) or "-")
    speaker.result(turned)


@command.command("revoke")
@click.option("--reason", required=True, help="Why, as partners may read it.")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write what partners need to this file.")
@common
def revoke(speaker: Speaker, reason: str, to: Path | None) -> None:
    """Revoke our card, because somebody else may have its keys, and make new keys that partners verify anew.

    Example: exchange keys revoke --reason "a laptop was stolen" --to revocation.json
    """
    from exchange.operations import files, rotating

    with speaker.workspace() as workspace:
        turned = rotating.revoke(workspace, reason=reason, passphrase=_unlocked(speaker, workspace))
    if to is not None:
        files.write(to, turned.file.read_bytes())
    speaker.tell("program.keys-revoked", old=turned.serial - 1, serial=turned.serial)
    speaker.tell("program.fingerprint", fingerprint=turned.fingerprint)
    speaker.tell("program.keys-give-revocation", file=to or turned.file, partners=", ".join(turned.partners) or "-")
    if turned.agreements:
        speaker.tell("program.agreements-anew", agreements=", ".join(turned.agreements))
    speaker.result(turned)


@command.command("backup")
@click.option("--to", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Where to write it.")
@common
def backup(speaker: Speaker, to: Path) -> None:
    """Write the whole workspace into one file under the passphrase: keys, data, agreements, settings.

    Example: exchange keys backup --to /media/usb/practice-2026-11.age
    """
    from exchange.operations import backups

    with speaker.workspace() as workspace:
        made = backups.make(workspace, to, passphrase=_sealing(speaker, workspace))
    speaker.tell("program.backup-made", file=made.file, files=made.files, size=made.size)
    if not made.store:
        speaker.tell("program.backup-server")
    speaker.result(made)


@command.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@common
def restore(speaker: Speaker, file: Path, folder: Path) -> None:
    """Make a workspace from a backup, in a new folder; partners see no replay, for every stream counts anew.

    Example: exchange keys restore /media/usb/practice-2026-11.age practice
    """
    restored(speaker, file, folder)


def restored(speaker: Speaker, file: Path, folder: Path) -> None:
    """Restore a backup or take up an invitation, and say which it was."""
    from exchange.operations import backups

    made = backups.restore(
        file, folder, passphrase=speaker.passphrase(file.name, asked=True), now=speaker.now(), on=speaker.today(),
        user=speaker.user(),
    )  # fmt: skip
    if made.kind == backups.BACKUP:
        day = f"{made.made:%Y-%m-%d %H:%M} UTC"
        speaker.tell("program.backup-restored", folder=folder, made=day)
        speaker.tell("program.backup-after", made=day)
    else:
        speaker.tell("program.joined", folder=folder, name=made.name, partners=made.partners)
    speaker.result(made)


@command.command("join")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write an invitation to this file.")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Take newer keys from an invitation, after the other laptop changed them.",
)
@common
def join(speaker: Speaker, to: Path | None, source: Path | None) -> None:
    """Invite a second laptop of this organisation (keys, partners, agreements, no patients), or take its newer keys.

    Example: exchange keys join --to /media/usb/second-laptop.age
    """
    from exchange.operations import joining

    if (to is None) == (source is None):
        raise click.UsageError(speaker.say("program.join-what"))
    with speaker.workspace() as workspace:
        if to is not None:
            made = joining.invite(workspace, to, passphrase=_sealing(speaker, workspace))
            speaker.tell("program.invitation-made", file=made.file)
            speaker.result(made)
        elif source is not None:
            own = _unlocked(speaker, workspace)
            line = 0 if own is None else 1
            same = own is not None and joining.opens_with(source, own)
            opens = own if same and own is not None else speaker.passphrase(source.name, asked=True, line=line)
            serial = joining.renew(workspace, source, passphrase=own, opens=opens)
            speaker.tell("program.keys-renewed", serial=serial)
            speaker.tell("program.fingerprint", fingerprint=workspace.card.fingerprint)
            speaker.result({"serial": serial, "fingerprint": workspace.card.fingerprint})


@command.command("destroy")
@click.option("--dry-run", is_flag=True, help="Only say what is due.")
@click.option("--backups-gone", is_flag=True, help="You destroyed the backups that hold these keys.")
@common
def destroy(speaker: Speaker, dry_run: bool, backups_gone: bool) -> None:
    """Destroy earlier transport keys that are past their overlap and 90 days, under a signed record.

    Example: exchange keys destroy --dry-run
    """
    from exchange.operations import rotating

    with speaker.workspace() as workspace:
        unlocked = _unlocked(speaker, workspace)
        if dry_run:
            serials = tuple(one.serial for one in rotating.due(workspace))
            done = rotating.Destroyed(serials, None)
        else:
            done = rotating.destroy(workspace, passphrase=unlocked, backups_gone=backups_gone)
    listed = ", ".join(map(str, done.serials))
    if not done.serials:
        speaker.tell("program.keys-nothing-due")
    elif dry_run:
        speaker.tell("program.keys-due", serials=listed)
    else:
        speaker.tell("program.keys-destroyed", serials=listed, file=done.record)
    speaker.result(done)


def _unlocked(speaker: Speaker, workspace: Workspace) -> str | None:
    """Unlock the keys once, and return what they have to be locked with again; None in a demo workspace."""
    given = None if workspace.settings.demo else speaker.passphrase(workspace.settings.name)
    workspace.unlock(given)
    return given


def _sealing(speaker: Speaker, workspace: Workspace) -> str:
    """Return what a backup is sealed with: the workspace's passphrase, or one that is asked where it has none."""
    given = _unlocked(speaker, workspace)
    return speaker.passphrase(workspace.settings.name, confirm=True) if given is None else given
