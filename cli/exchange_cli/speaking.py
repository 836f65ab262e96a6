"""How the program speaks: words for people, one JSON document for machines, and what every command shares."""

from __future__ import annotations

import dataclasses
import functools
import json
import locale
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from exchange.errors import ExchangeError
from exchange_cli import exits, folding, usage
from exchange_cli.terminal import safe, safe_json

if TYPE_CHECKING:
    from exchange.findings import Finding, Premise
    from exchange.operations.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])
_LONGEST = 4096


def language_of(asked: str | None) -> str:
    """Return the language asked for, else Dutch for a Dutch locale, else English."""
    if asked in {"nl", "en"}:
        return asked
    named = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    if not named:
        named = locale.getlocale()[0] or ""
    return "nl" if named.lower().startswith(("nl", "dutch")) else "en"


def plain(value: object) -> Any:
    """Turn a result into what JSON can hold: days and instants as ISO text, secrets never get here."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [plain(item) for item in value]
    return value


class Speaker:
    """One run's way of speaking: language, form, and the workspace it speaks about."""

    def __init__(
        self,
        *,
        workspace: str | None = None,
        language: str | None = None,
        as_json: bool = False,
        passphrase_fd: int | None = None,
    ) -> None:
        """Keep what was asked."""
        self.folder = workspace
        self.asked = language  # documents are Dutch unless English was asked for; what is said follows the locale
        self.language = language_of(language)
        self.as_json = as_json
        self.passphrase_fd = passphrase_fd
        self._lines: list[str] = []  # of the descriptor, for a pipe gives each of them only once

    # What every command needs ---------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Return this moment; the program is the only one that looks at the clock."""
        return datetime.now(UTC)

    def today(self) -> date:
        """Return today's date in Europe/Amsterdam."""
        from exchange.records.calendar import day_of

        return day_of(self.now())

    def user(self) -> str:
        """Return who is at the keyboard, for the audit trail."""
        import getpass

        try:
            return os.environ.get("EXCHANGE_USER") or getpass.getuser()
        except (OSError, KeyError):
            return "unknown"

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """Open the workspace, unlock its keys, and close it again."""
        from exchange.operations.workspace import Workspace

        opened = Workspace.open(
            Workspace.find(Path(self.folder) if self.folder else None, start=Path.cwd()),
            passphrase=self.passphrase,
            now=self.now(),
            on=self.today(),
            user=self.user(),
        )
        try:
            yield opened
        finally:
            opened.close()

    def passphrase(self, name: str, *, confirm: bool = False, line: int = 0, asked: bool = False) -> str:
        """Get the passphrase from a descriptor, the system's keyring or a prompt; never from the command line.

        `line` says which line of the descriptor: a new passphrase stands on the line after the old one. `asked`
        passes over the keyring: what it holds is another's, or is just to be put there.
        """
        if self.passphrase_fd is not None:
            return self._from_descriptor(self.passphrase_fd, line)
        stored = None if confirm or asked else remembered(name)
        if stored is not None:
            return stored
        if not sys.stdin.isatty():
            raise ExchangeError("program.no-passphrase", hints=("hint.passphrase-fd",))
        words = safe(self.say("program.passphrase", name=name))
        answer: str = click.prompt(words, hide_input=True, confirmation_prompt=confirm, err=True)
        return answer

    def _from_descriptor(self, descriptor: int, line: int) -> str:
        try:
            while len(self._lines) <= line:
                text = _line_of(descriptor)
                if text is None:
                    raise ExchangeError("program.passphrase-lines", hints=("hint.passphrase-fd",), lines=line + 1)
                self._lines.append(text)
        except (OSError, UnicodeDecodeError):
            raise ExchangeError("program.passphrase-unreadable", hints=("hint.passphrase-fd",)) from None
        return self._lines[line]

    # Speaking -------------------------------------------------------------------------------------------------

    def say(self, rule: str, /, **params: object) -> str:
        """Return one sentence of the catalogue in our language."""
        from exchange.findings import say

        return say(rule, params, self.language)

    def tell(self, rule: str, /, **params: object) -> None:
        """Print one sentence for people; machines hear nothing of it."""
        self.line(self.say(rule, **params))

    def line(self, text: str = "") -> None:
        """Print a line for people."""
        if not self.as_json:
            click.echo(safe(text))

    def result(self, value: object) -> None:
        """Print the one JSON document, where that was asked."""
        if self.as_json:
            self._document(plain(value))

    @staticmethod
    def _document(value: object) -> None:
        click.echo(safe_json(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)))

    def table(
        self, head: Sequence[str], rows: Iterable[Sequence[object]], *, right: frozenset[int] = frozenset()
    ) -> None:
        """Print a table whose columns align; `right` are the columns of numbers.

        On a terminal words are folded where lines would be longer than it is wide; a file or another program gets
        each row as one line.
        """
        if self.as_json:
            return
        # By column: a table of figures by month can have ten thousands of lines.
        columns = [["" if cell is None else str(cell) for cell in column] for column in zip(head, *rows, strict=True)]
        # One less: some consoles begin a new line by themselves after the last column.
        most = shutil.get_terminal_size().columns - 1 if sys.stdout.isatty() else None
        click.echo(safe("\n".join(folding.lines(columns, right, most))))

    def findings(self, found: Iterable[Finding]) -> None:
        """Print findings, one a line: severity, where, what."""
        for finding in found:
            where = f"{finding.path}:{finding.line}" if finding.line else finding.path
            severity = self.say(f"program.{finding.severity}")
            self.line(f"{severity:<12} {where}  {self.say(finding.rule, **finding.params)}")

    @contextmanager
    def progress(self, rule: str, /, **params: object) -> Iterator[Callable[[int, int], None]]:
        """Give a function that shows progress on a terminal, on work that takes over two seconds."""
        started = time.monotonic()
        shown = False

        def step(done: int, total: int) -> None:
            nonlocal shown
            if self.as_json or not sys.stderr.isatty() or time.monotonic() - started < 2:
                return
            shown = True
            part = min(done / total, 1.0) if total else 0.0
            bar = "█" * round(part * 24) + "░" * (24 - round(part * 24))
            click.echo(f"\r{self.say(rule, **params)} {bar} {part:4.0%}", nl=False, err=True)

        try:
            yield step
        finally:
            if shown:
                click.echo("\r" + " " * 100 + "\r", nl=False, err=True)

    # When it goes wrong ---------------------------------------------------------------------------------------

    def described(self, error: BaseException) -> dict[str, Any]:
        """Return an error as a document: its rule, the sentence, and what to do."""
        if isinstance(error, ExchangeError):
            return {
                "rule": error.rule,
                "text": _of_file(self.say(error.rule, **error.params), error),
                "hints": [self.say(hint, **error.params) for hint in exits.hints_for(error)],
                "premises": _premises(error, self),
            }
        text = self.say("program.unexpected", kind=type(error).__name__)
        return {"rule": "program.unexpected", "text": text, "hints": [self.say("hint.report")], "premises": []}

    def article(self, clause: str) -> str:
        """Return how a person finds a clause in the text: the title of its article."""
        from exchange.agreements.clauses import title

        return self.say("program.article", title=title(clause, self.language))

    def premise(self, premise: Premise) -> str:
        """Return a premise of the gate after the article it rests on, purposes and kinds of message by their names."""
        from exchange.findings.wording import catalogue

        params = dict(premise.params)
        for name, group in (("purpose", "agreements.purpose"), ("event", "agreements.flow")):
            if f"{group}.{params.get(name)}" in catalogue():
                params[name] = self.say(f"{group}.{params[name]}")
        said = self.say(premise.rule, **params)
        return f"{self.article(premise.clause)}: {said}" if premise.clause else said

    def error(self, error: BaseException, *, quiet: bool = False) -> int:
        """Say what is wrong and what to do, and return the exit code; `quiet` where the caller's document says it."""
        if isinstance(error, OSError):
            error = _of_disk(error)
        code = exits.code_for(error)
        if not isinstance(error, ExchangeError) and os.environ.get("EXCHANGE_TRACEBACK"):
            raise error
        said = self.described(error)
        if quiet:
            return code
        if self.as_json:
            self._document({"error": said, "exit": code})
        else:
            click.echo(safe(said["text"]), err=True)
            for text in [*said["premises"], *said["hints"]]:
                click.echo(safe(f"  → {text}"), err=True)
        return code

    def usage(self, wrong: click.ClickException) -> int:
        """Say that the command line is off, and return the exit code."""
        code = exits.USAGE if isinstance(wrong, click.UsageError) else exits.OTHER
        if self.as_json:
            text = usage.message(wrong, self.say)
            said = {"rule": "program.usage", "text": text, "hints": [], "premises": []}
            self._document({"error": said, "exit": code})
        else:
            click.echo(safe("\n".join(usage.lines(wrong, self.say))), err=True)
        return code

    def stopped(self) -> int:
        """Say that nothing went on after an interruption, and return the exit code."""
        text = self.say("program.stopped")
        if self.as_json:
            said = {"rule": "program.stopped", "text": text, "hints": [], "premises": []}
            self._document({"error": said, "exit": exits.OTHER})
        else:
            click.echo(text, err=True)
        return exits.OTHER


