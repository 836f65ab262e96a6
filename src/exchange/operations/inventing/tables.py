"""Write the invented practice's tables as an EPD exports them, and its partners' answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from exchange.operations.inventing.drawing import PRACTICE, SOCIAL, TODAY, Course
from exchange.records.codes import Answered, Counterfactual, Effect, EndReason, NextStep, Sex
from exchange.records.instruments import instruments

_REASONS: Mapping[EndReason, str] = {
    EndReason.GOALS_REACHED: "doel bereikt",
    EndReason.STOPPED_BY_CLIENT: "op eigen verzoek",
    EndReason.NO_EFFECT: "geen effect",
    EndReason.REFERRED_ONWARD: "doorverwezen",
    EndReason.MOVED: "verhuisd",
    EndReason.OTHER: "overig",
    EndReason.UNKNOWN: "",
}
_THREE: Mapping[Answered, str] = {Answered.YES: "ja", Answered.NO: "nee", Answered.UNKNOWN: "onbekend"}
_OTHERWISE: Mapping[Counterfactual, str] = {
    Counterfactual.HOSPITAL: "ziekenhuis",
    Counterfactual.IMAGING: "beeldvorming",
    Counterfactual.INTERVENTION: "ingreep",
    Counterfactual.MEDICATION: "medicatie",
    Counterfactual.GP: "huisarts",
    Counterfactual.NOTHING: "niets",
    Counterfactual.UNKNOWN: "onbekend",
}
_EFFECTS: Mapping[Effect, str] = {
    Effect.SUFFICIENT: "voldoende",
    Effect.INSUFFICIENT: "onvoldoende",
    Effect.NONE: "geen",
    Effect.UNKNOWN: "onbekend",
}
_STEPS: Mapping[NextStep, str] = {
    NextStep.CONTINUE: "doorgaan",
    NextStep.ADJUST: "bijstellen",
    NextStep.HAND_OVER: "overdragen",
    NextStep.STOP: "stoppen",
}


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Write as Dutch Excel does: semicolons, Windows-1252, CRLF."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows(rows)
    return stream.getvalue().encode("cp1252")


def _day(day: date | None) -> str:
    return f"{day:%d-%m-%Y}" if day else ""


def episodes(courses: Iterable[Course]) -> bytes:
    """Return the EPD's list of treatments, for the mapping `epd-episodes`."""
    head = (
        "Patiëntnummer", "BSN", "Naam", "Geboortedatum", "Geslacht", "Trajectnummer", "Begindatum", "Einddatum",
        "DCSPH", "Toegang", "Verwijzer AGB", "Verwijsdatum", "Verwijsvraag", "Anders verwezen naar", "Vastgelegd op",
        "Reden einde", "Advies doorverwijzen", "Chronisch", "Meetinstrument", "Praktijk AGB", "Therapeut AGB",
    )  # fmt: skip
    return _table(head, (_episode(course) for course in courses))


def _episode(course: Course) -> tuple[object, ...]:
    client = course.client
    return (
        client.epd_number, client.bsn, client.name, _day(client.born), "m" if client.sex is Sex.MALE else "v",
        course.key, _day(course.days[0]), _day(course.end), course.diagnosis,
        "verwijzing" if course.referrer else "dto", course.referrer.partition(":")[2], _day(course.referred_on),
        "Graag oefentherapie" if course.referrer else "",
        _OTHERWISE[course.counterfactual] if course.counterfactual else "", _day(course.recorded_on),
        _REASONS[course.end_reason], _THREE[course.onward], "nee",
        course.scores[0][0] if course.scores else "998", PRACTICE.partition(":")[2], course.therapist,
    )  # fmt: skip


def measurements(courses: Iterable[Course]) -> bytes:
    """Return the EPD's list of scores, for the mapping `epd-measurements`."""
    rows = (
        (course.client.epd_number, course.key, name, _day(day), instruments()[name].score_text(score))
        for course in courses
        for name, day, score in course.scores
    )
    return _table(("Patiëntnummer", "Trajectnummer", "Meetinstrument", "Meetdatum", "Score"), rows)


