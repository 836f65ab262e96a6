"""One line of a table under one row specification: its fields as values, or the rule a field breaks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from exchange.records.instruments import Instrument, find_instrument
from exchange.sources import fields
from exchange.sources.fields import Bad
from exchange.sources.mapping import RowSpec, TableMapping, plain
from exchange.sources.rows import PatientKey

E = TypeVar("E", bound=StrEnum)

_YES = frozenset({"ja", "j", "yes", "y", "1", "true", "waar", "x"})
_NO = frozenset({"nee", "n", "no", "0", "false", "onwaar"})


@dataclass(frozen=True, slots=True)
class Cells:
    """The fields of one line, as text, and how to read them."""

    line: int
    mapping: TableMapping
    spec: RowSpec
    raw: Mapping[str, str]
    on: date | None = None  # today; nobody was born after it

    def text(self, name: str, limit: int = fields.TEXT_LIMIT) -> str:
        """Return a field's text, or nothing."""
        return fields.text(self.raw.get(name, ""), name, limit)

    def needed(self, name: str, limit: int = 100) -> str:
        """Return a field's text; blank is a broken rule."""
        found = self.text(name, limit)
        if not found:
            raise Bad(name, "sources.blank")
        return found

    def patient(self) -> PatientKey:
        """Return how the line names its patient; empty where it names only the episode, which knows its patient."""
        number = self.text("epd_number", 40)
        given = self.text("bsn", 20)
        if not given and not number and self.text("episode_key", 100) and self.mapping.keys == "system":
            return PatientKey()
        if given.strip("0") or not number:
            return PatientKey(bsn=fields.bsn(given), epd_number=number)
        return PatientKey(epd_number=number)

    def key(self, name: str) -> str:
        """Return an episode's key, or nothing; one that only its patient's episodes have is told with the patient."""
        given = self.text(name, 100)
        if not given or self.mapping.keys == "system":
            return given
        patient = self.patient()
        return f"{patient.epd_number or patient.bsn}|{given}"

    def day(self, name: str) -> date | None:
        """Return a day, or nothing where the field is blank."""
        given = self.text(name, 60)
        if not given:
            return None
        found = fields.any_day(given, self.mapping.dates)
        if found is None:
            raise Bad(name, "sources.day")
        return found

    def birth_day(self, name: str) -> date | None:
        """Return a day of birth: a year of two digits is the last one that has been, a day to come is refused."""
        found = self.day(name)
        if found is None or self.on is None or found <= self.on:
            return found
        if re.search(r"\d{3}", self.text(name, 60)):
            raise Bad(name, "sources.day-to-come")
        # 29 February of a year that has none moves, rather than be lost.
        return date(found.year - 100, found.month, min(found.day, 28 if found.month == 2 else found.day))

    def needed_day(self, name: str) -> date:
        """Return a day; blank is a broken rule."""
        found = self.day(name)
        if found is None:
            raise Bad(name, "sources.blank")
        return found

    def window(self) -> tuple[date, date]:
        """Return a half-open window: `end` is the first day after it, `last_day` the last day within."""
        start = self.needed_day("start")
        last = self.day("last_day")
        end = self.needed_day("end") if last is None else last + timedelta(days=1)
        if end <= start:
            raise Bad("end", "sources.end-before-start")
        return start, end

    def code(self, name: str, codes: type[E], nothing: E) -> E:
        """Return a member of a closed list: by the mapping's own words, else by the list's."""
        given = self.text(name, 100)
        meant = self.spec.values.get(name, {}).get(plain(given))
        if meant is None and not given:
            return nothing
        try:
            return codes(meant if meant is not None else plain(given))
        except ValueError:
            raise Bad(name, "sources.value-unknown") from None

    def flag(self, name: str) -> bool | None:
        """Return yes or no, or nothing where the field is blank."""
        given = self.text(name, 100)
        word = plain(self.spec.values.get(name, {}).get(plain(given), given))
        if not word:
            return None
        if word not in _YES | _NO:
            raise Bad(name, "sources.value-unknown")
        return word in _YES

    def agb(self, name: str) -> str:
        """Return an AGB code or nothing; an export that has the name there costs no row."""
        given = self.text(name, 200)
        return fields.agb(given, name) if any(sign.isdigit() for sign in given) else ""

    def whole(self, name: str, *, lowest: int = 0) -> int:
        """Return a whole number; blank is a broken rule."""
        return fields.whole(self.needed(name), name, lowest=lowest)

    def optional_whole(self, name: str) -> int | None:
        """Return a whole number, or nothing where the field is blank."""
        return self.whole(name) if self.text(name) else None

    def number(self, name: str) -> float | None:
        """Return a number with decimal comma or point, or nothing where the field is blank."""
        given = self.text(name, 20)
        if not given:
            return None
        try:
            found = Decimal(given.replace(",", "."))
        except InvalidOperation:
            raise Bad(name, "sources.number") from None
        if not found.is_finite() or found.copy_abs() > 10**6:
            raise Bad(name, "sources.number")
        return float(found)

    def instrument(self, name: str = "instrument") -> Instrument | None:
        """Return the instrument by id or alias; nothing where the field is blank or says that none was used."""
        given = self.text(name, 100)
        meant = self.spec.values.get(name, {}).get(plain(given), given)
        if not meant or meant == "none":
            return None
        found = find_instrument(meant)
        if found is None:
            raise Bad(name, "sources.instrument-unknown")
        return found
