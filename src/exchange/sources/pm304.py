"""PM304 claims (310 characters a record, up to 2024) and their PM305 answers (370 characters).

Layout: the EI standard PM304 v3.2 of Vektis; slices here are 0-based, its tables count from 1. Records: 01 opening,
02 insured person, 03 debtor (to a service bureau), 04 claimed line, 98 comment, 99 closing. In PM305 each record
is the same up to position 310, and 60 positions of the insurer's answer follow.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, BinaryIO

from exchange.errors import SourceError
from exchange.records.codes import SourceKind
from exchange.sources.fields import Bad, agb, bsn, compact_day, diagnosis, patient_number, sex
from exchange.sources.rows import ClaimRow, PatientKey, PatientRow, Rejected, SettledRow

CLAIM_WIDTH, ANSWER_WIDTH = 310, 370
# The DCSPH list for physiotherapy and exercise therapy among the diagnosis lists (COD392).
_DIAGNOSIS_LIST = "005"
# Paramedical diagnoses first, then those of the referrer: (list, code) as 0-based slices.
_DIAGNOSES = ((102, 105, 113), (113, 116, 124), (80, 83, 91), (91, 94, 102))
_LINE_LIMIT = 2048
_COUNTED = ("02", "03", "04", "98")


@dataclass(slots=True)
class _State:
    """Where the reader is: the opening record's facts, the person above, and what was counted."""

    width: int = CLAIM_WIDTH
    trimmed: bool = False
    declarant: str = ""
    person: str = ""
    key: PatientKey | None = None
    born: date | None = None
    total: int | None = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTED, 0))


def rows(file: BinaryIO) -> Iterator[PatientRow | ClaimRow | SettledRow | Rejected]:
    """Read record by record; raise SourceError where the file as a whole can't be trusted.

    That may be at its end, when the closing record does not agree: store nothing before the iterator is through.
    """
    state = _State()
    number, closed = 0, False
    while raw := file.readline(_LINE_LIMIT):
        number += 1
        if number == 1:
            raw = raw.removeprefix(BOM_UTF8)  # an editor put it there
        line = raw.decode("ascii").rstrip("\r\n") if raw.isascii() and raw[-1:] == b"\n" else _decode(raw)
        if line is None:
            raise SourceError("sources.pm304-not-fixed-width", hints=("hint.export-again",), line=number)
        if line[:2] not in state.counts and not line.strip("\x1a\x00 "):
            continue
        if closed:
            raise SourceError("sources.after-closing", hints=("hint.export-again",), line=number)
        if number == 1:
            _open(line, state)
            continue
        if line[:2] == "99":
            _close(line, state, number)
            closed = True
            continue
        row = _record(line, number, state)
        if row is not None:
            yield row
    if not closed:
        raise SourceError("sources.not-closed", hints=("hint.export-again",), line=number)


def message_code(first: bytes) -> str:
    """Return 107 (PM304) or 108 (PM305) for the beginning of such a file, or nothing."""
    first = first.removeprefix(BOM_UTF8)
    code = first[:5].removeprefix(b"01").decode("latin-1")
    return code if first.startswith(b"01") and code in {"107", "108"} else ""


def is_answer(first: bytes) -> bool:
    """Tell whether the opening record is that of an insurer's answer (PM305)."""
    return message_code(first) == "108"


def is_test(first: bytes) -> bool:
    """Tell whether the opening record says that this is a test message."""
    return first.removeprefix(BOM_UTF8)[9:10] == b"T"


def _decode(raw: bytes) -> str | None:
    """Decode one record: UTF-8 where that gives the width, else CP850 or Latin-1; nothing where it has no end."""
    if len(raw) >= _LINE_LIMIT and not raw.endswith(b"\n"):
        return None
    body = raw.rstrip(b"\r\n")
    if body.isascii():
        return body.decode("ascii")
    if len(body) not in {CLAIM_WIDTH, ANSWER_WIDTH}:
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            pass
    # Latin-1 has control characters at 80-9F, where CP850 has its letters with accents.
    return body.decode("cp850" if any(0x80 <= byte < 0xA0 for byte in body) else "latin-1")


