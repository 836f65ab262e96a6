"""The form with one question for who referred: printed to tick, or a spreadsheet to fill in for many treatments.

A form names a code, never the patient. Which treatment a code stands for is kept in this workspace alone.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from exchange.errors import ReportError, StoreError
from exchange.findings import say
from exchange.operations import files, trail
from exchange.operations.gathering import Course, Courses
from exchange.operations.referring import current_episode, last_day
from exchange.operations.workspace import Workspace
from exchange.records.codes import Access, Counterfactual
from exchange.records.identifiers import Party

FORMAT = "exchange-referral/1"
# Fixed places: A1 holds the format, B2 the mark of the workspace; the treatments begin below this row.
HEAD_ROWS = 6
COLUMNS = ("code", "epd", "referrer", "day", "first", "until", "question", "otherwise", "by", "on")
ENTRY = frozenset({"referrer", "day", "question", "otherwise", "by", "on"})
PAPER = (".pdf", ".html", ".docx")
MOST = 2_000
_WIDTHS = (17, 14, 15, 14, 14, 14, 40, 34, 22, 14)
_SETTING = "referral-forms"


@dataclass(frozen=True, slots=True)
class Asked:
    """One treatment on a form; `until` is the last day on which the answer counts."""

    code: str
    epd_number: str
    referrer: str
    referred_on: date | None
    first_session: date | None
    until: date | None
    question: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A form that stands ready."""

    file: Path
    treatments: int


def choices(language: str) -> tuple[str, ...]:
    """Return every answer in words, none of them chosen."""
    return tuple(say(f"referring.choice-{one.value}", {}, language) for one in Counterfactual)


def mark(workspace: Workspace) -> str:
    """Return what says that a form is this workspace's own; nothing else follows from it."""
    return hashlib.sha256(f"referral-form|{workspace.settings.instance}".encode()).hexdigest()[:24]


def issued(workspace: Workspace) -> Mapping[str, str]:
    """Return which treatment each code stands for."""
    kept: dict[str, str] = json.loads(workspace.store.setting(_SETTING, "{}"))
    return kept


def make(
    workspace: Workspace,
    *,
    to: Path,
    epd_numbers: Sequence[str] = (),
    referrer: str = "",
    since: date | None = None,
    blank: bool = False,
    language: str = "nl",
) -> Made:
    """Make the form: .pdf, .html or .docx to print, .xlsx to fill in.

    Without numbers it asks about every treatment whose answer still counts, with `since` about every one from then
    on. With `referrer` only about theirs, and without EPD numbers: that form leaves the house.
    """
    suffix = to.suffix.lower()
    if suffix not in (*PAPER, ".xlsx"):
        known = ", ".join((*PAPER, ".xlsx"))
        raise ReportError(
            "reports.unknown-format", hints=("hint.choose-suffix",), suffix=suffix or to.name, known=known
        )
    if blank and suffix == ".xlsx":
        raise ReportError("referring.blank-sheet", hints=("hint.referring-blank",))
    chosen = () if blank else _chosen(workspace, epd_numbers, referrer, since)
    asked = _asked(workspace, chosen, outside=bool(referrer))
    if suffix == ".xlsx":
        files.write(to, _workbook(workspace, asked, language))
    else:
        _print(workspace, asked, to, language)
    detail = f"{len(asked)} treatments"
    other = str(Party.parse(referrer)) if referrer else ""
    trail.note(workspace, "referral-form-made", counterparty=other, detail=detail)
    return Made(to, len(asked))


def _chosen(
    workspace: Workspace, epd_numbers: Sequence[str], referrer: str, since: date | None
) -> tuple[Course, ...]:  # fmt: skip
    courses = Courses(workspace.store.dataset()).by_episode
    party = str(Party.parse(referrer)) if referrer else ""
    if epd_numbers:
        found = [courses[current_episode(workspace, number).episode_id] for number in dict.fromkeys(epd_numbers)]
    else:
        found = [one for one in courses.values() if _open(one, workspace.on, since)]
    if party:
        found = [one for one in found if one.referral is not None and one.referral.referrer == party]
    if not found:
        raise StoreError("referring.nothing-open", hints=("hint.referring-since",))
    return tuple(sorted(found, key=lambda one: (one.episode.start, one.episode.episode_id)))[:MOST]


def _open(course: Course, on: date, since: date | None) -> bool:
    """Tell whether the question is still open and worth asking: not of who came without a referral."""
    if course.episode.foreign or (course.referral is None and course.episode.access is Access.DIRECT):
        return False
    if course.referral is not None and course.referral.counterfactual is not Counterfactual.UNKNOWN:
        return False
    return course.episode.start >= since if since is not None else on <= last_day(course)


