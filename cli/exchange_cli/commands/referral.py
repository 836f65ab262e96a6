"""exchange referral: why the patient came, and what would have happened otherwise."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common

if TYPE_CHECKING:
    from exchange.operations.referral_returns import Taken
    from exchange.operations.referring import Came

_DAY = click.DateTime(["%Y-%m-%d"])
_FILE = click.Path(path_type=Path, dir_okay=False)
_WORDS = ("hospital", "imaging", "intervention", "medication", "gp", "nothing", "unknown")


@click.group("referral")
def command() -> None:
    """The referrer's answer counts when it was recorded within seven days of the first session."""


@command.command("record")
@click.option("--epd", "epd_number", help="The client's number in your EPD.")
@click.option("--referrer", help="Who referred: agb:NUMBER.")
@click.option("--on", "day", type=_DAY, help="Date of the referral.")
@click.option("--question", default="", help="The question of the referral.")
@click.option("--otherwise", type=click.Choice(_WORDS), help="What the referrer would have done otherwise.")
@click.option("--answered-by", default="", help="The function of who answered that.")
@click.option("--answered-on", type=_DAY, help="The day they answered; else today.")
@click.option("--from", "file", type=_FILE, help="A filled-in form, or a table of such columns, instead of the rest.")
@common
def record(
    speaker: Speaker,
    epd_number: str | None,
    referrer: str | None,
    day: datetime | None,
    question: str,
    otherwise: str | None,
    answered_by: str,
    answered_on: datetime | None,
    file: Path | None,
) -> int:
    """Record a referral and the referrer's alternative, for the client's current treatment; or a form that came back.

    Example: exchange referral record --epd P17 --referrer agb:01999991 --on 2026-10-01 --otherwise hospital
    """
    if file is not None:
        if epd_number or referrer or day or otherwise or answered_on:
            raise click.UsageError(speaker.say("referring.from-or-epd"))
        return _take_in(speaker, file)
    if epd_number is None or referrer is None or day is None or otherwise is None:
        raise click.UsageError(speaker.say("referring.from-or-epd"))
    from exchange.operations import referring

    with speaker.workspace() as workspace:
        saved = referring.record(
            workspace,
            epd_number=epd_number,
            referrer=referrer,
            day=day.date(),
            question=question,
            otherwise=otherwise,
            answered_by=answered_by,
            answered_on=answered_on.date() if answered_on else None,
        )
        until = referring.last_day_of(workspace, saved.episode_id)
    speaker.tell("program.referral-recorded")
    counts = saved.recorded_on is not None and saved.recorded_on <= until
    speaker.tell(f"referring.recorded-{'counts' if counts else 'late'}", until=until)
    speaker.result({"recorded": 1, "counts": counts, "until": until})
    return exits.DONE


def _take_in(speaker: Speaker, file: Path) -> int:
    from exchange.operations import referral_returns

    with speaker.workspace() as workspace:
        taken = referral_returns.take_in(workspace, file)
    speaker.tell(
        "referring.taken", file=taken.file, recorded=taken.recorded, already=len(taken.lines) - taken.recorded,
        open=taken.open, wrong=len(taken.findings),
    )  # fmt: skip
    _receipt(speaker, taken)
    speaker.findings(taken.findings)
    speaker.result({"recorded": taken.recorded, "form": taken})
    return exits.FINDINGS if taken.findings else exits.DONE


def _receipt(speaker: Speaker, taken: Taken) -> None:
    if not taken.lines:
        return
    speaker.table(
        [speaker.say(f"program.referral-{name}") for name in ("epd", "otherwise", "recorded", "counts")],
        [
            [one.epd_number, speaker.say(f"program.otherwise-{one.otherwise}"), one.recorded_on,
             speaker.say("program.yes" if one.counts else "program.no")]
            for one in taken.lines
        ],
    )  # fmt: skip
    late = sum(not one.counts for one in taken.lines)
    if late:
        speaker.tell("referring.late", count=late)


@command.command("form")
@click.option("--to", type=_FILE, required=True, help="The file: .pdf, .html or .docx to print, .xlsx to fill in.")
@click.option("--epd", "epd_numbers", multiple=True, help="For this client; may be repeated. Else all still open.")
@click.option("--referrer", default="", help="Only who this party referred, without EPD numbers: agb:NUMBER.")
@click.option("--since", type=_DAY, help="Also treatments that began earlier, from this day on.")
@click.option("--blank", is_flag=True, help="A blank form to print, for whoever comes next.")
@common
def form(
    speaker: Speaker, to: Path, epd_numbers: tuple[str, ...], referrer: str, since: datetime | None, blank: bool
) -> None:
    """Make the form with one question for who referred: what would you have done otherwise?

    Fill it in on paper and record it, or give the spreadsheet back with: exchange referral record --from FILE

    Example: exchange referral form --epd P17 --to form.pdf
    """
    from exchange.operations import referral_forms

    if blank and (epd_numbers or referrer or since):
        raise click.UsageError(speaker.say("hint.referring-blank"))
    with speaker.workspace() as workspace:
        made = referral_forms.make(
            workspace, to=to, epd_numbers=epd_numbers, referrer=referrer, since=since.date() if since else None,
            blank=blank, language=speaker.asked or workspace.settings.language,
        )  # fmt: skip
    speaker.tell("referring.made-blank" if blank else "referring.made", count=made.treatments, file=made.file)
    speaker.result(made)


@command.command("list")
@common
def list_(speaker: Speaker) -> None:
    """List the last year's referrals by EPD number, which still lack an answer in time, and who came directly.

    Example: exchange referral list
    """
    from exchange.operations import referring

    with speaker.workspace() as workspace:
        listed = referring.listed(workspace)
    names = ("epd", "referrer", "day", "otherwise", "recorded", "counts")
    speaker.table(
        [*(speaker.say(f"program.referral-{name}") for name in names), speaker.say("referring.until")],
        [
            [one.epd_number, one.referrer, one.day,
             speaker.say(f"program.otherwise-{one.otherwise}"), one.recorded_on,
             speaker.say("program.yes" if one.counts else "program.no"), one.until]
            for one in listed.referrals
        ],
    )  # fmt: skip
    _apart(speaker, "referring.direct", listed.direct)
    _apart(speaker, "referring.origin-unknown", listed.unknown)
    speaker.result(listed)


def _apart(speaker: Speaker, heading: str, some: tuple[Came, ...]) -> None:
    if not some:
        return
    speaker.line()
    speaker.tell(heading, count=len(some))
    speaker.table(
        [speaker.say("program.referral-epd"), speaker.say("referring.start")],
        [[one.epd_number, one.start] for one in some],
    )
