"""exchange check: findings on a FHIR message."""

from __future__ import annotations

from pathlib import Path

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, common


@click.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@common
def command(speaker: Speaker, files: tuple[Path, ...]) -> int:
    """Check FHIR messages (JSON, or NDJSON with one message a line) and list every finding. Needs no workspace.

    Example: exchange check message.json
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
    serious = any(one.severity is not Severity.INFORMATION for found in checked.values() for one in found)
    return exits.FINDINGS if serious else exits.DONE