def _asked(workspace: Workspace, courses: Iterable[Course], *, outside: bool) -> tuple[Asked, ...]:
    """Give each treatment its code, the one it had where it had one."""
    from exchange.signing.pseudonyms import case_code

    with workspace.store.together(by=workspace.user, at=workspace.now):
        kept = dict(issued(workspace))
        codes = {now: code for code, episode in kept.items() if (now := _now(workspace, episode))}
        asked = []
        for course in courses:
            episode, referral = course.episode, course.referral
            code = codes.get(episode.episode_id) or case_code(secrets.token_hex(16))
            kept[code] = episode.episode_id
            number = workspace.store.patient_identity(episode.patient_id).epd_number or ""
            first = course.first_day.day if course.first_day is not None else None
            asked.append(
                Asked(
                    code, "" if outside else number, referral.referrer if referral else "",
                    referral.day if referral else None, first, last_day(course) if first else None,
                    referral.question if referral else "",
                )
            )  # fmt: skip
        if asked:
            workspace.store.set_setting(_SETTING, json.dumps(kept, sort_keys=True))
    return tuple(asked)


def _now(workspace: Workspace, episode: str) -> str:
    """Return the id a treatment has now; nothing where it is gone."""
    try:
        return workspace.store.resolve_episode(episode)
    except StoreError:
        return ""


def _print(workspace: Workspace, asked: Sequence[Asked], to: Path, language: str) -> None:
    from exchange.reports import referral_form

    pages = [referral_form.Page(one.code, one.referred_on, one.first_session, one.until) for one in asked]
    letterhead = workspace.folder / "letterhead.docx"
    referral_form.write(
        pages, practice=workspace.settings.name, contact=workspace.settings.contact, choices=choices(language),
        on=workspace.on, language=language, to=to, reference=letterhead if letterhead.is_file() else None,
    )  # fmt: skip


def _workbook(workspace: Workspace, asked: Sequence[Asked], language: str) -> bytes:
    """Return the spreadsheet: white is fixed, yellow is to be filled in, no answer is chosen beforehand."""
    import xlsxwriter

    target = BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    on = workspace.on
    title = say("referring.form-title", {}, language)
    book.set_properties({"title": title, "created": datetime(on.year, on.month, on.day)})  # noqa: DTZ001 - the file format has no zones
    sheet = book.add_worksheet(say("referring.form-sheet", {}, language))
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    fixed = book.add_format({"text_wrap": True, "valign": "top"})
    entry = book.add_format({"locked": False, "bg_color": "#FFF8DC", "border": 1, "valign": "top", "text_wrap": True})
    head = (
        (FORMAT, title),
        (say("referring.form-workspace", {}, language), mark(workspace)),
        (say("referring.form-from", {}, language), workspace.settings.name),
        ("", say("referring.form-explain", {}, language)),
        ("", say("referring.form-seven", {}, language)),
    )
    for row, (label, value) in enumerate(head):
        sheet.write_string(row, 0, label, bold if row else fixed)
        sheet.write_string(row, 1, value, bold if row == 0 else book.add_format({"valign": "top"}))
    for column, (name, width) in enumerate(zip(COLUMNS, _WIDTHS, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(HEAD_ROWS - 1, column, say(f"referring.column-{name}", {}, language), bold)
    for row, one in enumerate(asked, start=HEAD_ROWS):
        for column, (name, text) in enumerate(zip(COLUMNS, _cells(one), strict=True)):
            sheet.write_string(row, column, text, entry if name in ENTRY else fixed)
    _validate(sheet, HEAD_ROWS, HEAD_ROWS + len(asked) - 1, language)
    sheet.freeze_panes(HEAD_ROWS, 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.protect("", {"format_columns": True})
    book.close()
    return target.getvalue()


def _cells(one: Asked) -> tuple[str, ...]:
    days = [f"{day:%d-%m-%Y}" if day is not None else "" for day in (one.referred_on, one.first_session, one.until)]
    referrer = one.referrer.removeprefix("agb:")
    return (one.code, one.epd_number, referrer, *days, one.question, "", "", "")


def _validate(sheet: Any, first: int, last: int, language: str) -> None:
    place = COLUMNS.index("otherwise")
    listed = list(choices(language))
    message = say("referring.form-choose", {}, language)
    sheet.data_validation(first, place, last, place, {"validate": "list", "source": listed, "error_message": message})
