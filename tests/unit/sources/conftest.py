"""Invented claims files, built field by field from the layout, so that each test breaks one thing."""

from __future__ import annotations

import pytest

# Every number here is invented; the citizen service numbers are the published test numbers.
BSN, OTHER_BSN = "999990019", "999911120"
PRACTICE, THERAPIST, DOCTOR = "07000001", "07000002", "01000001"


def _put(width: int, **places: tuple[int, str]) -> str:
    line = [" "] * width
    for start, value in places.values():
        line[start - 1 : start - 1 + len(value)] = value
    return "".join(line)


def opening(width: int = 310, code: str = "107", version: str = "03", sort: str = "P", practice: str = PRACTICE) -> str:
    return _put(
        width,
        kind=(1, "01"),
        code=(3, code),
        version=(6, version),
        sub=(8, "02"),
        sort=(10, sort),
        therapist=(39, "00000000"),
        practice=(47, practice),
        institution=(55, "00000000"),
    )


def person(bsn: str = BSN, born: str = "19700101", width: int = 310, name: str = "VOORBEELD") -> str:
    return _put(
        width,
        kind=(1, "02"),
        detail=(3, "000000000001"),
        bsn=(15, bsn),
        insurer=(24, "7095"),
        born=(54, born),
        sex=(62, "2"),
        name=(64, name),
        prefix=(89, "van"),
        initials=(135, "A"),
    )


def claim(
    reference: str = "R1",
    bsn: str = BSN,
    day: str = "20240108",
    side: str = "D",
    amount: str = "00003500",
    previous: str = "",
    width: int = 310,
    **more: tuple[int, str],
) -> str:
    places: dict[str, tuple[int, str]] = {
        "kind": (1, "04"),
        "bsn": (15, bsn),
        "insurer": (24, "7095"),
        "day": (59, day),
        "list": (67, "012"),
        "service": (70, "002000"),
        "quantity": (76, "0001"),
        "diagnosis_list": (81, "005"),
        "diagnosis": (84, "00003427"),
        "entitlement": (125, "009"),
        "therapist": (128, THERAPIST),
        "referral_day": (140, "00000000"),
        "referrer": (148, "00000000"),
        "end": (160, "00"),
        "amount": (183, amount),
        "side": (191, side),
        "reference": (192, reference),
        "previous": (212, previous),
        **more,
    }
    return _put(width, **places)


def closing(counts: tuple[int, int, int, int], total: int = 0, side: str = "D", width: int = 310) -> str:
    return _put(
        width,
        kind=(1, "99"),
        persons=(3, f"{counts[0]:06}"),
        debtors=(9, f"{counts[1]:06}"),
        lines=(15, f"{counts[2]:06}"),
        comments=(21, f"{counts[3]:06}"),
        all=(27, f"{sum(counts):07}"),
        total=(34, f"{total:011}"),
        side=(45, side),
    )


def whole(*records: str, width: int = 310, code: str = "107", end: str = "\r\n") -> bytes:
    """Close the records with what they add up to."""
    counts = tuple(sum(record.startswith(kind) for record in records) for kind in ("02", "03", "04", "98"))
    total = sum(
        int(record[182:190]) * (-1 if record[190] == "C" else 1)
        for record in records
        if record.startswith("04") and record[182:190].isdigit()
    )
    last = closing(counts, abs(total), "C" if total < 0 else "D", width)  # type: ignore[arg-type]
    return "".join(line + end for line in (opening(width, code), *records, last)).encode("latin-1")


class Pm304:
    """The builders, as a fixture."""

    BSN, OTHER_BSN = BSN, OTHER_BSN
    PRACTICE, THERAPIST, DOCTOR = PRACTICE, THERAPIST, DOCTOR
    opening = staticmethod(opening)
    person = staticmethod(person)
    claim = staticmethod(claim)
    closing = staticmethod(closing)
    whole = staticmethod(whole)


@pytest.fixture
def pm304() -> type[Pm304]:
    """Return the builders of PM304 records."""
    return Pm304


