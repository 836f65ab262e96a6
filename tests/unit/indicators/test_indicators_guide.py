"""docs/indicators.md: every word of the vocabulary stands in it, and every example in it is a valid definition."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exchange import shipped
from exchange.indicators.reading import check, shipped_definitions
from exchange.indicators.vocabulary import ANCHORS, ATTRIBUTES, COUNTS, EVENTS, IMPROVEMENTS, KINDS, LEVELS, SUPPLIERS

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "indicators.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", GUIDE, flags=re.DOTALL)
WHOLE = BLOCKS[0]
COMMON = ("id", "version", "improvement", "title", "rationale", "limits", "sources", "supplier", "example")


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_is_a_valid_definition_when_it_is_put_in_one(block: str) -> None:
    given = yaml.load(block, Loader=yaml.BaseLoader)
    whole = yaml.load(WHOLE, Loader=yaml.BaseLoader)
    # An example that says its kind brings all that kind needs; others change one part of the whole example.
    filled = ({name: whole[name] for name in COMMON} if "kind" in given else whole) | given
    assert check(_written(filled), "guide.yaml") == ()


def _written(definition: dict[str, Any]) -> bytes:
    """Write as YAML in which numbers are numbers and "no" is text."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(each) for name, each in value.items()}
        if isinstance(value, list):
            return [plain(each) for each in value]
        return int(value) if re.fullmatch(r"\d+", value) else value

    return yaml.safe_dump(plain(definition), allow_unicode=True, sort_keys=False).encode()


def _words(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for name, each in schema.items():
            if name == "properties":
                yield from each
            if name == "enum":
                yield from each
            yield from _words(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _words(each)


def test_every_word_of_the_schema_stands_in_the_guide() -> None:
    schema = json.loads(shipped.schemas("indicator.schema.json").read_text(encoding="utf-8"))
    prose = re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL)
    shown = set(re.findall(r"[a-z][a-z.-]*", " ".join([*re.findall(r"`[^`\n]+`", prose), *BLOCKS])))
    assert {word for word in _words(schema) if word not in shown} == set()
    for words in (KINDS, COUNTS, IMPROVEMENTS, SUPPLIERS, LEVELS, ANCHORS, EVENTS, ATTRIBUTES):
        assert set(words) <= shown
    for attribute in ATTRIBUTES.values():
        assert {str(code.value) for code in attribute.codes} - {attribute.unknown} <= shown


def test_every_shipped_indicator_has_its_section_and_says_what_it_can_not_show() -> None:
    sections = dict(re.findall(r"^### `([a-z0-9-]+)`\n(.*?)(?=^##|\Z)", GUIDE, flags=re.MULTILINE | re.DOTALL))
    assert set(sections) == set(shipped_definitions())
    for name, text in sections.items():
        assert re.search(r"can't|not adjusted|blind spot", text), name


def test_the_commands_of_the_guide_are_options_that_the_program_has() -> None:
    from exchange_cli.commands.indicators import command

    known = {option for parameter in command.params for option in parameter.opts}
    lines = re.findall(r"^exchange indicators(.*?)(?:  #|$)", GUIDE, flags=re.MULTILINE)
    assert lines
    for line in lines:
        words = line.split()
        assert {word for word in words if word.startswith("--")} <= known
        if words and not words[0].startswith("--"):
            assert words[0] in {*shipped_definitions(), "check", "funnel"}


def test_every_shipped_indicator_is_explained_under_its_own_heading() -> None:
    headed = re.findall(r"^### `([a-z0-9-]+)`\n+(.+)", GUIDE, re.MULTILINE)
    assert sorted(name for name, _ in headed) == sorted(shipped_definitions())
    assert all(len(said) > 40 for _, said in headed)
