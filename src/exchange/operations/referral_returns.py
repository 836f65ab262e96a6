"""Referral forms that came back, or a table of the same columns: checked row by row, taken in all at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from io import BytesIO
from pathlib import Path

from exchange.errors import ExchangeError, SealingError, SourceError, StoreError
from exchange.findings import Finding, Severity, say
from exchange.operations import files, trail
from exchange.operations.gathering import Course, Courses
from exchange.operations.referral_forms import COLUMNS, FORMAT, HEAD_ROWS, MOST, issued, mark
from exchange.operations.referring import current_episode, last_day
from exchange.operations.workspace import Workspace
from exchange.records.codes import Counterfactual
from exchange.records.identifiers import Party, agb_valid
from exchange.records.model import Referral

_LARGEST = 5 << 20
_HINT = ("hint.referring-form",)
_LIMITS = {"question": 500, "by": 120}
Row = tuple[int, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one answer: by EPD number, whether it counts, and whether it was there already."""

    epd_number: str
    otherwise: str
    recorded_on: date
    counts: bool
    already: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """The receipt of a form: every answer that was taken, what stayed open, and every row that can't be taken."""

    file: str
    digest: str
    lines: tuple[Line, ...]
    open: int
    findings: tuple[Finding, ...]

    @property
    def recorded(self) -> int:
        """Return how many answers are new."""
        return sum(not one.already for one in self.lines)


class _Bad(Exception):  # noqa: N818 - never leaves this module
    """A row that can't be taken, by rule and column."""

    def __init__(self, rule: str, column: str) -> None:
        super().__init__(rule)
        self.rule, self.column = rule, column


def take_in(workspace: Workspace, file: Path) -> Taken:
    """Read a form or a table and record its answers; the same file again changes nothing.

    SourceError where it is no form, one of another workspace, or holds formulas, macros or links.
    """
    data = files.read(file, most=_LARGEST)
    try:
        rows = tuple(_rows(workspace, data))
    except SourceError as error:
        error.params.setdefault("file", file.name)
        raise
    reader = _Reader(workspace)
    with workspace.store.together(by=workspace.user, at=workspace.now):
        for number, cells in rows:
            reader.take(number, cells)
    digest = hashlib.sha256(data).hexdigest()
    taken = Taken(file.name, digest, tuple(reader.lines), reader.open, tuple(reader.findings))
    detail = f"{taken.recorded} answers"
    trail.note(workspace, "referral-form-received", object=f"form:{digest[:32]}", detail=detail)
    return taken


def _rows(workspace: Workspace, data: bytes) -> Iterator[Row]:
    """Yield the rows of a form by their column's name, or of a table with such columns."""
    from exchange.sources.spreadsheets import is_spreadsheet, records
    from exchange.sources.tables import open_csv

    source = records(BytesIO(data)) if is_spreadsheet(data[:4]) else open_csv(BytesIO(data), None)
    sheet = [(number, [text.strip() for text in cells]) for number, cells in source]
    if len(sheet) > MOST + HEAD_ROWS:
        raise SourceError("referring.form-too-long", hints=_HINT, most=MOST)
    if sheet and sheet[0][1][:1] == [FORMAT]:
        if _at(sheet, 1, 1) != mark(workspace):
            raise SourceError("referring.form-other", hints=_HINT)
        heads: Sequence[str | None] = COLUMNS
        sheet = sheet[HEAD_ROWS:]
    else:
        heads = [_column(text) for text in (sheet[0][1] if sheet else [])]
        sheet = sheet[1:]
        if "otherwise" not in heads or not {"code", "epd"} & set(heads):
            raise SourceError("referring.form-unknown", hints=_HINT)
    for number, cells in sheet:
        named = {name: text for name, text in zip(heads, cells, strict=False) if name}
        if any(named.values()):
            yield number, named


def _at(sheet: Sequence[tuple[int, Sequence[str]]], row: int, column: int) -> str:
    inside = row < len(sheet) and column < len(sheet[row][1])
    return sheet[row][1][column] if inside else ""


def _column(text: str) -> str | None:
    """Return which column a head names, in either language, as a form or a person writes it."""
    wanted = text.casefold().strip()
    for name in COLUMNS:
        said = {
            say(f"referring.{kind}-{name}", {}, language).casefold()
            for language in ("nl", "en")
            for kind in ("column", "head")
        }
        if wanted in said:
            return name
    return None


@cache
def _answers() -> Mapping[str, Counterfactual]:
    """Return every way of writing an answer."""
    found = {one.value: one for one in Counterfactual}
    for one in Counterfactual:
        for language in ("nl", "en"):
            for family in ("referring.choice", "program.otherwise"):
                found[say(f"{family}-{one.value}", {}, language).casefold()] = one
    return found


