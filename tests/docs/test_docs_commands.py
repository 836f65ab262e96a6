"""Every `exchange` command in the documents is one that the program has, with options that it knows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from exchange_cli import program


def commands_of(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each command, and whether it is whole: one in a block is, one in a sentence may leave things out."""
    blocks = re.findall(r"^```(?:console|sh|text)?\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    rest = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += [line.strip() for line in rest.splitlines() if line.startswith("    ")]
    for line in lines:
        command = re.sub(r"\s+#.*$", "", line.removeprefix("$ ").split(" > ")[0].split(" | ")[0])
        if command.startswith("exchange ") and "$" not in command:
            yield command, True
    for command in re.findall(r"`(exchange [^`\n]+)`", re.sub(r"^    .*$", "", rest, flags=re.MULTILINE)):
        yield command, False


def check(command: str, *, whole: bool) -> None:
    """Fail where the program would answer with how it is used."""
    words = shlex.split(command)[1:]
    found: click.Command = program.program
    above: click.Context | None = None
    while True:
        context = click.Context(found, parent=above, info_name=found.name)
        values, words, _ = found.make_parser(context).parse_args(args=list(words))
        params = {one.name: one for one in found.params}
        for name, value in values.items():
            kind = params[name].type if name in params else None
            if isinstance(kind, click.Choice) and isinstance(value, str) and value.islower():
                kind.convert(value, params[name], context)
        if not isinstance(found, click.Group):
            break
        if not words:
            return  # a sentence may name a group
        inner = found.get_command(context, words[0])
        assert inner is not None, f"no command {words[0]!r}"
        found, words, above = inner, words[1:], context
    if whole:
        for one in found.params:
            assert not one.required or values.get(one.name) not in (None, ()), f"{one.name} is missing"
    assert not words, f"left over: {words}"


def test_every_command_is_one_that_the_program_has(documents: dict[str, str]) -> None:
    wrong = []
    seen = 0
    for name, text in documents.items():
        for command, whole in commands_of(text):
            seen += 1
            try:
                check(command, whole=whole)
            except (click.ClickException, AssertionError) as refused:
                told = refused.format_message() if isinstance(refused, click.ClickException) else str(refused)
                wrong.append(f"{name}: {command}: {told}")
    assert wrong == []
    assert seen > 60


@pytest.mark.parametrize(
    "command",
    ["exchange nothing", "exchange load --never", "exchange partner add card.json", "exchange load --as word x"],
)
def test_a_command_that_the_program_does_not_have_is_found(command: str) -> None:
    with pytest.raises((click.ClickException, AssertionError)):
        check(command, whole=True)
