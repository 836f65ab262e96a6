"""exchange consent: record what a client agreed to."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from exchange_cli.speaking import Speaker, common


@click.group("consent")
def command() -> None:
    """Consent per client, partner and purpose; a withdrawal always wins."""


@command.command("record")
@click.option("--epd", "epd_number", required=True, help="The client's number in your EPD.")
@click.option("--partner", required=True, help="The party it is about.")
@click.option("--purpose", required=True, help="The purpose, as the agreement names it.")
@click.option("--state", type=click.Choice(["given", "refused", "withdrawn"]), required=True, help="What was said.")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="When; else today.")
@click.option("--evidence", required=True, help="Where it is written down: form, note, date.")
@click.option("--by", "given_by", type=click.Choice(["self", "parents", "both"]), default="self", help="Who said it.")
@common
def record(
    speaker: Speaker,
    epd_number: str,
    partner: str,
    purpose: str,
    state: str,
    day: datetime | None,
    evidence: str,
    given_by: str,
) -> None:
    """Record one consent, refusal or withdrawal.

    Example: exchange consent record --epd P17 --partner kvk:99999995 --purpose outcome --state given --evidence form
    """
    from exchange.operations import consenting

    with speaker.workspace() as workspace:
        consenting.record(
            workspace,
            epd_number=epd_number,
            partner=partner,
            purpose=purpose,
            state=state,
            day=day.date() if day else None,
            evidence=evidence,
            given_by=given_by,
        )
    speaker.tell("program.consent-recorded")
    speaker.result({"recorded": 1})


@command.command("load")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@common
def load(speaker: Speaker, file: Path) -> None:
    """Record consents from a table (CSV): epd;partner;doel;besluit;datum;bewijs;door.

    Example: exchange consent load consents.csv
    """
    from exchange.operations import consenting

    with speaker.workspace() as workspace:
        count = consenting.load(workspace, file)
    speaker.tell("program.consents-recorded", count=count)
    speaker.result({"recorded": count})
