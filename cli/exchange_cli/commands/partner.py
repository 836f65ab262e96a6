"""exchange partner: partners and their key cards."""

from __future__ import annotations

from pathlib import Path

import click

from exchange_cli.speaking import Speaker, common


@click.group("partner")
def command() -> None:
    """Give your key card, add a partner's, compare fingerprints, follow rotations and revocations."""


@command.command("card")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write the card to this file.")
@click.option(
    "--qr", type=click.Path(path_type=Path, dir_okay=False), help="Write the fingerprint as a QR code (.svg or .png)."
)
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
@click.option("--fingerprint", help="The partner's forty digits, as they were read to you.")
@click.option("--ours", help="Your own forty digits, as the partner read them from the card it holds.")
@click.option("--how", required=True, help="Over which number or at which meeting, found outside the card.")
@click.option("--with", "person", default="", help="Whom you spoke.")
@common
def verify(
    speaker: Speaker, party: str, fingerprint: str | None, ours: str | None, how: str, person: str
) -> None:  # fmt: skip
    """Record that people compared the fingerprints over another channel, both ways: yours and theirs.

    Example: exchange partner verify agb:01999991 --fingerprint "12345 67890 …" --ours "09876 54321 …" --how "telephone"
    """
    from exchange.operations import partners

    if fingerprint is None and ours is None:
        raise click.UsageError(speaker.say("program.verify-nothing"))
    with speaker.workspace() as workspace:
        verified = partners.verify(
            workspace, party, fingerprint=fingerprint, ours=ours, how=how, person=person
        )  # fmt: skip
    if verified.state == "verified":
        speaker.tell("program.partner-verified", name=verified.name, by=verified.verified_by)
    else:
        speaker.tell("program.partner-half", name=verified.name)
    speaker.result(verified)


@command.command("rotate")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@common
def rotate(speaker: Speaker, file: Path) -> None:
    """Take in a partner's rotation: a new card, signed by the keys of the one you verified.

    Example: exchange partner rotate rotation.json
    """
    from exchange.operations import partners

    with speaker.workspace() as workspace:
        rotated = partners.rotate(workspace, file)
    if rotated.state == "rotated":
        speaker.tell("program.partner-rotated", name=rotated.name, serial=rotated.serial)
    else:
        speaker.tell("program.partner-rotated-known", name=rotated.name)
    speaker.tell("program.fingerprint", fingerprint=rotated.fingerprint)
    speaker.result(rotated)


@command.command("revoke")
@click.argument("what", metavar="FILE|PARTY")
@click.option("--how", default="", help="For a party: who told you, and over which number or at which meeting.")
@common
def revoke(speaker: Speaker, what: str, how: str) -> None:
    """Revoke a partner's cards: by its signed revocation, or because a person told you.

    Example: exchange partner revoke revocation.json
    """
    from exchange.operations import partners

    file = Path(what)
    if not file.is_file() and not how:
        raise click.UsageError(speaker.say("program.revoke-what"))
    with speaker.workspace() as workspace:
        gone = (
            partners.revoke(workspace, file) if file.is_file() else partners.revoke_by_word(workspace, what, how=how)
        )  # fmt: skip
    speaker.tell("program.partner-revoked", name=gone.name, count=len(gone.cards))
    if gone.agreements:
        speaker.tell("program.agreements-anew", agreements=", ".join(gone.agreements))
    speaker.result(gone)


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
        [
            speaker.say(f"program.partner-{name}")
            for name in ("party", "name", "kind", "state", "compared", "fingerprint")
        ],
        [
            [
                one.party,
                one.name,
                one.kind,
                speaker.say(f"program.partner-state-{one.state}"),
                f"{one.verified_by} {one.verified_on}" if one.verified_on else "",
                one.fingerprint,
            ]
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
