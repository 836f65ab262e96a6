"""Identifiers of people and organisations: what makes each well-formed, and the party text `scheme:value`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from exchange.errors import ExchangeError

_BSN_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, -1)
# What stands for somebody without an AGB code; no file can bring it as a code of its own.
NOBODY_AGB = "00000000"
_DIGITS = {"agb": 8, "kvk": 8, "ura": 8, "oin": 20, "uzovi": 4}


def bsn_valid(text: str) -> bool:
    """Tell whether nine digits pass the 11-test (weights 9 to 2 and -1); 000000000 does not count."""
    if re.fullmatch(r"[0-9]{9}", text) is None or text == "000000000":
        return False
    return sum(weight * int(digit) for weight, digit in zip(_BSN_WEIGHTS, text, strict=True)) % 11 == 0


def agb_valid(text: str) -> bool:
    """Tell whether this is eight digits that can be an AGB code; there is no check digit."""
    return _digits(text, 8) and text != NOBODY_AGB


def uzovi_valid(text: str) -> bool:
    """Tell whether this is the four digits of an insurer."""
    return _digits(text, 4)


def kvk_valid(text: str) -> bool:
    """Tell whether this is the eight digits of the trade register."""
    return _digits(text, 8)


def oin_valid(text: str) -> bool:
    """Tell whether this is the twenty digits of a government organisation (OIN)."""
    return _digits(text, 20)


def _digits(text: str, count: int) -> bool:
    return len(text) == count and text.isascii() and text.isdigit()


@dataclass(frozen=True, slots=True, order=True)
class Party:
    """An organisation by one of its registers; its text is `scheme:value`, such as `agb:07000001`."""

    scheme: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Party:
        """Read `scheme:value`; raise ExchangeError("records.party") where it isn't one."""
        scheme, colon, value = text.strip().lower().partition(":")
        if not colon or not _digits(value, _DIGITS.get(scheme, -1)):
            raise ExchangeError("records.party", hints=("hint.party",), given=text[:40])
        return cls(scheme, value)

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"
