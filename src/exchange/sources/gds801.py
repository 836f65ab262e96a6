"""GDS801 claims (XML, from 2025) and their GDS802 answers, tolerant of order and of elements it does not know."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, BinaryIO, NamedTuple
from xml.sax.saxutils import unescape

from exchange.errors import SourceError
from exchange.records.codes import SourceKind
from exchange.records.identifiers import NOBODY_AGB
from exchange.sources.fields import Bad, agb, any_day, bsn, compact_day, diagnosis, patient_number, sex, text, whole
from exchange.sources.rows import ClaimRow, PatientKey, PatientRow, Rejected, SettledRow
from exchange.sources.xml_tree import Node, Tree, trees

CLAIMS = "http://ei.vektis.nl/declaratiebericht573"
ANSWERS = "http://ei.vektis.nl/declaratiebericht574"
# A count that a serialiser wrote as a decimal number.
_WHOLE = re.compile(r"[.,]0{1,4}$")
_TEST = re.compile(rb"<(?:[\w.-]{1,40}:)?Berichtsoort>\s{0,20}T\s{0,20}<")
_SENDER = frozenset({"Declarant", "Zorgaanbieder"})
_TOTAL = "TotaalDeclaratiebedragInclBtw"
_PERSON = frozenset(
    {"BSN", "UzoviNummer", "Geboortedatum", "AanvullendeVerzekerdegegevens", "PatientIdentificatienummer"}
)
_LINES = frozenset({"DebetPrestatie", "CreditPrestatie"})
# What differs from line to line of a trajectory; most of the rest is the same.
_REFERENCE, _PREVIOUS, _DAY = "Referentienummer", "GerelateerdReferentienummer", "Begindatum"
# One insured person's lines are held until their element ends, for the BSN may follow them: so many, of so many
# characters, and so many tags in lines that are not alike.
_LINES_LIMIT, _WRITTEN_LIMIT, _TAGS_LIMIT = 50_000, 80_000_000, 400_000
_ALIKE = 4096
_LONGEST = 20
# AanvullendPrestatieKenmerk: list 004 holds the entitlement (Aanspraakcode).
_ENTITLEMENT_LIST = "004"
_DCSPH_LIST = "005"
_AMOUNT = re.compile(r"[+-]?[0-9]{1,12}(?:[.,][0-9]{0,4})?")


class _Line(NamedTuple):
    """One Prestatie: what is its own, by name, as it is written; and what it says like others."""

    number: int
    credit: bool
    own: dict[str, str]
    said: Node

    def value(self, name: str) -> str:
        """Return the text of what is its own; where that is written in another way, lines that are alike share it."""
        found = self.own.get(name)
        if found is None:
            return self.said.value(name)
        return found if found.isalnum() else unescape(found).strip()

    def reference(self, name: str, field_name: str) -> str:
        """Return one of its reference numbers, or nothing."""
        found = self.value(name)
        return found if len(found) <= _LONGEST and found.isalnum() else text(found, field_name, _LONGEST)


class _Seen:
    """What lines said lately, without what is each line's own: those of a trajectory are mostly alike."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.own: re.Pattern[str] | None = None
        self.written = self.tags = 0

    def line(self, item: Tree) -> _Line:
        """Return a Prestatie; raise SourceError where its person has more than any that a practice treats."""
        if self.own is None:
            self.own = re.compile(rf"<{re.escape(item.prefix)}({_REFERENCE}|{_PREVIOUS}|{_DAY})>([^<]*)<")
        written = item.written()
        parts = self.own.split(written)
        alike = "<".join(parts[::3])
        said = self.nodes.get(alike)
        if said is None:
            if len(self.nodes) == _ALIKE:
                self.nodes.clear()
            said = self.nodes[alike] = item.node()
            self.tags += alike.count("<")
        self.written += len(written)
        if self.written > _WRITTEN_LIMIT or self.tags > _TAGS_LIMIT:
            raise SourceError("sources.xml-limits", line=item.line)
        # Backwards, for of a name that occurs twice the first counts.
        own = dict(zip(parts[-3::-3], parts[-2::-3], strict=True))
        return _Line(item.line, item.name == "CreditPrestatie", own, said)

    def person_ended(self) -> None:
        """Begin to count anew."""
        self.written = self.tags = 0


@dataclass(slots=True)
class _State:
    """What was read of the message and of the insured person whose element is open."""

    declarant: str = ""
    provider: str = ""
    person: dict[str, Node] = field(default_factory=dict)
    lines: list[_Line] = field(default_factory=list)
    seen: _Seen = field(default_factory=_Seen)
    amounts: Decimal | None = Decimal(0)
    stated: Decimal | None = None


