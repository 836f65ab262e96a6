"""exchange indicators: calculate indicators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common

if TYPE_CHECKING:
    from exchange.findings import Finding
    from exchange.indicators.figure import Figure
    from exchange.operations.workspace import Workspace


# The words that ask for something with files; no indicator is called so.
_OF_FILES = (("check",), ("funnel",))


@click.command("indicators")
@click.argument("ids", nargs=-1)
@click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), help="First day of the period.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="End of the period, that day excluded.")
@click.option(
    "--by", "group_by", multiple=True, metavar="NAME", help="Split: location, therapist, access, sex, month, year, …."
)
@click.option(
    "--engine",
    type=click.Choice(["sql", "oracle", "sqlite", "postgresql", "duckdb", "spark", "trino"]),
    default="sql",
    help="Which calculation: sql (the store's own) or oracle; with --data duckdb or spark; with --sql any.",
)
@click.option("--data", metavar="DIR", help="Over pooled Parquet that `exchange records export` wrote; no workspace.")
@click.option("--remote", metavar="ADDRESS", default="", help="The Spark Connect server, such as sc://cluster:15002.")
@click.option("--why", metavar="EPISODE", help="Why an episode (EPD number or koppelcode) counts or not; local only.")
@click.option("--sql", is_flag=True, help="Show the query instead of running it.")
@click.option(
    "--check",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Check a definition you wrote; needs no workspace.",
)
@click.option("--as-of", type=int, metavar="LOAD", help="As the store was after this load.")
@click.option("--on", "cut_off", type=click.DateTime(["%Y-%m-%d"]), help="As it was calculated on this day.")
@click.option("--for", "audience", type=click.Choice(["internal", "insurer"]), default="internal", help="Who reads it.")
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the figures: .csv, .xlsx, .json; a funnel: .html, …, .svg.",
)
@click.option(
    "--jacobson-truax",
    "norms",
    is_flag=False,
    flag_value="",
    metavar="[NORMS]",
    help="Reliable change as a table of its own, by norms of yours (else the workspace's norms.toml); local only.",
)
@common
def command(
    speaker: Speaker,
    ids: tuple[str, ...],
    start: datetime | None,
    until: datetime | None,
    group_by: tuple[str, ...],
    engine: str,
    data: str | None,
    remote: str,
    why: str | None,
    sql: bool,
    check: Path | None,
    as_of: int | None,
    cut_off: datetime | None,
    audience: str,
    to: Path | None,
    norms: str | None,
) -> int:
    """Calculate the indicators that are named, or all of them; `check FILE` checks a definition you wrote, and
    `funnel ID FILE...` sets practices beside each other.

    Example: exchange indicators substitution-net --from 2024-01-01 --until 2026-01-01

    Example: exchange indicators check my-indicator.yaml

    Example: exchange indicators funnel measured practice-1.json practice-2.json

    Example: exchange indicators responders --jacobson-truax
    """
    from exchange.operations import figuring, measuring, reasoning

    if check is not None or ids[:1] in _OF_FILES:
        of_store: dict[str, object] = {
            "--from": start, "--until": until, "--by": group_by, "--data": data, "--why": why, "--sql": sql,
            "--as-of": as_of, "--on": cut_off, "--jacobson-truax": norms is not None, "--engine": engine != "sql",
            "--remote": remote,
        }  # fmt: skip
        _require_none(speaker, "program.of-files", of_store)
        return _of_files(speaker, ids, check, audience, to)
    days = {"start": _day(start), "end": _day(until)}
    if norms is not None:
        given = {"--data": data, "--sql": sql, "--why": why, "--by": group_by, "--to": to}
        return _reliable(speaker, ids, norms, given, as_of=as_of, audience=audience, cut_off=_day(cut_off), **days)
    if sql and engine not in ("sql", "oracle"):
        return _shown(speaker, figuring.texts(engine, ids, group_by))
    if data is not None:
        _require_none(speaker, "pooled.without", {"--why": why, "--as-of": as_of})
        over = {"engine": "duckdb" if engine == "sql" else engine, "remote": remote, "audience": audience}
        return _pooled(speaker, data, ids, to, group_by=group_by, on=_day(cut_off) or speaker.today(), **over, **days)
    figuring.require_store_engine(engine)
    with speaker.workspace() as workspace:
        if sql:
            return _shown(speaker, figuring.queries(workspace, ids, group_by))
        if why is not None:
            days |= {"cut_off": _day(cut_off)}
            return _explained(
                speaker, reasoning.why(workspace, ids, why, as_of=as_of, language=speaker.language, **days)
            )
        asked: dict[str, Any] = {"group_by": group_by, "engine": engine, "as_of": as_of, "cut_off": _day(cut_off)}
        figures, found, entered = _calculated(speaker, workspace, ids, to, audience, asked | days)
        shown = {one.indicator for one in figures}
        judged = measuring.judged_by(workspace, (one for one in figuring.definitions(ids) if one.id in shown), as_of)
    _printed(speaker, figures)
    thresholds = measuring.thresholds(judged, speaker.language)
    if thresholds:
        speaker.line()
        speaker.tell("program.figure-thresholds")
        for line in thresholds:
            speaker.line(f"  {line}")
    _entered(speaker, audience, entered=entered)
    speaker.findings(found)
    speaker.result({"figures": figures, "thresholds": thresholds, "findings": found, "entered": entered})
    return exits.FINDINGS if found else exits.DONE


def _entered(speaker: Speaker, audience: str, *, entered: bool) -> None:
    """Say whether what the insurer sees stands in the ledger."""
    if audience == "insurer":
        for rule in ("program.released",) if entered else ("program.preview", "program.preview-figures"):
            speaker.tell(rule)


def _calculated(
    speaker: Speaker, workspace: Workspace, ids: tuple[str, ...], to: Path | None, audience: str, asked: dict[str, Any]
) -> tuple[Sequence[Figure], Sequence[Finding], bool]:
    """Calculate, and write where a file is named; for the insurer held to table plan and ledger, and entered."""
    from exchange.operations import figuring

    if audience == "insurer":
        from exchange.operations import showing

        shown = showing.outside(workspace, ids, to=to, language=speaker.language, **asked)
        found: tuple[Sequence[Figure], Sequence[Finding], bool] = shown.figures, shown.findings, shown.entered
    else:
        found = figuring.figures(workspace, ids, **asked), (), False
        if to is not None:
            figuring.write(found[0], to, language=speaker.language)
    if to is not None:
        speaker.tell("program.written", file=to)
    return found


def _explained(speaker: Speaker, reasons: Sequence[str]) -> int:
    """Print why an episode counts or not."""
    for line in reasons:
        speaker.line(line)
    speaker.result({"why": reasons})
    return exits.DONE


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _require_none(speaker: Speaker, rule: str, given: Mapping[str, object]) -> None:
    """Refuse an option that what was asked for does not have; it would be passed over without a word."""
    for option, value in given.items():
        if value or (value == 0 and not isinstance(value, bool)):
            raise click.UsageError(speaker.say(rule, option=option))


def _reliable(speaker: Speaker, ids: tuple[str, ...], norms: str, given: Mapping[str, object], **asked: Any) -> int:
    """Print Jacobson and Truax's table of reliable change, which stands by itself."""
    from exchange.operations import norming
    from exchange.reports import reliable

    _require_none(speaker, "reliable-change.alone", given)
    file = Path(norms) if norms else None
    with speaker.workspace() as workspace:
        found = norming.tables(workspace, ids, norms=file, language=speaker.language, **asked)
    speaker.tell("reliable-change.title")
    speaker.line(reliable.about(found, speaker.language))
    speaker.line()
    if found.tables:
        rows = [reliable.row(one, speaker.language) for one in found.tables]
        speaker.table(reliable.head(speaker.language), rows, right=frozenset(range(1, 10)))
    else:
        speaker.tell("reliable-change.none")
    speaker.line()
    for line in reliable.lines(found, speaker.language):
        speaker.line(line)
    speaker.result({"reliable_change": found})
    return exits.DONE


