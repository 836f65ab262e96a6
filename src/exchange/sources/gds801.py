"""GDS801 claims (XML, from 2025) and their GDS802 answers, tolerant of order and of elements it does not know."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from exchange.errors import SourceError
from exchange.records.codes import SourceKind
from exchange.records.identifiers import NOBODY_AGB
from exchange.sources.fields import Bad, agb, any_day, bsn, compact_day, diagnosis, sex, text, whole
from exchange.sources.rows import ClaimRow, PatientKey, PatientRow, Rejected, SettledRow
from exchange.sources.xml_tree import Node, trees

CLAIMS = "http://ei.vektis.nl/declaratiebericht573"
ANSWERS = "http://ei.vektis.nl/declaratiebericht574"
# A count that a serialiser wrote as a decimal number.
_WHOLE = re.compile(r"[.,]0{1,4}$")
_TEST = re.compile(rb"<(?:[\w.-]{1,40}:)?Berichtsoort>\s{0,20}T\s{0,20}<")
_HEADER = frozenset({"Declarant", "Zorgaanbieder", "TotaalDeclaratiebedragInclBtw"})
_PERSON = frozenset(
    {"BSN", "UzoviNummer", "Geboortedatum", "AanvullendeVerzekerdegegevens", "PatientIdentificatienummer"}
)
_LINES = frozenset({"DebetPrestatie", "CreditPrestatie"})
# One insured person's lines are held until their element ends, for the BSN may follow them.
_LINES_LIMIT = 50_000
# AanvullendPrestatieKenmerk: list 004 holds the entitlement (Aanspraakcode).
_ENTITLEMENT_LIST = "004"
_DCSPH_LIST = "005"
_AMOUNT = re.compile(r"[+-]?[0-9]{1,12}(?:[.,][0-9]{0,4})?")


@dataclass(slots=True)
class _State:
    """What was read of the message and of the insured person whose element is open."""

    declarant: str = ""
    provider: str = ""
    person: dict[str, Node] = field(default_factory=dict)
    lines: list[Node] = field(default_factory=list)
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
        wanted=_HEADER | _PERSON | _LINES,
        scopes=frozenset({"Verzekerde"}),
    ):
        if isinstance(item, str):
            yield from _insured(state, answers=namespace.startswith(ANSWERS))
            state.person, state.lines = {}, []
        elif item.name in _LINES:
            if len(state.lines) >= _LINES_LIMIT:
                raise SourceError("sources.xml-limits", line=item.line)
            state.lines.append(item)
        elif item.name in _PERSON:
            state.person[item.name] = item
        else:
            _message(item, state)
    for node in state.lines:
        # Outside every Verzekerde: whose these are is not said.
        yield Rejected(node.line, "bsn", "sources.bsn-missing")
    if namespace.startswith(CLAIMS) and None not in {state.stated, state.amounts} and state.stated != state.amounts:
        raise SourceError("sources.closing-amount", hints=("hint.export-again",))


def is_test(first: bytes) -> bool:
    """Tell whether the header at the beginning of the file says that this is a test message."""
    # UTF-16 has a NUL beside each of these letters.
    return _TEST.search(first.replace(b"\0", b"")) is not None


def _message(item: Node, state: _State) -> None:
    if item.name in {"Declarant", "Zorgaanbieder"}:
        try:
            code = agb(item.value("Zorgaanbiedercode"), "declarant")
        except Bad as bad:
            raise SourceError("sources.declarant", line=item.line) from bad
        if item.name == "Declarant":
            state.declarant = state.declarant or code
        else:
            state.provider = state.provider or code
    if item.name == "TotaalDeclaratiebedragInclBtw":
        amount = _decimal(item.value("Bedrag"))
        credit = item.value("DebetCreditCode").upper().startswith("C")
        state.stated = -amount if amount is not None and credit else amount


def _insured(state: _State, *, answers: bool) -> Iterator[PatientRow | ClaimRow | SettledRow | Rejected]:
    declarant = state.declarant or state.provider
    first = state.lines[0].line if state.lines else 1
    if not declarant:
        raise SourceError("sources.declarant", line=first)
    if answers:
        for node in state.lines:
            yield _tried(node, lambda node: _answer(node, declarant))
        return
    _add_up(state)
    number = next((node.line for node in state.person.values()), first)
    try:
        key = PatientKey(bsn=bsn(_text(state, "BSN")))
    except Bad as bad:
        yield from (Rejected(line, bad.field, bad.rule) for line in (number, *(node.line for node in state.lines)))
        return
    born = _day(_text(state, "Geboortedatum"))
    if born is None:
        yield Rejected(number, "birth_date", "sources.day")
    else:
        extra = state.person.get("AanvullendeVerzekerdegegevens")
        yield PatientRow(number, key, born, sex(extra.value("GeslachtCode") if extra else ""))
    insurer = _text(state, "UzoviNummer")
    for node in state.lines:
        yield _tried(node, lambda node: _claim(node, key, declarant, insurer, born))


def _tried(node: Node, make: Callable[[Node], ClaimRow | SettledRow]) -> ClaimRow | SettledRow | Rejected:
    try:
        return make(node)
    except Bad as bad:
        return Rejected(node.line, bad.field, bad.rule)


def _add_up(state: _State) -> None:
    """Add the claimed amounts for the check at the end; a credit carries none, so its file has no such check."""
    for node in state.lines:
        amount = _decimal(node.value("DeclaratieBedragInclBtw"))
        if state.amounts is None or amount is None:
            state.amounts = None
        else:
            state.amounts += -amount if node.name == "CreditPrestatie" else amount


def _claim(node: Node, key: PatientKey, declarant: str, insurer: str, born: date | None) -> ClaimRow:
    credit = node.name == "CreditPrestatie"
    reference = text(node.value("Referentienummer"), "reference", 20)
    previous = text(node.value("GerelateerdReferentienummer"), "previous_reference", 20)
    if not reference:
        raise Bad("reference", "sources.reference-missing")
    if credit and not previous:
        raise Bad("previous_reference", "sources.credit-reference-missing")
    day = _day(node.value("Begindatum"))
    if day is None or (born is not None and day < born):
        raise Bad("day", "sources.day")
    started = _optional_day(node.value("Zorgtraject", "ZorgtrajectStartdatum"), "trajectory_start")
    if started is not None and started > day:
        raise Bad("trajectory_start", "sources.trajectory-after-day")
    therapist, referrer = _providers(node)
    quantity = node.value("Aantal")
    return ClaimRow(
        line=node.line,
        kind=SourceKind.GDS801,
        patient=key,
        declarant=declarant,
        reference=reference,
        previous_reference=previous,
        credit=credit,
        day=day,
        code_list=_code(node.value("PrestatieCodelijstCode"), "code_list", 3).zfill(3),
        service_code=_code(node.value("Prestatiecode"), "service_code", 6).lstrip("0"),
        quantity=1 if credit and not quantity else whole(_WHOLE.sub("", quantity), "quantity", highest=9999),
        amount_cents=_cents(node),
        diagnosis=_diagnosis(node),
        entitlement=_entitlement(node),
        therapist=therapist,
        referrer=referrer,
        referral_day=_optional_day(node.value("Verwijzing", "Verwijsdatum"), "referral_day"),
        end_code="",
        insurer=_code(insurer, "insurer", 4),
        trajectory=_trajectory(node),
        trajectory_start=started,
    )


def _providers(node: Node) -> tuple[str, str]:
    """Return the treating therapist (role 01) and the referrer (within Verwijzing).

    Type 07 is a referrer without an AGB code: there was a referral, so it is no direct access.
    """
    referral = node.first("Verwijzing")
    referrer = agb(referral.value("Zorgaanbiedercode"), "referrer") if referral else ""
    if referral and not referrer and referral.value("TypeVerwijzingcode"):
        referrer = NOBODY_AGB
    treating = [child for child in node.children if child.name == "Zorgaanbieder"]
    if not treating:
        # A later version may hold it deeper.
        below = {id(one) for one in referral.all("Zorgaanbieder")} if referral else set()
        treating = [one for one in node.all("Zorgaanbieder") if id(one) not in below]
    chosen = next((one for one in treating if one.value("ZorgaanbiederRol") in {"01", "1", ""}), None)
    return (agb(chosen.value("Zorgaanbiedercode"), "therapist") if chosen else "", referrer)


def _trajectory(node: Node) -> str:
    """Return the trajectory's number, by whatever name: its element was not in a public source."""
    traject = node.first("Zorgtraject")
    named = (child for child in traject.children if child.name.casefold().endswith("nummer")) if traject else ()
    return next((text(child.text, "trajectory", 40) for child in named), "")


