"""Runs the program in forked children and kills one with SIGKILL at its n-th fsync, rename, link, unlink or commit.

A server of its own process, so that all that is heavy is imported once. Reads one JSON document a line: `words`,
`at` (0: run to the end), `now`; answers with `code` (None where it was killed) and the `steps` it took.
The code under test is as it is shipped: only `os` and SQLAlchemy's commit count their calls here.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime
from typing import Any

_CALLS = ("fsync", "replace", "rename", "link", "unlink")


class Steps:
    """Counts what makes a change last, before and after each, and dies at the one that was asked."""

    def __init__(self, at: int, pipe: int) -> None:
        self.at, self.pipe, self.count = at, pipe, 0

    def reach(self, name: str) -> None:
        """Take one step."""
        self.count += 1
        os.write(self.pipe, f"{name}\n".encode())
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a call in two steps."""

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.reach(f"before {name}")
            result = call(*args, **kwargs)
            self.reach(f"after {name}")
            return result

        return wrapped

    def watch(self) -> None:
        """Begin to count in this process."""
        from sqlalchemy.engine import Connection

        for name in _CALLS:
            setattr(os, name, self.around(name, getattr(os, name)))
        plain = Connection._commit_impl
        counted = self.around("commit", plain)

        def commit(connection: Connection) -> None:
            # The end of a reading makes nothing last.
            (counted if connection.get_execution_options().get("exchange_writes") else plain)(connection)

        Connection._commit_impl = commit  # type: ignore[method-assign]


def run(words: list[str], now: datetime) -> tuple[int, str]:
    """Run the program as a user would; return its exit code and what it said."""
    from exchange_cli import program
    from exchange_cli.speaking import Speaker

    Speaker.now = lambda _self: now  # type: ignore[method-assign]
    Speaker.today = lambda _self: now.date()  # type: ignore[method-assign]
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = program.run(words, as_json=False, language="en")
    return code, said.getvalue()


def child(order: dict[str, Any], pipe: int) -> None:
    """Do what was ordered, and leave without any of the parent's clearing up."""
    code, said = 99, ""
    try:
        if order["at"] >= 0:
            Steps(order["at"], pipe).watch()
        code, said = run(order["words"], datetime.fromisoformat(order["now"]))
    except BaseException as error:
        said = repr(error)
    os.write(pipe, json.dumps({"code": code, "said": said[-2000:]}).encode() + b"\n")
    os._exit(0)


def served(order: dict[str, Any]) -> dict[str, Any]:
    """Fork a child for one order and wait for its end."""
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(out)
        child(order, into)
    os.close(into)
    with os.fdopen(out) as stream:
        lines = stream.read().splitlines()
    _, status = os.waitpid(pid, 0)
    killed = os.WIFSIGNALED(status)
    ended = {} if killed else json.loads(lines.pop())
    return {"killed": killed, "steps": lines, "code": ended.get("code"), "said": ended.get("said", "")}


def main() -> None:
    """Import what the commands need, then serve."""
    import importlib

    for name in (
        "exchange_cli.commands.export", "exchange_cli.commands.import_", "exchange_cli.commands.load",
        "exchange.operations.exporting", "exchange.operations.importing", "exchange.operations.loading",
        "exchange.operations.receiving", "exchange.operations.posting", "exchange.sealing.sealing",
        "exchange.sealing.opening", "exchange.sealing.originals", "exchange.sealing.keystore", "exchange.store.opening",
        "exchange.messages.building", "exchange.messages.reading", "exchange.messages.checking",
        "exchange.messages.parsing", "exchange.agreements.gate", "exchange.agreements.signing", "exchange.signing.jws",
        "exchange.sources.gds801", "exchange.sources.tables", "exchange.transports.folder", "zoneinfo",
        "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg",
    ):  # fmt: skip
        try:
            importlib.import_module(name)
        except ImportError as error:
            print(name, error, file=sys.stderr)
    for line in sys.stdin:
        print(json.dumps(served(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
