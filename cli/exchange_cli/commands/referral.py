"""exchange referral: why the patient came, and what would have happened otherwise."""

from __future__ import annotations

from datetime import datetime

import click

from exchange_cli.speaking import Speaker, common


@click.group("referral")
def command() -> None:
    """The referrer's answer counts when it was recorded within seven days of the first session."""


@command.command("record")
@click.option("--epd", "epd_number", required=True, help="The client's number in your EPD.")
@click.option("--referrer", required=True, help="Who referred: agb:NUMBER.")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Date of the referral.")
@click.option("--question", default="", help="The question of the referral.")
@click.option(
    "--otherwise",
    type=click.Choice(["hospital", "imaging", "intervention", "medication", "gp", "nothing", "unknown"]),
    required=True,
    help="What the referrer would have done otherwise.",
)
@click.option("--answered-by", default="", help="The function of who answered that.")
@common
def record(
    speaker: Speaker, epd_number: str, referrer: str, day: datetime, question: str, otherwise: str, answered_by: str
) -> None:
    """Record a referral and the referrer's alternative, for the client's current treatment.

    Example: exchange referral record --epd P17 --referrer agb:01999991 --on 2026-10-01 --otherwise hospital
    """
    from exchange.operations import referring

    with speaker.workspace() as workspace:
        referring.record(
            workspace,
            epd_number=epd_number,
            referrer=referrer,
            day=day.date(),
            question=question,
            otherwise=otherwise,
            answered_by=answered_by,
        )
    speaker.tell("program.referral-recorded")
    speaker.result({"recorded": 1})


@command.command("list")
@common
def list_(speaker: Speaker) -> None:
    """List this year's referrals by EPD number, and which still lack an alternative recorded in time.

    Example: exchange referral list
    """
    from exchange.operations import referring

    with speaker.workspace() as workspace:
        listed = referring.listed(workspace)
    speaker.table(
        [
            speaker.say(f"program.referral-{name}")
            for name in ("epd", "referrer", "day", "otherwise", "recorded", "counts")
        ],
        [
            [one.epd_number, one.referrer, one.day,
             speaker.say(f"program.otherwise-{one.otherwise}"), one.recorded_on,
             speaker.say("program.yes" if one.counts else "program.no")]
            for one in listed
        ],
    )  # fmt: skip
    speaker.result({"referrals": listed})
