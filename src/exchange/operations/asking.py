"""The questions of the plan that only the practice can answer; the answers outlive every regeneration."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from exchange.errors import WorkspaceError
from exchange.operations import files

FILE = "plan-answers.toml"


@dataclass(frozen=True, slots=True)
class Question:
    """One open bracket of the letter: its id, the question as it is asked, and the answer so far."""

    id: str
    text: str
    answer: str


def answers(folder: Path) -> dict[str, str]:
    """Return the answers given so far; WorkspaceError where the file was edited into something unreadable."""
    try:
        raw = tomllib.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise WorkspaceError("asking.unreadable", hints=("hint.asking-toml",), file=str(folder / FILE)) from None
    return {name: text.strip() for name, text in raw.items() if isinstance(text, str) and text.strip()}


def questions(folder: Path, language: str = "nl", *, still_open: Collection[str] = ()) -> tuple[Question, ...]:
    """Return every question that data can't answer, with the answer so far.

    `still_open` are brackets that data would fill and did not: those are asked too, until there are data.
    """
    from exchange.reports.questions import questions as brackets

    given = answers(folder)
    return tuple(
        Question(one.id, one.question[language], given.get(one.id, ""))
        for one in brackets()
        if one.filled_from != "data" or one.id in {"insurer", "contract-year", *still_open}
    )


def answer(folder: Path, id_: str, text: str) -> None:
    """Keep one answer; an empty one is forgotten."""
    given = answers(folder)
    if text.strip():
        given[id_] = text.strip()
    else:
        given.pop(id_, None)
    _write(folder, given, ())


def write_blank(folder: Path, open_questions: Sequence[Question]) -> None:
    """Write the file with every question as a comment, to be filled in with an editor; answers given are kept."""
    _write(folder, answers(folder), open_questions)


def _write(folder: Path, given: dict[str, str], open_questions: Sequence[Question]) -> None:
    lines = ["# Antwoorden voor het verbeterplan. / Answers for the improvement plan.", ""]
    for question in open_questions:
        if question.id not in given:
            lines += [f"# {question.text}", f'# {question.id} = ""', ""]
    for name in sorted(given):
        lines += [f"{name} = {_quoted(given[name])}", ""]
    files.write(folder / FILE, "\n".join(lines).encode("utf-8"))


def _quoted(text: str) -> str:
    # a JSON string is a TOML basic string, but for DEL
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
