"""One invented case with something in every field, and a way to build each kind of message of it."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

import pytest

from exchange.indicators.figure import Figure, Interval
from exchange.indicators.measure import measure_report
from exchange.messages.building import build
from exchange.messages.facts import AgreementReference, CaseFacts, Organisation, Reply
from exchange.records.codes import (
    Access,
    Answered,
    ConsentState,
    Counterfactual,
    Effect,
    EndReason,
    Evidence,
    NextStep,
    Sex,
    SourceKind,
)
from exchange.records.elements import elements
from exchange.records.model import (
    Aggregate,
    Answer,
    Consent,
    Episode,
    Evaluation,
    Measurement,
    Patient,
    Referral,
    Session,
)

START, END = date(2025, 1, 8), date(2025, 4, 2)


def figure_report(subject: str | None = None, **changed: Any) -> dict[str, Any]:
    """Return the MeasureReport of an invented figure as the indicators' room writes it, of one patient where named."""
    figure = Figure(
        "durable-discharge-12",
        1,
        "proportion",
        "episodes",
        date(2024, 1, 1),
        date(2025, 1, 1),
        date(2026, 1, 1),
        eligible=1 if subject else 60,
        due=1 if subject else 60,
        answered=1 if subject else 52,
        unknown=0 if subject else 8,
        excluded=0 if subject else 2,
        numerator=1 if subject else 40,
        denominator=1 if subject else 50,
        patients=1 if subject else 50,
        value=1.0 if subject else 0.8,
        interval=None if subject else Interval(0.6696, 0.8876, "wilson"),
        sources=("epd",),
    )
    return measure_report(
        replace(figure, **changed),
        reporter="agb:07000001",
        made_on=date(2026, 1, 9),
        improvement="higher",
        kind="individual" if subject else "summary",
        subject=subject,
        agreement="verzonnen-afspraak",
    )


class Builder(Protocol):
    """Build an event of the invented case."""

    def __call__(self, event: str, allowed: Collection[str] | None = None, facts: CaseFacts | None = None) -> bytes: ...


def numbered_ids(seed: int = 1) -> Callable[[], str]:
    """Return a source of UUIDs that is the same each time."""
    source = random.Random(seed)
    return lambda: str(uuid.UUID(int=source.getrandbits(128), version=4))


@pytest.fixture(scope="session")
def everything() -> frozenset[str]:
    """Return every element there is."""
    return frozenset(elements())


@pytest.fixture(scope="session")
def facts() -> CaseFacts:
    """Return an invented case; no person, practice or agreement of it exists."""
    window = {"start": START, "end": date(2026, 1, 8), "evidence": Evidence.SIGNED}
    return CaseFacts(
        agreement=AgreementReference("verzonnen-afspraak", 2, "a" * 64),
        sender=Organisation("agb:07000001", "Verzonnen praktijk voor oefentherapie"),
        receiver=Organisation("agb:01000001", "Verzonnen huisartsenpraktijk"),
        case_id="0123456789abcdef" * 2,
        code="KANA-RIE7",
        phase="end",
        patient=Patient("store-patient", date(1960, 4, 3), Sex.FEMALE, bsn="999990019", name="Verzonnen Persoon"),
        episode=Episode(
            "store-episode",
            "store-patient",
            SourceKind.EPD,
            START,
            END,
            "2126",
            Access.REFERRED,
            EndReason.GOALS_REACHED,
            Answered.NO,
            chronic=False,
            instrument="6mwt",
            therapist="88000001",
        ),
        referral=Referral(
            "store-referral",
            "store-episode",
            "store-patient",
            "agb:01999999",
            date(2025, 1, 2),
            "Verzonnen vraagstelling",
            Counterfactual.HOSPITAL,
            "wie-antwoordde",
            date(2025, 1, 9),
        ),
        session_count=3,
        sessions=tuple(
            Session(f"store-session-{n}", "store-episode", "store-patient", START + timedelta(days=7 * n))
            for n in range(3)
        ),
        measurements=(
            Measurement("store-m1", "store-episode", "store-patient", "nprs", START, 75),
            Measurement("store-m2", "store-episode", "store-patient", "nprs", END, 20),
        ),
        evaluations=(
            Evaluation(
                "store-evaluation",
                "store-episode",
                4,
                date(2025, 2, 3),
                effect=Effect.SUFFICIENT,
                advice_taken_up=Answered.YES,
                decision=NextStep.ADJUST,
                told_referrer_on=date(2025, 2, 4),
            ),
        ),
        answers=(
            Answer(
                "a1", "c", "e", "answer.imaging", status=Answered.YES, count=2, first_day=date(2025, 3, 1), **window
            ),
            Answer("a2", "c", "e", "answer.surgery", status=Answered.NO, **window),
            Answer("a3", "c", "e", "answer.fall", status=Answered.UNKNOWN, **window),
        ),
        aggregates=(
            Aggregate("agb:01000001", "aggregate.specialist-referrals", date(2025, 1, 1), date(2026, 1, 1), 12, 431),
            Aggregate("agb:01000001", "aggregate.eligible-patients", date(2025, 1, 1), date(2026, 1, 1), 431, 431),
        ),
        consent=Consent("store-patient", "agb:01000001", "outcome-exchange", ConsentState.GIVEN, START, "", ""),
        indicators=(figure_report(),),
        reply=Reply("bericht-1", accepted=True),
    )


@pytest.fixture(scope="session")
def one_patients_figure() -> dict[str, Any]:
    """Return an invented indicator of one patient."""
    return figure_report("Patient/one")


@pytest.fixture(scope="session")
def masked_figure() -> dict[str, Any]:
    """Return an invented figure that disclosure control withheld."""
    return figure_report(masked="small", value=None, interval=None, numerator=None, denominator=None, eligible=None)


@pytest.fixture(scope="session")
def built(facts: CaseFacts, everything: frozenset[str]) -> Builder:
    """Return the builder; without `allowed` everything is."""
    whole = facts

    def make(event: str, allowed: Collection[str] | None = None, facts: CaseFacts | None = None) -> bytes:
        return build(
            event,
            facts or whole,
            everything if allowed is None else frozenset(allowed),
            message_id="verzonnen-bericht-1",
            sent_at=datetime(2026, 1, 9, 12, 30, tzinfo=UTC),
            fhir_id=numbered_ids(),
        )

    return make
