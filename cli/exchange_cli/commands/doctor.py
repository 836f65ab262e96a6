"""exchange doctor: is everything as it should be?"""

from __future__ import annotations

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common


@click.command("doctor")
@click.option("--upgrade", is_flag=True, help="First bring a store of an older program up to date.")
@common
def command(speaker: Speaker, *, upgrade: bool) -> int:
    """Check versions, permissions, the store's integrity, the audit chain and the sealing itself.

    Example: exchange doctor

    Example: exchange doctor --upgrade
    """
    from exchange.operations import doctoring

    with speaker.workspace() as workspace:
        if upgrade:
            speaker.line(speaker.say("doctor.upgraded", before=workspace.upgrade()))
        checks = doctoring.examine(workspace)
    for check in checks:
        speaker.line(f"{'✓' if check.sound else '✗'} {speaker.say(check.rule, **check.params)}")
    speaker.result({"checks": checks})
    return exits.DONE if all(check.sound for check in checks) else exits.FINDINGS
