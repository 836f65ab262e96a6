"""exchange evaluate: the moments at session 4, 8, 12 and after."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from exchange_cli.speaking import Speaker, common

if TYPE_CHECKING:
    from exchange.operations.evaluating import Done

_THREE = click.Choice(["yes", "no", "unknown"])


@click.group("evaluate")
def command() -> None:
    """Which evaluations are due, and what was seen and decided."""


@command.command("due")
@common
def due(speaker: Speaker) -> None:
    """List open treatments whose evaluation is due or comes at the next session, by EPD number.

    Example: exchange evaluate due
    """
    from exchange.operations import evaluating

    with speaker.workspace() as workspace:
        listed = evaluating.due(workspace)
    speaker.table(
        [speaker.say(f"program.evaluate-{name}") for name in ("epd", "sessions", "moment", "since", "what")],
        [
            [one.epd_number, one.sessions, one.moment, one.since, speaker.say(f"program.evaluate-{one.what}")]
            for one in listed
        ],
        right=frozenset({1, 2}),
    )
    if not listed:
        speaker.tell("program.evaluate-none")
    speaker.result({"due": listed})


@command.command("record")
@click.option("--epd", "epd_number", required=True, help="The client's number in your EPD.")
@click.option("--session", "session_number", type=click.IntRange(min=1), required=True, help="At which session.")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="When; else today.")
@click.option("--instrument", default="", help="Measured with.")
@click.option(
    "--effect",
    type=click.Choice(["sufficient", "insufficient", "none", "unknown"]),
    required=True,
    help="By your rule.",
)
@click.option("--advice-taken-up", type=_THREE, default="unknown", help="Does the client follow the advice?")
@click.option("--relatives", type=_THREE, default="unknown", help="Are relatives involved?")
@click.option("--partner", default="", help="A partner brought in at this moment.")
@click.option(
    "--decision",
    type=click.Choice(["continue", "adjust", "hand-over", "stop"]),
    required=True,
    help="What was decided.",
)
@click.option("--told-referrer-on", type=click.DateTime(["%Y-%m-%d"]), help="When the referrer was told.")
@common
def record(
    speaker: Speaker,
    epd_number: str,
    session_number: int,
    day: datetime | None,
    instrument: str,
    effect: str,
    advice_taken_up: str,
    relatives: str,
    partner: str,
    decision: str,
    told_referrer_on: datetime | None,
) -> None:
    """Record an evaluation of the client's current treatment.

    Example: exchange evaluate record --epd P17 --session 4 --effect sufficient --decision continue
    """
    from exchange.operations import evaluating, measuring

    with speaker.workspace() as workspace:
        saved = evaluating.record(
            workspace,
            epd_number=epd_number,
            session_number=session_number,
            day=day.date() if day else None,
            instrument=instrument,
            effect=effect,
            advice_taken_up=advice_taken_up,
            relatives_involved=relatives,
            partner_involved=partner,
            decision=decision,
            told_referrer_on=told_referrer_on.date() if told_referrer_on else None,
        )
        rule = workspace.settings.effect_rule
    speaker.tell("program.evaluate-recorded")
    speaker.tell("evaluating.rule" if rule else "evaluating.no-rule", rule=rule)
    if decision == "stop" and effect in {"none", "insufficient"} and told_referrer_on is None:
        speaker.tell("evaluating.tell-referrer")
    for line in measuring.thresholds([saved.instrument], speaker.language):
        speaker.line(line)
    speaker.result({"recorded": 1})


@command.command("list")
@click.option("--epd", "epd_number", default="", help="What was recorded of this client's current treatment.")
@click.option("--recorded", is_flag=True, help="Every recorded evaluation.")
@click.option("--to-tell", is_flag=True, help="Stopped without effect, and the referrer was not yet told.")
@common
def list_(speaker: Speaker, epd_number: str, recorded: bool, to_tell: bool) -> None:
    """List how many evaluations were due and done, per moment; or what was recorded, by EPD number.

    Example: exchange evaluate list --to-tell
    """
    from exchange.operations import evaluating

    with speaker.workspace() as workspace:
        listed = evaluating.counted(workspace)
        wanted = bool(epd_number or recorded or to_tell)
        done = evaluating.recorded(workspace, epd_number=epd_number, to_tell=to_tell) if wanted else ()
        waiting = len(evaluating.recorded(workspace, to_tell=True))
    if wanted:
        _recorded(speaker, done)
    else:
        speaker.table(
            [speaker.say(f"program.evaluate-{name}") for name in ("moment", "due", "done")],
            [[one.moment, one.due, one.done] for one in listed],
            right=frozenset({0, 1, 2}),
        )
        if waiting:
            speaker.tell("evaluating.to-tell", count=waiting)
    speaker.result({"moments": listed, "recorded": done, "to_tell": waiting})


def _recorded(speaker: Speaker, done: tuple[Done, ...]) -> None:
    names = ("epd", "session", "day", "instrument", "effect", "advice", "relatives", "partner", "decision", "told")
    speaker.table(
        [speaker.say(f"evaluating.column-{name}") for name in names],
        [
            [one.epd_number, one.session_number, one.day, one.instrument,
             speaker.say(f"evaluating.effect-{one.effect}"), speaker.say(f"evaluating.said-{one.advice_taken_up}"),
             speaker.say(f"evaluating.said-{one.relatives_involved}"), one.partner_involved,
             speaker.say(f"evaluating.decision-{one.decision}"),
             _told(speaker, one)]
            for one in done
        ],
        right=frozenset({1}),
    )  # fmt: skip
    if not done:
        speaker.tell("evaluating.none-recorded")


def _told(speaker: Speaker, one: Done) -> str:
    if one.to_tell:
        return speaker.say("evaluating.not-told")
    if one.told_referrer_on is None and one.sent_on is not None:
        return speaker.say("evaluating.sent", day=one.sent_on)
    return str(one.told_referrer_on or "")