def _of_disk(error: OSError) -> Exception:
    """Return a full disk or a closed file in words of ours, wherever it was met; else the error itself."""
    from exchange.findings.disk import in_words

    return in_words(error) or error


def _of_file(what: str, error: ExchangeError) -> str:
    """Begin with the file's name where the error knows it and its sentence does not say it."""
    file = str(error.params.get("file", ""))
    return f"{file}: {what}" if file and file not in what else what


def _premises(error: ExchangeError, speaker: Speaker) -> list[str]:
    from exchange.findings import Decision

    decision = getattr(error, "decision", None)
    if not isinstance(decision, Decision):
        return []
    return [speaker.premise(premise) for premise in decision.failed]


def _line_of(descriptor: int) -> str | None:
    """Read one line and not a byte more, so that whoever holds the other end may keep it open; None at the end."""
    data = bytearray()
    while len(data) < _LONGEST:
        byte = os.read(descriptor, 1)
        if byte == b"\n" or not byte:
            return data.removesuffix(b"\r").decode("utf-8") if byte or data else None
        data += byte
    raise OSError


def remembered(name: str) -> str | None:
    """Return the passphrase that the system's keyring keeps for a name, if any."""
    if not name or os.environ.get("EXCHANGE_NO_KEYRING"):
        return None
    try:
        import keyring
        import keyring.errors

        return keyring.get_password("outcome-exchange", name)
    except Exception:
        return None


def common(function: F) -> F:
    """Give a command the options that every command has, before or after its name."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, errors too.")
    @click.option("--language", type=click.Choice(["nl", "en"]), help="Dutch or English; else your locale.")
    @click.option("--workspace", "workspace_folder", metavar="DIR", help="The workspace, if not this folder.")
    @click.option("--passphrase-fd", type=int, metavar="FD", help="Read the passphrase from this file descriptor.")
    @functools.wraps(function)
    def wrapped(
        *args: Any,
        as_json: bool,
        language: str | None,
        workspace_folder: str | None,
        passphrase_fd: int | None,
        **kwargs: Any,
    ) -> Any:
        outer: Speaker = click.get_current_context().find_object(Speaker) or Speaker()
        speaker = Speaker(
            workspace=workspace_folder or outer.folder,
            language=language or outer.asked,
            as_json=as_json or outer.as_json,
            passphrase_fd=passphrase_fd if passphrase_fd is not None else outer.passphrase_fd,
        )
        return function(speaker, *args, **kwargs)

    return wrapped  # type: ignore[return-value]  # the decorated function has other parameters on purpose
