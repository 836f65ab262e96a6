"""What holds for the whole tree: floors, words, shipped data, exit codes, help."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from exchange import errors, shipped
from exchange.findings.wording import catalogue
from exchange_cli import exits
from exchange_cli.program import COMMANDS, program

REPOSITORY = Path(__file__).resolve().parent.parent.parent
SOURCES = sorted([*REPOSITORY.glob("src/exchange/**/*.py"), *REPOSITORY.glob("cli/exchange_cli/**/*.py")])
SPEAKS = re.compile(r"(Error|Finding|Premise|Refused|Locked|Rejected)$|^(say|tell|progress|_finding|_premise|refuse)$")
RULE = re.compile(r"[a-z0-9]+(\.[a-z0-9][a-z0-9-]*)+[-.]?$")


def commands(
    group: click.Group, context: click.Context, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, context, (*path, name))


EVERY_COMMAND = dict(commands(program, click.Context(program)))


def test_every_folder_of_the_library_is_a_word_of_the_glossary() -> None:
    glossary = (REPOSITORY / "GLOSSARY.md").read_text(encoding="utf-8").lower()
    for folder in (REPOSITORY / "src" / "exchange").iterdir():
        if folder.is_dir() and not folder.name.startswith("_"):
            stem = folder.name.rstrip("s")
            assert stem in glossary or stem.removesuffix("ing") in glossary, folder.name


def test_no_python_stands_among_the_data() -> None:
    for folder in (shipped.schemas(), shipped.agreements()):
        assert [path for path in folder.rglob("*.py") if path.is_file()] == []


def test_every_module_says_in_one_sentence_what_it_is() -> None:
    for file in SOURCES:
        text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
        assert text, file
        assert text.splitlines()[0].rstrip().endswith((".", ":", "?")), file


def test_no_name_explains_nothing() -> None:
    for file in SOURCES:
        assert not re.fullmatch(r"(utils?|helpers?|common|misc|manager|base|core|service|handler)", file.stem), file


def rules_in(file: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if not SPEAKS.search(name):
            continue
        spoken = [*node.args, *(word.value for word in node.keywords if word.arg in {"rule", "hints"})]
        for argument in spoken:
            for part in ast.walk(argument):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and RULE.fullmatch(part.value):
                    yield part.value, node.lineno


def known(rule: str) -> bool:
    """Tell whether a sentence is there; the constant part of an f-string stands for all that begin with it."""
    if rule.endswith(("-", ".")):
        return any(one.startswith(rule) for one in catalogue())
    return rule in catalogue()


def test_every_sentence_that_the_code_names_is_in_the_catalogue() -> None:
    families = {rule.partition(".")[0] for rule in catalogue()}
    missing = [
        f"{file.name}:{line} {rule}"
        for file in SOURCES
        for rule, line in rules_in(file)
        if rule.partition(".")[0] in families and not known(rule) and not rule.endswith((".json", ".toml", ".md"))
    ]
    assert missing == []


def test_every_hint_of_the_catalogue_is_given_somewhere() -> None:
    everything = "\n".join(file.read_text(encoding="utf-8") for file in SOURCES)
    unused = [
        rule
        for rule in catalogue()
        if rule.startswith("hint.")
        and f'"{rule}"' not in everything
        # the gate's remedies are named after its premises
        and f"{rule.removeprefix('hint.')}.refused" not in catalogue()
    ]
    assert unused == []


def test_exit_codes_are_these_and_no_others() -> None:
    families = {family.__name__: code for family, code in exits.FAMILIES}
    assert families == {
        "MessageError": 10,
        "AgreementError": 11,
        "SealingError": 12,
        "IndicatorError": 13,
        "StoreError": 14,
        "SourceError": 15,
        "WorkspaceError": 16,
        "ReportError": 17,
    }
    assert (exits.DONE, exits.OTHER, exits.USAGE, exits.FINDINGS) == (0, 1, 2, 3)
    assert exits.code_for(errors.CannotOpen()) == 12
    assert exits.code_for(errors.Refused("x")) == 11
    assert exits.code_for(ValueError()) == 1


def test_the_drawn_tree_of_errors_is_the_real_one() -> None:
    drawn = errors.__doc__ or ""
    for name, thing in vars(errors).items():
        if isinstance(thing, type) and issubclass(thing, errors.ExchangeError):
            assert name in drawn, name


@pytest.mark.parametrize("name", sorted(EVERY_COMMAND))
def test_every_command_has_help_with_an_example(name: str) -> None:
    command = EVERY_COMMAND[name]
    assert command.help, name
    if not isinstance(command, click.Group):
        assert "Example: exchange " in command.help, name
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--json", "--language", "--workspace"} <= options, name


@pytest.mark.parametrize("name", sorted(EVERY_COMMAND))
def test_every_example_of_the_help_parses(name: str) -> None:
    import shlex

    command = EVERY_COMMAND[name]
    for example in re.findall(r"Example: (exchange .+)", command.help or ""):
        words = shlex.split(example)[1:]
        context = click.Context(program, info_name="exchange")
        group: click.Command = program
        while isinstance(group, click.Group):
            found = group.get_command(context, words.pop(0))
            assert found is not None, example
            group = found
        group.make_parser(context).parse_args(list(words))


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom exchange_cli.program import run\nrun(['--help'], as_json=False, language='en')\n"
        "heavy = {'pandas', 'numpy', 'sqlalchemy', 'fhir', 'matplotlib', 'cryptography', 'alembic', 'jinja2'}\n"
        "sys.exit(','.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_command_of_the_table_is_there() -> None:
    assert set(COMMANDS) <= set(EVERY_COMMAND)


def test_long_files_are_few_and_named() -> None:
    long = {file.name for file in SOURCES if len(file.read_text(encoding="utf-8").splitlines()) > 400}
    assert long == set()


def test_imports_keep_to_the_floors() -> None:
    if not (REPOSITORY / "pyproject.toml").is_file() or not SOURCES:
        pytest.skip("the source tree is not here")
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
