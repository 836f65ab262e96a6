"""Numbers and dates as a Dutch or an English reader writes them."""

from __future__ import annotations

from datetime import date, timedelta

MINUS = "\N{MINUS SIGN}"
_MONTHS = {
    "nl": (
        "januari", "februari", "maart", "april", "mei", "juni",
        "juli", "augustus", "september", "oktober", "november", "december",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip
_HIDDEN = {"nl": "afgeschermd", "en": "withheld"}


def number(value: float | None, language: str, decimals: int = 1) -> str:
    """Write a number with the language's decimal sign; a missing one is a dash, never a zero."""
    if value is None:
        return "–"
    text = f"{abs(value):,.{decimals}f}"
    sign = MINUS if value < 0 and text.strip("0.,") else ""
    if language == "nl":
        text = text.translate(str.maketrans(",.", ".,"))
    return sign + text


def shortest(value: float | None, language: str, decimals: int = 1) -> str:
    """Write a number without decimals where it has none."""
    return number(value, language, 0 if value is not None and float(value).is_integer() else decimals)


def percent(share: float | None, language: str, decimals: int = 1) -> str:
    """Write a share of one as a percentage."""
    return "–" if share is None else number(share * 100, language, decimals) + "%"


def count(value: int | None, language: str) -> str:
    """Write a count; one that may not be shown is called so and is never 0 (indicators.md rule 8).

    It is not written as `<10` here: a cell that is withheld only to protect another may well be larger.
    """
    return _HIDDEN[language] if value is None else number(value, language, 0)


def day(value: date | None, language: str) -> str:
    """Write a date in words."""
    if value is None:
        return "–"
    return f"{value.day} {_MONTHS[language][value.month - 1]} {value.year}"


def period(start: date | None, end: date | None, language: str) -> str:
    """Write a half-open period with its last day: from the first day through the day before `end`."""
    if start is None or end is None:
        return "–"
    last = max(start, end - timedelta(days=1))
    joined = " tot en met " if language == "nl" else " to "
    return day(start, language) + joined + day(last, language)