def evaluations(courses: Iterable[Course]) -> bytes:
    """Return the EPD's list of evaluations, for the mapping `epd-evaluations`."""
    head = (
        "Patiëntnummer", "Trajectnummer", "Behandelnummer", "Evaluatiedatum", "Meetinstrument", "Effect",
        "Advies opgevolgd", "Naasten betrokken", "Partner betrokken", "Besluit", "Verwijzer ingelicht op",
    )  # fmt: skip
    rows = (
        (
            course.client.epd_number, course.key, one.number, _day(one.day),
            course.scores[0][0] if course.scores else "", _EFFECTS[one.effect], _THREE[one.taken_up],
            _THREE[one.relatives], one.partner, _STEPS[one.decision], _day(one.told),
        )
        for course in courses
        for one in course.evaluations
    )  # fmt: skip
    return _table(head, rows)


def consents(courses: Iterable[Course], purposes: Mapping[str, tuple[str, ...]]) -> bytes:
    """Return the clients' consents, for `exchange consent load`: per partner the purposes it is asked for.

    About one client in twelve refuses.
    """
    rows = []
    seen: set[tuple[str, str, str]] = set()
    for course in courses:
        parties = {course.referrer, SOCIAL if course.handed_over else ""} - {""}
        for party in sorted(parties):
            for purpose in purposes.get(party, ()):
                key = (course.client.epd_number, party, purpose)
                if key in seen:
                    continue
                seen.add(key)
                said = "geweigerd" if course.client.number % 12 == 5 else "gegeven"
                day = max(course.days[0], date(2023, 12, 1))
                by = "zelf"
                rows.append((*key[:1], party, purpose, said, day.isoformat(), "toestemmingsformulier (verzonnen)", by))
    return _table(("epd", "partner", "doel", "besluit", "datum", "bewijs", "door"), rows)


def index_figures() -> bytes:
    """Return the official treatment indices as the practice typed them over, for the mapping `index`."""
    head = ("Jaar", "Versie", "Verzekeraar", "Behandelindex", "Ondergrens", "Bovengrens", "Periode van",
            "Periode t/m", "Bron", "Patiënten")  # fmt: skip
    rows = (
        (2023, "v3", "VGZ", "168", "151", "185", "01-01-2023", "31-12-2023", "Mijn Vektis (verzonnen)", 118),
        (2024, "v3", "VGZ", "163", "147", "179", "01-01-2024", "31-12-2024", "Mijn Vektis (verzonnen)", 126),
        (2025, "v3", "VGZ", "157", "142", "172", "01-01-2025", "31-12-2025", "Mijn Vektis (verzonnen)", 131),
    )
    return _table(head, rows)


def prem() -> bytes:
    """Return the result of a PREM as a bureau returns it, for the mapping `prem`."""
    head = ("Meetbureau", "Periode van", "Periode t/m", "Respondenten", "Gemiddelde", "NPS", "Bron", "Opmerkingen")
    rows = (
        ("Meetbureau Voorbeeld (verzonnen)", "01-01-2025", "31-12-2025", 87, "9,1", "71", "PREM Paramedisch 2025",
         "Verzonnen: ik weet nu zelf wat ik moet doen als de klacht terugkomt."),
    )  # fmt: skip
    return _table(head, rows)


def totals(number: int) -> bytes:
    """Return a GP practice's yearly totals, for the mapping `partner-aggregates`: the year before and after."""
    before, after, people = 58 + number * 7, 44 + number * 5, 410 + number * 60
    rows = (
        ("aggregate.specialist-referrals", "01-01-2023", "01-01-2024", before, people),
        ("aggregate.specialist-referrals", "01-01-2024", "01-01-2025", after, people + 12),
    )
    return _table(("Element", "Van", "Tot", "Aantal", "Patiënten"), rows)


def answer(file: Path, truth: Mapping[tuple[str, str], Sequence[Course]]) -> bytes:
    """Fill in a partner's question list (`exchange agreement asked`) by what happened to these invented clients.

    `truth` is by name and date of birth. Some questions stay open, as they do in life.
    """
    text = file.read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    filled = [_filled(row, truth) for row in rows[1:]]
    return _table(rows[0], (row for row in filled if row is not None))


def _filled(row: list[str], truth: Mapping[tuple[str, str], Sequence[Course]]) -> list[str] | None:
    code, name, born, label, element, start, end = row[:7]
    begin, until = (date(int(day[6:]), int(day[3:5]), int(day[:2])) for day in (start, end))
    course = next(
        (one for one in truth.get((name, born), ()) if abs((one.days[0] - begin).days) <= 1), None
    )  # fmt: skip
    if course is None or not course.answered:
        return None
    happened = happening(course, element)
    if happened is not None and begin <= happened < until:
        return [code, name, born, label, element, start, end, "ja", "1", _day(happened)]
    return [code, name, born, label, element, start, end, "nee", "", ""]


