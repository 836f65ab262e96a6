"""The wording of every message: one catalogue, id -> Dutch and English, read from schemas/wording."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from string import Formatter

from exchange import errors, shipped

LANGUAGES = ("nl", "en")


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return every sentence by id; the files of schemas/wording are one catalogue, an id stands in one of them."""
    sentences: dict[str, Mapping[str, str]] = {}
    for file in sorted(shipped.schemas("wording").glob("*.json")):
        for rule, texts in json.loads(file.read_text(encoding="utf-8")).items():
            if rule in sentences:
                raise KeyError(rule)
            sentences[rule] = texts
    return sentences


class _Lenient(Formatter):
    """Leave a placeholder that has no parameter as it is: a sentence is never lost over a missing detail."""

    def get_value(self, key: int | str, args: object, kwargs: Mapping[str, object]) -> object:
        return kwargs.get(str(key), "{" + str(key) + "}")


def say(rule: str, params: Mapping[str, object] | None = None, language: str = "en") -> str:
    """Return the sentence for `rule` in a language, with its parameters filled in; an unknown id is its own text."""
    texts = catalogue().get(rule)
    if texts is None:
        return rule + "".join(f" {name}={value}" for name, value in sorted((params or {}).items()))
    return _Lenient().vformat(texts.get(language) or texts["en"], (), params or {})


errors.speak_with(say)
