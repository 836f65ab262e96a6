"""What somebody who writes a definition is told: the place, what is wrong there, and what to write instead."""

from __future__ import annotations

import string
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange import shipped
from exchange.findings import say
from exchange.findings.wording import catalogue
from exchange.indicators.moments import Moment
from exchange.indicators.reading import check, shipped_definitions
from exchange.indicators.spans import empty, moment, overlapping
from exchange.indicators.vocabulary import words_of

TEXTS = {name: shipped.agreements("indicators", f"{name}.yaml").read_text("utf-8") for name in shipped_definitions()}
NET, TOLD, FALLS = "substitution-net", "onward-advice", "falls"
ABSENT = "- absent: {event: specialist-referral, from: start, to: end + 12 months, leave-out: starting-referral}"


def found(text: str | bytes) -> list[tuple[str, str, int | None]]:
    """Return rule, place and line of every finding."""
    data = text if isinstance(text, bytes) else text.encode()
    return [(each.rule.removeprefix("indicators."), each.path, each.line) for each in check(data, "mine.yaml")]


def line_of(text: str, part: str) -> int:
    """Return the 1-based line on which a part stands."""
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("name", "old", "new", "rule", "place"),
    [
        (NET, "version: 1", "version: one", "not-number", "version"),
        (NET, "version: 1", "version: 1.5", "not-number", "version"),
        (NET, "version: 1", "version: 0", "number-too-small", "version"),
        (NET, "version: 1", "version: -2", "number-too-small", "version"),
        (NET, "id: substitution-net", "id: Mijn Indicator", "not-an-id", "id"),
        (NET, "improvement: higher", "improvemnt: higher", "unknown-word-near", "improvemnt"),
        (NET, "improvement: higher", "improvement: higher\nkleur: rood", "unknown-word", "kleur"),
        (NET, "period: end", "period: end\nagreed: 18", "word-of-another-kind", "agreed"),
        (NET, "minutes: 2", "minutes: 601", "number-too-large", "supplier[0].minutes"),
        (NET, "event: specialist-referral, from", "event: injektion, from", "not-one-of", "outcome[0].absent.event"),
        (NET, "to: end + 12 months", "to: end + 1 month", "not-a-moment", "outcome[0].absent.to"),
        (NET, "to: end + 12 months", "to: end+12 months", "not-a-moment", "outcome[0].absent.to"),
        (
            NET,
            "from: start, to: end + 12 months",
            "from: end + 1 months, to: start",
            "window-empty",
            "outcome[0].absent",
        ),
        (NET, "from: start, to: end + 12 months", "from: start, to: start", "window-empty", "outcome[0].absent"),
        (NET, "event: specialist-referral, from", "event: imaging, from", "leave-out", "outcome[0].absent.leave-out"),
        (NET, ABSENT, "- absnt: {event: imaging}", "one-condition", "outcome[0]"),
        (NET, ABSENT, "- absnt: {event: imaging}", "unknown-word-near", "outcome[0].absnt"),
        (NET, ABSENT, "[]", "nothing-here", "outcome"),
        (NET, ABSENT, "  nl: nee", "not-list", "outcome"),
        (NET, ABSENT, "- nee", "not-words", "outcome[0]"),
        (NET, "is: [hospital]", "is: [hospital, hospital]", "twice-here", "where[0].is"),
        (TOLD, "period: end", "period: due", "not-one-of", "period"),
        (TOLD, "kind: proportion", "kind: category-share", "share-of-classes", "outcome"),
        (TOLD, "count: episodes", "count: patients", "word-elsewhere", "outcome"),
        ("responders", "within: 28 days", "within: four weeks", "not-days", "outcome[0].scores.within"),
        (FALLS, "to: start - 90 days", "to: start - 455 days", "window-empty", "before"),
        (FALLS, "after: {from: end", "after: {from: start - 200 days", "windows-overlap", "after.from"),
        (FALLS, "events: answer.fall", "events: answer.falls", "event-not-known", "events"),
        ("specialist-referral-rate", "aggregate.specialist-referrals", "aggregate.visits", "total-not-known", "events"),
        ("specialist-referral-rate", "aggregate.eligible-patients", "aggregate.all", "total-not-known", "population"),
        ("sessions-against-plan", "agreed: 18", "agreed: 17.5", "not-number", "agreed"),
        ("returns-on-time", "within: 30 days", "within: 1 months", "not-days", "returns.within"),
    ],
)
def test_every_mistake_is_told_at_its_own_place(name: str, old: str, new: str, rule: str, place: str) -> None:
    text = TEXTS[name].replace(old, new, 1)
    assert text != TEXTS[name]
    assert (rule, place) in [(one[0], one[1]) for one in found(text)]


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_definition_that_comes_with_it_has_only_words_of_its_kind(name: str) -> None:
    definition = shipped_definitions()[name]
    assert set(definition.raw) <= words_of(definition.kind, definition.count)
    assert check(TEXTS[name].encode(), name) == ()


