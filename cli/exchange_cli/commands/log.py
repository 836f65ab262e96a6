"""exchange log: the audit trail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common

if TYPE_CHECKING:
    from exchange.operations.acknowledging import Unconfirmed
    from exchange.operations.trail import Entry


@click.group("log")
def command() -> None:
    """Who did what, and when; any change before a head that a partner holds is found."""


@command.command("show")
@click.option(
    "--epd", "--patient", "epd_number", metavar="NUMBER", help="Who saw what of this client, in order of time."
)
@click.option("--last", type=click.IntRange(min=1), help="How many entries; else 50, and for a client all.")
@common
def show(speaker: Speaker, epd_number: str | None, last: int | None) -> None:
    """Show the latest entries, or all about one client.

    Example: exchange log show --last 20

    Example: exchange log show --patient P17
    """
    from exchange.operations import trail

    with speaker.workspace() as workspace:
        entries = trail.show(workspace, epd_number=epd_number, last=last)
    names = ("number", "at", "event", "user", "counterparty", "ground", "detail")
    speaker.table(
        [speaker.say(f"program.log-{name}") for name in names],
        [
            [
                one.number,
                f"{one.at:%Y-%m-%d %H:%M}",
                _event(speaker, one),
                one.user,
                one.counterparty,
                one.ground,
                one.detail,
            ]
            for one in entries
        ],
        right=frozenset({0}),
    )
    speaker.result({"entries": entries})


def _event(speaker: Speaker, one: Entry) -> str:
    """Say an event in the reader's words; one that has none keeps its name."""
    from exchange.findings.wording import catalogue

    rule = f"trail.event-{one.event}"
    said = speaker.say(rule) if rule in catalogue() else one.event
    return said if one.outcome == "done" else f"{said} ({speaker.say('program.log-refused')})"


@command.command("verify")
@click.option(
    "--witness", metavar="FILE|PARTY", help="A partner's file of 'log witness', or what one partner sent back."
)
@common
def verify(speaker: Speaker, witness: str | None) -> int:
    """Check the whole chain, and that it fits every head of it that partners sent back.

    Example: exchange log verify

    Example: exchange log verify --witness agb:01999991
    """
    from exchange.operations import witnessing

    with speaker.workspace() as workspace:
        verified = witnessing.verify(workspace, witness)
    speaker.tell("program.log-verified", count=verified.entries, hash=verified.hash)
    speaker.tell("program.log-witnessed", count=verified.witnesses)
    speaker.findings(verified.findings)
    speaker.result(verified)
    return exits.FINDINGS if any(one.severity != "information" for one in verified.findings) else exits.DONE


@command.command("witness")
@click.argument("party")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write.")
@common
def witness(speaker: Speaker, party: str, to: Path) -> None:
    """Write, signed, what we keep of a partner's audit trail: with it they can show that nobody rewrote it.

    Example: exchange log witness agb:01999991 --to witness.json
    """
    from exchange.operations import witnessing

    with speaker.workspace() as workspace:
        count = witnessing.write(workspace, party, to=to)
    speaker.tell("program.log-witness-written", count=count, party=party, file=to)
    speaker.result({"heads": count, "file": to})


@command.command("sent")
@click.option("--all", "everything", is_flag=True, help="What was confirmed too.")
@common
def sent(speaker: Speaker, everything: bool) -> None:
    """List what was sent and never acknowledged, with how many days ago.

    Example: exchange log sent
    """
    from exchange.operations import acknowledging

    with speaker.workspace() as workspace:
        listed = acknowledging.sent(workspace, everything=everything)
    names = ("at", "days", "party", "agreement", "sequence", "kind", "standing", "file")
    speaker.table(
        [speaker.say(f"program.log-{name}") for name in names],
        [
            [f"{one.at:%Y-%m-%d}", one.days, one.party, one.agreement, one.sequence,
             speaker.say(f"program.log-kind-{one.kind}"), _standing(speaker, one), one.file]
            for one in listed
        ],
        right=frozenset({1, 4}),
    )  # fmt: skip
    if not listed:
        speaker.tell("program.log-sent-none")
    speaker.result({"sent": listed})


def _standing(speaker: Speaker, one: Unconfirmed) -> str:
    if one.confirmed_at is not None:
        return f"{speaker.say('program.log-confirmed')} {one.confirmed_at:%Y-%m-%d}"
    if one.state == "refused":
        return speaker.say("program.log-cancelled")
    if one.kind == "acknowledgement":
        return speaker.say("program.log-needs-none")
    return f"{speaker.say('program.log-refused')}: {one.reason}" if one.reason else speaker.say("program.log-open")
