"""Whatever order the files come in, one patient's episodes and sessions are the same."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

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
