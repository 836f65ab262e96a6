"""exchange agreement: make, sign and follow agreements."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from exchange_cli import exits
from exchange_cli.commands import agreement_parties
from exchange_cli.commands.agreement_review import diff, review
from exchange_cli.speaking import Speaker, common


@click.group("agreement")
def command() -> None:
    """From template to signature: the text people sign, the validator of what comes in, the gate for what goes out."""


command.add_command(review)
command.add_command(diff)


command.add_command(agreement_parties.accede)
command.add_command(agreement_parties.end)
command.add_command(agreement_parties.figures)


@command.command("new")
@click.argument("kind", type=click.Choice(["gp", "specialist", "social", "other", "client"]))
@click.option("--partner", "parties", multiple=True, help="A partner you added; may be repeated for a group.")
@click.option("--id", "agreement_id", help="Its short name; else made from kind and year.")
@click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), help="First day; else today.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The day it ends; else after two years.")
@click.option("--covers-from", type=click.DateTime(["%Y-%m-%d"]), help="First day the data may speak of.")
@click.option("--target", "targets", multiple=True, metavar="ID=NUMBER", help="A target, such as substitution-net=0.8.")
@click.option("--baseline", "baselines", multiple=True, metavar="ID=NUMBER", help="A baseline frozen beforehand.")
@click.option("--indicator", "indicators", multiple=True, metavar="ID", help="Which indicators; the first is primary.")
@click.option(
    "--signs",
    multiple=True,
    nargs=4,
    metavar="PARTY FUNCTION AUTHORITY PRIVACY-CONTACT",
    help="Who signs for a party; else marked blanks.",
)
@click.option("--passphrase-until", type=click.DateTime(["%Y-%m-%d"]), help="Until when forms go by passphrase.")
@click.option("--open", "open_to_others", is_flag=True, help="Others of this kind may accede later.")
@click.option("--open-until", type=click.DateTime(["%Y-%m-%d"]), help="Others may accede until this day.")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="The file to write; else in agreements/.")
@common
def new(
    speaker: Speaker,
    kind: str,
    parties: tuple[str, ...],
    agreement_id: str | None,
    start: object,
    until: object,
    covers_from: object,
    targets: tuple[str, ...],
    baselines: tuple[str, ...],
    indicators: tuple[str, ...],
    signs: tuple[tuple[str, str, str, str], ...],
    passphrase_until: object,
    open_to_others: bool,
    open_until: object,
    to: Path | None,
) -> None:
    """Write a draft from a template, to be read and changed by people.

    Example: exchange agreement new gp --partner agb:01999991 --partner agb:01999992
    """
    from exchange.operations import drafting

    with speaker.workspace() as workspace:
        file = drafting.new(
            workspace,
            kind,
            parties=parties,
            agreement_id=agreement_id,
            start=_day(start),
            until=_day(until),
            covers_from=_day(covers_from),
            to=to,
            targets=_numbers(targets),
            baselines=_numbers(baselines),
            indicators=indicators or None,
            signing={party: drafting.Signing(*rest) for party, *rest in signs},
            passphrase_until=_day(passphrase_until),
            open_to_others=open_to_others,
            open_until=_day(open_until),
        )
    speaker.tell("program.agreement-new", file=file)
    speaker.result({"file": file})


@command.command("check")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@common
def check(speaker: Speaker, file: Path) -> int:
    """List every finding on a draft, with line numbers. Changes nothing.

    Example: exchange agreement check agreements/gp-2026.yaml
    """
    from exchange.findings import Severity
    from exchange.operations import drafting

    found = drafting.check(file, on=speaker.today())
    speaker.findings(found)
    if not found:
        speaker.tell("program.agreement-sound")
    speaker.result(
        {
            "findings": [
                {"rule": one.rule, "line": one.line, "path": one.path, "severity": one.severity,
                 "text": speaker.say(one.rule, **one.params)}
                for one in found
            ]
        }
    )  # fmt: skip
    return exits.FINDINGS if any(one.severity is not Severity.INFORMATION for one in found) else exits.DONE


@command.command("show")
@click.argument("agreement")
@click.option("--elements", is_flag=True, help="Exactly what leaves and what must come in, in plain words.")
@click.option("--clause", metavar="ID", help="One article as a page of its own, such as client-letter.")
@click.option("--dpia", "kind", flag_value="dpia", help="Input for a data protection impact assessment, filled in.")
@click.option("--notes", "kind", flag_value="notes", help="Notes for a lawyer: which wording is a choice.")
@click.option("--fhir", "kind", flag_value="fhir", help="A FHIR Measure for each indicator; nothing about patients.")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Print it: .docx, .pdf, .html or .md.")
@common
def show(
    speaker: Speaker, agreement: str, elements: bool, clause: str | None, kind: str | None, to: Path | None
) -> None:
    """Show an agreement (its name, or a draft's file), from its own signed content; or what goes with it.

    Example: exchange agreement show gp-2026 --elements

    Example: exchange agreement show gp-2026 --dpia --to dpia.docx
    """
    from exchange.operations import annexes, drafting, membership

    with speaker.workspace() as workspace:
        state = membership.state(workspace, agreement)
        if kind is not None:
            text = annexes.show(workspace, agreement, kind, language=speaker.language, to=to)
        else:
            text = drafting.show(
                workspace, agreement, elements=elements, clause=clause, language=speaker.language, to=to
            )
    if to is None:
        speaker.line(text)
    else:
        speaker.tell("program.written", file=to)
    if not (elements or clause or kind):
        speaker.tell("program.agreement-stands", state=_state(speaker, state), date=speaker.today())
    speaker.result({"text": text, "file": to, "state": state})


@command.command("sign")
@click.argument("agreement")
@click.option("--paper", "party", metavar="PARTY", help="Record that this party signed the printed text.")
@click.option("--signatory", default="", help="With --paper: who signed, by name or function.")
@click.option("--function", default="", help="With --paper: the function of who signed; else the signatory is that.")
@click.option("--authority", default="", help="With --paper: on what authority.")
@click.option("--signed-on", type=click.DateTime(["%Y-%m-%d"]), help="With --paper: the date on the paper.")
@click.option("--scan", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="With --paper: the scan.")
@common
def sign(
    speaker: Speaker,
    agreement: str,
    party: str | None,
    signatory: str,
    function: str,
    authority: str,
    signed_on: object,
    scan: Path | None,
) -> None:
    """Sign a draft and propose it to its partners; or record that a party signed on paper.

    Example: exchange agreement sign agreements/gp-2026.yaml
    """
    from exchange.operations import agreeing

    with speaker.workspace() as workspace:
        if party is None:
            signed = agreeing.sign(workspace, Path(agreement))
        else:
            signed = agreeing.sign_paper(
                workspace,
                agreement,
                party=party,
                signatory=signatory,
                function=function,
                authority=authority,
                signed_on=_day(signed_on) or speaker.today(),
                scan=scan,
            )
    speaker.tell("program.agreement-signed", id=signed.agreement_id, state=_state(speaker, signed.state))
    for file in signed.files:
        speaker.tell("program.agreement-send", file=file.file, party=file.party)
    speaker.result(signed)


@command.command("accept")
@click.argument("agreement")
@common
def accept(speaker: Speaker, agreement: str) -> None:
    """Sign a proposal that a partner sent, and answer it.

    Example: exchange agreement accept gp-2026
    """
    from exchange.operations import agreeing

    with speaker.workspace() as workspace:
        signed = agreeing.accept(workspace, agreement)
    speaker.tell("program.agreement-signed", id=signed.agreement_id, state=_state(speaker, signed.state))
    for file in signed.files:
        speaker.tell("program.agreement-send", file=file.file, party=file.party)
    speaker.result(signed)


@command.command("list")
@click.option("--versions", is_flag=True, help="Every version, also those that were replaced.")
@click.option("--parties", is_flag=True, help="Each partner by itself: its group, its state, its cases.")
@click.option("--label", help="With --parties: only this group, such as a HAGRO or a region.")
@common
def list_(speaker: Speaker, versions: bool, parties: bool, label: str | None) -> None:
    """List agreements and drafts: state, term, next moment, what is overdue, unanswered.

    Example: exchange agreement list
    """
    from exchange.operations import agreeing, membership

    if parties or label is not None:
        _members(speaker, label)
        return
    with speaker.workspace() as workspace:
        drafts = membership.drafts(workspace)
        listed = (*agreeing.listed(workspace, versions=versions), *drafts)
    speaker.table(
        [
            speaker.say(f"program.agreement-{name}")
            for name in ("id", "version", "state", "until", "next", "overdue", "cases", "unanswered", "late")
        ],
        [
            [one.agreement_id, one.version, _state(speaker, one.state), one.until, one.next_moment, one.overdue,
             one.cases, one.unanswered, one.late]
            for one in listed
        ],
        right=frozenset({1, 6, 7, 8}),
    )  # fmt: skip
    for one in listed:
        if one.overdue is not None:
            speaker.tell("program.agreement-review-due", id=one.agreement_id, moment=one.overdue)
    speaker.result({"agreements": listed})


def _members(speaker: Speaker, label: str | None) -> None:
    from exchange.operations import membership

    with speaker.workspace() as workspace:
        members = membership.members(workspace, label=label)
    names = ("id", "version", "party", "name", "label", "state", "until", "cases", "unanswered")
    speaker.table(
        [speaker.say(f"program.agreement-{name}") for name in names],
        [
            [one.agreement_id, one.version, one.party, one.name, one.label, _state(speaker, one.state), one.until,
             one.cases, one.unanswered]
            for one in members
        ],
        right=frozenset({1, 7, 8}),
    )  # fmt: skip
    for one in members:
        if one.waiting:
            speaker.tell("program.accession-waiting", id=one.agreement_id, party=one.party)
    speaker.result({"parties": members})


@command.command("calendar")
@click.argument("agreement")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The .ics file to write.")
@common
def calendar(speaker: Speaker, agreement: str, to: Path) -> None:
    """Write the evaluation moments as a calendar file.

    Example: exchange agreement calendar gp-2026 --to moments.ics
    """
    from exchange.operations import drafting

    with speaker.workspace() as workspace:
        drafting.calendar(workspace, agreement, to=to, language=speaker.language)
    speaker.tell("program.written", file=to)
    speaker.result({"file": to})


@command.command("form")
@click.argument("agreement")
@click.option("--partner", required=True, help="The party the form is for; local:clients for clients.")
@click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False), required=True,
    help="The file: .xlsx, .docx, .pdf or .html to print, or .age to seal.",
)  # fmt: skip
@click.option("--totals", is_flag=True, help="Ask for totals only, without patients.")
@click.option(
    "--codes", type=click.Path(path_type=Path, dir_okay=False), help="A table for yourself: whose code it is."
)
@common
def form(speaker: Speaker, agreement: str, partner: str, to: Path, totals: bool, codes: Path | None) -> None:
    """Make the form on which a party without this toolkit answers about its open cases, or clients about themselves.

    Example: exchange agreement form hospital-2026 --partner agb:06999994 --to form.xlsx
    """
    from exchange.operations import forms

    with speaker.workspace() as workspace:
        made = forms.make(
            workspace, agreement, partner=partner, to=to, totals=totals, codes=codes, language=speaker.language
        )
    speaker.tell("program.form-made", file=made.file, cases=made.cases)
    if made.passphrase:
        speaker.tell("program.form-passphrase", passphrase=made.passphrase)
    if codes is not None:
        speaker.tell("program.form-codes", file=codes)
    speaker.result(made)


@command.command("asked")
@click.argument("agreement")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The CSV file to write.")
@common
def asked(speaker: Speaker, agreement: str, to: Path) -> None:
    """Write what is asked of us as a table to fill in; load it again with --mapping partner-answers.

    Example: exchange agreement asked gp-2026 --to asked.csv
    """
    from exchange.operations import forms

    with speaker.workspace() as workspace:
        made = forms.ask(workspace, agreement, to=to, language=speaker.language)
    speaker.tell("program.asked-written", file=made.file, cases=made.cases, questions=made.questions)
    speaker.result(made)


@command.command("preview")
@click.argument("agreement")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The day they saw the figures.")
@common
def preview(speaker: Speaker, agreement: str, day: object) -> None:
    """Record that the partners were shown the figures that go to the insurer, as the clause on onward use asks.

    Example: exchange agreement preview gp-2026 --on 2026-10-01
    """
    from exchange.operations import passing

    with speaker.workspace() as workspace:
        shown = passing.record_preview(workspace, agreement, on=_day(day) or speaker.today())
    speaker.tell("program.agreement-preview", id=shown.agreement, date=shown.sendable_from)
    speaker.result(shown)


def _day(given: object) -> date | None:
    from datetime import datetime

    return given.date() if isinstance(given, datetime) else None


def _numbers(given: tuple[str, ...]) -> dict[str, float]:
    try:
        return {name: float(number) for name, _, number in (text.partition("=") for text in given)}
    except ValueError:
        raise click.BadParameter("ID=NUMBER") from None


def _state(speaker: Speaker, state: str) -> str:
    return speaker.say(f"agreeing.state-{state}")
