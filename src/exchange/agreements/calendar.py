"""The evaluation moments as a calendar file (RFC 5545)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from exchange.agreements import life
from exchange.agreements.frozen import Frozen
from exchange.findings import say

_FOLD = 73


def events(frozen: Frozen, *, now: datetime, language: str = "nl") -> str:
    """Return iCalendar text: each evaluation as a whole day, with the end of the term and of the follow-up."""
    agreement = frozen.agreement
    title = agreement.title[language]
    end = agreement.term.until
    days = [(f"evaluation-{day:%Y%m%d}", day, "evaluation") for day in (one.on for one in agreement.evaluations)]
    days += [("until", end, "until"), ("follow-up", life.follow_up_until(frozen, end), "follow-up")]
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//outcome-exchange//agreements//NL", "CALSCALE:GREGORIAN"]
    for key, day, kind in days:
        summary = say(f"agreements.calendar.{kind}", {"title": title}, language)
        lines += [
            "BEGIN:VEVENT",
            f"UID:{agreement.id}-{agreement.version}-{key}@outcome-exchange",
            f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}",
            f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
            f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}",
            f"SUMMARY:{_escaped(summary)}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _escaped(text: str) -> str:
    for mark in ("\\", ";", ","):
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", "\\n")


def _folded(line: str) -> str:
    """Fold a line so that none is longer than 75 octets, never within a character."""
    parts, rest = [], line
    while len(rest.encode("utf-8")) > _FOLD:
        cut = _FOLD
        while len(rest[:cut].encode("utf-8")) > _FOLD:
            cut -= 1
        parts.append(rest[:cut])
        rest = rest[cut:]
    return "\r\n ".join([*parts, rest])