def _shown(speaker: Speaker, queries: Mapping[str, str]) -> int:
    """Print the queries."""
    for name, query in queries.items():
        speaker.line(f"-- {name}\n{query}\n")
    speaker.result({"sql": queries})
    return exits.DONE


def _printed(speaker: Speaker, figures: Sequence[Figure]) -> None:
    """Print figures as a table, why some are withheld, and which of them rest on forms that nobody signed."""
    from exchange.operations import figuring, refusals, vouching

    heads = [
        speaker.say(f"program.figure-{name}") for name in ("name", "group", "value", "interval", "of", "unknown", "n")
    ]
    rows = figuring.rows(figures, speaker.language)
    if not any(figure.group for figure in figures):  # a column of nothing would make lines too long for a screen
        heads, rows = [heads[0], *heads[2:]], [(row[0], *row[2:]) for row in rows]
    speaker.table(heads, rows, right=frozenset(range(len(heads) - 5, len(heads))))
    for line in (*refusals.withheld(figures, speaker.language), *vouching.unsigned(figures, speaker.language)):
        speaker.line(line)


def _pooled(speaker: Speaker, data: str, ids: tuple[str, ...], to: Path | None, **asked: Any) -> int:
    """Calculate over exported tables."""
    from exchange.operations import figuring, pooled

    figures = pooled.figures(data, ids, **asked)
    if to is not None:
        figuring.write(figures, to, language=speaker.language)
        speaker.tell("program.written", file=to)
    _printed(speaker, figures)
    if asked["audience"] == "insurer":
        speaker.tell("program.pooled-no-ledger")
    speaker.result({"figures": figures})
    return exits.DONE


