"""Whatever the facts and whatever is allowed: what is read is what was told, and it has no finding."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.indicators.figure import Figure
from exchange.indicators.measure import measure_report
from exchange.messages.building import build
from exchange.messages.checking import check
from exchange.messages.codes import EVENTS
from exchange.messages.facts import AgreementReference, CaseFacts, Organisation, Reply
from exchange.messages.projecting import project
from exchange.messages.reading import read
from exchange.records import codes
from exchange.records.elements import elements
from exchange.records.instruments import instruments
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

days = st.dates(date(1900, 1, 1), date(2100, 1, 1))
maybe_day = st.none() | days
prose = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=40)
FORMS = sorted(set(elements()) | {f"{each.id}:{form}" for each in elements().values() for form in each.generalisations})


def words(kind):
    return st.sampled_from(list(kind))


@st.composite
def windows(draw):
    start = draw(days)
    return start, start + timedelta(days=draw(st.integers(1, 800)))


@st.composite
def answers(draw, element_kind, make):
    start, end = draw(windows())
    element = draw(st.sampled_from([name for name in elements() if name.startswith(element_kind)]))
    return make(draw, element, start, end)


def one_answer(draw, element, start, end):
    count, first = draw(st.none() | st.integers(0, 10**6)), draw(maybe_day)
    return Answer(
        "a", "c", "e", element, start, end, draw(words(codes.Answered)), codes.Evidence.SIGNED, "", count, first
    )


def one_aggregate(draw, element, start, end):
    return Aggregate("p", element, start, end, draw(st.integers(0, 10**6)), draw(st.integers(0, 10**6)))


@st.composite
def episodes(draw):
    start = draw(days)
    return Episode(
        "e",
        "p",
        codes.SourceKind.EPD,
        start,
        draw(st.none() | st.integers(0, 2000).map(lambda days_later: start + timedelta(days=days_later))),
        draw(st.sampled_from(["", "2126"])),
        draw(words(codes.Access)),
        draw(words(codes.EndReason)),
        draw(words(codes.Answered)),
        draw(st.none() | st.booleans()),
        draw(st.sampled_from(["", "nprs", "6mwt"])),
        therapist=draw(st.sampled_from(["", "88000001"])),
    )


@st.composite
def reports(draw):
    """A figure as the indicators' room would write it, masked or not, over all patients or of one."""
    one = draw(st.booleans())
    eligible, numerator = draw(st.integers(0, 10**6)), draw(st.integers(0, 10**6))
    start, end = draw(windows())
    masked = draw(st.sampled_from([None, "small"]))
    kind = draw(st.sampled_from(["proportion", "mean", "ratio"]))
    value = draw(st.none() | st.floats(0, 1)) if kind != "proportion" else (numerator / eligible if eligible else None)
    figure = Figure(
        draw(st.sampled_from(["responders", "measured"])), 1, kind, "episodes", start, end, end,
        eligible=None if masked else eligible, numerator=None if masked else min(numerator, eligible),
        denominator=None if masked else eligible, value=None if masked or value is None else min(value, 1.0),
        masked=masked, withheld=("numerator",) if masked else (), sources=draw(st.sampled_from([(), ("epd", "pm304")])),
    )  # fmt: skip
    return measure_report(
        figure,
        reporter="agb:07000001",
        made_on=draw(days),
        improvement=draw(st.sampled_from(["higher", "lower", "descriptive"])),
        kind="individual" if one else "summary",
        subject="Patient/one" if one else None,
    )


measurements = st.sampled_from(sorted(instruments().values(), key=lambda each: each.id)).flatmap(
    lambda each: st.builds(
        Measurement,
        st.just("m"),
        st.just("e"),
        st.just("p"),
        st.just(each.id),
        days,
        st.integers(each.lowest, each.highest),
    )
)
cases = st.builds(
    CaseFacts,
    agreement=st.just(AgreementReference("verzonnen", 1, "0" * 64)),
    sender=st.just(Organisation("agb:07000001", "Verzonnen praktijk")),
    receiver=st.sampled_from(
        [Organisation(f"{scheme}:12345678", "Verzonnen partner") for scheme in ("kvk", "oin", "ura", "agb")]
    ),
    case_id=st.just("f" * 32),
    code=st.sampled_from(["", "KANA-RIE7"]),
    phase=st.sampled_from(["start", "interim", "end"]),
    patient=st.none()
    | st.builds(
        Patient, st.just("p"), maybe_day, words(codes.Sex), st.sampled_from([None, "999990019"]), st.none(), prose
    ),
    episode=st.none() | episodes(),
    referral=st.none()
    | st.builds(
        Referral,
        st.just("r"),
        st.just("e"),
        st.just("p"),
        st.sampled_from(["", "agb:01999999", "ura:90000001"]),
        maybe_day,
        prose,
        words(codes.Counterfactual),
        st.just(""),
        maybe_day,
    ),
    session_count=st.none() | st.integers(0, 10**6),
    sessions=st.lists(
        st.builds(Session, st.just("s"), st.just("e"), st.just("p"), days, words(codes.SessionType)), max_size=4
    ).map(tuple),
    measurements=st.lists(measurements, max_size=4).map(tuple),
    evaluations=st.lists(
        st.builds(
            Evaluation,
            st.just("v"),
            st.just("e"),
            st.integers(1, 500),
            days,
            st.just(""),
            words(codes.Effect),
            words(codes.Answered),
            words(codes.Answered),
            st.just(""),
            words(codes.NextStep),
            maybe_day,
        ),
        max_size=3,
    ).map(tuple),
    answers=st.lists(answers("answer.", one_answer), max_size=4).map(tuple),
    aggregates=st.lists(answers("aggregate.", one_aggregate), max_size=3).map(tuple),
    consent=st.none()
    | st.builds(
        Consent, st.just("p"), st.just("x"), st.just("outcome-exchange"), words(codes.ConsentState), days, prose, prose
    ),
    indicators=st.lists(reports(), max_size=2).map(tuple),
    reply=st.builds(
        Reply,
        st.just("bericht-1"),
        st.booleans(),
        st.lists(st.sampled_from(["messages.bdl-7", "messages.urn"])).map(tuple),
    ),
)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(EVENTS)), cases, st.sets(st.sampled_from(FORMS)) | st.just(set(elements())))
def test_what_is_read_is_what_was_told(event, facts, allowed):
    numbers = itertools.count(1)
    data = build(
        event,
        facts,
        frozenset(allowed),
        message_id="bericht-2",
        sent_at=datetime(2026, 1, 1, tzinfo=UTC),
        fhir_id=lambda: str(uuid.UUID(int=next(numbers), version=4)),
    )

    assert read(data).told == project(event, facts, frozenset(allowed))
    assert check(data) == ()
