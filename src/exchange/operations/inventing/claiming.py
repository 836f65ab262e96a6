"""Write the invented practice's claims as its software would: PM304 up to 2024, GDS801 from 2025."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from xml.sax.saxutils import escape

from exchange.operations.inventing.drawing import PRACTICE, Course
from exchange.records.codes import Sex

INSURER = "9999"  # not given out
SERVICE = "2000"  # an individual session, by the shipped map of service codes
RATE_CENTS = 4100
_NAMESPACE = "http://ei.vektis.nl/declaratiebericht573"
_AGB = PRACTICE.partition(":")[2]

Claim = tuple[Course, date]


def claims(courses: Iterable[Course], start: date, end: date) -> list[Claim]:
    """Return (course, day) of every session from `start` to `end` (end excluded), by day and course."""
    return sorted(
        ((course, day) for course in courses for day in course.days if start <= day < end),
        key=lambda claim: (claim[1], claim[0].key),
    )


def reference(course: Course, day: date) -> str:
    """Return the practice's reference number of a claimed line, at most twenty characters."""
    return f"{course.key}-{day:%Y%m%d}"


def pm304(courses: Iterable[Course], start: date, end: date) -> bytes:
    """Return a PM304 v3.2 file: records of 310 characters, an 02 before each client's 04s, a 99 with the counts."""
    listed = sorted(claims(courses, start, end), key=lambda claim: (claim[0].client.number, claim[1]))
    lines = [_opening(start, end)]
    detail, insured, total = 0, 0, 0
    previous = None
    for course, day in listed:
        if course.client.number != previous:
            previous = course.client.number
            detail += 1
            insured += 1
            lines.append(_insured(detail, course))
        detail += 1
        total += RATE_CENTS
        lines.append(_service(detail, course, day))
    lines.append(f"99{insured:06d}{0:06d}{len(listed):06d}{0:06d}{insured + len(listed):07d}{total:011d}D".ljust(310))
    return "".join(f"{line}\r\n" for line in lines).encode("cp850")


def _opening(start: date, end: date) -> str:
    return _placed(
        (1, "01"),
        (3, "107"),
        (6, "03"),
        (8, "02"),
        (10, "T"),
        (11, "VERZON"),
        (17, "1"),
        (27, INSURER),
        (31, "0" * 8),
        (39, "0" * 8),
        (47, _AGB),
        (55, "0" * 8),
        (63, "02"),
        (65, f"{start:%Y%m%d}"),
        (73, f"{end:%Y%m%d}"),
        (81, "VERZONNEN"),
        (93, f"{end:%Y%m%d}"),
        (115, "EUR"),
    )


def _insured(detail: int, course: Course) -> str:
    client = course.client
    return _placed(
        (1, "02"),
        (3, f"{detail:012d}"),
        (15, client.bsn),
        (24, INSURER),
        (28, f"V{client.number:06d}"),
        (43, client.epd_number),
        (54, f"{client.born:%Y%m%d}"),
        (62, "1" if client.sex is Sex.MALE else "2"),
        (63, "1"),
        (64, f"PROEF {client.number:03d}"),
    )


def _service(detail: int, course: Course, day: date) -> str:
    client = course.client
    return _placed(
        (1, "04"),
        (3, f"{detail:012d}"),
        (15, client.bsn),
        (24, INSURER),
        (28, f"V{client.number:06d}"),
        (58, "0"),
        (59, f"{day:%Y%m%d}"),
        (67, "012"),
        (70, f"{int(SERVICE):06d}"),
        (76, "0001"),
        (80, "N"),
        (81, "005"),
        (84, f"{int(course.diagnosis):08d}"),
        (125, "009"),
        (128, course.therapist),
        (136, "0700"),
        (140, f"{course.referred_on:%Y%m%d}" if course.referred_on else "0" * 8),
        (148, _referrer(course) or "0" * 8),
        (156, "0100" if course.referrer else "0000"),
        (160, "00"),
        (162, f"{RATE_CENTS:08d}"),
        (170, f"{RATE_CENTS:08d}D"),
        (179, "0000"),
        (183, f"{RATE_CENTS:08d}D"),
        (192, reference(course, day)),
    )


def _referrer(course: Course) -> str:
    return course.referrer.partition(":")[2]


def _placed(*fields: tuple[int, str]) -> str:
    record = [" "] * 310
    for position, text in fields:
        record[position - 1 : position - 1 + len(text)] = text
    return "".join(record)