@pytest.mark.parametrize(
    ("data", "rule", "line"),
    [
        (b"", "empty", 1),
        (b" \n\n", "empty", 1),
        (b"# niets\n", "no-definition", 1),
        (b"- a\n- b\n", "no-definition", 1),
        (b"a: 1\nb: caf\xe9\n", "not-utf8", 2),
        (b"a: 1\nb: \x1b[31mrood\n", "odd-character", 2),
        (b"a: 1\n\xe2\x80\xaeb: 2\n", "odd-character", 2),
        (b"a:\n\tb: 1\n", "tab", 2),
        (b"a: {b: 1\n", "not-yaml", 2),
        (b"a: 1\n---\na: 2\n", "two-documents", 2),
        (b"a: 1\nx: " + b"[" * 5000 + b"]" * 5000, "too-deep", 2),
        (b"a: 1\nx: " + b"{a: " * 5000 + b"1" + b"}" * 5000, "too-deep", 2),
        (b"a: 1\n? [a, b]\n: c\n", "no-word", 2),
        (b"a: 1\na: 2\n", "double-key", 2),
        (b"a: &x [1]\nb: *x\n", "yaml-alias", 1),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(data: bytes, rule: str, line: int) -> None:
    assert [(one[0], one[2]) for one in found(data)] == [(rule, line)]


def test_other_ways_of_saving_text_are_read() -> None:
    text = TEXTS[TOLD]
    assert found(text.encode("utf-16")) == []
    assert found(text.encode("utf-8-sig")) == []
    assert found(text.replace("\n", "\r\n")) == []


def test_a_finding_is_a_sentence_in_both_languages_without_the_words_of_a_schema() -> None:
    text = TEXTS[NET].replace("improvement: higher", "improvemnt: 3\nagreed: x").replace("version: 1", "version: []")
    for language in ("nl", "en"):
        for one in check(text.encode(), "mine.yaml"):
            told = say(one.rule, one.params, language)
            assert one.rule in catalogue()
            assert "{" not in told
            assert "schema" not in told
            assert told.endswith((".", "?"))


DAYS = [date(2023, 1, 1) + timedelta(days=day) for day in range(730)]
UNITS = st.sampled_from(["days", "months"])
AMOUNTS = st.just("") | st.builds("{} {} {}".format, st.sampled_from("+-"), st.integers(0, 40), UNITS)


@given(AMOUNTS, AMOUNTS)
def test_a_window_from_one_anchor_is_empty_where_some_day_of_it_is_empty(first: str, last: str) -> None:
    start, end = f"start {first}".strip(), f"start {last}".strip()
    one, other = moment(start), moment(end)
    assert empty(start, end) == any(one.on(day) >= other.on(day) for day in DAYS)
    assert overlapping(start, end) == any(one.on(day) > other.on(day) for day in DAYS)


def test_a_window_between_two_anchors_may_hold_a_day() -> None:
    assert not empty("start + 12 months", "end")
    assert empty("end", "start")
    assert not empty("end", "start + 12 months")
    assert overlapping("end", "start")
    assert not overlapping("start - 90 days", "end")
    assert moment("end + 12 months") == Moment("end", 12, "months")


PIECES = [
    "[",
    "]",
    "{",
    "}",
    ":",
    "- ",
    "\n",
    "\t",
    "&a",
    "*a",
    "!",
    "? ",
    "#",
    "'",
    '"',
    "1",
    "é",
    "\x00",
    "end + 1 days",
]


@given(
    st.sampled_from(sorted(TEXTS)),
    st.integers(0, 3000),
    st.text(string.printable, max_size=3) | st.sampled_from(PIECES),
)
def test_a_definition_with_anything_put_in_it_has_findings_and_no_crash(name: str, place: int, piece: str) -> None:
    text = TEXTS[name]
    for one in check((text[:place] + piece + text[place + len(piece) :]).encode(), "mine.yaml"):
        assert one.rule in catalogue()
        assert one.line is None or 1 <= one.line <= text.count("\n") + 4
        told = say(one.rule, one.params, "nl")
        assert not any("{" + name + "}" in told for name in one.params)
