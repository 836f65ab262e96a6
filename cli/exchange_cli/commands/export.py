"""exchange export: seal what an agreement lets out."""

from __future__ import annotations

from pathlib import Path

import click

from exchange_cli import exits
from exchange_cli.reaching import login, reaching
from exchange_cli.speaking import Speaker, common


@click.command("export")
@click.argument("agreement")
@click.option(
    "--to", metavar="FOLDER|sftp://…", help="A folder or SFTP server to drop the files at; else they stay in outbox/."
)
@click.option("--dry-run", is_flag=True, help="Show every decision of the gate and write nothing.")
@click.option("--release", is_flag=True, help="Release nine digits that look like a BSN but are none of ours; logged.")
@reaching
@common
def command(
    speaker: Speaker,
    agreement: str,
    to: str | None,
    dry_run: bool,
    release: bool,
    host_key: str,
    identity: Path | None,
    ssh_secret_fd: int | None,
) -> int:
    """Export what is new under an agreement: one sealed file for each partner, only what the gate lets through.

    Example: exchange export gp-2026 --dry-run
    """
    from exchange.operations import exporting

    with speaker.workspace() as workspace, speaker.progress("program.exporting") as step:
        result = exporting.export(
            workspace,
            agreement,
            to=to,
            login=login(speaker, host_key, identity, ssh_secret_fd),
            dry_run=dry_run,
            release=release,
            language=speaker.language,
            progress=step,
        )
    for late in result.resumed:
        speaker.tell("program.export-resumed", file=late.dropped or late.file, party=late.party)
    for one in result.files:
        where = one.dropped or one.file
        speaker.tell("program.export-file", file=where, party=one.party, messages=one.messages, cases=one.cases)
    if not result.files and not result.resumed and not dry_run:
        speaker.tell("program.export-nothing")
    for refused in result.refused:
        speaker.tell("program.export-refused", count=refused.count, party=refused.party)
        for premise in refused.premises:
            speaker.line(f"  {premise.clause}: {speaker.say(premise.rule, **premise.params)}")
    if dry_run:
        for decision in result.decisions:
            speaker.line(f"{decision.party}  {decision.event}")
            for premise in decision.premises:
                mark = "✓" if premise.satisfied else "✗"
                speaker.line(f"  {mark} {premise.clause}: {speaker.say(premise.rule, **premise.params)}")
    speaker.findings(result.findings)
    speaker.result(result)
    return exits.FINDINGS if result.refused or result.findings else exits.DONE
