"""exchange improve: improvement points from plan to act, good practice, and what patients said."""

from __future__ import annotations

from datetime import datetime

import click

from exchange_cli.speaking import Speaker, common


@click.group("improve")
def command() -> None:
    """Improvement points with baseline, goal, actions, owner and check dates; good practice and quotations."""


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


@command.command("practice")
@click.argument("name", required=False)
@click.option("--changed", default=None, help="What changed; a new one needs it.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Since when.")
@click.option("--partner", default=None, help="With whom.")
@click.option("--evidence", default=None, help="What shows it.")
@click.option("--remove", is_flag=True, help="Take it out of the plan.")
@common
def practice(speaker: Speaker, name: str | None, since: datetime | None, remove: bool, **texts: str | None) -> None:
    """Record or change a good practice ("zinnige zorg"), which the improvement plan prints; without a name, list them.

    What you leave out stays as it was.

    Example: exchange improve practice "Fewer sessions" --changed "Exercises on video" --since 2026-01-01
    """
    from exchange.operations import practising

    given = since is not None or remove or any(text is not None for text in texts.values())
    if name is None:
        if given:
            raise click.UsageError(speaker.say("program.practice-which"))
        _list_practices(speaker)
        return
    with speaker.workspace() as workspace:
        if remove:
            practising.remove(workspace, name)
        else:
            saved = practising.record(workspace, name, since=since.date() if since else None, **texts)
    speaker.tell("program.practice-removed" if remove else "program.practice-recorded", name=name)
    speaker.result({"removed": name} if remove else saved)


def _list_practices(speaker: Speaker) -> None:
    from exchange.operations import practising

    with speaker.workspace() as workspace:
        listed = practising.listed(workspace)
    speaker.table(
        [speaker.say(f"program.practice-{name}") for name in ("name", "changed", "since", "partner", "evidence")],
        [[one.name, one.changed, one.since, one.partner, one.evidence] for one in listed],
    )
    speaker.result({"practices": listed})


@command.group("quote")
def quote() -> None:
    """Sentences out of a survey; only those that a person approved are printed."""


@quote.command("list")
@common
def list_quotes(speaker: Speaker) -> None:
    """List the comments that wait, with their id, and those that may be quoted.

    Example: exchange improve quote list
    """
    from exchange.operations import quoting

    with speaker.workspace() as workspace:
        comments = quoting.comments(workspace)
    speaker.table(
        [speaker.say(f"program.quote-{name}") for name in ("id", "state", "text")],
        [
            [one.id[:12], speaker.say(f"program.quote-{'approved' if one.approved else 'waiting'}"), one.text]
            for one in comments
        ],
    )
    speaker.result({"comments": comments})


@quote.command("approve")
@click.argument("comment")
@click.option(
    "--strike", "words", multiple=True, metavar="WORD", help="A name or place to strike out; may be repeated."
)
@click.option("--keep", multiple=True, metavar="WORD", help="A word that is struck out but is no name here.")
@common
def approve(speaker: Speaker, comment: str, words: tuple[str, ...], keep: tuple[str, ...]) -> None:
    """Let a comment be quoted. Read it first: no program can tell whether a word in it is somebody's name.

    Names of patients you loaded are struck out of itself; strike out any other. A telephone number is refused.

    Example: exchange improve quote approve 0f3a91c2 --strike Jansen
    """
    from exchange.operations import quoting

    with speaker.workspace() as workspace:
        approved = quoting.approve(workspace, comment, words=words, keep=keep)
    speaker.tell("program.quote-done", text=approved.text)
    speaker.result(approved)