def _open(line: str, state: _State) -> None:
    code = line[2:5]
    if line[:2] != "01" or code not in {"107", "108"}:
        raise SourceError("sources.pm304-opening", hints=("hint.kind-of-file",), line=1)
    if line[5:7] != "03":
        raise SourceError("sources.pm304-version", line=1)
    state.width = CLAIM_WIDTH if code == "107" else ANSWER_WIDTH
    state.trimmed = len(line) < state.width
    # The practice, else the institution, else the therapist in person.
    for start in (46, 54, 38):
        try:
            state.declarant = state.declarant or agb(line[start : start + 8], "declarant")
        except Bad as bad:
            raise SourceError("sources.declarant", line=1) from bad
    if not state.declarant:
        raise SourceError("sources.declarant", line=1)


def _close(line: str, state: _State, number: int) -> None:
    """Compare the closing record with what was read: a difference means that lines were lost or added."""
    stated = (line[2:8], line[8:14], line[14:20], line[20:26])
    # A count has six digits: of a million records only the last six can be stated.
    found = tuple(state.counts[kind] % 10**6 for kind in _COUNTED)
    if not all(part.isascii() and part.isdigit() for part in (*stated, line[26:33])):
        raise SourceError("sources.closing-counts", hints=("hint.export-again",), line=number)
    if tuple(map(int, stated)) != found or int(line[26:33]) != sum(state.counts.values()) % 10**7:
        raise SourceError("sources.closing-counts", hints=("hint.export-again",), line=number)
    if state.width == CLAIM_WIDTH and state.total is not None:
        amount = line[33:44]
        signed = int(amount) * (-1 if line[44:45] == "C" else 1) if amount.isascii() and amount.isdigit() else None
        if signed != state.total:
            raise SourceError("sources.closing-amount", hints=("hint.export-again",), line=number)


def _record(line: str, number: int, state: _State) -> PatientRow | ClaimRow | SettledRow | Rejected | None:
    kind = line[:2]
    if kind not in state.counts:
        return Rejected(number, "record", "sources.record-type")
    state.counts[kind] += 1
    if kind in {"03", "98"}:
        return None
    cut = False
    if len(line) != state.width:
        cut = len(line) < state.width and not state.trimmed
        # Spaces at the end may have been cut off on the way, of every record; anything else has shifted.
        line = line.ljust(state.width) if len(line) < state.width else line.rstrip().ljust(state.width)
    if kind == "04" and state.width == CLAIM_WIDTH and state.total is not None:
        amount = _amount(line[182:191])
        state.total = None if amount is None else state.total + amount
    if cut or len(line) > state.width:
        if kind == "02":
            # The lines below are this person's, not those of the person above.
            state.person, state.key, state.born = line[14:23], None, None
        return Rejected(number, "record", "sources.record-cut-off" if cut else "sources.record-width")
    try:
        if kind == "02":
            return _person(line, number, state)
        if state.width == ANSWER_WIDTH:
            return _answer(line, number, state)
        return _claim(line, number, state)
    except Bad as bad:
        return Rejected(number, bad.field, bad.rule)


def _person(line: str, number: int, state: _State) -> PatientRow:
    state.person, state.key, state.born = line[14:23], None, None
    state.key = PatientKey(bsn=bsn(line[14:23]))
    state.born = compact_day(line[53:61])
    if state.born is None:
        raise Bad("birth_date", "sources.day")
    name = " ".join(part for part in (line[134:140].strip(), line[88:98].strip(), line[63:88].strip()) if part)
    return PatientRow(number, state.key, state.born, sex(line[61:62]), name, patient_number(line[42:53]))


