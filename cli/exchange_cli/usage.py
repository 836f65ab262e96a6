"""What is wrong with a command line, in the reader's language; click says it in English only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

Say = Callable[..., str]

_MOST = 1_000_000  # far above every index, number of sessions and target


class Number(click.ParamType[float]):
    """A number with a decimal point, or with the comma that a Dutch reader types."""

    name = "number"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it; whether it is a sensible one is for whoever asked."""
        try:
            return float(str(value).strip().replace(",", "."))
        except ValueError:
            self.fail("a number", param, ctx)


class Amount(Number):
    """A number above nought that is finite and not absurd."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it, and refuse what nobody can have meant."""
        read = super().convert(value, param, ctx)
        if not 0 < read < _MOST:
            self.fail("an amount", param, ctx)
        return read


def lines(wrong: click.ClickException, say: Say) -> list[str]:
    """Return what a person reads: how the command is used, where its help is, and what is wrong."""
    context = getattr(wrong, "ctx", None)
    if context is None:
        return [message(wrong, say)]
    usage = context.get_usage().partition(": ")[2]
    return [
        say("program.usage-line", usage=" ".join(usage.split())),
        say("program.usage-help", command=context.command_path),
        "",
        message(wrong, say),
    ]


def message(wrong: click.ClickException, say: Say) -> str:
    """Return in one sentence what is wrong; a sentence of our own stays as it is."""
    if isinstance(wrong, click.MissingParameter):
        kind = wrong.param.param_type_name if wrong.param is not None else wrong.param_type
        rule = "program.usage-missing-argument" if kind == "argument" else "program.usage-missing-option"
        return say(rule, name=_name(wrong))
    if isinstance(wrong, click.BadParameter):
        return _value(wrong, say)
    if isinstance(wrong, click.NoSuchOption):
        return _meant(say("program.usage-option", name=wrong.option_name), wrong.possibilities, say)
    if isinstance(wrong, click.BadOptionUsage) and "requires" in wrong.message:
        return say("program.usage-no-value", name=wrong.option_name)
    name = getattr(wrong, "command_name", "")  # click 8.4 has a class of its own for it
    if name:
        return _meant(say("program.usage-command", name=name), getattr(wrong, "possibilities", None), say)
    return wrong.format_message()


def _value(wrong: click.BadParameter, say: Say) -> str:
    """Return what belongs in the place of a value that is not accepted."""
    name, wanted = _name(wrong), getattr(wrong.param, "type", None)
    if isinstance(wanted, click.Choice):
        return say("program.usage-choice", name=name, choices=", ".join(map(str, wanted.choices)))
    if isinstance(wanted, click.DateTime):
        return say("program.usage-date", name=name)
    if isinstance(wanted, Number):
        return say("program.usage-amount" if isinstance(wanted, Amount) else "program.usage-number", name=name)
    if isinstance(wanted, click.IntRange) and " range " in wrong.message:
        return say("program.usage-range", name=name, range=wrong.message.rpartition(" range ")[2].rstrip("."))
    if isinstance(wanted, click.types.IntParamType):
        return say("program.usage-whole", name=name)
    if isinstance(wanted, click.Path):
        # click names the file in its sentence and nowhere else
        file = wrong.message.partition("'")[2].rpartition("'")[0]
        folder = not wanted.dir_okay and Path(file).is_dir()
        return say("program.usage-folder" if folder else "program.usage-file", name=name, file=file)
    return wrong.format_message()


def _name(wrong: click.BadParameter) -> str:
    """Return the option or argument as it stands in the help."""
    if wrong.param is None:
        return str(wrong.param_hint or "")
    if isinstance(wrong.param, click.Option):
        return max(wrong.param.opts, key=len)
    return wrong.param.make_metavar(wrong.ctx) if wrong.ctx is not None else wrong.param.human_readable_name


def _meant(said: str, possible: object, say: Say) -> str:
    """Add the names that look like what was typed."""
    names = [str(name) for name in possible] if isinstance(possible, list | tuple) else []
    return f"{said} {say('program.usage-meant', names=', '.join(names))}" if names else said
