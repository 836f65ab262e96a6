"""exchange improve: improvement points, from plan to act."""

from __future__ import annotations

from datetime import datetime

import click

from exchange_cli.speaking import Speaker, common


@click.group("improve")
def command() -> None:
    """Improvement points with baseline, goal, actions, owner and check dates."""


@command.command("record")
@click.argument("point")
@click.option("--title", default=None, help="What it is about.")
@click.option("--indicator", default=None, help="The indicator it is measured by.")
@click.option("--baseline", default=None, help="Where you stand now.")
@click.option("--goal", default=None, help="Plan: where you want to be.")
@click.option("--actions", default=None, help="Do: what you will do.")
@click.option("--owner", default=None, help="The function of who sees to it.")
@click.option("--check-on", multiple=True, type=click.DateTime(["%Y-%m-%d"]), help="When to check; may be repeated.")
@click.option("--realised", default=None, help="Check: what came of it.")
@click.option("--act", default=None, help="Act: what follows from that.")
@common
def record(speaker: Speaker, point: str, check_on: tuple[datetime, ...], **texts: str | None) -> None:
    """Record or change an improvement point; what you leave out stays as it was.

    Example: exchange improve record index --title "Lower index" --goal 130 --check-on 2027-01-15
    """
    from exchange.operations import improving

    with speaker.workspace() as workspace:
        saved = improving.record(workspace, point, check_on=tuple(day.date() for day in check_on), **texts)
    speaker.tell("program.improve-recorded", point=saved.point_id)
    speaker.result(saved)


@command.command("list")
@common
def list_(speaker: Speaker) -> None:
    """List improvement points and the next day to check each.

    Example: exchange improve list
    """
    from exchange.operations import improving

    with speaker.workspace() as workspace:
        listed = improving.listed(workspace)
        on = workspace.on
    speaker.table(
        [speaker.say(f"program.improve-{name}") for name in ("point", "title", "baseline", "goal", "next", "realised")],
        [
            [one.point_id, one.title, one.baseline, one.goal,
             min((day for day in one.check_on if day >= on), default=""), one.realised]
            for one in listed
        ],
    )  # fmt: skip
    speaker.result({"points": listed})