def gds801(courses: Iterable[Course], start: date, end: date) -> bytes:
    """Return a GDS801 message: one Verzekerde per client, one DebetPrestatie per session, the Zorgtraject in each."""
    listed = claims(courses, start, end)
    clients: dict[int, list[Claim]] = {}
    for claim in listed:
        clients.setdefault(claim[0].client.number, []).append(claim)
    amount = f"{len(listed) * RATE_CENTS / 100:.2f}"
    opening = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Bericht xmlns="{_NAMESPACE}">\n<Header><Berichtcode>573</Berichtcode><Berichtsoort>T</Berichtsoort>'
        f"<VerzenderRol>1</VerzenderRol><Ontvanger>{INSURER}</Ontvanger><OntvangerRol>3</OntvangerRol>"
        f"<Verzenddatum>{end}</Verzenddatum></Header>\n<DeclaratieContext><Factuurnummer>VERZONNEN</Factuurnummer>"
        f"<Factuurdatum>{end}</Factuurdatum><BegindatumDeclaratieperiode>{start}</BegindatumDeclaratieperiode>"
        f"<EinddatumDeclaratieperiode>{end}</EinddatumDeclaratieperiode><Declarant><ZorgaanbiederSoort>2"
        f"</ZorgaanbiederSoort><Zorgaanbiedercode>{_AGB}</Zorgaanbiedercode></Declarant></DeclaratieContext>\n"
    )
    closing = (
        f"<Overzicht><TotaalDeclaratiebedragInclBtw><Bedrag>{amount}</Bedrag><DebetCreditCode>D</DebetCreditCode>"
        "</TotaalDeclaratiebedragInclBtw></Overzicht>\n</Bericht>\n"
    )
    return "".join((opening, *(_verzekerde(clients[number]) for number in sorted(clients)), closing)).encode()


def _verzekerde(listed: Sequence[Claim]) -> str:
    client = listed[0][0].client
    return (
        f"<Verzekerde><BSN>{client.bsn}</BSN><UzoviNummer>{INSURER}</UzoviNummer>"
        f"<PatientIdentificatienummer>{client.epd_number}</PatientIdentificatienummer>"
        f"<Geboortedatum>{client.born}</Geboortedatum>\n"
        + "".join(_prestatie(course, day) for course, day in listed)
        + "</Verzekerde>\n"
    )


def _prestatie(course: Course, day: date) -> str:
    rate = f"{RATE_CENTS / 100:.2f}"
    referral = ""
    if course.referrer:
        referral = (
            "<Verwijzing><TypeVerwijzingcode>01</TypeVerwijzingcode>"
            f"<Verwijsdatum>{course.referred_on}</Verwijsdatum><Verwijzer>"
            f"<Zorgaanbiedercode>{_referrer(course)}</Zorgaanbiedercode><ZorgaanbiederSoort>3</ZorgaanbiederSoort>"
            "<ZorgaanbiederRol>03</ZorgaanbiederRol></Verwijzer></Verwijzing>"
        )
    return (
        f"<Prestatie><DebetPrestatie><Referentienummer>{escape(reference(course, day))}</Referentienummer>"
        f"<PrestatieCodelijstCode>074</PrestatieCodelijstCode><Prestatiecode>{SERVICE}</Prestatiecode>"
        f"<Begindatum>{day}</Begindatum><Aantal>1</Aantal><TariefInclBtw>{rate}</TariefInclBtw>"
        f"<BerekendBedragInclBtw>{rate}</BerekendBedragInclBtw><DeclaratieBedragInclBtw>{rate}"
        "</DeclaratieBedragInclBtw><AanvullendPrestatieKenmerk><ApkCodelijstCode>004</ApkCodelijstCode>"
        f"<ApkCode>009</ApkCode></AanvullendPrestatieKenmerk>{referral}<Zorgaanbieder><Zorgaanbiedercode>"
        f"{course.therapist}</Zorgaanbiedercode><ZorgaanbiederSoort>3</ZorgaanbiederSoort><ZorgaanbiederRol>01"
        "</ZorgaanbiederRol></Zorgaanbieder><AanvullendePrestatiegegevens><Diagnose><DiagnoseCodelijstCode>005"
        f"</DiagnoseCodelijstCode><Diagnosecode>{course.diagnosis}</Diagnosecode></Diagnose><Zorgtraject>"
        f"<ZorgtrajectStartdatum>{course.days[0]}</ZorgtrajectStartdatum><Zorgtrajectnummer>{course.key}"
        "</Zorgtrajectnummer></Zorgtraject></AanvullendePrestatiegegevens></DebetPrestatie></Prestatie>\n"
    )
