"""exchange export: seal what an agreement lets out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange_cli import exits
from exchange_cli.reaching import login, reaching
from exchange_cli.speaking import Speaker, common, plain

if TYPE_CHECKING:
    from exchange.operations.carrying import Login


@click.command("export")
@click.argument("agreement", required=False)
@click.option(
    "--to", metavar="FOLDER|sftp://…", help="A folder or SFTP server to drop the files at; else they stay in outbox/."
)
@click.option("--dry-run", is_flag=True, help="Show every decision of the gate and write nothing.")
@click.option("--release", is_flag=True, help="Release nine digits that look like a BSN but are none of ours; logged.")
@click.option(
    "--acknowledge", is_flag=True, help="Only say what was received, at once; without AGREEMENT to everybody."
)
@click.option(
    "--again", type=click.IntRange(min=1), metavar="NUMBER", help="Only send the file with this number again."
)
@click.option("--cancel", type=click.IntRange(min=1), metavar="NUMBER", help="Take this file back: it was never sent.")
@click.option("--party", help="With --again or --cancel: which partner's file.")
@reaching
@common
def command(
    speaker: Speaker,
    agreement: str | None,
    to: str | None,
    dry_run: bool,
    release: bool,
    acknowledge: bool,
    again: int | None,
    cancel: int | None,
    party: str | None,
    host_key: str,
    identity: Path | None,
    ssh_secret_fd: int | None,
) -> int:
    """Export what is new under an agreement: one sealed file for each partner, only what the gate lets through.

    What was received from a partner is acknowledged in the same file.

    Example: exchange export gp-2026 --dry-run

    Example: exchange export --acknowledge

    Example: exchange export gp-2026 --party agb:01999991 --again 3
    """
    way = login(speaker, host_key, identity, ssh_secret_fd)
    if sum((dry_run, acknowledge, again is not None, cancel is not None)) > 1:
        raise click.UsageError(speaker.say("program.export-one-thing"))
    if agreement is None and (not acknowledge or to is not None):
        raise click.UsageError(speaker.say("program.export-which"))
    if acknowledge:
        return _acknowledge(speaker, agreement, to, way)
    if again is not None or cancel is not None:
        return _resend(speaker, str(agreement), again, cancel, party, to, way)
    return _export(speaker, str(agreement), to, way, dry_run=dry_run, release=release)


def _acknowledge(speaker: Speaker, agreement: str | None, to: str | None, way: Login) -> int:
    from exchange.operations import acknowledging

    with speaker.workspace() as workspace:
        sent = acknowledging.send(workspace, agreement, to=to, login=way)
    for one in sent:
        where = one.dropped or one.file
        speaker.tell("program.export-acknowledged", **plain(one) | {"file": where})
    if not sent:
        speaker.tell("program.export-no-receipt")
    speaker.result({"acknowledged": sent})
    return exits.DONE


def _resend(
    speaker: Speaker,
    agreement: str,
    again: int | None,
    cancel: int | None,
    party: str | None,
    to: str | None,
    way: Login,
) -> int:
    from exchange.operations import resending

    with speaker.workspace() as workspace:
        if again is not None:
            done = resending.again(workspace, agreement, again, party=party, to=to, login=way)
        else:
            done = resending.take_back(workspace, agreement, cancel or 0, party=party)
    what = "again" if again is not None else "taken-back"
    speaker.tell(f"program.export-{what}", file=done.dropped or done.file, party=done.party, number=done.sequence)
    speaker.result({what: done})
    return exits.DONE


def _export(speaker: Speaker, agreement: str, to: str | None, way: Login, *, dry_run: bool, release: bool) -> int:
    from exchange.operations import exporting

    with speaker.workspace() as workspace, speaker.progress("program.exporting") as step:
        result = exporting.export(
            workspace,
            agreement,
            to=to,
            login=way,
            dry_run=dry_run,
            release=release,
            language=speaker.language,
            progress=step,
        )
    for late in result.resumed:
        speaker.tell("program.export-resumed", file=late.dropped or late.file, party=late.party)
    for one in result.files:
        where = one.dropped or one.file
        if one.messages:
            speaker.tell("program.export-file", file=where, party=one.party, messages=one.messages, cases=one.cases)
        else:
            speaker.tell("program.export-receipt", file=where, party=one.party)
    if not result.files and not result.resumed and not dry_run:
        speaker.tell("program.export-nothing")
    for refused in result.refused:
        speaker.tell("program.export-refused", count=refused.count, party=refused.party)
        for premise in refused.premises:
            speaker.line(f"  {speaker.premise(premise)}")
    if dry_run:
        for decision in result.decisions:
            event = speaker.say(f"agreements.flow.{decision.event}")
            speaker.line(f"{decision.party}  {event} ({decision.event})")
            for premise in decision.premises:
                mark = "✓" if premise.satisfied else "✗"
                speaker.line(f"  {mark} {speaker.premise(premise)}")
    speaker.findings(result.findings)
    speaker.result(result)
    return exits.FINDINGS if result.refused or result.findings else exits.DONE