def _of_files(speaker: Speaker, ids: tuple[str, ...], check: Path | None, audience: str, to: Path | None) -> int:
    """Do what needs files and no workspace: `check FILE` and `funnel ID FILE...`."""
    if check is None and ids[0] == "funnel":
        return _compared(speaker, ids[1:], audience, to)
    _require_none(speaker, "program.of-files", {"--to": to})
    return _checked(speaker, check or _file(speaker, ids[1:]))


def _compared(speaker: Speaker, named: tuple[str, ...], audience: str, to: Path | None) -> int:
    """Print practices beside each other in a funnel, from the file of each, and write it where a file is named."""
    from exchange.operations import funnelling
    from exchange.reports import funnels

    if len(named) < 2:
        raise click.UsageError(speaker.say("program.indicators-funnel"))
    told = funnelling.practices(named[0], [Path(one) for one in named[1:]], audience=audience)
    if to is not None:
        funnelling.write(told, to, language=speaker.language, on=speaker.today(), audience=audience)
        speaker.tell("program.written", file=to)
    rows = [funnels.row(one, speaker.language) for one in told.funnel.points]
    speaker.table(funnels.heads(speaker.language), rows, right=frozenset({1, 2, 3, 4}))
    speaker.line(funnels.head(told.funnel, speaker.language))
    speaker.findings(told.findings)
    speaker.result({"funnel": told.funnel, "indicator": told.indicator, "findings": told.findings})
    return exits.FINDINGS if told.findings else exits.DONE


def _file(speaker: Speaker, named: tuple[str, ...]) -> Path:
    """Return the file to check."""
    if len(named) != 1:
        raise click.UsageError(speaker.say("program.indicators-check-one"))
    given: Path = click.Path(path_type=Path, exists=True, dir_okay=False).convert(named[0], None, None)
    return given


def _checked(speaker: Speaker, file: Path) -> int:
    """Print the findings on a definition, or else the paragraph that it becomes in an agreement."""
    from exchange.operations import checking

    found, paragraph = checking.definition(file, language=speaker.language)
    speaker.tell("program.check-file", file=str(file), count=len(found))
    speaker.findings(found)
    if paragraph:
        speaker.line(paragraph)
    listed = [
        {"rule": one.rule, "path": one.path, "line": one.line, "text": speaker.say(one.rule, **one.params)}
        for one in found
    ]
    speaker.result({"findings": listed, "paragraph": paragraph})
    return exits.FINDINGS if found else exits.DONE