def rows(file: BinaryIO) -> Iterator[PatientRow | ClaimRow | SettledRow | Rejected]:
    """Read person by person; raise SourceError where the file as a whole can't be trusted.

    That may be at its end, when it breaks off or its total does not agree: store nothing before it is through.
    """
    state = _State()
    namespace = ""
    for namespace, item in trees(
        file,
        namespaces=(CLAIMS, ANSWERS),
        wanted=_PERSON | _LINES | {_TOTAL},
        before=_SENDER,
        scopes=frozenset({"Verzekerde"}),
    ):
        if isinstance(item, str):
            yield from _insured(state, answers=namespace.startswith(ANSWERS))
            state.person, state.lines = {}, []
            state.seen.person_ended()
        elif item.name in _LINES:
            if len(state.lines) >= _LINES_LIMIT:
                raise SourceError("sources.xml-limits", line=item.line)
            state.lines.append(state.seen.line(item))
        elif item.name in _PERSON:
            state.person[item.name] = item.node()
        else:
            _message(item, state)
    for line in state.lines:
        # Outside every Verzekerde: whose these are is not said.
        yield Rejected(line.number, "bsn", "sources.bsn-missing")
    if namespace.startswith(CLAIMS) and None not in {state.stated, state.amounts} and state.stated != state.amounts:
        raise SourceError("sources.closing-amount", hints=("hint.export-again",))


def is_answer(first: bytes) -> bool:
    """Tell whether the beginning of the file has the namespace of an insurer's answer (GDS802)."""
    return ANSWERS.encode() in first.replace(b"\0", b"")


def is_test(first: bytes) -> bool:
    """Tell whether the header at the beginning of the file says that this is a test message."""
    # UTF-16 has a NUL beside each of these letters.
    return _TEST.search(first.replace(b"\0", b"")) is not None


def _message(item: Tree, state: _State) -> None:
    said = item.node()
    if item.name in _SENDER:
        try:
            code = agb(said.value("Zorgaanbiedercode"), "declarant")
        except Bad as bad:
            raise SourceError("sources.declarant", line=item.line) from bad
        if item.name == "Declarant":
            state.declarant = state.declarant or code
        else:
            state.provider = state.provider or code
    if item.name == _TOTAL:
        amount = _decimal(said.value("Bedrag"))
        credit = said.value("DebetCreditCode").upper().startswith("C")
        state.stated = -amount if amount is not None and credit else amount


def _insured(state: _State, *, answers: bool) -> Iterator[PatientRow | ClaimRow | SettledRow | Rejected]:
    declarant = state.declarant or state.provider
    first = state.lines[0].number if state.lines else 1
    if not declarant:
        raise SourceError("sources.declarant", line=first)
    if answers:
        yield from _each(state.lines, lambda line: _answer(line, declarant))
        return
    _add_up(state)
    number = next((node.line for node in state.person.values()), first)
    try:
        key = PatientKey(bsn=bsn(_text(state, "BSN")))
    except Bad as bad:
        for at in (number, *(line.number for line in state.lines)):
            yield Rejected(at, bad.field, bad.rule)
        return
    born = _day(_text(state, "Geboortedatum"))
    if born is None:
        yield Rejected(number, "birth_date", "sources.day")
    else:
        extra = state.person.get("AanvullendeVerzekerdegegevens")
        code = extra.value("GeslachtCode") if extra else ""
        known_as = patient_number(_text(state, "PatientIdentificatienummer"))
        yield PatientRow(number, key, born, sex(code), number=known_as)
    try:
        insurer = _code(_text(state, "UzoviNummer"), "insurer", 4)
    except Bad as bad:
        yield from (Rejected(line.number, bad.field, bad.rule) for line in state.lines)
        return
    yield from _each(state.lines, lambda line: _claim(line, key, declarant, insurer, born))


def _each(
    lines: Iterable[_Line], make: Callable[[_Line], ClaimRow | SettledRow]
) -> Iterator[ClaimRow | SettledRow | Rejected]:
    for line in lines:
        try:
            yield make(line)
        except Bad as bad:
            yield Rejected(line.number, bad.field, bad.rule)


def _add_up(state: _State) -> None:
    """Add the claimed amounts for the check at the end; a credit carries none, so its file has no such check."""
    for line in state.lines:
        amount = _claimed(line.said)
        if state.amounts is None or amount is None:
            state.amounts = None
        else:
            state.amounts += -amount if line.credit else amount


@lru_cache(maxsize=4096)
def _claimed(said: Node) -> Decimal | None:
    return _decimal(said.value("DeclaratieBedragInclBtw"))


def _reference(line: _Line) -> str:
    reference = line.reference(_REFERENCE, "reference")
    if not reference:
        raise Bad("reference", "sources.reference-missing")
    return reference


def _claim(line: _Line, key: PatientKey, declarant: str, insurer: str, born: date | None) -> ClaimRow:
    reference = _reference(line)
    previous = line.reference(_PREVIOUS, "previous_reference")
    if line.credit and not previous:
        raise Bad("previous_reference", "sources.credit-reference-missing")
    day = _day(line.value(_DAY))
    if day is None or (born is not None and day < born):
        raise Bad("day", "sources.day")
    what, (trajectory, started) = _service(line.said)
    if started is not None and started > day:
        raise Bad("trajectory_start", "sources.trajectory-after-day")
    who_says = (line.number, SourceKind.GDS801, key, declarant, reference, previous, line.credit, day)
    return ClaimRow._make((*who_says, *what, insurer, trajectory, started))


