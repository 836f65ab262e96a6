"""Whatever order the files come in, one patient's episodes and sessions are the same."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.episodes import rebuilding
from exchange.episodes.plain import one_complaint
from exchange.episodes.rebuilding import Derived, EpisodeSource, Line, SessionSource, derive
from exchange.episodes.services import TREATMENTS, ServiceMap
from exchange.records.codes import SessionType, SourceKind

SERVICES = ServiceMap({("012", "1"): SessionType.SESSION, ("012", "2"): SessionType.GROUP})
DAYS = st.integers(0, 300).map(lambda number: date(2024, 6, 1) + timedelta(days=number))
REFERENCES = st.sampled_from(["", "1", "2", "3", "4", "5", "6"])


@st.composite
def lines(draw: st.DrawFn) -> Line:
    kind = draw(st.sampled_from([SourceKind.PM304, SourceKind.GDS801]))
    reference = draw(REFERENCES.filter(bool))
    day = draw(DAYS)
    return Line(
        f"{kind}-{reference}",
        kind,
        "p",
        day,
        reference,
        draw(REFERENCES),
        draw(st.sampled_from(["07000001", "07000009"])),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.sampled_from(["1", "2", "9"])),
        "012",
        draw(st.integers(0, 2)),
        draw(st.sampled_from(["", "3427", "4020"])),
        draw(st.sampled_from(["", "001"])),
        draw(st.sampled_from(["", "t1", "t2"])),
        "",
        None,
        draw(st.sampled_from(["", "01"])),
        draw(st.sampled_from(["", "A"])) if kind is SourceKind.GDS801 else "",
        draw(st.sampled_from([None, date(2024, 7, 1), day])) if kind is SourceKind.GDS801 else None,
    )


EPISODES = st.builds(
    EpisodeSource,
    st.sampled_from(["E1", "E2", "E3"]),
    st.sampled_from([SourceKind.EPD, SourceKind.FHIR]),
    st.just("p"),
    DAYS,
    st.one_of(st.none(), DAYS),
    st.sampled_from(["", "3427", "4020"]),
)
SESSIONS = st.builds(
    SessionSource,
    st.sampled_from(["", "E1", "E3", "E9"]),
    st.just("p"),
    DAYS,
    st.sampled_from([SessionType.SESSION, SessionType.GROUP]),
    st.sampled_from(["", "t1", "t2"]),
    st.booleans(),
    st.sampled_from([SourceKind.EPD, SourceKind.FHIR]),
)


def rebuilt(one: list[Line], two: list[EpisodeSource], three: list[SessionSource]) -> Derived:
    return derive(
        one,
        two,
        three,
        gap_days=30,
        services=SERVICES,
        declarant="07000001",
        session_id=lambda *parts: "|".join(str(part) for part in parts),
    )


@settings(max_examples=80, deadline=None)
@given(
    st.lists(lines(), max_size=8, unique_by=lambda line: line.line_id),
    st.lists(EPISODES, max_size=3, unique_by=lambda one: one.source_id),
    st.lists(SESSIONS, max_size=5),
    st.randoms(use_true_random=False),
)
def test_every_order_of_loading_gives_the_same(
    claims: list[Line], episodes: list[EpisodeSource], sessions: list[SessionSource], random: object
) -> None:
    first = rebuilt(claims, episodes, sessions)
    for many in (claims, episodes, sessions):
        random.shuffle(many)  # type: ignore[attr-defined]
    assert rebuilt(claims, episodes, [*sessions, *sessions]) == first
    ids = {one.episode_id for one in first.episodes}
    assert len(ids) == len(first.episodes)
    assert {alias[1] for alias in first.aliases} == ids
    assert all(one.episode_id in ids for one in first.sessions)
    assert len({one.session_id for one in first.sessions}) == len(first.sessions)
    claimed = {one.day for one in first.sessions if one.source is SourceKind.PM304 and one.type in TREATMENTS}
    assert claimed <= {line.day for line in claims if not line.credit and not line.rejected}


@st.composite
def complaints(draw: st.DrawFn) -> list[Line]:
    """Draw lines that are alike, now and then but for one of them."""
    like = draw(lines())._replace(credit=False, rejected=False, previous_reference="", quantity=1)
    made = [
        like._replace(
            line_id=f"l{number}",
            reference=str(number),
            day=draw(DAYS),
            therapist=draw(st.sampled_from(["t1", "t2"])),
            entitlement=draw(st.sampled_from(["", "001", "009"])),
            end_code=draw(st.sampled_from(["", "01"])),
            referrer=draw(st.sampled_from(["", "01000001"])),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    if made and draw(st.integers(0, 4)) == 0:
        made[-1] = draw(lines())
    return made


@settings(max_examples=150, deadline=None)
@given(complaints(), st.sampled_from([10, 30, 400]))
def test_what_is_seen_at_a_glance_is_what_the_whole_derivation_finds(claims: list[Line], gap_days: int) -> None:
    settled = {"gap_days": gap_days, "services": SERVICES}
    at_a_glance = derive(claims, (), (), declarant="07000001", session_id=lambda *_: "", **settled)  # type: ignore[arg-type]
    whole = rebuilding._derive(claims, (), (), ours={"07000001"}, session_id=lambda *_: "", **settled)
    assert at_a_glance == whole


def test_the_common_patient_is_seen_at_a_glance() -> None:
    line = Line("l1", SourceKind.PM304, "p", date(2024, 6, 3), "1", "", "07000001", False, False, "1", "012", 1, "3427",
                "", "t1", "", None, "")  # fmt: skip
    later = line._replace(line_id="l2", reference="2", day=date(2024, 6, 10))
    assert one_complaint([later, line], 30, SERVICES) == ((line, later), SessionType.SESSION)
    assert one_complaint([line, later._replace(day=date(2024, 9, 1))], 30, SERVICES) is None
    assert one_complaint([line, later._replace(credit=True, previous_reference="1")], 30, SERVICES) is None