class _Reader:
    """Records the rows of one form; keeps what was taken and what was wrong, never what a wrong cell held."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.courses = Courses(workspace.store.dataset()).by_episode
        self.codes = issued(workspace)
        self.seen: set[str] = set()
        self.lines: list[Line] = []
        self.findings: list[Finding] = []
        self.open = 0

    def take(self, number: int, cells: Mapping[str, str]) -> None:
        if not cells.get("otherwise"):
            self.open += 1
            return
        try:
            self._take(cells)
        except _Bad as bad:
            column = say(f"referring.head-{bad.column}", {}, self.workspace.settings.language)
            self.findings.append(Finding(bad.rule, column, Severity.ERROR, number, {"column": column}))

    def _take(self, cells: Mapping[str, str]) -> None:
        workspace, course = self.workspace, self._course(cells)
        before = course.referral
        answer = _answers().get(cells["otherwise"].casefold())
        if answer is None:
            raise _Bad("referring.row-answer", "otherwise")
        referrer = _referrer(cells.get("referrer", "")) or (before.referrer if before else "")
        if not referrer:
            raise _Bad("referring.row-referrer", "referrer")
        referred = self._day(cells, "day") or (before.day if before else None)
        answered = self._day(cells, "on") or self._known_day(before, answer)
        if referred is not None and answered < referred:
            raise _Bad("referring.row-before", "on")
        texts = {name: _text(cells.get(name, ""), name) for name in _LIMITS}
        made = Referral(
            before.referral_id if before else "", course.episode.episode_id, course.episode.patient_id, referrer,
            referred, texts["question"] or (before.question if before else ""), answer,
            texts["by"] or (before.answered_by if before else ""), answered,
        )  # fmt: skip
        if made != before:
            workspace.store.record_referral(made, by=workspace.user, at=workspace.now)
        number = workspace.store.patient_identity(course.episode.patient_id).epd_number or ""
        self.lines.append(Line(number, answer.value, answered, answered <= last_day(course), made == before))

    def _course(self, cells: Mapping[str, str]) -> Course:
        """Find the treatment by the form's code, else by EPD number; each stands on a form once."""
        episode = self._by_code(cells["code"]) if cells.get("code") else self._by_number(cells.get("epd", ""))
        course = self.courses.get(episode)
        if course is None:
            raise _Bad("referring.row-unknown", "code" if cells.get("code") else "epd")
        if episode in self.seen:
            raise _Bad("referring.row-twice", "code" if cells.get("code") else "epd")
        self.seen.add(episode)
        return course

    def _by_code(self, text: str) -> str:
        from exchange.signing.pseudonyms import read_case_code

        try:
            return self.workspace.store.resolve_episode(self.codes[read_case_code(text)])
        except (SealingError, StoreError, KeyError):
            raise _Bad("referring.row-unknown", "code") from None

    def _by_number(self, number: str) -> str:
        try:
            return current_episode(self.workspace, number).episode_id
        except StoreError:
            raise _Bad("referring.row-unknown", "epd") from None

    def _known_day(self, before: Referral | None, answer: Counterfactual) -> date:
        """Return the day an unchanged answer was recorded, so that the same form later changes nothing; else today."""
        same = before is not None and before.counterfactual is answer and before.recorded_on is not None
        return before.recorded_on if same and before and before.recorded_on else self.workspace.on

    def _day(self, cells: Mapping[str, str], column: str) -> date | None:
        from exchange.sources.fields import any_day

        text = cells.get(column, "")
        if not text:
            return None
        found = any_day(text, ("%d-%m-%Y", "%d/%m/%Y"))
        if found is None:
            raise _Bad("referring.row-day", column)
        if found > self.workspace.on:
            raise _Bad("referring.row-ahead", column)
        return found


def _referrer(text: str) -> str:
    """Read `agb:01234567` or the bare eight digits; a spreadsheet may have lost the zero in front."""
    if not text:
        return ""
    bare = text.casefold().removeprefix("agb:").strip()
    padded = bare.zfill(8) if len(bare) == 7 and bare.isdigit() else bare
    if agb_valid(padded):
        return f"agb:{padded}"
    try:
        return str(Party.parse(text))
    except ExchangeError:
        raise _Bad("referring.row-referrer", "referrer") from None


def _text(text: str, column: str) -> str:
    if len(text) > _LIMITS[column] or any(ord(sign) < 32 and sign not in "\n\t" for sign in text):
        raise _Bad("referring.row-text", column)
    return text
