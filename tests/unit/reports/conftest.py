"""Facts for the pages, all invented: no practice, partner, patient or figure here exists."""

from __future__ import annotations

import sys
from datetime import date

import pytest

from exchange.indicators.figure import Figure, Interval, Verdict
from exchange.reports.facts import (
    AgreementFacts,
    Band,
    ChangeFacts,
    Charts,
    DefinitionText,
    GoodPractice,
    GroupPlan,
    ImprovementPoint,
    IndexFacts,
    IndexPoint,
    Insurer,
    Loop,
    Moment,
    Organisation,
    Partner,
    PlanFacts,
    Prem,
    SessionsFacts,
    SummaryFacts,
    Trend,
)
from exchange.reports.questions import questions

START, END, CUT_OFF, ON = date(2025, 1, 1), date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 15)


def figure(indicator: str = "substitution-net", kind: str = "proportion", **given: object) -> Figure:
    """Return an invented figure; what is given replaces what is here."""
    base: dict[str, object] = {
        "version": 1,
        "unit": "episodes",
        "start": START,
        "end": END,
        "cut_off": CUT_OFF,
        "eligible": 74,
        "due": 60,
        "answered": 54,
        "unknown": 6,
        "censored": 2,
        "excluded": 4,
        "numerator": 45,
        "denominator": 54,
        "patients": 51,
        "value": 45 / 54,
        "interval": Interval(0.712, 0.910, "wilson-clustered"),
        "bounds": (0.75, 0.85),
        "target": 0.7,
        "verdict": Verdict.MET,
        "evidence": {"signed": 50, "form": 4},
        "sources": ("huisarts", "praktijk"),
        "as_of_load": 12,
    }
    return Figure(indicator=indicator, kind=kind, **{**base, **given})  # type: ignore[arg-type]


def definition(name: str, nl: str, en: str) -> DefinitionText:
    """Return an invented definition text."""
    return DefinitionText(
        name,
        1,
        {"nl": nl, "en": en},
        {"nl": f"{nl} telt beëindigde episodes (verzonnen omschrijving).", "en": f"{en} counts ended episodes."},
        {"nl": "Het zegt niet wat er zonder behandeling was gebeurd.", "en": "Not what happened otherwise."},
        "verzonnen bron",
    )


DEFINITIONS = {
    "substitution-net": definition("substitution-net", "Netto substitutie", "Net substitution"),
    "durable-discharge-12": definition("durable-discharge-12", "Blijvend uitbehandeld", "Durable discharge"),
    "measured": definition("measured", "Gemeten", "Measured"),
    "responders": definition("responders", "Verbeterd op het instrument", "Responders"),
    "specialist-referral-rate": definition("specialist-referral-rate", "Verwijzingen", "Referral rate"),
    "evaluation-moments": definition("evaluation-moments", "Evaluatiemomenten", "Evaluation moments"),
}


def index_facts() -> IndexFacts:
    """Return an invented treatment index over four years."""
    years = ((2022, 162, 141, 185), (2023, 171, 152, 192), (2024, 180, 160, 203), (2025, 176, 157, 197))
    points = tuple(
        IndexPoint(year, value, lower, upper, "v3", source="Mijn Vektis (verzonnen)")
        for year, value, lower, upper in years
    )
    return IndexFacts(
        points,
        Band("VGZ", 2025, 149, bound="lower", source="brief verzekeraar (verzonnen)"),
        target=130,
        observed=4400,
        expected=2500.0,
        to_save=1150.0,
        reached_by_plan=139.0,
        shows_from=(("v1 over 2026", date(2026, 10, 15)), ("v3 over 2026", date(2027, 4, 15))),
    )


def agreement(**given: object) -> AgreementFacts:
    """Return an invented agreement with a GP group."""
    base: dict[str, object] = {
        "id": "a1",
        "version": 2,
        "title": "Samenwerking huisartsengroep Voorbeeldstad",
        "partners": ("HAGRO Voorbeeldstad",),
        "kind": "gp",
        "state": "active",
        "start": START,
        "end": date(2027, 1, 1),
        "terms": ("De huisarts meldt binnen zeven dagen wat het alternatief was.", "Antwoord binnen zes weken."),
        "funding": "valt binnen de Zvw",
        "primary": "substitution-net",
        "moments": (
            Moment(date(2025, 9, 1), passed=True),
            Moment(date(2026, 3, 1), "tussenstand", passed=True, held_on=date(2026, 3, 4), result="voortzetten"),
            Moment(date(2026, 9, 1)),
        ),
        "loop": Loop(74, 60, 54, 6),
        "figures": (
            figure(),
            figure("specialist-referral-rate", "rate-ratio", value=0.82, interval=Interval(0.7, 0.96, "byar"),
                   bounds=None, target=1.0, numerator=None, denominator=2100, unit="patients", patients=2100),
        ),
    }  # fmt: skip
    return AgreementFacts(**{**base, **given})  # type: ignore[arg-type]


CHANGE = ChangeFacts(
    "NPRS (pijn, 0–10)",
    {"improved": 41, "within-error": 14, "unchanged": 12, "deteriorated": None, "cannot-improve": 13},
    threshold=2,
    mic=1.5,
    higher_is_better=False,
    measured=80,
    all_closed=310,
    source="drempel: Abbott en Schmitt 2014",
)
SESSIONS = SessionsFacts((40, 60, 50, 30, 44, None, 20), 252, 14.2, 9.6, 11, START, END)
POINT = ImprovementPoint(
    "adviezen vanaf dag één", "Adviezen gaan vanaf het eerste contact mee.", "Folder en filmpje.",
    "Na 4 behandelingen.", "Bijgesteld na evaluatie.", "praktijkhouder", "In 2025 bij 40% van de patiënten.",
    "80% in 2026.", "55% in juni 2026.",
    (date(2026, 9, 1), date(2027, 1, 15)),
)  # fmt: skip


