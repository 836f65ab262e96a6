"""exchange demo: a whole round trip on invented data."""

from __future__ import annotations

from pathlib import Path

import click

from exchange_cli.speaking import Speaker, common


@click.command("demo")
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"), help="A new folder.")
@common
def command(speaker: Speaker, into: Path) -> None:
    """Play it all through: practice, GP group, hospital, social partner, clients; every one of them invented.

    Example: exchange demo --into demo
    """
    from exchange.operations import demo

    def said(rule: str, **params: object) -> None:
        speaker.tell(rule, **params)

    played = demo.play(into, say=said, language=speaker.language)
    speaker.line()
    speaker.tell("demo.results")
    for file in played.files:
        speaker.line(f"  {file}")
    speaker.line()
    speaker.tell("demo.figures")
    for figure in played.figures:
        speaker.line(f"  • {figure}")
    speaker.result(played)