@lru_cache(maxsize=4096)
def _amount(said: str) -> int | None:
    """Return the claimed amount with its sign, so that the total can be checked even where the line is refused.

    Where a line's amount can't be read that line is refused, and there is no total left to check.
    """
    amount = said[:8]
    if not (amount.isascii() and amount.isdigit()):
        return None
    return -int(amount) if said[8:] == "C" else int(amount)


def _claim(line: str, number: int, state: _State) -> ClaimRow:
    key = _same_person(line, state)
    day = compact_day(line[58:66])
    if day is None or (state.born is not None and day < state.born):
        raise Bad("day", "sources.day")
    side, amount = line[190:191], _amount(line[182:191])
    if side not in {"D", "C"}:
        raise Bad("credit", "sources.debit-credit")
    if amount is None:
        raise Bad("amount", "sources.number")
    reference, previous = line[191:211].strip(), line[211:231].strip()
    if not reference:
        raise Bad("reference", "sources.reference-missing")
    if side == "C" and not previous:
        raise Bad("previous_reference", "sources.credit-reference-missing")
    what, why_and_who = _service(line[66:161])
    who_says = (number, SourceKind.PM304, key, state.declarant, reference, previous, side == "C", day)
    insurer = _digits(line[23:27], "insurer")
    return ClaimRow._make((*who_says, *what, abs(amount), *why_and_who, insurer, "", None))


@lru_cache(maxsize=4096)
def _service(said: str) -> tuple[tuple[str, str, int], tuple[Any, ...]]:
    """Read from the code list up to the end code what was done, why and by whom: most lines of a patient say the same.

    Return code list, service code, quantity; diagnosis, entitlement, therapist, referrer, referral day and end code.
    """
    line = " " * 66 + said
    code_list, code = _digits(line[66:69], "code_list").zfill(3), _digits(line[69:75], "service_code")
    return (code_list, code.lstrip("0") or "0", int(_digits(line[75:79], "quantity"))), (
        _diagnosis(line),
        _code(line[124:127]),
        agb(line[127:135], "therapist"),
        agb(line[147:155], "referrer"),
        _optional_day(line[139:147], "referral_day"),
        _code(line[159:161]),
    )


def _answer(line: str, number: int, state: _State) -> SettledRow:
    """Read what PM305 granted: an amount claimed of which nothing was granted is rejected."""
    _same_person(line, state)
    reference, claimed, granted = line[191:211].strip(), line[182:190], line[319:327]
    if not reference:
        raise Bad("reference", "sources.reference-missing")
    if not (claimed + granted).isascii() or not (claimed + granted).isdigit():
        raise Bad("amount", "sources.number")
    return SettledRow(number, SourceKind.PM304, state.declarant, reference, int(claimed) > 0 and int(granted) == 0)


def _same_person(line: str, state: _State) -> PatientKey:
    if line[14:23] != state.person:
        raise Bad("bsn", "sources.not-the-person-above")
    if state.key is None:
        raise Bad("bsn", "sources.bsn")
    return state.key


def _diagnosis(line: str) -> str:
    for listed, start, end in _DIAGNOSES:
        if line[listed:start] == _DIAGNOSIS_LIST and (found := diagnosis(line[start:end])):
            return found
    return ""


@lru_cache(maxsize=4096)
def _digits(value: str, field_name: str) -> str:
    """Return a code of digits; some software fills it up with spaces, as a text."""
    digits = value.strip(" ")
    if not (digits.isascii() and digits.isdigit()):
        raise Bad(field_name, "sources.number")
    return digits


def _code(value: str) -> str:
    stripped = value.strip()
    return stripped if stripped.strip("0") and stripped.isalnum() else ""


def _optional_day(value: str, field_name: str) -> date | None:
    if not value.strip("0 "):
        return None
    found = compact_day(value)
    if found is None:
        raise Bad(field_name, "sources.day")
    return found
