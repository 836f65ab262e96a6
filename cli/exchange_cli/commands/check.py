"""exchange check: findings on a FHIR message."""

from __future__ import annotations

from pathlib import Path

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common


@click.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--outcome", type=click.Path(path_type=Path, dir_okay=False), help="Write a FHIR OperationOutcome too.")
@common
def command(speaker: Speaker, files: tuple[Path, ...], outcome: Path | None) -> int:
    """Check FHIR messages (JSON, or NDJSON with one message a line) and list every finding. Needs no workspace.

    With --outcome the findings are also written as a FHIR OperationOutcome, for the system that made the message.

    Example: exchange check message.json

    Example: exchange check message.json --outcome outcome.json
    """
    from exchange.findings import Severity
    from exchange.operations import checking

    checked = {str(file): checking.check(file) for file in files}
    for name, found in checked.items():
        speaker.tell("program.check-file", file=name, count=len(found))
        speaker.findings(found)
    speaker.result(
        {
            "files": {
                name: [
                    {
                        "rule": one.rule,
                        "path": one.path,
                        "line": one.line,
                        "severity": one.severity,
                        "text": speaker.say(one.rule, **one.params),
                    }
                    for one in found
                ]
                for name, found in checked.items()
            }
        }
    )
    if outcome is not None:
        checking.write_outcome(checked, outcome, language=speaker.language)
    serious = any(one.severity is not Severity.INFORMATION for found in checked.values() for one in found)
    return exits.FINDINGS if serious else exits.DONE
