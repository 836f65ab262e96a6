"""exchange retention: what is past its term, and its destruction with a signed record."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common

if TYPE_CHECKING:
    from exchange.operations.retaining import Item, Record


@click.group("retention")
def command() -> None:
    """What is past its term here, by whose word, and its destruction. The care file itself is kept elsewhere."""


@command.command("due")
@common
def due(speaker: Speaker) -> None:
    """List what is past its term, by kind, agreement and rule; nothing is changed.

    Example: exchange retention due
    """
    from exchange.operations import retaining

    with speaker.workspace() as workspace:
        items = retaining.due(workspace)
    _table(speaker, items)
    if not items:
        speaker.tell("program.retention-none")
    speaker.result({"due": items})


@command.command("run")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def run(speaker: Speaker, yes: bool) -> int:
    """Destroy what is past its term, beyond recovery, and sign a record of it.

    Example: exchange retention run --yes
    """
    from exchange.operations import retaining

    with speaker.workspace() as workspace:
        items = retaining.due(workspace)
        _table(speaker, items)
        if not items:
            speaker.tell("program.retention-none")
            speaker.result({"destroyed": [], "record": None})
            return exits.DONE
        _require_yes(speaker, yes)
        record = retaining.run(workspace)
    _told(speaker, record)
    return exits.DONE


@command.command("erase")
@click.option("--epd", "epd_number", required=True, help="The client's number in your EPD.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def erase(speaker: Speaker, epd_number: str, yes: bool) -> int:
    """Destroy all that is here of one client who asked for it; partners must know of the withdrawal first.

    Example: exchange retention erase --epd P17
    """
    from exchange.operations import retaining

    with speaker.workspace() as workspace:
        _require_yes(speaker, yes)
        record = retaining.erase(workspace, epd_number)
    _told(speaker, record)
    return exits.DONE


@command.command("list")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write it as text to this file as well.")
@common
def list_(speaker: Speaker, to: Path | None) -> int:
    """List the signed records of what was destroyed here, and whether each is still as it was signed.

    Example: exchange retention list --to destroyed.txt
    """
    from exchange.operations import files, retaining

    with speaker.workspace() as workspace:
        records = retaining.records(workspace)
    lines = [line for record in records for line in _lines(speaker, record)]
    for line in lines:
        speaker.line(line)
    if not records:
        speaker.tell("program.retention-no-records")
    if to is not None:
        files.write(to, "".join(f"{line}\n" for line in lines).encode("utf-8"))
        speaker.tell("program.written", file=to)
    speaker.result({"records": records})
    return exits.DONE if all(record.sound for record in records) else exits.FINDINGS


def _require_yes(speaker: Speaker, yes: bool) -> None:
    if yes:
        return
    if speaker.as_json or not sys.stdin.isatty():
        raise click.UsageError(speaker.say("program.retention-yes"))
    click.confirm(speaker.say("program.retention-sure"), abort=True, err=True)


def _table(speaker: Speaker, items: Iterable[Item]) -> None:
    rows = [
        [
            speaker.say(f"program.retention-kind-{one.kind}"),
            one.agreement,
            speaker.say(f"retaining.law-{one.law}"),
            one.count,
        ]
        for one in items
    ]
    if rows:
        heads = [speaker.say(f"program.retention-{name}") for name in ("kind", "agreement", "law", "count")]
        speaker.table(heads, rows, right=frozenset({3}))


def _told(speaker: Speaker, record: Record | None) -> None:
    if record is not None:
        _table(speaker, record.items)
        speaker.tell("program.retention-done", file=f"destroyed/{record.file}")
        speaker.result({"destroyed": record.items, "record": record.file})


def _lines(speaker: Speaker, record: Record) -> list[str]:
    if not record.sound:
        return [speaker.say("program.retention-unsound", file=record.file)]
    head = speaker.say("program.retention-record", on=record.on, by=record.by, file=record.file)
    return [
        head,
        *(
            f"  {one.count} × {speaker.say(f'program.retention-kind-{one.kind}')}"
            f"{f' ({one.agreement})' if one.agreement else ''}: {speaker.say(f'retaining.law-{one.law}')}"
            for one in record.items
        ),
    ]