@lru_cache(maxsize=4096)
def _service(said: Node) -> tuple[tuple[Any, ...], tuple[str, date | None]]:
    """Read what was done, why and by whom: most lines of a trajectory say the same.

    Return code list, service code, quantity, cents, diagnosis, entitlement, therapist, referrer, referral day and no
    end code, in ClaimRow's order; and the trajectory with its first day.
    """
    started = _optional_day(said.value("Zorgtraject", "ZorgtrajectStartdatum"), "trajectory_start")
    therapist, referrer = _providers(said)
    credit, quantity = said.name == "CreditPrestatie", said.value("Aantal")
    what = (
        _code(said.value("PrestatieCodelijstCode"), "code_list", 3).zfill(3),
        _code(said.value("Prestatiecode"), "service_code", 6).lstrip("0"),
        1 if credit and not quantity else whole(_WHOLE.sub("", quantity), "quantity", highest=9999),
        _cents(said),
        _diagnosis(said),
        _entitlement(said),
        therapist,
        referrer,
        _optional_day(said.value("Verwijzing", "Verwijsdatum"), "referral_day"),
        "",
    )
    return what, (_trajectory(said), started)


def _providers(said: Node) -> tuple[str, str]:
    """Return the treating therapist (role 01) and the referrer (within Verwijzing).

    Type 07 is a referrer without an AGB code: there was a referral, so it is no direct access.
    """
    referral = said.first("Verwijzing")
    referrer = agb(referral.value("Zorgaanbiedercode"), "referrer") if referral else ""
    if referral and not referrer and referral.value("TypeVerwijzingcode"):
        referrer = NOBODY_AGB
    treating = [child for child in said.children if child.name == "Zorgaanbieder"]
    if not treating:
        # A later version may hold it deeper.
        below = {id(one) for one in referral.all("Zorgaanbieder")} if referral else set()
        treating = [one for one in said.all("Zorgaanbieder") if id(one) not in below]
    chosen = next((one for one in treating if one.value("ZorgaanbiederRol") in {"01", "1", ""}), None)
    return (agb(chosen.value("Zorgaanbiedercode"), "therapist") if chosen else "", referrer)


def _trajectory(said: Node) -> str:
    """Return the trajectory's number, by whatever name: its element was not in a public source."""
    traject = said.first("Zorgtraject")
    named = (child for child in traject.children if child.name.casefold().endswith("nummer")) if traject else ()
    return next((text(child.text, "trajectory", 40) for child in named), "")


def _diagnosis(said: Node) -> str:
    for one in said.all("Diagnose"):
        if one.value("DiagnoseCodelijstCode").zfill(3) in {_DCSPH_LIST, "000"}:
            return diagnosis(one.value("Diagnosecode"))
    return ""


def _entitlement(said: Node) -> str:
    for one in said.all("AanvullendPrestatieKenmerk"):
        if one.value("ApkCodelijstCode").zfill(3) == _ENTITLEMENT_LIST:
            return _code(one.value("ApkCode"), "entitlement", 3)
    return ""


def _answer(line: _Line, declarant: str) -> SettledRow:
    """Read what GDS802 granted: a line of which nothing was granted is rejected.

    The answer's element names were not in a public source: any amount whose name speaks of granting is taken.
    """
    reference = _reference(line)
    granted = [amount for text_ in _granted(line.said) if (amount := _decimal(text_)) is not None]
    if not granted:
        raise Bad("granted", "sources.settlement-unknown")
    return SettledRow(line.number, SourceKind.GDS801, declarant, reference, all(amount == 0 for amount in granted))


def _granted(said: Node, *, within: bool = False) -> Iterator[str]:
    """Go through the texts of what is granted: an amount itself, or one within an element of that name."""
    for child in said.children:
        here = within or "toegekend" in child.name.casefold()
        if child.children:
            yield from _granted(child, within=here)
        elif here:
            yield child.text.strip()


def _text(state: _State, name: str) -> str:
    found = state.person.get(name)
    return "" if found is None else found.text.strip()


def _day(value: str) -> date | None:
    return compact_day(value) or any_day(value, ())


def _optional_day(value: str, field_name: str) -> date | None:
    if not value:
        return None
    found = _day(value)
    if found is None:
        raise Bad(field_name, "sources.day")
    return found


def _code(value: str, field_name: str, limit: int) -> str:
    if len(value) > limit or (value and not (value.isascii() and value.isalnum())):
        raise Bad(field_name, "sources.code")
    return value


def _decimal(value: str) -> Decimal | None:
    # No exponents: a sum of those overflows.
    return Decimal(value.replace(",", ".")) if _AMOUNT.fullmatch(value) else None


def _cents(said: Node) -> int:
    """Return cents: where a line writes amounts with a decimal point it counts in euros, else, as PM304 did, in cents.

    A whole number of euros may have lost its point, so the line's other amounts are asked too.
    """
    value = said.value("DeclaratieBedragInclBtw")
    if not value:
        return 0
    amount = _decimal(value)
    if amount is None or amount < 0:
        raise Bad("amount", "sources.number")
    written = value + said.value("TariefInclBtw") + said.value("BerekendBedragInclBtw")
    return int(amount * 100 if "." in written or "," in written else amount)
