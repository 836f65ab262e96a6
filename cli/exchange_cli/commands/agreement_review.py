"""exchange agreement review and diff: minutes at the agreed moment, what came of it, and what a version changes."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common

if TYPE_CHECKING:
    from exchange.operations.workspace import Workspace

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("review")
@click.argument("agreement")
@click.option("--moment", type=_DAY, help="Which agreed moment; else the last that has come, or comes in four weeks.")
@click.option("--for", "reader", default="internal", metavar="PARTY|all", help="For one party, or all; else internal.")
@click.option(
    "--to", "files", multiple=True, type=click.Path(path_type=Path, dir_okay=False),
    help="The minutes: .docx, .html, .pdf or .md; may be repeated. Else a .docx in reports/.",
)  # fmt: skip
@click.option("--held", type=_DAY, help="Record that it was held on this day; then --outcome too.")
@click.option("--outcome", type=click.Choice(["continue", "improve", "revise", "end"]), help="What came of it.")
@click.option("--decided", default="", help="With --held: what was decided, in a sentence.")
@click.option("--present", default="", help="With --held: who were there, by function.")
@click.option("--point", "points", multiple=True, metavar="NAME", help="With --held: open this improvement point.")
@click.option("--begins", type=_DAY, help="With --outcome revise: first day of the next version.")
@common
def review(
    speaker: Speaker,
    agreement: str,
    moment: datetime | None,
    reader: str,
    files: tuple[Path, ...],
    held: datetime | None,
    outcome: str | None,
    decided: str,
    present: str,
    points: tuple[str, ...],
    begins: datetime | None,
) -> int:
    """Calculate an agreement at its agreed moment and write minutes; with --held, record what came of it.

    Example: exchange agreement review gp-2026 --to minutes.docx

    Example: exchange agreement review gp-2026 --held 2026-11-03 --outcome revise --decided "Ask sooner"
    """
    if (held is None) != (outcome is None):
        raise click.UsageError("--held and --outcome go together")
    with speaker.workspace() as workspace:
        if held is None or outcome is None:
            return _prepare(speaker, workspace, agreement, _date(moment), reader, files)
        return _hold(
            speaker, workspace, agreement, held.date(), outcome, moment=_date(moment), decided=decided,
            present=present, points=points, begins=_date(begins),
        )  # fmt: skip


@click.command("diff")
@click.argument("old")
@click.argument("new")
@common
def diff(speaker: Speaker, old: str, new: str) -> None:
    """Say what changed between two versions (files, or names in the workspace), and whether it needs new signatures.

    Example: exchange agreement diff gp-2026 agreements/gp-2026-2.yaml
    """
    from exchange.operations import differing

    if differing.is_file(old) and differing.is_file(new):
        found = differing.compare(old, new)
    else:
        with speaker.workspace() as workspace:
            found = differing.compare(old, new, workspace)
    for change in found.changes:
        speaker.line(differing.told(change, speaker.language))
    rule = "differing.sum-signatures" if found.new_signatures else "differing.sum-told"
    speaker.tell(rule if found.changes else "differing.none", count=len(found.changes))
    speaker.result({"changes": found.changes, "new_signatures": found.new_signatures})


def _prepare(
    speaker: Speaker, workspace: Workspace, agreement: str, moment: date | None, reader: str, files: tuple[Path, ...]
) -> int:
    from exchange.operations import reviewing

    made = reviewing.prepare(
        workspace, agreement, to=files, moment=moment, reader=reader, language=speaker.asked or "nl"
    )  # fmt: skip
    speaker.tell(
        "reviewing.moment", number=made.number, of=made.of, id=agreement, moment=made.moment, cut_off=made.cut_off
    )
    if made.verdict:
        speaker.tell("reviewing.verdict", verdict=speaker.say(f"reports.verdict.{made.verdict}"))
    speaker.findings(made.findings)
    for file in made.files:
        speaker.tell("reviewing.written", file=file)
    speaker.tell("reviewing.then", id=agreement)
    speaker.result(made)
    return exits.FINDINGS if made.findings else exits.DONE


def _hold(
    speaker: Speaker,
    workspace: Workspace,
    agreement: str,
    held: date,
    outcome: str,
    *,
    moment: date | None,
    decided: str,
    present: str,
    points: tuple[str, ...],
    begins: date | None,
) -> int:
    from exchange.operations import reviewing

    done = reviewing.hold(
        workspace, agreement, outcome=outcome, held_on=held, moment=moment, decided=decided, present=present,
        points=points, begins=begins, language=speaker.asked or "nl",
    )  # fmt: skip
    speaker.tell(
        "reviewing.recorded", moment=done.moment, held=done.held_on, outcome=speaker.say(f"reviewing.outcome-{outcome}")
    )
    if done.draft is not None:
        speaker.tell("reviewing.drafted", file=done.draft, id=agreement)
    for point in done.points:
        speaker.tell("reviewing.pointed", point=point)
    if outcome == reviewing.END:
        speaker.tell("reviewing.end-now", id=agreement)
    speaker.result(done)
    return exits.DONE


def _date(given: datetime | None) -> date | None:
    return given.date() if given is not None else None
