"""exchange consent: record what a client agreed to."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common

if TYPE_CHECKING:
    from exchange.operations.withdrawing import Withdrawal


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
        cancelled = consenting.record(
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
    for file in cancelled.files:
        speaker.tell("program.consent-cancelled", file=file)
    for one in cancelled.standing:
        speaker.tell(
            "program.consent-standing", file=one.file, party=one.party, agreement=one.agreement, number=one.sequence
        )
    speaker.result({"recorded": 1, "cancelled": cancelled.files, "standing": cancelled.standing})


@command.command("fhir")
@click.argument("agreement")
@click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False), help="A file within the workspace; else reports/."
)
@common
def fhir(speaker: Speaker, agreement: str, to: Path | None) -> None:
    """Write a FHIR Consent for each client, partner and purpose; the file stays in the workspace.

    Example: exchange consent fhir gp-2026
    """
    from exchange.operations import annexes

    with speaker.workspace() as workspace:
        file, count = annexes.consents(workspace, agreement, to=to, language=speaker.language)
    speaker.tell("annexes.consents-written", file=file, count=count)
    speaker.result({"file": file, "consents": count})


@command.command("withdrawals")
@common
def withdrawals(speaker: Speaker) -> int:
    """List withdrawals told to partners and by partners, with each answer and what is open after fourteen days.

    Example: exchange consent withdrawals
    """
    from exchange.operations import withdrawing

    with speaker.workspace() as workspace:
        listed = withdrawing.listed(workspace)
    names = ("way", "party", "code", "epd", "purpose", "on", "told", "answer", "days")
    speaker.table(
        [speaker.say(f"program.withdrawal-{name}") for name in names],
        [
            [
                speaker.say(f"program.withdrawal-{'ours' if one.ours else 'theirs'}"),
                one.party,
                one.code,
                one.epd_number,
                one.purpose,
                one.withdrawn_on,
                one.told_at and f"{one.told_at:%Y-%m-%d}",
                _answered(speaker, one),
                one.days,
            ]
            for one in listed
        ],
        right=frozenset({8}),
    )
    if not listed:
        speaker.tell("program.withdrawal-none")
    speaker.result({"withdrawals": listed})
    return exits.FINDINGS if any(one.overdue for one in listed) else exits.DONE


def _answered(speaker: Speaker, one: Withdrawal) -> str:
    if one.answer:
        said = speaker.say(f"program.withdrawal-{one.answer}")
        return f"{said}: {speaker.say(f'withdrawing.ground-{one.ground}')}" if one.ground else said
    if one.told_at is None:
        return speaker.say("program.withdrawal-not-told")
    return speaker.say("program.withdrawal-overdue" if one.overdue else "program.withdrawal-open")


@command.command("restored")
@click.option("--caught-up", is_flag=True, help="What clients said since the backup is recorded again; exports go on.")
@common
def restored(speaker: Speaker, caught_up: bool) -> int:
    """After a restore: go through what clients refused or withdrew since the backup, before anything is sent.

    Example: exchange consent restored --caught-up
    """
    from exchange.operations import catching_up

    with speaker.workspace() as workspace:
        since = catching_up.behind_since(workspace)
        if caught_up:
            catching_up.caught_up(workspace)
    done = since is None or caught_up
    made = f"{since:%Y-%m-%d %H:%M} UTC" if since else ""
    rule = "none" if since is None else "done" if caught_up else "open"
    speaker.tell(f"program.consents-behind-{rule}", made=made)
    speaker.result({"since": since.isoformat() if since else None, "caught_up": done})
    return exits.DONE if done else exits.FINDINGS


@command.command("answer")
@click.argument("code")
@click.option("--deleted", is_flag=True, help="We deleted the data; this deletes them here, and can't be undone.")
@click.option(
    "--kept",
    type=click.Choice(["care-record", "legal-duty", "legal-claim", "other-purpose"]),
    help="We keep them: our own care record, a duty by law, a legal claim, or a purpose that was not withdrawn.",
)
@click.option("--purpose", help="Only for this purpose; else for every one that was withdrawn.")
@common
def answer(speaker: Speaker, code: str, deleted: bool, kept: str | None, purpose: str | None) -> None:
    """Answer a withdrawal that a practice told us of; it goes out with the next export.

    Example: exchange consent answer 7K3P-QX2M-9D --kept care-record
    """
    from exchange.operations import withdrawing

    if deleted == bool(kept):
        raise click.UsageError(speaker.say("program.withdrawal-choose"))
    with speaker.workspace() as workspace:
        given = withdrawing.answer(workspace, code, purpose=purpose, ground=kept or "")
    speaker.tell("program.withdrawal-answered", code=given[0].code, party=given[0].party, agreement=given[0].agreement)
    speaker.result({"answered": given})


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
