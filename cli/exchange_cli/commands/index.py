"""exchange index: the treatment index, the way to its target, and official figures typed in."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common
from exchange_cli.usage import Amount, Number

_DAY = click.DateTime(["%Y-%m-%d"])


class _ShowsByItself(click.Group):
    """A group whose bare name shows: `exchange index --target 130` is `exchange index show --target 130`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `show` before the words where they name no other command."""
        if not args or (args[0].startswith("-") and args[0] not in {"-h", "--help"}):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group("index", cls=_ShowsByItself)
def command() -> None:
    """The official treatment index, its band and the way to the target; `exchange index` alone shows it."""


@command.command("show")
@click.option("--insurer", default="", help="Whose bands to hold it against; else the workspace's insurer.")
@click.option("--target", type=Amount(), help="The target; else the insurer's.")
@click.option("--basis", type=click.Choice(["value", "lower"]), help="Is the target set on the figure or its bound?")
@click.option("--year", type=int, help="The year of the official figure; else the latest.")
@click.option("--observed", type=click.IntRange(1, 9_999_999), help="Sessions as the official report states them.")
@click.option("--change", type=_DAY, help="The day from which you treat otherwise; else today.")
@click.option("--reference", type=click.Path(path_type=Path), metavar="FILE", help="A reference table of your own.")
@common
def show(
    speaker: Speaker,
    insurer: str,
    target: float | None,
    basis: str | None,
    year: int | None,
    observed: int | None,
    change: datetime | None,
    reference: Path | None,
) -> None:
    """Show the official index, its band, and what it takes to reach the target.

    With --reference an own estimate stands beside it; it is never the official index.

    Example: exchange index show --target 130
    """
    from exchange.operations import estimating, indexing

    table = estimating.read(reference) if reference is not None else None
    with speaker.workspace() as workspace:
        told = indexing.index(
            workspace, insurer=insurer, target=target, basis=basis, year=year, observed=observed,
            change=change.date() if change else None, reference=table,
        )  # fmt: skip
    for line in indexing.lines(told, speaker.language):
        speaker.line(line)
    speaker.result(told)


@command.command("record")
@click.option("--period", required=True, help="The year (2025), or first and last day: 2025-01-01/2025-06-30.")
@click.option("--value", type=Number(), required=True, help="The index as it was published.")
@click.option("--lower", type=Number(), help="Its published lower bound.")
@click.option("--upper", type=Number(), help="Its published upper bound.")
@click.option("--version", default="", help="The release: v1, v2 or v3.")
@click.option("--insurer", default="", help="Whose figure; else the workspace's insurer.")
@click.option("--source", default="", help="Where it stands, such as 'Mijn Vektis'.")
@click.option("--patients", type=click.IntRange(min=1), help="Over how many patients, where it says so.")
@common
def record(
    speaker: Speaker,
    period: str,
    value: float,
    lower: float | None,
    upper: float | None,
    version: str,
    insurer: str,
    source: str,
    patients: int | None,
) -> int:
    """Type in an official figure. The same again changes nothing; a correction keeps the figure before it.

    Example: exchange index record --period 2025 --version v3 --value 157 --lower 142 --upper 172 --source "Mijn Vektis"
    """
    from exchange.findings import Severity
    from exchange.operations import index_recording

    with speaker.workspace() as workspace:
        recorded = index_recording.record(
            workspace, period=period, value=value, lower=lower, upper=upper, version=version, insurer=insurer,
            source=source, patients=patients,
        )  # fmt: skip
    speaker.tell(f"indexing.recorded-{recorded.what}", **recorded.params(speaker.language))
    speaker.findings(recorded.findings)
    speaker.result(recorded)
    warned = any(one.severity is not Severity.INFORMATION for one in recorded.findings)
    return exits.FINDINGS if warned else exits.DONE


@command.command("list")
@click.option("--history", is_flag=True, help="Also the figures that were corrected since, with who did and when.")
@common
def list_(speaker: Speaker, history: bool) -> None:
    """List the official figures that are known, and with --history what was corrected.

    Example: exchange index list --history
    """
    from exchange.operations import index_recording

    with speaker.workspace() as workspace:
        listed = index_recording.listed(workspace, history=history)
    names = (
        "year",
        "version",
        "insurer",
        "value",
        "lower",
        "upper",
        "first",
        "last",
        "source",
        "entered",
        "by",
        "until",
    )
    speaker.table(
        [speaker.say(f"indexing.column-{name}") for name in names],
        [index_recording.row(one, speaker.language) for one in listed],
        right=frozenset({3, 4, 5}),
    )
    if not listed:
        speaker.tell("indexing.none")
    speaker.result({"figures": listed})