_XML = """<?xml version="1.0" encoding="UTF-8"?>
<Bericht xmlns="http://ei.vektis.nl/declaratiebericht{number}">
 <Header><Berichtcode>{number}</Berichtcode><Berichtsoort>P</Berichtsoort>
  <DeclaratieContext><Declarant><ZorgaanbiederSoort>2</ZorgaanbiederSoort>
   <Zorgaanbiedercode>07000001</Zorgaanbiedercode></Declarant></DeclaratieContext></Header>
 {persons}
 <Overzicht><TotaalDeclaratiebedragInclBtw><Bedrag>{total}</Bedrag><DebetCreditCode>D</DebetCreditCode>
 </TotaalDeclaratiebedragInclBtw></Overzicht>
</Bericht>"""

_DEBIT = """<Prestatie><DebetPrestatie>
 <Referentienummer>{reference}</Referentienummer><PrestatieCodelijstCode>074</PrestatieCodelijstCode>
 <Prestatiecode>2000</Prestatiecode><Begindatum>{day}</Begindatum><Aantal>1</Aantal>
 <DeclaratieBedragInclBtw>3500</DeclaratieBedragInclBtw>
 <AanvullendPrestatieKenmerk><ApkCode>3</ApkCode><ApkCodelijstCode>002</ApkCodelijstCode></AanvullendPrestatieKenmerk>
 <AanvullendPrestatieKenmerk><ApkCodelijstCode>004</ApkCodelijstCode><ApkCode>001</ApkCode></AanvullendPrestatieKenmerk>
 {referral}
 <Zorgaanbieder><Zorgaanbiedercode>07000002</Zorgaanbiedercode><ZorgaanbiederSoort>3</ZorgaanbiederSoort>
  <ZorgaanbiederRol>01</ZorgaanbiederRol></Zorgaanbieder>
 <AanvullendePrestatiegegevens><Diagnose><DiagnoseCodelijstCode>005</DiagnoseCodelijstCode>
  <Diagnosecode>3427</Diagnosecode></Diagnose>
  <Zorgtraject><ZorgtrajectStartdatum>{start}</ZorgtrajectStartdatum></Zorgtraject></AanvullendePrestatiegegevens>
 </DebetPrestatie></Prestatie>"""

_REFERRAL = """<Verwijzing><TypeVerwijzingcode>01</TypeVerwijzingcode><Verwijsdatum>2025-01-02</Verwijsdatum>
 <Verwijzer><Zorgaanbiedercode>01000001</Zorgaanbiedercode></Verwijzer></Verwijzing>"""


class Gds801:
    """Invented XML messages."""

    @staticmethod
    def debit(
        reference: str = "R1", day: str = "2025-01-08", start: str = "2025-01-06", *, referred: bool = True
    ) -> str:
        return _DEBIT.format(reference=reference, day=day, start=start, referral=_REFERRAL if referred else "")

    @staticmethod
    def credit(reference: str = "C1", of: str = "R1") -> str:
        return (
            f"<Prestatie><CreditPrestatie><Referentienummer>{reference}</Referentienummer>"
            f"<GerelateerdReferentienummer>{of}</GerelateerdReferentienummer>"
            "<PrestatieCodelijstCode>074</PrestatieCodelijstCode><Begindatum>2025-01-08</Begindatum>"
            "</CreditPrestatie></Prestatie>"
        )

    @staticmethod
    def person(*lines: str, bsn: str = BSN, born: str = "1970-01-01") -> str:
        return (
            f"<Verzekerde>{''.join(lines)}<BSN>{bsn}</BSN><UzoviNummer>7095</UzoviNummer>"
            f"<Geboortedatum>{born}</Geboortedatum></Verzekerde>"
        )

    @staticmethod
    def message(*persons: str, total: int = 3500, number: int = 573) -> bytes:
        return _XML.format(persons="".join(persons), total=total, number=number).encode()


@pytest.fixture
def gds801() -> type[Gds801]:
    """Return the builders of GDS801 messages."""
    return Gds801
