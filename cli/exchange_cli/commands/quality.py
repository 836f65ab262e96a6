"""exchange quality: what is doubtful in the practice's own data, and whose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common

if TYPE_CHECKING:
    from exchange.operations.surveying import Report

_DOUBTS = ("open", "days", "outside", "birth", "codes", "no-code", "same", "claimed-twice")


@click.command("quality")
@click.option("--show", type=click.Choice(_DOUBTS), help="List one kind of doubtful thing by EPD number.")
@click.option("--gap", type=int, help="What this many days between two episodes would give; changes nothing.")
@common
def command(speaker: Speaker, show: str | None, gap: int | None) -> int:
    """Show missing ends, impossible dates, double patients, sessions paid twice, differences and what is measured.

    Example: exchange quality --show open
    """
    from exchange.operations import surveying

    with speaker.workspace() as workspace:
        report = surveying.report(workspace, gap=gap, show=show or "")
    _doubts(speaker, report)
    if show is not None:
        _shown(speaker, report, show)
    else:
        _differences(speaker, report)
        _sessions(speaker, report)
        _coverage(speaker, report)
        _gap(speaker, report)
    speaker.result(report)
    return exits.FINDINGS if report.doubtful else exits.DONE


def _doubts(speaker: Speaker, report: Report) -> None:
    found = [(kind, count) for kind, count in report.doubts.items() if count]
    if not found:
        speaker.tell("surveying.none")
        return
    speaker.table(
        [speaker.say(f"surveying.{name}") for name in ("count", "what", "option")],
        [[count, speaker.say(f"surveying.doubt-{kind}"), f"--show {kind}"] for kind, count in found],
        right=frozenset({0}),
    )


def _shown(speaker: Speaker, report: Report, show: str) -> None:
    speaker.line()
    speaker.tell("surveying.shown", what=speaker.say(f"surveying.doubt-{show}"))
    if not report.shown:
        speaker.tell("surveying.shown-none")
        return
    speaker.table(
        [speaker.say(f"surveying.column-{name}") for name in ("epd", "day", "code")],
        [[one.epd_number or speaker.say("surveying.no-number"), one.day, one.code] for one in report.shown],
    )


def _differences(speaker: Speaker, report: Report) -> None:
    speaker.line()
    speaker.tell("surveying.differences" if report.differences else "surveying.no-differences")
    for one in report.differences:
        speaker.line("  " + speaker.say(one.rule, **one.params))
    if report.unknown_codes:
        speaker.tell("surveying.codes", count=report.unknown_codes)


def _sessions(speaker: Speaker, report: Report) -> None:
    speaker.line()
    speaker.tell("surveying.sessions")
    speaker.table(
        [speaker.say(f"surveying.column-{name}") for name in ("type", "source", "sessions", "self-paid")],
        [
            [speaker.say(f"serving.type-{one.type}"), one.source.upper(), one.sessions, one.self_paid]
            for one in report.held
        ],
        right=frozenset({2, 3}),
    )


def _coverage(speaker: Speaker, report: Report) -> None:
    from exchange.reports.numbers import percent

    if not report.coverage:
        return
    speaker.line()
    speaker.tell("surveying.coverage", ended=report.ended)
    speaker.table(
        [speaker.say(f"surveying.column-{name}") for name in ("instrument", "any", "share", "both", "share")],
        [
            [one.instrument, one.any, percent(one.any / report.ended, speaker.language), one.start_and_end,
             percent(one.start_and_end / report.ended, speaker.language)]
            for one in report.coverage
        ],
        right=frozenset({1, 2, 3, 4}),
    )  # fmt: skip


def _gap(speaker: Speaker, report: Report) -> None:
    speaker.line()
    speaker.tell("surveying.gap-line", gap=report.gap_days)
    tried = [(report.gap_days, report.now), (report.other_gap, report.other)]
    speaker.table(
        [speaker.say(f"surveying.column-{name}") for name in ("gap", "episodes", "rebuilt", "open")],
        [[gap, one.episodes, one.rebuilt, one.open] for gap, one in tried if one is not None],
        right=frozenset(range(4)),
    )
    if report.other is None:
        speaker.tell("surveying.try-gap")
