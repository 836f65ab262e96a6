"""Every rule a reader or the rebuilding can name has its sentence in Dutch and English."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exchange.findings.wording import catalogue
from exchange.sources import rows

SOURCE = Path(rows.__file__).parent.parent


@pytest.mark.parametrize("room", ["sources", "episodes"])
def test_every_rule_has_its_sentence(room: str) -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in (SOURCE / room).glob("*.py"))
    named = set(re.findall(rf'"((?:{room}|hint)\.[a-z0-9-]+)"', text))
    assert named
    for rule in named:
        assert set(catalogue()[rule]) == {"nl", "en"}


@pytest.mark.parametrize("room", ["sources", "episodes"])
def test_no_sentence_is_left_that_nothing_says(room: str) -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in SOURCE.rglob("*.py"))
    spoken = {"episodes.claimed-not-recorded", "episodes.recorded-otherwise", "sources.test-message"}
    assert not [
        rule for rule in catalogue() if rule.startswith(f"{room}.") and f'"{rule}"' not in text and rule not in spoken
    ]