def happening(course: Course, element: str) -> date | None:
    """Return when what an element asks for happened to an invented client, or None."""
    active = course.started_on + timedelta(days=95) if course.started_on and course.still_active else None
    return {
        "answer.specialist-referral": course.specialist_on,
        "answer.specialist-visit": course.specialist_on,
        "answer.imaging": course.imaging_on,
        "answer.left-list": course.left_on,
        "answer.programme-start": course.started_on,
        "answer.programme-active": active if active and active < TODAY else None,
    }.get(element)


def fill_form(blank: Path, known: Mapping[str, Sequence[Course]]) -> bytes:
    """Fill in a partner's form by hand, so to say: koppelcode to the client's courses; some cases stay open."""
    from io import BytesIO

    import openpyxl

    book = openpyxl.load_workbook(blank)
    sheet = book.worksheets[0]
    head = next(row[0].row for row in sheet.iter_rows(max_col=1) if row[0].value in {"Koppelcode", "Case code"})
    for row in range(head + 1, sheet.max_row + 1):
        code, element = sheet.cell(row, 1).value, sheet.cell(row, 3).value
        begin, until = sheet.cell(row, 4).value, sheet.cell(row, 5).value
        if not code or not element:
            continue
        start, end = (_date(value) for value in (begin, until))
        course = next((one for one in known.get(str(code), ()) if abs((one.days[0] - start).days) <= 1), None)
        if course is None or not course.answered:
            continue
        happened = happening(course, str(element))
        here = happened is not None and start <= happened < end
        sheet.cell(row, 6).value = "ja" if here else "nee"
        if here:
            sheet.cell(row, 8).value = _day(happened)
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()


def _date(value: object) -> date:
    from datetime import datetime

    if isinstance(value, datetime):
        return value.date()
    text = str(value)
    return date(int(text[6:]), int(text[3:5]), int(text[:2]))


def improvements() -> dict[str, dict[str, str]]:
    """Return the invented practice's improvement points."""
    return {
        "behandelindex": {
            "title": "Behandelindex omlaag",
            "indicator": "sessions-per-patient",
            "baseline": "157 (2025, Vektis v3; verzonnen)",
            "goal": "130 over 2027",
            "actions": "Advies en oefeningen vanaf het eerste contact; evaluatie bij behandeling 4, 8 en 12; "
            "stoppen en terugkoppelen als het effect uitblijft.",
            "owner": "praktijkhouder",
        },
        "transparantie": {
            "title": "Transparant over het effect",
            "indicator": "substitution-net",
            "baseline": "geen afspraken voor 2024",
            "goal": "Antwoord van partners op negen van de tien zaken",
            "actions": "Afspraken met huisartsen, ziekenhuis en welzijn; elk half jaar samen naar de cijfers kijken.",
            "owner": "praktijkhouder",
        },
        "metingen": {
            "title": "Vaker meten bij begin en einde",
            "indicator": "measured",
            "baseline": "Bij een deel van de trajecten ontbreekt een eindmeting (verzonnen).",
            "goal": "Bij vier van de vijf afgesloten trajecten is er een begin- en een eindmeting.",
            "actions": "De vragenlijst ligt klaar bij de eerste behandeling en bij elke evaluatie.",
            "owner": "praktijkhouder",
        },
    }


def plan_answers() -> dict[str, str]:
    """Return what the invented practice answered to some of the plan's questions; the rest stays a marked blank."""
    return {
        "contract-year": "2027",
        "referral-diagnosis": "lage rugklachten, nekklachten en langdurige klachten met meer dan één oorzaak",
        "approach": "Wij behandelen in korte trajecten met een plan dat de cliënt zelf kan voortzetten. (Verzonnen.)",
        "complexity": "veel van hen naast hun klacht ook stress of eenzaamheid ervaren (verzonnen)",
        "instruments": "de pijnscore en de vragenlijst die bij de klacht hoort",
        "surroundings": "de cliënt (waar dat kan samen met een naaste)",
        "support-insight": "onvoldoende",
        "signatory": "de praktijkhouder",
    }
