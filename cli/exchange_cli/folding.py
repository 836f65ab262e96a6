"""Tables on a screen: what is wider than the terminal is folded between words, and numbers never are."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

_GAP = "  "
# A column of words is not made narrower than this: lines of one word each say less than a line that is too long.
_NARROWEST = 16

Column = Sequence[str]


def lines(columns: Sequence[Column], right: Collection[int], most: int | None = None) -> list[str]:
    """Return a table by its columns, of which the first cell is the head; `right` are the columns of numbers.

    With `most` no line is longer than that, where the numbers leave room for it.
    """
    widths, head = [max(map(len, column)) for column in columns], 1
    if most is not None and _length(widths) > most:
        widths = _narrowed(columns, widths, right, most)
        columns, head = _folded(columns, widths, right)
    form = _GAP.join(f"%{'' if number in right else '-'}{width}s" for number, width in enumerate(widths))
    found = [(form % row).rstrip() for row in zip(*columns, strict=True)]
    found.insert(head, _GAP.join("─" * width for width in widths))
    return found


def _length(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _narrowed(columns: Sequence[Column], widths: Sequence[int], right: Collection[int], most: int) -> list[int]:
    """Return widths that fit: words among numbers are folded first, then the widest column of words gives way."""
    found = list(widths)
    for number in right:
        found[number] = max(len(piece.rstrip()) for cell in columns[number] for piece in _pieces(cell))
    words = [number for number in range(len(found)) if number not in right]
    while _length(found) > most and words:
        widest = max(words, key=lambda number: found[number])
        if found[widest] <= _NARROWEST:
            break
        found[widest] -= 1
    return found


def _folded(columns: Sequence[Column], widths: Sequence[int], right: Collection[int]) -> tuple[list[list[str]], int]:
    """Return the columns with a cell for each line, and how many lines the head has; a row is as high as its highest.

    Numbers stand beside the first line of their row, and heads of numbers end on the last line of the head.
    """
    spread: list[list[str]] = [[] for _ in columns]
    heights = []
    for place, row in enumerate(zip(*columns, strict=True)):
        cells = [
            _wrapped(cell, width, deeper=place > 0 and number not in right)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        heights.append(max(map(len, cells)))
        for number, cell in enumerate(cells):
            empty = [""] * (heights[-1] - len(cell))
            spread[number] += [*empty, *cell] if not place and number in right else [*cell, *empty]
    return spread, heights[0]


def _pieces(text: str) -> list[str]:
    """Return what may stand on a line of its own: words, and a number with all that belongs to it."""
    if any(letter.isdigit() for letter in text) and not text[:1].isalpha():
        return [text]
    return re.split(r"(?<=[\s/-])(?=\S)", text)


def _wrapped(text: str, width: int, *, deeper: bool) -> list[str]:
    """Fold a text; only a word that is longer than the column is cut."""
    if len(text) <= width:
        return [text]
    indent = "  " if deeper else ""
    found = [""]
    for given in _pieces(text):
        piece = given
        if found[-1].strip() and len(found[-1] + piece.rstrip()) > width:
            found.append(indent)
        while len(found[-1] + piece.rstrip()) > width:
            room = width - len(found[-1])
            found[-1], piece = found[-1] + piece[:room], piece[room:]
            found.append(indent)
        found[-1] += piece
    return [line.rstrip() for line in found]