def _diagnosis(node: Node) -> str:
    for one in node.all("Diagnose"):
        if one.value("DiagnoseCodelijstCode").zfill(3) in {_DCSPH_LIST, "000"}:
            return diagnosis(one.value("Diagnosecode"))
    return ""


def _entitlement(node: Node) -> str:
    for one in node.all("AanvullendPrestatieKenmerk"):
        if one.value("ApkCodelijstCode").zfill(3) == _ENTITLEMENT_LIST:
            return _code(one.value("ApkCode"), "entitlement", 3)
    return ""


def _answer(node: Node, declarant: str) -> SettledRow:
    """Read what GDS802 granted: a line of which nothing was granted is rejected.

    The answer's element names were not in a public source: any amount whose name speaks of granting is taken.
    """
    reference = text(node.value("Referentienummer"), "reference", 20)
    if not reference:
        raise Bad("reference", "sources.reference-missing")
    granted = [amount for text_ in _granted(node) if (amount := _decimal(text_)) is not None]
    if not granted:
        raise Bad("granted", "sources.settlement-unknown")
    return SettledRow(node.line, SourceKind.GDS801, declarant, reference, all(amount == 0 for amount in granted))


def _granted(node: Node, *, within: bool = False) -> Iterator[str]:
    """Go through the texts of what is granted: an amount itself, or one within an element of that name."""
    for child in node.children:
        here = within or "toegekend" in child.name.casefold()
        if child.children:
            yield from _granted(child, within=here)
        elif here:
            yield child.text.strip()


def _text(state: _State, name: str) -> str:
    node = state.person.get(name)
    return "" if node is None else node.text.strip()


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


def _cents(node: Node) -> int:
    """Return cents: where a line writes amounts with a decimal point it counts in euros, else, as PM304 did, in cents.

    A whole number of euros may have lost its point, so the line's other amounts are asked too.
    """
    value = node.value("DeclaratieBedragInclBtw")
    if not value:
        return 0
    amount = _decimal(value)
    if amount is None or amount < 0:
        raise Bad("amount", "sources.number")
    written = value + node.value("TariefInclBtw") + node.value("BerekendBedragInclBtw")
    return int(amount * 100 if "." in written or "," in written else amount)
