"""exchange index: the treatment index and the way to its target."""

from __future__ import annotations

import click

from exchange_cli.speaking import Speaker, common


@click.command("index")
@click.option("--insurer", default="", help="Whose bands to hold it against; else the workspace's insurer.")
@click.option("--target", type=float, help="The target; else the insurer's.")
@click.option("--year", type=int, help="The year of the official figure; else the latest.")
@common
def command(speaker: Speaker, insurer: str, target: float | None, year: int | None) -> None:
    """Show the official index, its band, and what it takes to reach the target.

    Example: exchange index --target 130
    """
    from exchange.operations import indexing

    with speaker.workspace() as workspace:
        told = indexing.index(workspace, insurer=insurer, target=target, year=year)
    for line in indexing.lines(told, speaker.language):
        speaker.line(line)
    speaker.result(told)
