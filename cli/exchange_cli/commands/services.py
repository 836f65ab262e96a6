"""exchange services: what each service code in the claims is taken for."""

from __future__ import annotations

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common

_TYPES = click.Choice(["session", "group", "screening", "surcharge", "other"])


@click.group("services")
def command() -> None:
    """The map of service codes: only session and group count as a treatment."""


@command.command("list")
@common
def list_(speaker: Speaker) -> int:
    """List every code of the map and of your claims with how often it was claimed, the unknown ones first.

    Example: exchange services list
    """
    from exchange.operations import serving

    with speaker.workspace() as workspace:
        listed = serving.listed(workspace)
    rows = []
    for one in listed:
        origin = f"{one.origin}-unverified" if one.origin == "shipped" and not one.verified else one.origin
        meant = speaker.say(f"serving.type-{one.type}") if one.type else "?"
        rows.append(
            [one.code_list, one.code, meant, one.label, speaker.say(f"serving.origin-{origin}"), one.lines]
        )  # fmt: skip
    names = ("list", "code", "type", "label", "origin", "lines")
    speaker.table([speaker.say(f"serving.column-{name}") for name in names], rows, right=frozenset({5}))
    unknown = [one for one in listed if one.origin == "unknown"]
    if unknown:
        speaker.tell("serving.unknown", codes=len(unknown), lines=sum(one.lines for one in unknown))
    speaker.tell("serving.explain")
    speaker.result({"services": listed})
    return exits.FINDINGS if unknown else exits.DONE


@command.command("set")
@click.argument("code_list", metavar="LIST")
@click.argument("code")
@click.argument("type_", metavar="TYPE", type=_TYPES)
@click.option("--label", default="", help="What it is called.")
@common
def set_(speaker: Speaker, code_list: str, code: str, type_: str, label: str) -> None:
    """Say what a code is: session, group, screening, surcharge or other. It goes into exchange.toml.

    Every episode and session is derived anew by it; figures of before can be given again with --as-of.

    Example: exchange services set 074 2001 group --label "Group session"
    """
    from exchange.operations import serving

    with speaker.workspace() as workspace:
        service = serving.record(workspace, code_list=code_list, code=code, type_=type_, label=label)
    meant = speaker.say(f"serving.type-{service.type}")
    speaker.tell("serving.recorded", list=service.code_list, code=service.code, type=meant)
    speaker.result(service)
