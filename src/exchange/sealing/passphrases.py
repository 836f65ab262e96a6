"""Passphrases for partners with standard tools only: made by the program, fresh for each file, read out by phone."""

from __future__ import annotations

import re
import secrets

# Sixteen consonants and five vowels that a Dutch listener tells apart in an open syllable; no c, q, x or y.
_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aeiou"
_SHAPE = (_CONSONANTS, _VOWELS, _CONSONANTS, _VOWELS, _CONSONANTS)
WORDS = 10

_WORD = "[bdfghjklmnprstvz][aeiou]" * 2 + "[bdfghjklmnprstvz]"
_PASSPHRASE = re.compile(rf"{_WORD}(-{_WORD}){{{WORDS - 1},}}")


def generate() -> str:
    """Return ten invented words: 166 bits, of which 128 were asked for."""
    return "-".join("".join(secrets.choice(letters) for letters in _SHAPE) for _ in range(WORDS))


def made_here(passphrase: str) -> bool:
    """Say whether a passphrase has the form of a generated one; a person's own choice is never strong enough."""
    return _PASSPHRASE.fullmatch(passphrase) is not None
