"""exchange records: pooled data, without anyone in it."""

from __future__ import annotations

from pathlib import Path

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common


@click.group("records")
def command() -> None:
    """Export the practice's records for pooling, without anyone in them.

    Example: exchange records export AFSPRAAK-POOL --to pool
    """


@command.command("export")
@click.argument("agreement")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="A new folder; else in the outbox.")
@click.option("--dry-run", is_flag=True, help="Say what would go out, and write nothing.")
@common
def export(speaker: Speaker, agreement: str, to: Path | None, dry_run: bool) -> int:
    """Write what an agreement on pooled records lets out: partitioned Parquet, weeks for days, ids drawn anew.

    Example: exchange records export AFSPRAAK-POOL --to pool
    """
    from exchange.operations import pooling
    from exchange.operations.coarsening import LEAST

    with speaker.workspace() as workspace:
        done = pooling.export(workspace, agreement, to=to, dry_run=dry_run)
    if done.folder is None:
        speaker.tell("pooling.would", patients=done.patients)
    else:
        speaker.tell("pooling.done", patients=done.patients, folder=str(done.folder))
    if done.coarser:
        speaker.tell("pooling.coarser", count=done.coarser, least=LEAST)
    if done.hidden:
        speaker.tell("pooling.hidden", count=done.hidden)
    for rule, count in done.refused.items():
        speaker.tell("pooling.refused", count=count, why=rule)
    speaker.table(
        [speaker.say("pooling.table"), speaker.say("pooling.rows")], list(done.rows.items()), right=frozenset({1})
    )
    if done.folder is not None:
        speaker.tell("pooling.unsealed")
    speaker.result(done)
    return exits.FINDINGS if done.refused or done.hidden else exits.DONE
