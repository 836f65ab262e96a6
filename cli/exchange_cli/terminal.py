"""What may reach a terminal: letters, and nothing that moves its cursor, renames its window or turns text around."""

from __future__ import annotations

import re

# Control characters but for a line's end and a tab, the signs that reorder text (CVE-2021-42574), line separators, and
# the halves of a character that Python makes of a file's name that is no UTF-8: no stream takes those.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def safe(text: str) -> str:
    """Return text with each sign that would steer a terminal written out, as `\\x1b`.

    Names of files, headings of tables and texts of partners are others' words; the last step before the screen is
    the one place that none of them passes by.
    """
    return _STEERING.sub(_written_out, text)


def safe_json(text: str) -> str:
    """Return a JSON document in which such signs stand as JSON's own escapes: it reads back as the same value."""
    # JSON has escaped what is below a space; the line ends that are left are between its parts.
    return _STEERING.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


def _written_out(sign: re.Match[str]) -> str:
    number = ord(sign[0])
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
