"""exchange agreement accede, end: who joins an agreement later, and who leaves it."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange_cli.speaking import Speaker, common

if TYPE_CHECKING:
    from exchange.operations.agreeing import Signed
    from exchange.operations.workspace import Workspace

_KINDS = ["gp", "specialist", "social", "other"]
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("accede")
@click.argument("agreement")
@click.option("--offer", metavar="PARTY", help="The practice: send the framework to a partner that may join.")
@click.option("--accept", metavar="PARTY", help="The practice: accept the accession that came in.")
@click.option("--paper", metavar="PARTY", help="The practice: record that a partner without keys joined on paper.")
@click.option("--function", default="", help="The function of who signs.")
@click.option("--authority", default="", help="On what authority they sign.")
@click.option("--signatory", default="", help="Who signs by name, where they want it in print; needed with --paper.")
@click.option("--privacy-contact", default="", help="Whom to ask about privacy; else the contact of the key card.")
@click.option("--kind", type=click.Choice(_KINDS), help="What kind of party we are, where several are admitted.")
@click.option("--label", default="", help="The group we belong to, such as a HAGRO or a region.")
@click.option("--address", default="", help="Our address, where it is to stand in print.")
@click.option("--signed-on", type=_DAY, help="With --paper: the date on the paper.")
@click.option("--scan", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="With --paper: the scan.")
@click.option("--identifier", "identifiers", multiple=True, metavar="SCHEME:NUMBER", help="With --paper: more numbers.")
@common
def accede(
    speaker: Speaker,
    agreement: str,
    offer: str | None,
    accept: str | None,
    paper: str | None,
    function: str,
    authority: str,
    signatory: str,
    privacy_contact: str,
    kind: str | None,
    label: str,
    address: str,
    signed_on: datetime | None,
    scan: Path | None,
    identifiers: tuple[str, ...],
) -> None:
    """Join a framework that a practice offered, without everybody signing anew; or offer it, or accept who joins.

    Example: exchange agreement accede gp-2026 --function "practice owner" --authority "trade register"
    """
    from exchange.operations import acceding

    if sum(one is not None for one in (offer, accept, paper)) > 1:
        raise click.UsageError(speaker.say("program.accede-one"))
    with speaker.workspace() as workspace:
        if offer is not None:
            done, what, party = acceding.offer(workspace, agreement, offer), "offered", offer
        elif accept is not None:
            done, what, party = acceding.accept(workspace, agreement, accept), "accepted", accept
        elif paper is not None:
            done = acceding.accede_on_paper(
                workspace,
                agreement,
                paper,
                signatory=signatory,
                function=function,
                authority=authority,
                privacy_contact=privacy_contact,
                signed_on=_day(signed_on) or speaker.today(),
                scan=scan,
                identifiers=identifiers,
            )
            what, party = "accepted", paper
        else:
            done = acceding.accede(
                workspace,
                agreement,
                function=function,
                authority=authority,
                privacy_contact=privacy_contact,
                name=signatory,
                kind=kind,
                label=label,
                address=address,
            )
            what, party = "asked", _other(workspace, done)
    speaker.tell(f"program.accession-{what}", id=done.agreement_id, party=party)
    for file in done.files:
        speaker.tell("program.agreement-send", file=file.file, party=file.party)
    speaker.result(done)


@click.command("end")
@click.argument("agreement")
@click.option("--on", "day", type=_DAY, required=True, help="The first day on which it is no longer in force.")
@click.option("--party", help="The practice: end it for this partner only; for the others it goes on.")
@click.option(
    "--ground",
    type=click.Choice(["notice", "breach", "basis-lapsed", "agreed"]),
    default="notice",
    help="With notice; or at once, for a serious breach, a legal basis that lapsed, or by mutual consent.",
)
@common
def end(speaker: Speaker, agreement: str, day: datetime, party: str | None, ground: str) -> None:
    """End an agreement early and tell the other side; in the follow-up only returns and corrections of cases move.

    A partner ends its own place in it. The file that is written tells the other side, who imports it.

    Example: exchange agreement end gp-2026 --on 2026-12-31 --ground agreed
    """
    from exchange.operations import ending

    with speaker.workspace() as workspace:
        ended = ending.end(workspace, agreement, on=day.date(), party=party, ground=ground)
    what = "ended-party" if ended.party else "ended"
    speaker.tell(
        f"program.agreement-{what}", id=ended.agreement_id, party=ended.party, date=ended.on, tail=ended.tail_until
    )
    for file in ended.files:
        speaker.tell("program.agreement-send", file=file.file, party=file.party)
    for one in ended.by_letter:
        speaker.tell("program.agreement-letter", party=one)
    speaker.result(ended)


@click.command("figures")
@click.argument("agreement")
@click.option("--by", type=click.Choice(["party", "label"]), help="Per partner (as it is), or pooled per group.")
@common
def figures(speaker: Speaker, agreement: str, by: str | None) -> None:
    """Show an agreement's figures: the practice sees each partner's, or those of a group (a HAGRO, a region); a partner
    sees what the practice told it. For one's own eyes.

    Example: exchange agreement figures gp-2026 --by label
    """
    from exchange.operations import figuring, hearing, sharing, vouching

    with speaker.workspace() as workspace:
        ours = sharing.is_ours(workspace, agreement)
        if by is not None and not ours:
            # What a partner was told is over all parties' cases: there is nothing to take apart.
            raise click.UsageError(speaker.say("hearing.not-by", option="--by"))
        asked = by or sharing.PARTY
        found = sharing.figures(workspace, agreement, by=asked) if ours else hearing.figures(workspace, agreement)
        one_by_one = 0 if ours else hearing.individuals(workspace, agreement)
    names = ("name", "group", "value", "interval", "of", "unknown", "n")
    speaker.table(
        [speaker.say(f"program.figure-{name}") for name in names],
        [figuring.row(one, speaker.language) for one in found],
        right=frozenset({2, 3, 4, 5, 6}),
    )
    for line in vouching.unsigned(found, speaker.language):
        speaker.line(line)
    for figure in () if ours else found:
        told = {"title": figuring.row(figure, speaker.language)[0], "start": figure.start, "end": figure.end}
        speaker.tell("hearing.period", **told, cut_off=figure.cut_off)
    if not ours:
        speaker.tell("hearing.told" if found else "hearing.nothing")
    if one_by_one:
        speaker.tell("hearing.individuals", count=one_by_one)
    if ours:
        speaker.tell("program.figures-internal")
    speaker.result({"figures": found} | ({} if ours else {"individuals": one_by_one}))


def _other(workspace: Workspace, done: Signed) -> str:
    """Return to whom our accession goes."""
    return done.files[0].party if done.files else workspace.settings.party


def _day(given: datetime | None) -> date | None:
    return given.date() if given is not None else None
