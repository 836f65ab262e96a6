"""exchange inspect: what can be known of a sealed file."""

from __future__ import annotations

from pathlib import Path

import click

from exchange_cli.speaking import Speaker, common


@click.command("inspect")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@common
def command(speaker: Speaker, file: Path) -> None:
    """Say what a sealed file shows to anybody, and, in a workspace, what it shows to us. Stores nothing.

    Example: exchange inspect outbox/file.age
    """
    from exchange.errors import WorkspaceError
    from exchange.operations import inspecting

    try:
        with speaker.workspace() as workspace:
            seen = inspecting.inspect(file, workspace)
    except WorkspaceError:
        seen = inspecting.inspect(file, None)
    for name, value in seen.items():
        said = speaker.say("program.yes" if value else "program.no") if isinstance(value, bool) else value
        speaker.line(f"{speaker.say('program.inspect-' + name):<24} {said}")
    speaker.result(seen)
