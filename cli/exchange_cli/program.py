"""The command `exchange`: its commands are imported only when they are asked for, so that help comes at once."""

from __future__ import annotations

import gc
import importlib
import io
import sys
from typing import Any

import click

from exchange_cli import exits
from exchange_cli.speaking import Speaker, language_of

# name -> (module, one line of help in English and Dutch: the module is not imported to print help)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("demo", "A whole round trip on invented data.", "Een volledige rondgang met verzonnen gegevens."),
    "init": ("init", "Make a workspace with its keys.", "Een werkmap met sleutels maken."),
    "load": ("load", "Load the practice's own files.", "Eigen bestanden van de praktijk inlezen."),
    "quality": (
        "quality",
        "What is doubtful in your data, and whose.",
        "Wat er twijfelachtig is in uw gegevens, en bij wie.",
    ),
    "services": (
        "services",
        "What each service code is taken for.",
        "Waar elke prestatiecode voor telt.",
    ),
    "partner": ("partner", "Partners and their key cards.", "Partners en hun sleutelkaarten."),
    "agreement": ("agreement", "Make, sign and follow agreements.", "Afspraken maken, tekenen en volgen."),
    "consent": ("consent", "Record what a client agreed to.", "Toestemming van cliënten vastleggen."),
    "referral": (
        "referral",
        "Why the patient came, and what would have happened otherwise.",
        "Waarom de patiënt kwam, en wat er anders was gebeurd.",
    ),
    "export": ("export", "Seal what an agreement lets out.", "Verzegelen wat een afspraak doorlaat."),
    "records": (
        "records",
        "Export records for pooling, without anyone in them.",
        "Gegevens poolen, zonder personen erin.",
    ),
    "import": ("import_", "Take in what a partner sealed.", "Inlezen wat een partner heeft verzegeld."),
    "inspect": ("inspect", "What can be known of a sealed file.", "Wat van een verzegeld bestand te weten is."),
    "check": ("check", "Findings on a FHIR message.", "Bevindingen bij een FHIR-bericht."),
    "evaluate": ("evaluate", "The moments at session 4, 8 and 12.", "De evaluaties bij behandeling 4, 8 en 12."),
    "improve": ("improve", "Improvement points: plan, do, check, act.", "Verbeterpunten: plan, do, check, act."),
    "indicators": ("indicators", "Calculate indicators.", "Indicatoren berekenen."),
    "instruments": (
        "instruments",
        "The instruments: thresholds with their source, and scoring.",
        "De meetinstrumenten: drempels met hun bron, en scoren.",
    ),
    "index": ("index", "The treatment index and the way to its target.", "De behandelindex en de weg naar het doel."),
    "summary": ("summary", "Write the indicator summary.", "Het overzicht van indicatoren schrijven."),
    "plan": ("plan", "Write the improvement plan.", "Het verbeterplan schrijven."),
    "log": ("log", "The audit trail.", "Het logboek."),
    "keys": ("keys", "Our own keys.", "De eigen sleutels."),
    "retention": ("retention", "What is past its term, and destroying it.", "Wat over de termijn is, en het wissen."),
    "doctor": ("doctor", "Is everything as it should be?", "Is alles in orde?"),
}


class Program(click.Group):
    """A group whose commands live in modules of their own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the one module that is asked for."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"exchange_cli.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without importing them."""
        dutch = language_of(ctx.params.get("language")) == "nl"
        with formatter.section("Opdrachten" if dutch else "Commands"):
            formatter.write_dl([(name, words[2] if dutch else words[1]) for name, words in COMMANDS.items()])


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="outcome-exchange", prog_name="exchange")
@click.option("--workspace", metavar="DIR", envvar="EXCHANGE_WORKSPACE", help="The workspace, if not this folder.")
@click.option(
    "--language", type=click.Choice(["nl", "en"]), is_eager=True, help="Dutch or English; else your locale."
)  # eager: help must know it too
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, errors too.")
@click.option("--passphrase-fd", type=int, metavar="FD", help="Read the passphrase from this file descriptor.")
@click.pass_context
def program(
    ctx: click.Context, workspace: str | None, language: str | None, as_json: bool, passphrase_fd: int | None
) -> None:
    """Agree on treatment-effect data, exchange it encrypted, calculate with it and write the improvement plan.

    Example: exchange demo --into demo
    """
    ctx.obj = Speaker(workspace=workspace, language=language, as_json=as_json, passphrase_fd=passphrase_fd)


def main(arguments: list[str] | None = None) -> None:
    """Run the program and leave with its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    # A run is short: to look for rings of garbage as often as usual costs a tenth of a large table of figures.
    gc.set_threshold(500_000, 20, 50)
    # What is sent to a file is read again as UTF-8; Windows would write it in its own code page.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    as_json = "--json" in words
    language = language_of(_asked_language(words))
    sys.exit(run(words, as_json=as_json, language=language))


def _asked_language(words: list[str]) -> str | None:
    """Find the language before anything is parsed: what is wrong with the words is said in it too."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--language":
            return following
        if word.startswith("--language="):
            return word.partition("=")[2]
    return None


def run(words: list[str], *, as_json: bool, language: str) -> int:
    """Run one command line and return its exit code; every error is said, none is a traceback."""
    speaker = Speaker(language=language, as_json=as_json)
    try:
        outcome: Any = program.main(words, prog_name="exchange", standalone_mode=False)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as wrong:
        return speaker.usage(wrong)
    except (click.Abort, KeyboardInterrupt):
        return speaker.stopped()
    except Exception as error:
        return speaker.error(error)
    return outcome if isinstance(outcome, int) else exits.DONE
