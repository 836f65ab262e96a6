"""exchange log: the audit trail."""

from __future__ import annotations

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common


@click.group("log")
def command() -> None:
    """Who did what, and when; any change before a head that a partner holds is found."""


@command.command("show")
@click.option("--epd", "epd_number", help="Only what concerns this client, in order of time.")
@click.option("--last", type=click.IntRange(min=1), default=50, help="How many entries.")
@common
def show(speaker: Speaker, epd_number: str | None, last: int) -> None:
    """Show the latest entries.

    Example: exchange log show --last 20
    """
    from exchange.operations import trail

    with speaker.workspace() as workspace:
        entries = trail.show(workspace, epd_number=epd_number, last=last)
    speaker.table(
        [speaker.say(f"program.log-{name}") for name in ("number", "at", "event", "user", "detail")],
        [[one.number, f"{one.at:%Y-%m-%d %H:%M}", one.event, one.user, one.detail] for one in entries],
        right=frozenset({0}),
    )
    speaker.result({"entries": entries})


@command.command("verify")
@common
def verify(speaker: Speaker) -> int:
    """Check the whole chain, and every head that partners sent us of theirs.

    Example: exchange log verify
    """
    from exchange.operations import trail

    with speaker.workspace() as workspace:
        verified = trail.verify(workspace)
    speaker.tell("program.log-verified", count=verified.entries, hash=verified.hash)
    speaker.findings(verified.findings)
    speaker.result(verified)
    return exits.FINDINGS if verified.findings else exits.DONE
