"""What one field of a file may hold, and the rule it breaks when it does not; never the value itself."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from exchange.records.codes import Sex
from exchange.records.dcsph import dcsph_codes
from exchange.records.identifiers import agb_valid, bsn_valid

# Days outside these are typing errors (1900: the oldest patient, 2199: a key stuck) and would break arithmetic.
FIRST_YEAR, LAST_YEAR = 1900, 2199
TEXT_LIMIT = 2000
# Day 0 of a spreadsheet's calendar, which counts a 29 February 1900 that was not.
_SERIAL_ZERO = date(1899, 12, 30)
# Dutch and English, by their first three letters.
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan", "feb", "mrt maa mar", "apr", "mei may", "jun", "jul", "aug", "sep", "okt oct", "nov", "dec"), start=1
    )
    for name in names.split()
}


class Bad(Exception):  # noqa: N818 - named for what happened; never leaves this room
    """One field of one row breaks one rule."""

    def __init__(self, field: str, rule: str) -> None:
        """Keep the field's name and the rule, not the value."""
        super().__init__(rule)
        self.field = field
        self.rule = rule


@lru_cache(maxsize=4096)
def compact_day(text: str) -> date | None:
    """Read EEJJMMDD; nothing where it is no day of a calendar."""
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        return None
    return _bounded(int(text[:4]), int(text[4:6]), int(text[6:]))


@lru_cache(maxsize=4096)
def any_day(text: str, forms: tuple[str, ...]) -> date | None:
    """Read a day in one of `forms` (of strptime), in ISO form, or as an ISO moment, of which the day is kept."""
    iso = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ].{0,40}|Z|[+-][0-9]{2}:[0-9]{2})?", text)
    if iso is not None:
        return _bounded(int(iso[1]), int(iso[2]), int(iso[3]))
    if not forms:
        return None
    # Spreadsheets put midnight behind a day, agendas the day of the week before it.
    bare = re.sub(r"^[^\W\d_]{2,9}[.,]? (?=[0-9])|[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?$", "", text)
    for form in forms:
        try:
            found = datetime.strptime(bare, form)  # noqa: DTZ007 - a calendar day has no time zone
        except ValueError:
            continue
        if day := _bounded(found.year, found.month, found.day):
            return day
    # Only a table whose days come first has them first in every other form.
    first = any(form.startswith("%d") for form in forms)
    return _serial(bare) or _year_first(bare) or (_written_out(bare) if first else None)


def _serial(text: str) -> date | None:
    """Read the number a spreadsheet keeps for a day (1927 to 2173), of which a part of a day is left out.

    Four digits would be a year as well.
    """
    number = re.fullmatch(r"([1-9][0-9]{4})(?:[.,][0-9]{1,15})?", text)
    return _SERIAL_ZERO + timedelta(days=int(number[1])) if number else None


def _year_first(text: str) -> date | None:
    parts = re.fullmatch(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})", text)
    return _bounded(int(parts[1]), int(parts[3]), int(parts[4])) if parts else None


def _written_out(text: str) -> date | None:
    """Read `8 januari 2024`, `8-jan-24`, `8.1.2024` or `08012024`: Dutch order."""
    parts = re.fullmatch(
        r"([0-9]{1,2})[ .\-/]{1,2}([^\W\d_]{3,9}|[0-9]{1,2})[ .\-/]{1,2}([0-9]{4}|[0-9]{2})", text
    ) or re.fullmatch(r"([0-9]{2})([0-9]{2})([0-9]{4})", text)
    if parts is None:
        return None
    month, year = parts[2].casefold(), int(parts[3])
    number = int(month) if month.isdecimal() else _MONTHS.get(month[:3], 0)
    if len(parts[3]) == 2:
        # As strptime does.
        year += 2000 if year < 69 else 1900
    return _bounded(year, number, int(parts[1]))


def _bounded(year: int, month: int, day: int) -> date | None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def bsn(text: str, field: str = "bsn") -> str:
    """Return the nine digits; spaces, dots and a lost leading zero are forgiven."""
    digits = re.sub(r"\.0$|[ .\-]", "", text)
    if not digits.strip("0"):
        raise Bad(field, "sources.bsn-missing")
    padded = digits.zfill(9) if len(digits) == 8 else digits
    if not bsn_valid(padded):
        raise Bad(field, "sources.bsn")
    return padded


@lru_cache(maxsize=4096)
def agb(text: str, field: str) -> str:
    """Return eight digits or nothing; zeros mean nothing, a lost leading zero is forgiven."""
    digits = re.sub(r"[ \-]", "", text)
    if not digits.strip("0"):
        return ""
    padded = digits.zfill(8) if len(digits) == 7 else digits
    if not agb_valid(padded):
        raise Bad(field, "sources.agb")
    return padded


@lru_cache(maxsize=4096)
def diagnosis(text: str) -> str:
    """Return a DCSPH code of four digits on a known location, or nothing: a strange code never costs a row."""
    digits = text.strip()
    if len(digits) > 4 and digits.isascii() and digits.isdigit():
        digits = digits.lstrip("0").zfill(4)
    elif said := re.match(r"([0-9]{2})[ .]?([0-9]{2})(?:\.0|[ ,;:(–-]+[^\W\d_].*)?$", digits, re.DOTALL):
        # `34.27`, `3427 - Lumbale wervelkolom`, or what a table made of the number: `3427.0`.
        digits = said[1] + said[2]
    known = len(digits) == 4 and digits.isascii() and digits.isdigit() and digits[:2] in dcsph_codes().locations
    return digits if known else ""


def sex(code: str) -> Sex:
    """Read the claims' code: 1 man, 2 woman, anything else unknown."""
    return {"1": Sex.MALE, "2": Sex.FEMALE}.get(code, Sex.UNKNOWN)


def patient_number(value: str, limit: int = 32) -> str:
    """Return the practice's own number of a patient on a claim, or nothing: a strange one never costs a row."""
    stripped = value.strip()
    return stripped if stripped.strip("0") and stripped.isprintable() and len(stripped) <= limit else ""


def text(value: str, field: str, limit: int = TEXT_LIMIT) -> str:
    """Return text without control characters around it; refuse what is longer than a person would type."""
    stripped = value.strip()
    if len(stripped) > limit:
        raise Bad(field, "sources.too-long")
    if not stripped.isprintable() and any(ord(sign) < 32 and sign not in "\t\n\r" for sign in stripped):
        raise Bad(field, "sources.control-character")
    return stripped


def whole(value: str, field: str, *, lowest: int = 0, highest: int = 10**9) -> int:
    """Return a whole number within bounds."""
    stripped = value.strip()
    if re.fullmatch(r"[+-]?[0-9]{1,12}", stripped) is None or not lowest <= int(stripped) <= highest:
        raise Bad(field, "sources.number")
    return int(stripped)
