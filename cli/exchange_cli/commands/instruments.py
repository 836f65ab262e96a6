"""exchange instruments: what they measure, from where on a change matters, and a score from the answers."""

from __future__ import annotations

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common


@click.group("instruments")
def command() -> None:
    """The measurement instruments: range, thresholds and their source, and scoring. Needs no workspace."""


@command.command("list")
@common
def list_(speaker: Speaker) -> None:
    """List every instrument with its direction, range and thresholds, and whether these were verified.

    Example: exchange instruments list
    """
    from exchange.operations import measuring

    head, rows = measuring.table(speaker.language)
    speaker.table(head, rows, right=frozenset({2, 3, 4}))
    speaker.line()
    speaker.tell("program.instruments-legend")
    speaker.result({"instruments": measuring.listed()})


@command.command("show")
@click.argument("name", metavar="ID")
@common
def show(speaker: Speaker, name: str) -> None:
    """Show all that is known of one instrument, with every source, and how it is scored.

    Example: exchange instruments show odi
    """
    from exchange.operations import measuring

    one = measuring.named(name)
    pairs = measuring.described(one, speaker.language)
    width = max(len(what) for what, _ in pairs)
    for what, text in pairs:
        speaker.line(f"{what:<{width}}  {text}")
    speaker.result(one)


@command.command("score")
@click.argument("name", metavar="ID")
@click.option(
    "--items",
    required=True,
    metavar="ANSWERS",
    help="The answers in the order of the list, such as 1,2,0 or '7,5; 6'; - where none was given.",
)
@common
def score(speaker: Speaker, name: str, items: str) -> int:
    """Work out the score of a list from the answers to its items; nothing is stored.

    Example: exchange instruments score odi --items 2,2,2,2,2,2,1,1,1,-
    """
    from exchange.findings import Finding
    from exchange.operations import measuring
    from exchange.records.thresholds import points, threshold_text

    one, found = measuring.scored(name, items)
    if isinstance(found, Finding):
        speaker.findings([found])
        said = {"rule": found.rule, "path": found.path, "text": speaker.say(found.rule, **found.params)}
        speaker.result({"instrument": one.id, "score": None, "findings": [said]})
        return exits.FINDINGS
    speaker.tell("program.instrument-scored", **measuring.told(one, found, speaker.language))
    for number, activity in enumerate(found.each, 1):
        speaker.tell("program.instrument-activity", number=number, score=points(one, activity, speaker.language))
    if one.scoring is not None and one.scoring.status != "verified":
        speaker.tell("program.instrument-rule-unverified", source=one.scoring.source)
    speaker.line(threshold_text(one, speaker.language))
    speaker.result(
        {
            "instrument": one.id,
            "score": found.score,
            "decimals": one.decimals,
            "exact": str(found.exact),
            "answered": found.answered,
            "each": found.each,
            "scoring_status": one.scoring.status if one.scoring is not None else "",
            "threshold": threshold_text(one, speaker.language),
            "findings": [],
        }
    )
    return exits.DONE
