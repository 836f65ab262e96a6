"""Bech32 text (BIP 173) of any length, as age writes its keys and recipients."""

from __future__ import annotations

_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {letter: value for value, letter in enumerate(_LETTERS)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6


def encode(prefix: str, data: bytes) -> str:
    """Return lower-case text: prefix, `1`, the data in groups of five bits, six letters of checksum."""
    values = _to_fives(data)
    check = _polymod([*_expand(prefix), *values, *[0] * _CHECKSUM]) ^ 1
    values += [check >> 5 * (5 - place) & 31 for place in range(_CHECKSUM)]
    return prefix + "1" + "".join(_LETTERS[value] for value in values)


def decode(text: str, prefix: str) -> bytes:
    """Return the data; ValueError when case, prefix, letters, checksum or padding are wrong."""
    if text not in (text.lower(), text.upper()) or not text.isascii():
        raise ValueError("mixed case")
    found, _, letters = text.lower().rpartition("1")
    values = [_VALUES.get(letter, -1) for letter in letters]
    if found != prefix or len(values) < _CHECKSUM or -1 in values:
        raise ValueError("not such a key")
    if _polymod([*_expand(prefix), *values]) != 1:
        raise ValueError("wrong checksum")
    return _from_fives(values[:-_CHECKSUM])


def _expand(prefix: str) -> list[int]:
    return [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, polynomial in enumerate(_GENERATOR):
            if top >> place & 1:
                check ^= polynomial
    return check


def _to_fives(data: bytes) -> list[int]:
    bits = len(data) * 8
    number = int.from_bytes(data, "big") << -bits % 5
    groups = -(-bits // 5)
    return [number >> 5 * (groups - 1 - place) & 31 for place in range(groups)]


def _from_fives(values: list[int]) -> bytes:
    bits = len(values) * 5
    number = 0
    for value in values:
        number = number << 5 | value
    spare = bits % 8
    # The spare bits are padding: fewer than five of them, and all zero, or two texts would mean one key.
    if spare > 4 or number & (1 << spare) - 1:
        raise ValueError("wrong padding")
    return (number >> spare).to_bytes(bits // 8, "big")