@pytest.fixture(scope="session")
def summary_facts() -> SummaryFacts:
    """Return a whole invented summary."""
    return make_summary()


@pytest.fixture(scope="session")
def plan_facts() -> PlanFacts:
    """Return a whole invented plan in which every question is answered."""
    return make_plan()


def make_summary() -> SummaryFacts:
    """Return a whole invented summary."""
    social = agreement(
        id="a2", title="Welzijn Voorbeeldstad", partners=("Stichting Voorbeeld",), kind="social", figures=(),
        primary=None, loop=Loop(20, 12, 9, 3), moments=(), state="proposed",
    )  # fmt: skip
    return SummaryFacts(
        Organisation("Oefentherapie Voorbeeld", "agb:07000001"),
        ON,
        START,
        END,
        (agreement(), social),
        (
            figure("measured", "completeness", value=0.258, numerator=80, denominator=310, target=None, verdict=None,
                   interval=Interval(0.21, 0.31, "wilson-clustered"), bounds=None, unknown=0),
            figure("durable-discharge-12", value=None, interval=None, bounds=None, masked="disclosure.too-few",
                   numerator=None, denominator=None, patients=None, unknown=None, verdict=None, target=None),
            figure("responders", "category-share", verdict=Verdict.CANNOT_TELL, target=0.6, value=0.64,
                   interval=Interval(0.52, 0.74, "wilson-clustered-bounds"),
                   parts={"improved": 41, "within-error": 14, "unchanged": 12}),
        ),
        DEFINITIONS,
        Charts(index_facts(), SESSIONS, (CHANGE,)),
        (POINT,),
        ("Met de huisartsen de zes openstaande antwoorden nalopen.", "Op 1 september de afspraak evalueren."),
        load=12,
        program="0.1.0",
        trends={"measured": make_trend(), "responders": Trend("half-year", left_out="too-few")},
    )  # fmt: skip


def make_trend() -> Trend:
    """Return an invented trend of four half-years, one of which may not be shown."""
    hidden = {"masked": "disclosure.too-few", "value": None, "interval": None, "numerator": None,
              "denominator": None, "patients": None, "unknown": None}  # fmt: skip
    points = []
    for place, count in enumerate((44, 50, 43, 41)):
        year, half = 2024 + place // 2, place % 2
        start, end = date(year, 1 + 6 * half, 1), date(year + half, 7 - 6 * half, 1)
        counted: dict[str, object] = {
            "numerator": count, "denominator": 60, "patients": 58, "value": count / 60, "unknown": 0,
            "interval": Interval(count / 60 - 0.1, count / 60 + 0.1, "wilson-clustered"),
        }  # fmt: skip
        fixed: dict[str, object] = {"start": start, "end": end, "target": 0.7, "baseline": 0.4, "bounds": None}
        points.append(figure("measured", "completeness", **{**fixed, **(hidden if place == 1 else counted)}))
    return Trend("half-year", tuple(points))


def make_plan() -> PlanFacts:
    """Return a whole invented plan in which every question is answered."""
    answers = {one.id: f"Verzonnen antwoord bij {one.id}." for one in questions() if one.filled_from == "asked"}
    answers |= {
        "referral-diagnosis": "aspecifieke lage rugklachten en artrose",
        "complexity": "veel van hen meer dan één aandoening hebben",
        "instruments": "NPRS en PSK",
        "surroundings": "de cliënt met een naaste",
        "support-insight": "onvoldoende",
    }
    return PlanFacts(
        Organisation("Oefentherapie Voorbeeld", "agb:07000001", ("Voorbeeldstraat 1", "1234 AB Voorbeeldstad"),
                     "de praktijkhouder", "Voorbeeldstad"),
        ON,
        START,
        END,
        Insurer("VGZ", ("Postbus 1", "1000 AA Voorbeeldstad"), 2025),
        index_facts(),
        (
            GroupPlan("Wervelkolom", 120, 16.4, 11.4),
            GroupPlan("Knie en heup", 66, 15.1, 18, "fixed", ("no-less", "misses-target")),
        ),
        SESSIONS,
        (Partner("HAGRO Voorbeeldstad", "gp", agreed=True), Partner("afdeling orthopedie", "specialist"),
         Partner("Stichting Voorbeeld", "social")),
        Prem("PREM Paramedische zorg", START, END, 210, 96, 9.1, 72, (("Uitleg over de behandeling", 9.2, 95),),
             ("Ik weet nu zelf wat ik moet doen.",)),
        (figure("measured", "completeness", value=0.258, numerator=80, denominator=310, target=None, verdict=None,
                interval=Interval(0.21, 0.31, "wilson-clustered"), bounds=None, unknown=0),),
        (CHANGE,),
        (figure("durable-discharge-12", value=0.81, target=None, verdict=None),),
        (figure(),),
        (figure("evaluation-moments", unit="moments", value=0.61, target=None, verdict=None, bounds=None),),
        DEFINITIONS,
        (agreement(),),
        (POINT,),
        (GoodPractice("Eerder naar de beweeggroep", "Na de zesde behandeling gaat wie dat kan naar de beweeggroep.",
                      date(2025, 3, 1), "Stichting Voorbeeld", "21 deelnemers in 2025."),),
        answers,
        load=12,
        program="0.1.0",
    )  # fmt: skip


@pytest.fixture(scope="session")
def invented() -> object:
    """Return this module, for tests that make figures of their own."""
    return sys.modules[figure.__module__]
