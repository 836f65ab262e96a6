"""exchange partner: partners and their key cards."""

from __future__ import annotations

from pathlib import Path

import click

from exchange_cli.speaking import Speaker, common


@click.group("partner")
def command() -> None:
    """Give your key card, add a partner's, and say that you compared the fingerprints."""


@command.command("card")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write the card to this file.")
@click.option("--qr", type=click.Path(path_type=Path, dir_okay=False), help="Write the fingerprint as a QR code (SVG).")
@common
def card(speaker: Speaker, to: Path | None, qr: Path | None) -> None:
    """Show or write your own card. Give it to partners in any way; then compare the fingerprints by phone.

    Example: exchange partner card --to our-card.json
    """
    from exchange.operations import partners

    with speaker.workspace() as workspace:
        ours = partners.own_card(workspace, to=to, qr=qr)
    speaker.line(f"{ours.name}  {', '.join(ours.parties)}")
    speaker.tell("program.fingerprint", fingerprint=ours.fingerprint)
    if to is not None:
        speaker.tell("program.written", file=to)
    speaker.result({"parties": ours.parties, "name": ours.name, "fingerprint": ours.fingerprint, "file": to})


@command.command("add")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--kind", required=True, type=click.Choice(["practice", "gp", "specialist", "social", "other"]), help="What it is."
)
@click.option("--label", default="", help="A group it belongs to, such as a HAGRO.")
@common
def add(speaker: Speaker, file: Path, kind: str, label: str) -> None:
    """Add a partner by its key card. Nothing about a patient goes there before you verified it.

    Example: exchange partner add gp-card.json --kind gp --label "HAGRO Noord"
    """
    from exchange.operations import partners

    with speaker.workspace() as workspace:
        added = partners.add(workspace, file, kind=kind, label=label)
    speaker.tell("program.partner-added", name=added.name, party=added.party)
    speaker.tell("program.fingerprint", fingerprint=added.fingerprint)
    speaker.tell("program.partner-compare")
    speaker.result(added)


@command.command("verify")
@click.argument("party")
@click.option("--fingerprint", required=True, help="The forty digits as they were read to you.")
@click.option("--how", required=True, help="Over which number or at which meeting, found outside the card.")
@common
def verify(speaker: Speaker, party: str, fingerprint: str, how: str) -> None:
    """Record that a person compared the fingerprint over another channel, both ways.

    Example: exchange partner verify agb:01999991 --fingerprint "12345 67890 …" --how "the number on their website"
    """
    from exchange.operations import partners

    with speaker.workspace() as workspace:
        verified = partners.verify(workspace, party, fingerprint=fingerprint, how=how)
    speaker.tell("program.partner-verified", name=verified.name, by=verified.verified_by)
    speaker.result(verified)


@command.command("list")
@common
def list_(speaker: Speaker) -> None:
    """List partners and what is known of their cards.

    Example: exchange partner list
    """
    from exchange.operations import partners

    with speaker.workspace() as workspace:
        listed = partners.listed(workspace)
    speaker.table(
        [speaker.say(f"program.partner-{name}") for name in ("party", "name", "kind", "state", "fingerprint")],
        [
            [one.party, one.name, one.kind, speaker.say(f"program.partner-state-{one.state}"), one.fingerprint]
            for one in listed
        ],
    )
    speaker.result({"partners": listed})


@command.command("paper")
@click.argument("party")
@click.option("--name", required=True, help="The partner's name.")
@click.option("--kind", required=True, type=click.Choice(["gp", "specialist", "social", "other"]), help="What it is.")
@click.option("--label", default="", help="A group it belongs to.")
@common
def paper(speaker: Speaker, party: str, name: str, kind: str, label: str) -> None:
    """Add a partner without this toolkit: it signs on paper and answers on a form.

    Example: exchange partner paper agb:06999994 --name "The hospital" --kind specialist
    """
    from exchange.operations import partners

    with speaker.workspace() as workspace:
        added = partners.add_paper(workspace, party, name=name, kind=kind, label=label)
    speaker.tell("program.partner-paper", name=added.name, party=added.party)
    speaker.result(added)
